@testable import Registry

/// The registry's mean in thousandths of a star. In a file of its own: pages have a type of the same name.
func registryMean(of histogram: [Int]) -> Int {
    Int(RatingSummary(count: histogram.reduce(0, +), histogram: histogram).milliStars)
}
