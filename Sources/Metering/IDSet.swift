internal import Dispatch
internal import Glibc
internal import Synchronization

/// Linux's `MADV_POPULATE_WRITE`, which Debian 12's headers have and Swift's module does not show.
private let populateForWriting: CInt = 23

/// Every id that was seen, with the body it was first seen with: 24 bytes a slot, in shards that grow by
/// themselves, each behind its own lock.
///
/// A slot lies anywhere in memory, so a look-up is one wait for memory and little else. Ids therefore come in batches,
/// ordered by shard: the slots of one shard's ids are fetched together, and the waits overlap.
final class IDSet: Sendable {
    enum Verdict: UInt8 {
        case new
        /// Seen before, saying the same.
        case duplicate
        /// Seen before, saying something else.
        case conflict
    }

    static let shardCount = 256

    // SAFETY: one mutex a shard, initialised once and destroyed with the set; a table is reached through its mutex alone.
    nonisolated(unsafe) private let shards: UnsafeMutablePointer<Mutex<Table>>

    /// Room for so many ids; more are taken too.
    init(expected: Int) {
        // At eight in ten slots taken a look-up still reads one or two lines of cache.
        let each = max(64, expected / IDSet.shardCount) * 5 / 4
        let memory = SlotMemory(slots: each * IDSet.shardCount)
        shards = .allocate(capacity: IDSet.shardCount)
        for index in 0..<IDSet.shardCount {
            (shards + index).initialize(to: Mutex(Table(memory, from: index * each, capacity: each)))
        }
    }

    deinit {
        shards.deinitialize(count: IDSet.shardCount)
        shards.deallocate()
    }

    @inline(__always)
    static func hash(_ id: MeterID) -> UInt64 {
        MeterHash.mix(id.high ^ 0x9E37_79B9_7F4A_7C15, id.low ^ 0xE703_7ED1_A0B4_28DB)
    }

    @inline(__always)
    static func shard(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> 56) }

    func insert(_ id: MeterID, body: UInt64) -> Verdict {
        let hash = IDSet.hash(id)
        return shards[IDSet.shard(hash)].withLock { $0.insert(id, hash, body) }
    }

    /// Those readings of a batch that are of one shard; a reading's verdict goes to its own place.
    struct Share: @unchecked Sendable {
        // SAFETY: a batch's memory, lent for one call.
        let order: UnsafeBufferPointer<UInt16>
        let readings: UnsafePointer<MeterReading>
        let hashes: UnsafePointer<UInt64>
        let verdicts: UnsafeMutablePointer<Verdict>
    }

    func insert(_ share: Share, shard: Int) {
        shards[shard].withLock { $0.insert(share) }
    }

    /// The body that an id was first seen with.
    func body(of id: MeterID) -> UInt64? {
        let hash = IDSet.hash(id)
        return shards[IDSet.shard(hash)].withLock { $0.body(of: id, hash) }
    }

    /// Forgets everything, and gives the memory back.
    func release() {
        for index in 0..<IDSet.shardCount { shards[index].withLock { $0.release() } }
    }

    private struct Slot {
        var high: UInt64
        var low: UInt64
        /// 0 where the slot is free; a body of 0 is kept as 1.
        var body: UInt64
    }

    /// Zeroed slots in large pages where the kernel has them: with small ones, each look-up would also wait for the
    /// address's translation.
    private final class SlotMemory: @unchecked Sendable {
        // SAFETY: this is the mapping's owner; each table uses its own stretch, behind its own lock.
        let slots: UnsafeMutablePointer<Slot>
        private let mapping: UnsafeMutableRawPointer
        private let byteCount: Int

        init(slots count: Int) {
            let page = 2 << 20
            byteCount = count * MemoryLayout<Slot>.stride + page
            let mapped = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            guard let mapped, mapped != MAP_FAILED else { fatalError("no memory for \(count) ids") }
            mapping = mapped
            let start = mapped.alignedUp(toMultipleOf: page)
            if byteCount > 2 * page {
                madvise(start, byteCount - page, MADV_HUGEPAGE)
                Self.fill(start, byteCount - page, page)
            }
            slots = start.bindMemory(to: Slot.self, capacity: count)
        }

        deinit { munmap(mapping, byteCount) }

        /// Has the kernel put zeroed pages under all of it, on both cores: every page will be looked into, and the first
        /// to do so would hold a shard's lock for as long as two megabytes take to clear. A kernel before Linux 5.14
        /// refuses, and clears them as they are met.
        private static func fill(_ start: UnsafeMutableRawPointer, _ byteCount: Int, _ page: Int) {
            let half = byteCount / 2 / page * page
            // SAFETY: the two halves of a mapping that nobody else knows yet; nothing is read or written here.
            nonisolated(unsafe) let start = start
            DispatchQueue.concurrentPerform(iterations: 2) { part in
                madvise(start + part * half, part == 0 ? half : byteCount - half, populateForWriting)
            }
        }
    }

    private struct Table: ~Copyable {
        private var memory: SlotMemory
        private var slots: UnsafeMutablePointer<Slot>
        private var capacity: Int
        private var count = 0

        init(_ memory: SlotMemory, from first: Int, capacity: Int) {
            self.memory = memory
            self.capacity = capacity
            slots = memory.slots + first
        }

        /// The shard took the top byte: what is below it is spread over the capacity.
        @inline(__always)
        private func start(_ hash: UInt64) -> Int {
            Int(truncatingIfNeeded: (hash << 8).multipliedFullWidth(by: UInt64(capacity)).high)
        }

        /// Where the id stands, or the free slot where it would.
        @inline(__always)
        private func find(_ id: MeterID, _ hash: UInt64) -> Int {
            var at = start(hash)
            while slots[at].body != 0, slots[at].low != id.low || slots[at].high != id.high {
                at += 1
                if at == capacity { at = 0 }
            }
            return at
        }

        mutating func insert(_ share: Share) {
            // First to where these ids would stand: the loads depend on nothing, so they run side by side.
            var sum: UInt64 = 0
            for index in share.order {
                // Both ends: a slot may lie across two lines of cache.
                let slot = slots + start(share.hashes[Int(index)])
                sum &+= slot.pointee.high &+ slot.pointee.body
            }
            IDSet.consume(sum)
            for index in share.order {
                let at = Int(index)
                share.verdicts[at] = insert(share.readings[at].id, share.hashes[at], share.readings[at].body)
            }
        }

        @inline(__always)
        mutating func insert(_ id: MeterID, _ hash: UInt64, _ body: UInt64) -> Verdict {
            let body = body == 0 ? 1 : body
            let at = find(id, hash)
            let held = slots[at].body
            if held != 0 { return held == body ? .duplicate : .conflict }
            slots[at] = Slot(high: id.high, low: id.low, body: body)
            count += 1
            if count * 8 > capacity * 7 { grow() }
            return .new
        }

        func body(of id: MeterID, _ hash: UInt64) -> UInt64? {
            let held = slots[find(id, hash)].body
            return held == 0 ? nil : held
        }

        mutating func release() { self = Table(SlotMemory(slots: 8), from: 0, capacity: 8) }

        private mutating func grow() {
            let room = capacity * 3 / 2
            var larger = Table(SlotMemory(slots: room), from: 0, capacity: room)
            for index in 0..<capacity where slots[index].body != 0 {
                let slot = slots[index]
                let id = MeterID(high: slot.high, low: slot.low)
                larger.slots[larger.find(id, IDSet.hash(id))] = slot
            }
            larger.count = count
            self = larger
        }
    }

    /// Keeps loads whose value nobody needs.
    @inline(never)
    static func consume(_ value: UInt64) {}
}
