internal import Glibc

/// Sums by (day, tenant, plugin, plan), the names as numbers: open addressing over one packed key.
struct GroupTable {
    struct Entry {
        var key: UInt64
        var sum: Quantities
    }

    private var memory: EntryMemory
    private(set) var count = 0
    private static let vacant = UInt64.max

    typealias Parts = (day: Int32, tenant: Int, plugin: Int, plan: Int)

    init() { memory = EntryMemory(capacity: 1 << 12) }

    static func key(_ parts: Parts) -> UInt64? {
        key(
            day: parts.day, tenant: UInt32(parts.tenant), plugin: UInt32(parts.plugin),
            plan: UInt32(parts.plan))
    }

    /// 15 bits of days since 1970 (to the year 2059), 19 of tenants, 18 of plugins, 12 of plans.
    @inline(__always)
    static func key(day: Int32, tenant: UInt32, plugin: UInt32, plan: UInt32) -> UInt64? {
        guard day >= 0, day < 1 << 15, tenant < 1 << 19, plugin < 1 << 18, plan < (1 << 12) - 1 else {
            return nil
        }
        return UInt64(UInt32(day)) << 49 | UInt64(tenant) << 30 | UInt64(plugin) << 12 | UInt64(plan)
    }

    @inline(__always)
    static func parts(_ key: UInt64) -> Parts {
        (
            Int32(key >> 49), Int(key >> 30 & (1 << 19 - 1)), Int(key >> 12 & (1 << 18 - 1)),
            Int(key & (1 << 12 - 1))
        )
    }

    /// Reads where a key would stand, so that the wait for memory overlaps with that of the next.
    @inline(__always)
    func fetch(_ key: UInt64) -> UInt64 {
        // Both ends: every other entry lies across two lines of cache.
        let entry = memory.entries + memory.start(key)
        return entry.pointee.key &+ UInt64(bitPattern: entry.pointee.sum.storageByteHours)
    }

    /// False where a sum left 64 bits.
    @inline(__always)
    mutating func add(_ key: UInt64, _ quantities: Quantities, sign: Int64 = 1) -> Bool {
        let entry = memory.find(key)
        if entry.pointee.key == GroupTable.vacant {
            entry.pointee = Entry(key: key, sum: Quantities())
            count += 1
            let holds = entry.pointee.sum.add(quantities, sign: sign)
            if count * 3 > memory.capacity * 2 { grow() }
            return holds
        }
        return entry.pointee.sum.add(quantities, sign: sign)
    }

    func visit(_ body: (UInt64, Quantities) -> Void) {
        visitPlaces { body($0, sum(at: $1)) }
    }

    /// Each key with its place in the table.
    func visitPlaces(_ body: (UInt64, Int) -> Void) {
        for index in 0..<memory.capacity where memory.entries[index].key != GroupTable.vacant {
            body(memory.entries[index].key, index)
        }
    }

    func sum(at place: Int) -> Quantities { memory.entries[place].sum }

    private mutating func grow() {
        let larger = EntryMemory(capacity: memory.capacity * 2)
        for index in 0..<memory.capacity where memory.entries[index].key != GroupTable.vacant {
            larger.find(memory.entries[index].key).pointee = memory.entries[index]
        }
        memory = larger
    }

    /// 48 bytes an entry, a power of two of them.
    private final class EntryMemory: @unchecked Sendable {
        // SAFETY: a tally has its own table and one thread at a time.
        let entries: UnsafeMutablePointer<Entry>
        let capacity: Int

        init(capacity: Int) {
            self.capacity = capacity
            let byteCount = capacity * MemoryLayout<Entry>.stride
            let raw = aligned_alloc(byteCount >= 4 << 20 ? 2 << 20 : 64, byteCount)
            guard let raw else { fatalError("no memory for \(capacity) sums") }
            if byteCount >= 4 << 20 { madvise(raw, byteCount, MADV_HUGEPAGE) }
            entries = raw.bindMemory(to: Entry.self, capacity: capacity)
            entries.initialize(repeating: Entry(key: GroupTable.vacant, sum: Quantities()), count: capacity)
        }

        deinit { free(entries) }

        @inline(__always)
        func start(_ key: UInt64) -> Int {
            Int(truncatingIfNeeded: MeterHash.mix(key, 0xD6E8_FEB8_6659_FD93)) & (capacity - 1)
        }

        @inline(__always)
        func find(_ key: UInt64) -> UnsafeMutablePointer<Entry> {
            var at = start(key)
            while entries[at].key != key, entries[at].key != GroupTable.vacant {
                at = (at + 1) & (capacity - 1)
            }
            return entries + at
        }
    }
}
