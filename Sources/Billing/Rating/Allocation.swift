internal import Marketplace

/// Splits a whole into whole parts that add up to it.
public enum Allocation {
    /// Largest remainder by weights, on magnitudes, ties to the lowest index, sign restored: −5 by 7:3 is −4, −1.
    /// Weights that are all zero count as equal.
    public static func largestRemainder(_ total: Int64, weights: [Int128]) throws(BillingError) -> [Int64] {
        precondition(weights.allSatisfy { $0 >= 0 }, "weights are not negative")
        if weights.isEmpty {
            guard total == 0 else {
                throw BillingError(.limit, "allocation", "there is nobody to give \(total) to")
            }
            return []
        }
        var weights = weights
        if weights.allSatisfy({ $0 == 0 }) { weights = weights.map { _ in 1 } }
        var sum: Int128 = 0
        for weight in weights { sum = try Exact.sum(sum, weight) }
        let magnitude = Int128(total.magnitude)
        var parts: [Int128] = []
        var remainders: [(remainder: Int128, index: Int)] = []
        for (index, weight) in weights.enumerated() {
            let product = try Exact.product(magnitude, weight)
            let (part, remainder) = product.quotientAndRemainder(dividingBy: sum)
            parts.append(part)
            remainders.append((remainder, index))
        }
        let left = Int(magnitude - parts.reduce(0, +))
        assert(left >= 0 && left < max(1, weights.count))
        remainders.sort { $0.remainder != $1.remainder ? $0.remainder > $1.remainder : $0.index < $1.index }
        for entry in remainders.prefix(left) { parts[entry.index] += 1 }
        precondition(parts.reduce(0, +) == magnitude, "the parts are the whole")
        return parts.map { Int64(total < 0 ? -$0 : $0) }
    }
}

/// A 70/30-like split by cumulative target: whatever was refunded in between, the developer's part of what remains
/// is its rounded share, and the platform has the rest.
public enum RevenueShare {
    /// In 1/10,000: 7,000 is 70 %.
    public static let wholeBasisPoints: Int64 = 10_000

    /// round(share × nets), half away from zero.
    public static func developerTarget(netMinor: Int64, basisPoints: Int64) -> Int64 {
        precondition((0...wholeBasisPoints).contains(basisPoints), "a share is between nothing and all")
        return Int64(
            Rounding.halfAwayFromZero(Int128(netMinor) * Int128(basisPoints), over: Int128(wholeBasisPoints)))
    }

    /// What of `target` is due once `part` of `whole` has come in; exactly `target` when all of it has.
    public static func due(target: Int64, part: Int64, whole: Int64) -> Int64 {
        precondition(whole > 0 && part >= 0 && part <= whole, "a part is within its whole")
        return Int64(Rounding.halfAwayFromZero(Int128(target) * Int128(part), over: Int128(whole)))
    }
}
