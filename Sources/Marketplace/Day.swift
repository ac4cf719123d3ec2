/// A civil date in UTC, years 0000 to 9999: the unit of metering and of proration.
public struct Day: Hashable, Sendable, Comparable, CustomStringConvertible, Codable {
    /// Days since 1970-01-01.
    public let number: Int

    public init(number: Int) { self.number = number }

    /// `nil` if there is no such date.
    public init?(year: Int, month: Int, day: Int) {
        guard (0...9_999).contains(year), (1...12).contains(month),
            (1...Day.length(year: year, month: month)).contains(day)
        else { return nil }
        // Counting from March puts the leap day last: each era of 400 years then has the same shape.
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        self.number = era * 146_097 + dayOfEra - 719_468
    }

    /// Reads `yyyy-mm-dd`, nothing else.
    public init?(_ text: String) {
        let day = text.utf8.withContiguousStorageIfAvailable { Day(text: $0) }
        guard let day = day ?? Array(text.utf8).withUnsafeBufferPointer({ Day(text: $0) }) else { return nil }
        self = day
    }

    private init?(text units: UnsafeBufferPointer<UInt8>) {
        guard units.count == 10, units[4] == UInt8(ascii: "-"), units[7] == UInt8(ascii: "-") else {
            return nil
        }
        func number(_ range: Range<Int>) -> Int? {
            var value = 0
            for unit in units[range] {
                guard IdentifierRule.isDigit(unit) else { return nil }
                value = value * 10 + Int(unit - UInt8(ascii: "0"))
            }
            return value
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10) else {
            return nil
        }
        self.init(year: year, month: month, day: day)
    }

    public var civil: (year: Int, month: Int, day: Int) {
        let z = number + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted + (shifted < 10 ? 3 : -9)
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1
        )
    }

    public var description: String {
        let (year, month, day) = civil
        if (0...9_999).contains(year) {
            // SAFETY: `write` sets ten bytes.
            return String(unsafeUninitializedCapacity: 10) { buffer in
                Day.write(year, month, day, to: buffer.baseAddress!)
                return 10
            }
        }
        return "\(Instant.pad(year, 4))-\(Instant.pad(month, 2))-\(Instant.pad(day, 2))"
    }

    /// `yyyy-mm-dd` of a year of four digits.
    static func write(_ year: Int, _ month: Int, _ day: Int, to out: UnsafeMutablePointer<UInt8>) {
        Day.write(year / 100, to: out)
        Day.write(year % 100, to: out + 2)
        out[4] = UInt8(ascii: "-")
        Day.write(month, to: out + 5)
        out[7] = UInt8(ascii: "-")
        Day.write(day, to: out + 8)
    }

    /// Two digits.
    static func write(_ number: Int, to out: UnsafeMutablePointer<UInt8>) {
        out[0] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / 10)
        out[1] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10)
    }

    /// Midnight UTC at which this day begins.
    public var start: Instant { Instant(seconds: Int64(number) * 86_400) }
    public var period: BillingPeriod { BillingPeriod(containing: self) }
    public func adding(days: Int) -> Day { Day(number: number + days) }

    /// This date `months` later, clamped to that month's last day. Always count from the original anchor:
    /// chained steps would turn 31 January into 28 March.
    public func adding(months: Int) -> Day {
        let (year, month, day) = civil
        let index = year * 12 + (month - 1) + months
        let (y, m) = (index / 12, index % 12 + 1)
        return Day(year: y, month: m, day: min(day, Day.length(year: y, month: m)))!
    }

    public static func < (a: Day, b: Day) -> Bool { a.number < b.number }

    public static func length(year: Int, month: Int) -> Int {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let day = Day(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not a date: \(text)"))
        }
        self = day
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A calendar month in UTC, `yyyy-mm`: what one invoice covers.
public struct BillingPeriod: Hashable, Sendable, Comparable, CustomStringConvertible, Codable {
    public let year: Int
    public let month: Int

    public init(containing day: Day) {
        let civil = day.civil
        (year, month) = (civil.year, civil.month)
    }

    public init?(_ text: String) {
        guard text.utf8.count == 7, let day = Day(text + "-01") else { return nil }
        self.init(containing: day)
    }

    public var firstDay: Day { Day(year: year, month: month, day: 1)! }
    /// The day after the last one: periods are half-open.
    public var endDay: Day { firstDay.adding(months: 1) }
    public var dayCount: Int { Day.length(year: year, month: month) }
    public var next: BillingPeriod { endDay.period }
    public var previous: BillingPeriod { firstDay.adding(days: -1).period }
    public var description: String { "\(Instant.pad(year, 4))-\(Instant.pad(month, 2))" }
    public func contains(_ day: Day) -> Bool { firstDay <= day && day < endDay }

    public static func < (a: BillingPeriod, b: BillingPeriod) -> Bool {
        (a.year, a.month) < (b.year, b.month)
    }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let period = BillingPeriod(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not a billing period: \(text)"))
        }
        self = period
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
