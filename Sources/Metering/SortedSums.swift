/// Keys in ascending order, and the sum of each.
struct SortedSums: Sendable {
    var keys: [UInt64] = []
    var sums: [Quantities] = []

    init() {}

    /// A table's sums under other keys: `rename` is one to one. nil where a key has no room for a name.
    init?(_ table: GroupTable, _ rename: (GroupTable.Parts) -> UInt64?) {
        var order: [Keyed] = []
        order.reserveCapacity(table.count)
        var isWhole = true
        table.visitPlaces { key, place in
            guard let renamed = rename(GroupTable.parts(key)) else {
                isWhole = false
                return
            }
            order.append(Keyed(key: renamed, index: UInt32(truncatingIfNeeded: place)))
        }
        guard isWhole else { return nil }
        SortedSums.sort(&order)
        keys = order.map(\.key)
        sums = order.map { table.sum(at: Int($0.index)) }
    }

    private struct Keyed {
        var key: UInt64
        var index: UInt32
    }

    /// By the key's bytes, lowest first; a byte that all keys share needs no pass.
    private static func sort(_ order: inout [Keyed]) {
        guard let first = order.first else { return }
        let differing = order.reduce(UInt64(0)) { $0 | ($1.key ^ first.key) }
        var other = order
        for shift in stride(from: UInt64(0), to: 64, by: 8) where differing >> shift & 0xFF != 0 {
            var starts = [Int](repeating: 0, count: 257)
            for item in order { starts[Int(item.key >> shift & 0xFF) + 1] += 1 }
            for byte in 0..<256 { starts[byte + 1] += starts[byte] }
            for item in order {
                let byte = Int(item.key >> shift & 0xFF)
                other[starts[byte]] = item
                starts[byte] += 1
            }
            swap(&order, &other)
        }
    }

    /// nil where a sum left 64 bits.
    func merged(with other: SortedSums) -> SortedSums? {
        if keys.isEmpty { return other }
        if other.keys.isEmpty { return self }
        var merged = SortedSums()
        merged.keys.reserveCapacity(max(keys.count, other.keys.count))
        merged.sums.reserveCapacity(max(keys.count, other.keys.count))
        var (a, b) = (0, 0)
        while a < keys.count || b < other.keys.count {
            if b == other.keys.count || a < keys.count && keys[a] < other.keys[b] {
                merged.keys.append(keys[a])
                merged.sums.append(sums[a])
                a += 1
            } else if a == keys.count || other.keys[b] < keys[a] {
                merged.keys.append(other.keys[b])
                merged.sums.append(other.sums[b])
                b += 1
            } else {
                var sum = sums[a]
                guard sum.add(other.sums[b]) else { return nil }
                merged.keys.append(keys[a])
                merged.sums.append(sum)
                a += 1
                b += 1
            }
        }
        return merged
    }
}
