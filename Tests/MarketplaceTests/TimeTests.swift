import Marketplace
import Testing

@Suite struct TimeTests {
    @Test func everyDayOfFourCenturiesRoundTrips() {
        var day = Day("1900-01-01")!
        while day < Day("2300-01-01")! {
            #expect(Day(day.description) == day)
            day = day.adding(days: 37)
        }
        #expect(Day("1970-01-01")!.number == 0)
        #expect(Day("2000-03-01")!.number == 11_017)
    }

    @Test(arguments: ["2025-02-29", "2025-13-01", "2025-00-10", "2025-1-01", "20250101", "2025-04-31"])
    func noSuchDateIsRefused(_ text: String) { #expect(Day(text) == nil) }

    @Test func monthsAreCountedFromTheAnchorAndClamped() {
        let anchor = Day("2025-01-31")!
        #expect(
            (1...4).map { anchor.adding(months: $0).description } == [
                "2025-02-28", "2025-03-31", "2025-04-30", "2025-05-31",
            ])
    }

    @Test func instantsKeepMillisecondsAndOffsets() {
        #expect(Instant("2026-01-31T23:59:59.125Z")!.description == "2026-01-31T23:59:59.125Z")
        #expect(Instant("2026-02-01T01:00:00+01:00") == Instant("2026-02-01T00:00:00Z"))
        #expect(Instant("1969-12-31T23:59:59Z")!.seconds == -1)
        #expect(Instant("1969-12-31T23:59:59.5Z")!.day == Day("1969-12-31"))
        for bad in ["2026-01-31", "2026-01-31T24:00:00Z", "2026-01-31T10:00:00", "2026-01-31T10:00:00.Z"] {
            #expect(Instant(bad) == nil)
        }
    }

    @Test func daysAndInstantsReadBackWhatTheyWrite() {
        #expect(
            Day("0000-01-01")?.description == "0000-01-01" && Day("9999-12-31")?.description == "9999-12-31")
        for number in stride(from: -700_000, to: 2_900_000, by: 9_973) {
            let day = Day(number: number)
            #expect(Day(day.description) == day)
            for milliseconds in [0, 1, 59_999, 3_661_020, 86_399_999] as [Int64] {
                let instant = day.start.adding(milliseconds: milliseconds)
                #expect(Instant(instant.description) == instant)
            }
        }
    }

    @Test func aPeriodIsAHalfOpenMonth() {
        let period = BillingPeriod("2024-02")!
        #expect(period.dayCount == 29)
        #expect(period.contains(Day("2024-02-29")!))
        #expect(!period.contains(period.endDay))
        #expect(BillingPeriod("2024-12")!.next == BillingPeriod("2025-01"))
    }
}
