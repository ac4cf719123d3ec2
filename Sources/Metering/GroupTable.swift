/// Sums by (day, tenant, plugin, plan), the names as numbers: open addressing over one packed key.
struct GroupTable {
    private(set) var keys: [UInt64]
    private(set) var sums: [Quantities]
    private(set) var count = 0
    private static let free = UInt64.max

    init() {
        keys = [UInt64](repeating: GroupTable.free, count: 1 << 12)
        sums = [Quantities](repeating: Quantities(), count: 1 << 12)
    }

    /// 15 bits of days since 1970 (to the year 2059), 19 of tenants, 18 of plugins, 12 of plans.
    @inline(__always)
    static func key(day: Int32, tenant: UInt32, plugin: UInt32, plan: UInt32) -> UInt64? {
        guard day >= 0, day < 1 << 15, tenant < 1 << 19, plugin < 1 << 18, plan < (1 << 12) - 1 else {
            return nil
        }
        return UInt64(UInt32(day)) << 49 | UInt64(tenant) << 30 | UInt64(plugin) << 12 | UInt64(plan)
    }

    static func parts(_ key: UInt64) -> (day: Int32, tenant: Int, plugin: Int, plan: Int) {
        (
            Int32(key >> 49), Int(key >> 30 & (1 << 19 - 1)), Int(key >> 12 & (1 << 18 - 1)),
            Int(key & (1 << 12 - 1))
        )
    }

    /// False where a sum left 64 bits.
    @inline(__always)
    mutating func add(_ key: UInt64, _ quantities: Quantities, sign: Int64 = 1) -> Bool {
        let at = slot(key)
        if keys[at] == GroupTable.free {
            keys[at] = key
            count += 1
            if count * 3 > keys.count * 2 {
                grow()
                return sums[slot(key)].add(quantities, sign: sign)
            }
        }
        return sums[at].add(quantities, sign: sign)
    }

    func visit(_ body: (UInt64, Quantities) -> Void) {
        for index in keys.indices where keys[index] != GroupTable.free { body(keys[index], sums[index]) }
    }

    @inline(__always)
    private func slot(_ key: UInt64) -> Int {
        var at = Int(truncatingIfNeeded: MeterHash.mix(key, 0xD6E8_FEB8_6659_FD93)) & (keys.count - 1)
        while keys[at] != key, keys[at] != GroupTable.free { at = (at + 1) & (keys.count - 1) }
        return at
    }

    private mutating func grow() {
        var larger = GroupTable()
        larger.keys = [UInt64](repeating: GroupTable.free, count: keys.count * 2)
        larger.sums = [Quantities](repeating: Quantities(), count: keys.count * 2)
        for index in keys.indices where keys[index] != GroupTable.free {
            let at = larger.slot(keys[index])
            larger.keys[at] = keys[index]
            larger.sums[at] = sums[index]
        }
        larger.count = count
        self = larger
    }
}
