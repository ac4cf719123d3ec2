public import Marketplace

/// Turns quantities into amounts: the one rater, for the night, the preview, and `bill rate`.
/// Quantities are in 10⁻⁶ of a unit, so that cases with fractions go the same way.
public enum Rater {
    /// A step of a charge with what fell into it.
    public struct Part: Hashable, Sendable {
        /// In 10⁻⁶ of a unit.
        public var quantity: Int128
        public var unitAmount: UnitPrice
        public var flat: ExactAmount
        public var amount: ExactAmount
        public var upTo: Int128?
    }

    public struct Result: Hashable, Sendable {
        public var amount: ExactAmount
        public var parts: [Part]
    }

    /// A tier: quantities up to and including `upTo`, each at `unitAmount` or at `ratio` of it, and `flat` once.
    public struct Step: Hashable, Sendable {
        /// In 10⁻⁶ of a unit; nil in the last step.
        public var upTo: Int128?
        public var unitAmount: UnitPrice
        public var flat: ExactAmount

        public init(upTo: Int128?, unitAmount: UnitPrice, flat: ExactAmount = .zero) {
            self.upTo = upTo
            self.unitAmount = unitAmount
            self.flat = flat
        }
    }

    public static func perUnit(_ quantity: Int128, at price: UnitPrice) throws(BillingError) -> Result {
        let amount = ExactAmount(atto: try Exact.product(quantity, price.pico))
        let part = Part(quantity: quantity, unitAmount: price, flat: .zero, amount: amount, upTo: nil)
        return Result(amount: amount, parts: [part])
    }

    /// Each step's quantity at that step's price. The first step is reached by nothing at all, every other by any
    /// quantity beyond the step before.
    public static func graduated(_ quantity: Int128, _ steps: [Step]) throws(BillingError) -> Result {
        try check(steps)
        guard quantity >= 0 else { throw BillingError(.input, "graduated", "a quantity is not negative") }
        var result = Result(amount: .zero, parts: [])
        var from: Int128 = 0
        for (index, step) in steps.enumerated() {
            if index > 0 && quantity <= from { break }
            let to = step.upTo.map { min($0, quantity) } ?? quantity
            let inside = max(0, to - from)
            let amount = try ExactAmount(atto: Exact.product(inside, step.unitAmount.pico)) + step.flat
            result.parts.append(
                Part(
                    quantity: inside, unitAmount: step.unitAmount, flat: step.flat, amount: amount,
                    upTo: step.upTo))
            result.amount = try result.amount + amount
            guard let upTo = step.upTo else { break }
            from = upTo
        }
        return result
    }

    /// All of the quantity at the price of the step that `selector` (or the quantity itself) falls in.
    public static func volume(
        _ quantity: Int128, _ steps: [Step], selector: Int128? = nil
    ) throws(BillingError) -> Result {
        try check(steps)
        let chosen = selector ?? quantity
        let step = steps.first { step in step.upTo.map { chosen <= $0 } ?? true }!
        let amount = try ExactAmount(atto: Exact.product(quantity, step.unitAmount.pico)) + step.flat
        let part = Part(
            quantity: quantity, unitAmount: step.unitAmount, flat: step.flat, amount: amount, upTo: step.upTo)
        return Result(amount: amount, parts: [part])
    }

    /// The number of begun packages.
    public static func packages(_ quantity: Int128, size: Int128) throws(BillingError) -> Int128 {
        guard size > 0 else { throw BillingError(.input, "package", "a package holds more than nothing") }
        let (whole, rest) = max(0, quantity).quotientAndRemainder(dividingBy: size)
        return whole + (rest > 0 ? 1 : 0)
    }

    public static func package(
        _ quantity: Int128, size: Int128, at price: UnitPrice
    ) throws(BillingError) -> Result {
        let count = try Exact.product(try packages(quantity, size: size), Exact.unit)
        return try perUnit(count, at: price)
    }

    /// `ratio` (10⁻¹²) of an amount in 10⁻⁶ of the major unit.
    public static func percentage(of amount: Int128, ratio: Int128) throws(BillingError) -> ExactAmount {
        ExactAmount(atto: try Exact.product(amount, ratio))
    }

    /// Held between a minimum and a maximum.
    public static func clamp(
        _ amount: ExactAmount, minimum: ExactAmount?, maximum: ExactAmount?
    ) throws(BillingError) -> ExactAmount {
        if let maximum, try ExactAmount.isLess(maximum, amount) { return maximum }
        if let minimum, try ExactAmount.isLess(amount, minimum) { return minimum }
        return amount
    }

    private static func check(_ steps: [Step]) throws(BillingError) {
        guard !steps.isEmpty else { throw BillingError(.configuration, "tiers", "there is none") }
        var before: Int128 = 0
        for (index, step) in steps.enumerated() {
            guard let upTo = step.upTo else {
                guard index == steps.count - 1 else {
                    throw BillingError(.configuration, "tiers", "only the last one is without an end")
                }
                return
            }
            guard upTo > before || (index == 0 && upTo >= 0) else {
                throw BillingError(.configuration, "tiers", "their ends do not rise")
            }
            before = upTo
        }
        throw BillingError(.configuration, "tiers", "the last one must have no end")
    }
}

/// Proration by calendar days, half-open, never by a stored factor.
public enum Proration {
    /// Rounded amounts of consecutive segments of one period, in days from its start: each is the difference of two
    /// rounded cumulative amounts, so that segments covering the period add up to the price exactly.
    public static func segments(
        _ price: ExactAmount, _ currency: Currency, periodDays: Int, _ segments: [(from: Int, to: Int)]
    ) throws(BillingError) -> [Money] {
        precondition(periodDays > 0, "a period has days")
        var amounts: [Money] = []
        var covered = 0
        var billed = Money.zero(currency)
        for segment in segments {
            precondition(
                segment.from <= segment.to && segment.from >= 0 && segment.to <= periodDays,
                "inside the period")
            covered += segment.to - segment.from
            precondition(covered <= periodDays, "segments do not overlap")
            let target = try price.scaled(Int128(covered), over: Int128(periodDays)).rounded(currency)
            amounts.append(target - billed)
            billed = target
        }
        return amounts
    }
}
