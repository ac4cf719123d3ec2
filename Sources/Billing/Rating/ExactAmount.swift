public import Marketplace

/// An amount before its one rounding: `atto / divisor` × 10⁻¹⁸ of the major unit. Quantities come in 10⁻⁶ and
/// prices in 10⁻¹², so a product is exact; proration by days only adds a divisor.
public struct ExactAmount: Hashable, Sendable {
    public static let decimals = 18
    public private(set) var atto: Int128
    public private(set) var divisor: Int128

    public static let zero = ExactAmount(atto: 0)

    public init(atto: Int128, divisor: Int128 = 1) {
        precondition(divisor > 0, "a divisor is positive")
        self.atto = atto
        self.divisor = divisor
    }

    public init(_ money: Money) {
        self.init(atto: Int128(money.minor) * Exact.power(ExactAmount.decimals - money.currency.exponent))
    }

    /// The one rounding of a line: half away from zero, to the currency's minor unit.
    public func rounded(_ currency: Currency) throws(BillingError) -> Money {
        let unit = try Exact.product(Exact.power(ExactAmount.decimals - currency.exponent), divisor)
        guard let minor = Int64(exactly: Rounding.halfAwayFromZero(atto, over: unit)) else {
            throw BillingError(.limit, currency.code, "an amount leaves 64 bits of minor units")
        }
        return Money(minor: minor, currency)
    }

    public static func + (a: ExactAmount, b: ExactAmount) throws(BillingError) -> ExactAmount {
        if a.divisor == b.divisor {
            return ExactAmount(atto: try Exact.sum(a.atto, b.atto), divisor: a.divisor)
        }
        let left = try Exact.product(a.atto, b.divisor)
        let right = try Exact.product(b.atto, a.divisor)
        return ExactAmount(atto: try Exact.sum(left, right), divisor: try Exact.product(a.divisor, b.divisor))
            .reduced()
    }

    public static func - (a: ExactAmount, b: ExactAmount) throws(BillingError) -> ExactAmount {
        try a + ExactAmount(atto: -b.atto, divisor: b.divisor)
    }

    /// × numerator / denominator, kept exact.
    public func scaled(_ numerator: Int128, over denominator: Int128) throws(BillingError) -> ExactAmount {
        precondition(denominator > 0, "a denominator is positive")
        return ExactAmount(
            atto: try Exact.product(atto, numerator), divisor: try Exact.product(divisor, denominator)
        ).reduced()
    }

    public static func isLess(_ a: ExactAmount, _ b: ExactAmount) throws(BillingError) -> Bool {
        try (a - b).atto < 0
    }

    func reduced() -> ExactAmount {
        let common = Exact.greatestCommonDivisor(atto.magnitude, divisor.magnitude)
        if common <= 1 { return self }
        return ExactAmount(atto: atto / Int128(common), divisor: divisor / Int128(common))
    }

    /// The exact decimal where it ends within 18 decimals, else nil.
    public var decimalText: String? {
        let least = reduced()
        guard least.divisor == 1 else { return nil }
        return DecimalText.shortest(least.atto, decimals: ExactAmount.decimals)
    }
}

/// Checked integer arithmetic: money that overflows stops the night with its place, not with a trap.
enum Exact {
    /// Quantities are whole numbers of 10⁻⁶.
    static let quantityDecimals = 6
    static let unit: Int128 = 1_000_000

    static func product(_ a: Int128, _ b: Int128) throws(BillingError) -> Int128 {
        let (value, overflow) = a.multipliedReportingOverflow(by: b)
        if overflow { throw BillingError(.limit, "amount", "a product leaves 128 bits") }
        return value
    }

    static func sum(_ a: Int128, _ b: Int128) throws(BillingError) -> Int128 {
        let (value, overflow) = a.addingReportingOverflow(b)
        if overflow { throw BillingError(.limit, "amount", "a sum leaves 128 bits") }
        return value
    }

    static func power(_ exponent: Int) -> Int128 {
        precondition((0...36).contains(exponent), "powers of ten to 10³⁶")
        var value: Int128 = 1
        for _ in 0..<exponent { value *= 10 }
        return value
    }

    static func greatestCommonDivisor(_ a: UInt128, _ b: UInt128) -> UInt128 {
        var (a, b) = (a, b)
        while b != 0 { (a, b) = (b, a % b) }
        return a
    }

    /// A percentage of at most 10 decimals as an integer of 10⁻¹² of the whole: 19 % is 190,000,000,000.
    static func ratio(percent text: String) -> Int128? {
        guard let decimal = DecimalText(text), decimal.fraction.count <= 10 else { return nil }
        return decimal.scaled(by: 10)
    }
}
