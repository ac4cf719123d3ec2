internal import Synchronization

/// Every id that was seen, with the body it was first seen with: 24 bytes a slot, in shards that grow by
/// themselves, each behind its own lock.
final class IDSet: Sendable {
    enum Verdict {
        case new
        /// Seen before, saying the same.
        case duplicate
        /// Seen before, saying something else.
        case conflict
    }

    static let shardCount = 256
    private let shards: [Shard]

    init(expected: Int) {
        let each = max(64, expected / IDSet.shardCount)
        shards = (0..<IDSet.shardCount).map { _ in Shard(expected: each) }
    }

    @inline(__always)
    func insert(_ id: MeterID, body: UInt64) -> Verdict {
        let hash = IDSet.hash(id)
        return shards[Int(truncatingIfNeeded: hash >> 56)].insert(id, hash, body)
    }

    /// The body that an id was first seen with.
    func body(of id: MeterID) -> UInt64? {
        let hash = IDSet.hash(id)
        return shards[Int(truncatingIfNeeded: hash >> 56)].body(of: id, hash)
    }

    /// Forgets everything, and gives the memory back.
    func release() {
        for shard in shards { shard.release() }
    }

    var count: Int { shards.reduce(0) { $0 + $1.count } }

    @inline(__always)
    private static func hash(_ id: MeterID) -> UInt64 {
        MeterHash.mix(id.high ^ 0x9E37_79B9_7F4A_7C15, id.low ^ 0xE703_7ED1_A0B4_28DB)
    }

    private final class Shard: Sendable {
        private struct Slot {
            var high: UInt64
            var low: UInt64
            /// 0 where the slot is free; a body of 0 is kept as 1.
            var body: UInt64
        }

        private struct Table: ~Copyable {
            var slots: UnsafeMutablePointer<Slot>
            var capacity: Int
            var count = 0

            init(capacity: Int) {
                self.capacity = capacity
                slots = .allocate(capacity: capacity)
                slots.initialize(repeating: Slot(high: 0, low: 0, body: 0), count: capacity)
            }

            deinit { slots.deallocate() }

            /// Where the id stands, or the free slot where it would.
            @inline(__always)
            func find(_ id: MeterID, _ hash: UInt64) -> Int {
                // The shard took the top byte: spread what is below it over the capacity.
                var at = Int((hash << 8).multipliedFullWidth(by: UInt64(capacity)).high)
                while slots[at].body != 0, slots[at].low != id.low || slots[at].high != id.high {
                    at += 1
                    if at == capacity { at = 0 }
                }
                return at
            }
        }

        // SAFETY: the table's memory is reached only through the mutex that owns it.
        private let table: Mutex<Table>

        init(expected: Int) {
            table = Mutex(Table(capacity: expected * 5 / 4 + 8))
        }

        var count: Int { table.withLock { $0.count } }

        func insert(_ id: MeterID, _ hash: UInt64, _ body: UInt64) -> Verdict {
            let body = body == 0 ? 1 : body
            return table.withLock { table in
                let at = table.find(id, hash)
                let held = table.slots[at].body
                if held != 0 { return held == body ? .duplicate : .conflict }
                table.slots[at] = Slot(high: id.high, low: id.low, body: body)
                table.count += 1
                if table.count * 8 > table.capacity * 7 { Shard.grow(&table) }
                return .new
            }
        }

        func release() {
            table.withLock { $0 = Table(capacity: 8) }
        }

        func body(of id: MeterID, _ hash: UInt64) -> UInt64? {
            table.withLock { table in
                let held = table.slots[table.find(id, hash)].body
                return held == 0 ? nil : held
            }
        }

        private static func grow(_ table: inout Table) {
            var larger = Table(capacity: table.capacity * 3 / 2)
            for index in 0..<table.capacity where table.slots[index].body != 0 {
                let slot = table.slots[index]
                let id = MeterID(high: slot.high, low: slot.low)
                larger.slots[larger.find(id, IDSet.hash(id))] = slot
            }
            larger.count = table.count
            table = larger
        }
    }
}
