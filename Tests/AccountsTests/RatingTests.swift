import TestSupport
import Testing

@testable import Publishing

/// The stars on pages are the registry's.
@Suite struct RatingTests {
    @Test func pagesShowTheMeanThatTheRegistryComputes() {
        var chance = SeededRandom(7)
        for _ in 0..<500 {
            let histogram = (0..<5).map { _ in Int.random(in: 0...9, using: &chance) }
            let count = histogram.reduce(0, +)
            guard count > 0 else { continue }
            let sum = zip(1..., histogram).reduce(0) { $0 + $1.0 * $1.1 }
            let shown = Words.tenths(RatingSummary(count: count, sum: sum))
            #expect(abs(shown * 100 - registryMean(of: histogram)) <= 50)
        }
    }
}
