/// Readings that wait to be counted: enough of them that every shard of the ids has several.
final class ReadingBatch {
    static let size = 4_096

    // SAFETY: this object's own memory, used by one thread.
    let readings: UnsafeMutablePointer<MeterReading>
    let verdicts: UnsafeMutablePointer<IDSet.Verdict>
    /// Keys to be added to, and whose reading it is.
    let groups: UnsafeMutablePointer<(key: UInt64, reading: UInt16)>
    private let hashes: UnsafeMutablePointer<UInt64>
    private let order: UnsafeMutablePointer<UInt16>
    /// Asked for several times a line; nobody else has the batch.
    @exclusivity(unchecked) private(set) var count = 0

    init() {
        readings = .allocate(capacity: ReadingBatch.size)
        readings.initialize(repeating: MeterReading(), count: ReadingBatch.size)
        verdicts = .allocate(capacity: ReadingBatch.size)
        groups = .allocate(capacity: ReadingBatch.size)
        hashes = .allocate(capacity: ReadingBatch.size)
        order = .allocate(capacity: ReadingBatch.size)
    }

    deinit {
        readings.deallocate()
        verdicts.deallocate()
        groups.deallocate()
        hashes.deallocate()
        order.deallocate()
    }

    /// Where the next line is read to; it is one of the batch only when it was kept.
    var next: UnsafeMutablePointer<MeterReading> { readings + count }
    func keep() { count += 1 }
    var isFull: Bool { count == ReadingBatch.size }
    func clear() { count = 0 }

    /// Every reading's id, shard by shard; afterwards `verdicts` says of each what it is.
    func insert(into ids: IDSet) {
        withUnsafeTemporaryAllocation(of: Int.self, capacity: IDSet.shardCount + 1) { starts in
            starts.initialize(repeating: 0)
            for at in 0..<count {
                hashes[at] = IDSet.hash(readings[at].id)
                starts[IDSet.shard(hashes[at]) + 1] += 1
            }
            for shard in 0..<IDSet.shardCount { starts[shard + 1] += starts[shard] }
            for at in 0..<count {
                let shard = IDSet.shard(hashes[at])
                order[starts[shard]] = UInt16(truncatingIfNeeded: at)
                starts[shard] += 1
            }
            // A shard's start is now its end, and the end of the one before is its start.
            var start = 0
            for shard in 0..<IDSet.shardCount {
                let end = starts[shard]
                if end > start {
                    let share = IDSet.Share(
                        order: UnsafeBufferPointer(start: order + start, count: end - start),
                        readings: readings, hashes: hashes, verdicts: verdicts)
                    ids.insert(share, shard: shard)
                }
                start = end
            }
        }
    }

    /// Adds the first so many of `groups`. False where a sum left 64 bits.
    func addGroups(_ count: Int, to table: inout GroupTable) -> Bool {
        var holds = true
        var at = 0
        while at < count {
            let end = min(count, at + 32)
            var sum: UInt64 = 0
            for index in at..<end { sum &+= table.fetch(groups[index].key) }
            IDSet.consume(sum)
            for index in at..<end {
                let (key, reading) = groups[index]
                holds = table.add(key, readings[Int(reading)].quantities) && holds
            }
            at = end
        }
        return holds
    }
}
