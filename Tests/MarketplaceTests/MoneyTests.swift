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
}
