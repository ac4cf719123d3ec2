/// A moment: milliseconds since 1970-01-01T00:00:00Z. Written as RFC 3339 in UTC.
public struct Instant: Hashable, Sendable, Comparable, CustomStringConvertible, Codable {
    public let milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }
    public init(seconds: Int64) { self.milliseconds = seconds * 1_000 }

    /// Reads RFC 3339 with `Z` or a numeric offset; fractions beyond milliseconds are cut. `nil` for anything else.
    public init?(_ text: String) {
        let units = Array(text.utf8)
        guard units.count >= 20, units[10] == UInt8(ascii: "T") || units[10] == UInt8(ascii: "t"),
            let day = Day(String(text.prefix(10))), units[13] == UInt8(ascii: ":"),
            units[16] == UInt8(ascii: ":"),
            let hour = Instant.two(units, 11), let minute = Instant.two(units, 14),
            let second = Instant.two(units, 17), hour < 24, minute < 60, second < 61
        else { return nil }
        var at = 19
        var fraction: Int64 = 0
        if units[at] == UInt8(ascii: ".") {
            at += 1
            var scale: Int64 = 100
            let first = at
            while at < units.count, IdentifierRule.isDigit(units[at]) {
                fraction += Int64(units[at] - 48) * scale
                scale /= 10
                at += 1
            }
            guard at > first else { return nil }
        }
        guard let offset = Instant.offsetMinutes(units, at) else { return nil }
        // A leap second is the last one of its minute for us, as for POSIX time.
        let seconds = Int64(day.number) * 86_400 + hour * 3_600 + minute * 60 + min(second, 59) - offset * 60
        self.milliseconds = seconds * 1_000 + fraction
    }

    public var seconds: Int64 { Instant.floorDivide(milliseconds, 1_000) }
    public var day: Day { Day(number: Int(Instant.floorDivide(milliseconds, 86_400_000))) }

    /// `2026-01-31T23:59:59Z`, with `.mmm` only where the milliseconds are not zero.
    public var description: String {
        let inDay = milliseconds - Int64(day.number) * 86_400_000
        let (hour, minute) = (inDay / 3_600_000, inDay / 60_000 % 60)
        let (second, milli) = (inDay / 1_000 % 60, inDay % 1_000)
        let civil = day.civil
        if (0...9_999).contains(civil.year) {
            let count = milli == 0 ? 20 : 24
            // SAFETY: every one of the `count` bytes is written.
            return String(unsafeUninitializedCapacity: count) { buffer in
                let out = buffer.baseAddress!
                Day.write(civil.year, civil.month, civil.day, to: out)
                out[10] = UInt8(ascii: "T")
                Day.write(Int(hour), to: out + 11)
                out[13] = UInt8(ascii: ":")
                Day.write(Int(minute), to: out + 14)
                out[16] = UInt8(ascii: ":")
                Day.write(Int(second), to: out + 17)
                if milli != 0 {
                    out[19] = UInt8(ascii: ".")
                    out[20] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: milli / 100)
                    Day.write(Int(milli % 100), to: out + 21)
                }
                out[count - 1] = UInt8(ascii: "Z")
                return count
            }
        }
        let base = "\(day)T\(Instant.pad(hour, 2)):\(Instant.pad(minute, 2)):\(Instant.pad(second, 2))"
        return base + (milli == 0 ? "Z" : ".\(Instant.pad(milli, 3))Z")
    }

    public static func < (a: Instant, b: Instant) -> Bool { a.milliseconds < b.milliseconds }
    public func adding(milliseconds more: Int64) -> Instant { Instant(milliseconds: milliseconds + more) }
    public func adding(seconds more: Int64) -> Instant { adding(milliseconds: more * 1_000) }
    public func adding(days more: Int) -> Instant { adding(milliseconds: Int64(more) * 86_400_000) }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let instant = Instant(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not an RFC 3339 time: \(text)"))
        }
        self = instant
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    private static func offsetMinutes(_ units: [UInt8], _ at: Int) -> Int64? {
        guard at < units.count else { return nil }
        if units[at] == UInt8(ascii: "Z") || units[at] == UInt8(ascii: "z") {
            return at + 1 == units.count ? 0 : nil
        }
        guard units.count == at + 6, units[at + 3] == UInt8(ascii: ":"), let hours = two(units, at + 1),
            let minutes = two(units, at + 4), hours < 24, minutes < 60
        else { return nil }
        switch units[at] {
        case UInt8(ascii: "+"): return hours * 60 + minutes
        case UInt8(ascii: "-"): return -(hours * 60 + minutes)
        default: return nil
        }
    }

    private static func two(_ units: [UInt8], _ at: Int) -> Int64? {
        guard at + 1 < units.count, IdentifierRule.isDigit(units[at]), IdentifierRule.isDigit(units[at + 1])
        else {
            return nil
        }
        return Int64(units[at] - 48) * 10 + Int64(units[at + 1] - 48)
    }

    static func pad(_ value: some BinaryInteger, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    static func floorDivide(_ a: Int64, _ b: Int64) -> Int64 { a >= 0 ? a / b : -((-a + b - 1) / b) }
}
