import Marketplace
import Testing

@Suite struct MoneyTests {
    @Test func amountsHaveExactlyTheirCurrencysDecimals() {
        #expect(Money("29.00", Currency("USD")!)!.minor == 2_900)
        #expect(Money("-3.5", Currency("EUR")!)!.amount == "-3.50")
        #expect(Money("1000", Currency("JPY")!)!.amount == "1000")
        #expect(Money("0.005", Currency("KWD")!)!.minor == 5)
        #expect(Money("0.005", Currency("USD")!) == nil)
        #expect(Money("1e3", Currency("USD")!) == nil)
        #expect(Currency("XXX") == nil)
    }

    @Test func unitPricesKeepTwelveDecimals() {
        #expect(UnitPrice("0.0000012")!.pico == 1_200_000)
        #expect(UnitPrice("0.0000000000001") == nil)
        #expect(UnitPrice("0.0020")!.description == "0.002")
    }

    @Test(arguments: [
        (5, 10, 1), (-5, 10, -1), (4, 10, 0), (15, 10, 2), (-15, 10, -2), (14, 10, 1), (1, 3, 0), (2, 3, 1),
    ])
    func halvesGoAwayFromZero(_ n: Int, _ d: Int, _ expected: Int) {
        #expect(Rounding.halfAwayFromZero(Int128(n), over: Int128(d)) == Int128(expected))
    }

    @Test func roundingDoesNotOverflowAtTheEdge() {
        #expect(Rounding.halfAwayFromZero(Int128.max, over: Int128.max) == 1)
        #expect(Rounding.halfAwayFromZero(Int128.max - 1, over: Int128.max) == 1)
    }

    /// Amounts and prices that fit a word go a short way; it must be the long one's.
    @Test func shortNumbersAreReadAndWrittenAsLongOnesAre() {
        let units: [Int64] = [0, 1, -1, 5, -5, 10, 99, 100, -100, 12_345, -99_999, 1_000_000, .max, .min]
        for unit in units {
            for decimals in 0...12 {
                let digits = String(unit.magnitude)
                let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
                let whole = (unit < 0 ? "-" : "") + String(padded.dropLast(decimals))
                let expected = decimals == 0 ? whole : whole + "." + padded.suffix(decimals)
                #expect(DecimalText.format(Int128(unit), decimals: decimals) == expected)
                // Seven more digits than a word has: the long way.
                let long = DecimalText.format(Int128(unit) * 10_000_000, decimals: decimals + 7)
                #expect(long == expected + (decimals == 0 ? "." : "") + "0000000")
                let short = DecimalText.shortest(Int128(unit), decimals: decimals)
                #expect(short == DecimalText.shortest(Int128(unit) * 10_000_000, decimals: decimals + 7))
            }
        }
        let euro = Currency("EUR")!
        for text in [
            "", "-", ".", "1.", ".5", "-.5", "1..2", "1.2.3", "+1", " 1", "1 ", "1,0", "--1", "0x1", "١",
        ] {
            #expect(Money(text, euro) == nil && UnitPrice(text) == nil, "\(text)")
        }
        for (text, minor) in [
            ("00.5", 50), ("-0", 0), ("-0.00", 0), ("007", 700), ("1", 100), ("-1.2", -120),
        ] {
            #expect(Money(text, euro)?.minor == Int64(minor), "\(text)")
        }
        #expect(Money("92233720368547758.07", euro)?.minor == .max)
        #expect(Money("92233720368547758.08", euro) == nil)
        #expect(Money("0.001", euro) == nil && Money("1.000", euro) == nil)
        #expect(UnitPrice("0.0137")?.pico == 13_700_000_000)
        #expect(UnitPrice("123456789012345678.000000000001")?.pico == 123_456_789_012_345_678_000_000_000_001)
    }
}
