internal import Marketplace

/// Amounts as Stripe takes them: its decimals differ from ISO 4217's for some currencies, so there are two tables,
/// and what does not fit is refused, never rounded.
enum StripeAmounts {
    /// Currencies whose amounts Stripe counts in whole units.
    private static let whole: Set<String> = [
        "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF",
        "XPF",
    ]
    /// Counted in hundredths although nothing smaller than one exists.
    private static let hundredthsOfWhole: Set<String> = ["ISK", "UGX"]
    /// Counted in thousandths, of which the last digit must be 0.
    private static let thousandths: Set<String> = ["BHD", "JOD", "KWD", "OMR", "TND"]
    /// Eight digits at most.
    static let amountMax: Int64 = 99_999_999

    static func decimals(_ currency: Currency) -> Int {
        if whole.contains(currency.code) { return 0 }
        return thousandths.contains(currency.code) ? 3 : 2
    }

    /// The number that Stripe takes for an amount, or why it takes none.
    static func amount(_ money: Money) -> Result<Int64, Refusal> {
        guard money.minor > 0 else {
            return .failure(.init(why: "only what is more than nothing can be asked for"))
        }
        guard money.currency.exponent <= 3 else {
            return .failure(.init(why: "\(money.currency.code) is a unit of account and cannot be asked for"))
        }
        let shift = decimals(money.currency) - money.currency.exponent
        var value = Int128(money.minor)
        if shift >= 0 {
            for _ in 0..<shift { value *= 10 }
        } else {
            for _ in 0..<(-shift) {
                guard value % 10 == 0 else {
                    return .failure(.init(why: "\(money) has more decimals than the card rail carries"))
                }
                value /= 10
            }
        }
        if hundredthsOfWhole.contains(money.currency.code), value % 100 != 0 {
            return .failure(.init(why: "\(money) is no whole amount, which the card rail wants"))
        }
        if thousandths.contains(money.currency.code), value % 10 != 0 {
            return .failure(.init(why: "\(money) does not end in 0, which the card rail wants"))
        }
        guard value <= Int128(amountMax) else {
            return .failure(.init(why: "\(money) is more than eight digits of the card rail"))
        }
        return .success(Int64(value))
    }

    /// The money that a number of Stripe's stands for; nil where it is none of the currency.
    static func money(_ value: Int64, _ currency: Currency) -> Money? {
        let shift = currency.exponent - decimals(currency)
        var minor = value
        for _ in 0..<max(0, shift) { minor *= 10 }
        for _ in 0..<max(0, -shift) {
            guard minor % 10 == 0 else { return nil }
            minor /= 10
        }
        return Money(minor: minor, currency)
    }

    struct Refusal: Error {
        let why: String
    }
}
