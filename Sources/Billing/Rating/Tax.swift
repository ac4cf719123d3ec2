internal import Marketplace

/// Tax once for each (category, rate), on the sum of the rounded nets (EN 16931, BR-CO-17).
enum Tax {
    struct Group {
        var category: String
        /// 10⁻¹² of the whole.
        var ratio: Int128
        var taxable: Money
        var tax: Money
        /// Which lines it covers, and its tax shared over them for display.
        var lines: [Int]
        var lineTaxes: [Money]
    }

    static func amount(on net: Money, ratio: Int128) throws(BillingError) -> Money {
        let product = try Exact.product(Int128(net.minor), ratio)
        guard let minor = Int64(exactly: Rounding.halfAwayFromZero(product, over: Exact.power(12))) else {
            throw BillingError(.limit, "tax", "leaves 64 bits")
        }
        return Money(minor: minor, net.currency)
    }

    /// Groups in order of category, then rate.
    static func byCategory(
        _ lines: [(net: Money, category: String, ratio: Int128)], _ currency: Currency
    ) throws(BillingError) -> [Group] {
        struct Key: Hashable {
            var category: String
            var ratio: Int128
        }
        var members: [Key: [Int]] = [:]
        for (index, line) in lines.enumerated() {
            members[Key(category: line.category, ratio: line.ratio), default: []].append(index)
        }
        var groups: [Group] = []
        for key in members.keys.sorted(by: { ($0.category, $0.ratio) < ($1.category, $1.ratio) }) {
            let indices = members[key]!
            let taxable = indices.map { lines[$0].net }.reduce(.zero(currency), +)
            let tax = try amount(on: taxable, ratio: key.ratio)
            // Shown per line only: the group's tax is what is owed.
            let weights = indices.map { Int128(lines[$0].net.minor.magnitude) }
            let parts = try Allocation.largestRemainder(tax.minor, weights: weights)
            groups.append(
                Group(
                    category: key.category, ratio: key.ratio, taxable: taxable, tax: tax, lines: indices,
                    lineTaxes: parts.map { Money(minor: $0, currency) }))
        }
        return groups
    }
}
