/// A currency of ISO 4217, with the number of decimals that its amounts have.
public struct Currency: Hashable, Sendable, Comparable, CustomStringConvertible, Codable {
    public let code: String
    /// Decimals of the minor unit: 2 for USD, 0 for JPY, 3 for KWD, 4 for CLF.
    public let exponent: Int

    /// `nil` for a code that ISO 4217 does not list as money in circulation.
    public init?(_ code: String) {
        guard let exponent = Currency.exponents[code] else { return nil }
        self.code = code
        self.exponent = exponent
    }

    public var description: String { code }
    /// Minor units in one major unit: 10^exponent.
    public var scale: Int64 { Powers.ten(exponent) }
    public static func < (a: Currency, b: Currency) -> Bool { a.code < b.code }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let currency = Currency(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not an ISO 4217 currency: \(text)"))
        }
        self = currency
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(code)
    }

    /// Every code that there is, sorted.
    public static var codes: [String] { exponents.keys.sorted() }

    /// ISO 4217, list one: the codes by number of decimals.
    static let exponents: [String: Int] = {
        let byExponent: [Int: String] = [
            0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
            3: "BHD IQD JOD KWD LYD OMR TND",
            4: "CLF UYW",
            2: """
            AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF \
            CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD \
            HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT \
            MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR \
            SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU \
            UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
            """,
        ]
        var table: [String: Int] = [:]
        for (exponent, codes) in byExponent {
            for code in codes.split(separator: " ") { table[String(code)] = exponent }
        }
        return table
    }()
}

/// An amount of money in whole minor units. Arithmetic traps on overflow: a wrong amount is worse than a stop.
public struct Money: Hashable, Sendable, CustomStringConvertible, Codable {
    public let minor: Int64
    public let currency: Currency

    public init(minor: Int64, _ currency: Currency) {
        self.minor = minor
        self.currency = currency
    }

    /// Reads a decimal string with at most the currency's decimals: `"29.00"`, `"-3.5"`, `"1000"`.
    public init?(_ text: String, _ currency: Currency) {
        if let minor = DecimalText.short(text, decimals: currency.exponent) {
            self.init(minor: minor, currency)
            return
        }
        guard let decimal = DecimalText(text), decimal.fraction.count <= currency.exponent,
            let minor = decimal.scaled(by: currency.exponent), let value = Int64(exactly: minor)
        else { return nil }
        self.init(minor: value, currency)
    }

    public static func zero(_ currency: Currency) -> Money { Money(minor: 0, currency) }
    public var isZero: Bool { minor == 0 }

    public static func + (a: Money, b: Money) -> Money {
        precondition(a.currency == b.currency, "money of two currencies cannot be added")
        return Money(minor: a.minor + b.minor, a.currency)
    }
    public static func - (a: Money, b: Money) -> Money { a + -b }
    public static prefix func - (a: Money) -> Money { Money(minor: -a.minor, a.currency) }
    public static func += (a: inout Money, b: Money) { a = a + b }
    public static func -= (a: inout Money, b: Money) { a = a - b }

    /// The amount alone, with exactly the currency's decimals: `29.00`, `-0.05`, `1000`.
    public var amount: String { DecimalText.format(Int128(minor), decimals: currency.exponent) }
    /// `29.00 USD`
    public var description: String { "\(amount) \(currency.code)" }

    enum CodingKeys: String, CodingKey { case amount, currency }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let currency = try container.decode(Currency.self, forKey: .currency)
        let text = try container.decode(String.self, forKey: .amount)
        guard let money = Money(text, currency) else {
            throw DecodingError.dataCorruptedError(
                forKey: .amount, in: container, debugDescription: "not an amount of \(currency): \(text)")
        }
        self = money
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(amount, forKey: .amount)
        try container.encode(currency, forKey: .currency)
    }
}

/// A price for one unit of usage: an integer count of 10⁻¹² of the major unit, so that a millisecond can cost
/// 0.0000012 and nothing is lost before the one rounding of the line.
public struct UnitPrice: Hashable, Sendable, Comparable, CustomStringConvertible, Codable {
    public static let decimals = 12
    public let pico: Int128

    public init(pico: Int128) { self.pico = pico }

    /// Reads a decimal string of at most 12 decimals.
    public init?(_ text: String) {
        if let pico = DecimalText.short(text, decimals: UnitPrice.decimals) {
            self.pico = Int128(pico)
            return
        }
        guard let decimal = DecimalText(text), decimal.fraction.count <= UnitPrice.decimals,
            let pico = decimal.scaled(by: UnitPrice.decimals)
        else { return nil }
        self.pico = pico
    }

    /// The shortest exact spelling.
    public var description: String { DecimalText.shortest(pico, decimals: UnitPrice.decimals) }
    public static func < (a: UnitPrice, b: UnitPrice) -> Bool { a.pico < b.pico }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let price = UnitPrice(text) else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath, debugDescription: "not a price of ≤ 12 decimals: \(text)")
            )
        }
        self = price
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// The roundings of the house, each with its name. Money is rounded nowhere else.
public enum Rounding {
    /// n/d to the nearest integer, halves away from zero: the rule for invoice lines, tax and shares.
    public static func halfAwayFromZero(_ n: Int128, over d: Int128) -> Int128 {
        precondition(d > 0, "a divisor is positive")
        let (quotient, remainder) = n.quotientAndRemainder(dividingBy: d)
        // Compared by subtraction: twice the remainder could overflow, this cannot.
        guard remainder.magnitude >= d.magnitude - remainder.magnitude else { return quotient }
        return quotient + (n < 0 ? -1 : 1)
    }
}

