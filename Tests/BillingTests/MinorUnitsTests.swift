import Marketplace
import TestSupport
import Testing

@testable import Billing

/// Amounts as bytes, beside `Money`.
@Suite struct MinorUnitsTests {
    @Test(arguments: ["JPY", "EUR", "KWD", "CLF"])
    func spellsAndReadsAsMoneyDoes(_ code: String) throws {
        let currency = Currency(code)!
        var random = SplitMix(47)
        let edges: [Int64] = [0, 1, -1, 9, 10, -10, 99, 100, 1_000, -9_999, .max, .min, .min + 1]
        let others = (0..<2_000).map { _ in
            Int64.random(in: .min ... .max, using: &random) >> Int64.random(in: 0..<63, using: &random)
        }
        for minor in edges + others {
            var bytes: [UInt8] = []
            let money = Money(minor: minor, currency)
            MinorUnits.append(money, to: &bytes)
            #expect(String(decoding: bytes, as: UTF8.self) == money.amount)
            #expect(MinorUnits.read(bytes[...], decimals: currency.exponent) == minor)
        }
    }

    @Test(arguments: [
        "", "-", ".", "1", "1.0", "1.000", ".50", "-.50", "01.00", "-0.00", "+1.00", "1,00", "1.0x", "1.0.",
        " 1.00", "1.00 ", "92233720368547758.08", "-92233720368547758.09", "1e2.00", "\u{0661}.00",
    ])
    func refusesEveryOtherSpelling(_ text: String) {
        #expect(MinorUnits.read(Array(text.utf8)[...], decimals: 2) == nil, "\(text)")
    }
}