/// A decimal number as text: optional sign, digits, optional fraction. No exponent, no grouping, no spaces.
public struct DecimalText: Sendable {
    public let negative: Bool
    public let whole: String
    public let fraction: String

    /// At most 30 digits in all, so that every value fits Int128 at 12 decimals… `scaled` checks the rest.
    public init?(_ text: String) {
        var rest = Substring(text)
        negative = rest.first == "-"
        if negative { rest = rest.dropFirst() }
        let parts = rest.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 1 || parts.count == 2, !parts[0].isEmpty, parts.count == 1 || !parts[1].isEmpty,
            parts.allSatisfy({ $0.utf8.allSatisfy(IdentifierRule.isDigit) }),
            parts.reduce(0, { $0 + $1.utf8.count }) <= 30
        else { return nil }
        whole = String(parts[0])
        fraction = parts.count == 2 ? String(parts[1]) : ""
    }

    /// The value × 10^decimals, if that is an integer that fits.
    public func scaled(by decimals: Int) -> Int128? {
        let kept = fraction.prefix(decimals)
        guard fraction.dropFirst(decimals).allSatisfy({ $0 == "0" }) else { return nil }
        let digits = whole + kept + String(repeating: "0", count: decimals - kept.count)
        guard let value = Int128(digits) else { return nil }
        return negative ? -value : value
    }

    /// The value × 10^decimals of a short text, in one pass over its bytes; nil for a text that is long or bad, which
    /// is for `init` to tell apart.
    static func short(_ text: String, decimals: Int) -> Int64? {
        let read = text.utf8.withContiguousStorageIfAvailable { units -> Int64? in
            guard units.count <= 18 else { return nil }
            let negative = units.first == UInt8(ascii: "-")
            var (value, wholeCount, fractionCount, isFraction) = (Int64(0), 0, 0, false)
            for unit in units.dropFirst(negative ? 1 : 0) {
                if unit == UInt8(ascii: "."), !isFraction {
                    isFraction = true
                    continue
                }
                guard IdentifierRule.isDigit(unit) else { return nil }
                value = value * 10 + Int64(unit - UInt8(ascii: "0"))
                if isFraction { fractionCount += 1 } else { wholeCount += 1 }
            }
            guard wholeCount > 0, isFraction == (fractionCount > 0), fractionCount <= decimals,
                wholeCount + decimals <= 18
            else { return nil }
            value *= Powers.ten(decimals - fractionCount)
            return negative ? -value : value
        }
        return read ?? nil
    }

    /// `value` × 10^−decimals with exactly that many decimals.
    public static func format(_ value: Int128, decimals: Int) -> String {
        if let short = Int64(exactly: value), decimals >= 0 { return format(short, decimals: decimals) }
        let digits = String(value.magnitude)
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        let sign = value < 0 ? "-" : ""
        guard decimals > 0 else { return sign + padded }
        return sign + padded.dropLast(decimals) + "." + padded.suffix(decimals)
    }

    private static func format(_ value: Int64, decimals: Int) -> String {
        var digitCount = 1
        var left = value.magnitude
        while left >= 10 {
            left /= 10
            digitCount += 1
        }
        let (isNegative, hasPoint) = (value < 0, decimals > 0)
        let count = max(digitCount, decimals + 1) + (hasPoint ? 1 : 0) + (isNegative ? 1 : 0)
        // SAFETY: every one of the `count` bytes is written, each inside the buffer.
        return String(unsafeUninitializedCapacity: count) { buffer in
            var left = value.magnitude
            let pointAt = hasPoint ? count - 1 - decimals : -1
            for at in stride(from: count - 1, through: 0, by: -1) {
                if at == pointAt {
                    buffer[at] = UInt8(ascii: ".")
                } else if at == 0, isNegative {
                    buffer[at] = UInt8(ascii: "-")
                } else {
                    buffer[at] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: left % 10)
                    left /= 10
                }
            }
            return count
        }
    }

    /// The same without trailing zeros.
    public static func shortest(_ value: Int128, decimals: Int) -> String {
        if var short = Int64(exactly: value) {
            var left = decimals
            while left > 0, short % 10 == 0 {
                short /= 10
                left -= 1
            }
            return format(short, decimals: left)
        }
        var text = format(value, decimals: decimals)
        guard text.contains(".") else { return text }
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return text
    }
}

/// Powers of ten, tabled once.
public enum Powers {
    /// 10^exponent for 0…18.
    public static func ten(_ exponent: Int) -> Int64 { table[exponent] }

    private static let table: [Int64] = (0..<18).reduce(into: [1]) { powers, _ in
        powers.append(powers.last! * 10)
    }
}
