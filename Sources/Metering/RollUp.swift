internal import Dispatch
public import Marketplace
internal import Synchronization

/// Usage files to sums by day, tenant, plugin, plan and metric. The result does not depend on the order of the
/// files, on how the events are split over them, on repeated files, or on the number of threads.
///
/// An event is counted once by its id. Where one id comes with two bodies, nobody can say which is true: no body is
/// counted, every line with that id is quarantined. A line that is no event is quarantined too.
public struct RollUp: Sendable {
    /// A file to roll up.
    public struct Source: Sendable, Hashable {
        public enum Role: Sendable, Hashable {
            case counted
            /// Its events were billed already: their ids make others duplicates, and are not counted.
            case known
        }

        public var path: String
        public var role: Role
        /// Events before this moment were billed with an earlier period.
        public var billedBefore: Instant?
        /// Where the events stand, if the caller has already verified the seal.
        public var verified: SegmentSpan?

        public init(
            _ path: String, role: Role = .counted, billedBefore: Instant? = nil, verified: SegmentSpan? = nil
        ) {
            self.path = path
            self.role = role
            self.billedBefore = billedBefore
            self.verified = verified
        }
    }

    /// One of several parts, by hash of tenant; lines that are no events belong to the first.
    public struct Shard: Sendable, Hashable {
        public let index: Int
        public let count: Int

        public init?(index: Int, count: Int) {
            guard count > 0, count <= 4_096, (0..<count).contains(index) else { return nil }
            self.index = index
            self.count = count
        }
    }

    public struct Options: Sendable {
        /// Events at or after this moment are left for a later roll-up.
        public var until: Instant?
        /// Events before this moment are late; they are counted, and their number is told.
        public var lateBefore: Instant?
        public var threads: Int
        /// A folder for what does not fit: memory is then bounded whatever the number of events. nil: in memory.
        public var spill: String?
        /// Only the tenants whose hash falls to the first of so many parts: a machine's portion of the work.
        public var shard: Shard?
        /// Reads every line by the general path: the slow twin of the fast one, for comparison.
        public var generalPathOnly: Bool

        public init(
            until: Instant? = nil, lateBefore: Instant? = nil, threads: Int = 2,
            generalPathOnly: Bool = false,
            shard: Shard? = nil, spill: String? = nil
        ) {
            self.spill = spill
            self.shard = shard
            self.until = until
            self.lateBefore = lateBefore
            self.threads = threads
            self.generalPathOnly = generalPathOnly
        }
    }

    public var options: Options
    let disk: Disk

    public init(options: Options = Options(), disk: Disk = Disk()) {
        precondition((1...64).contains(options.threads), "between 1 and 64 threads")
        self.options = options
        self.disk = disk
    }

    /// Bytes of one piece of work: a piece stays in its core's cache from the reading to the last look at it. Memory is
    /// this for each thread, the ids, and the groups.
    static let pieceBytes = 256 << 10

    public func run(_ sources: [Source]) throws(MeteringError) -> RollUpResult {
        // A file named twice is one file.
        let sources = Dictionary(sources.map { ($0.path, $0) }, uniquingKeysWith: { a, _ in a })
            .values.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        let files = try sources.map { (source) throws(MeteringError) in try SegmentPieces(source, disk: disk)
        }
        if let folder = options.spill { return try run(files, spillingTo: folder) }
        let ids = IDSet(expected: try expectedEvents(files))
        // What was billed goes in first: then a new line with the same id is the one in question.
        let billed = files.indices.filter {
            files[$0].source.role == .known || files[$0].source.billedBefore != nil
        }
        _ = try scan(files, billed, ids, asKnown: true)
        let counted = files.indices.filter { files[$0].source.role == .counted }
        let tallies = try scan(files, counted, ids, asKnown: false)
        let conflicts = Set(tallies.flatMap(\.conflicts))
        // Where nothing is in doubt the ids have done their work, and their memory is of use to the merge.
        if conflicts.isEmpty { ids.release() }
        var result = try merge(tallies, files)
        try settleConflicts(&result, conflicts, files, ids)
        result.check()
        return result
    }

    /// The same with ids and sums on the disk: nothing grows with the number of events.
    private func run(_ files: [SegmentPieces], spillingTo folder: String) throws(MeteringError)
        -> RollUpResult
    {
        let spill = try Spill(folder: folder, disk: disk)
        let none = IDSet(expected: 0)
        let billed = files.indices.filter {
            files[$0].source.role == .known || files[$0].source.billedBefore != nil
        }
        var tallies = try scan(files, billed, none, asKnown: true, spill)
        let counted = files.indices.filter { files[$0].source.role == .counted }
        tallies += try scan(files, counted, none, asKnown: false, spill)
        let (corrections, conflicts, ids) = try settleSpill(
            spill, files, try SpillBuffer(spill, folder: folder, disk: disk))
        var builder = RollUpResult.Builder()
        var result = try builder.finish(spilled: tallies + [corrections], files: files)
        result.keepOnce(corrections.takenBack)
        try settleConflicts(&result, conflicts, files, ids)
        result.check()
        return result
    }

    private func scan(
        _ files: [SegmentPieces], _ wanted: [Int], _ ids: IDSet, asKnown: Bool, _ spill: Spill? = nil
    ) throws(MeteringError) -> [Tally] {
        let pieces = wanted.flatMap { file in (0..<files[file].pieceCount).map { (file, $0) } }
        if pieces.isEmpty { return [] }
        let next = Atomic<Int>(0)
        let done = Mutex<[Result<Tally, MeteringError>]>([])
        let threads = min(options.threads, pieces.count)
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            var tally = Tally(options: options, ids: ids)
            var outcome: Result<Void, MeteringError> = .success(())
            if let spill {
                do throws(MeteringError) {
                    tally.spill = try SpillBuffer(spill, folder: options.spill!, disk: disk)
                } catch {
                    outcome = .failure(error)
                    next.store(pieces.count, ordering: .relaxed)
                }
            }
            while true {
                let at = next.add(1, ordering: .relaxed).oldValue
                guard at < pieces.count else { break }
                let (file, piece) = pieces[at]
                do throws(MeteringError) {
                    try tally.read(files[file], file, piece, asKnown: asKnown)
                } catch {
                    outcome = .failure(error)
                    next.store(pieces.count, ordering: .relaxed)
                    break
                }
            }
            if case .success = outcome {
                do throws(MeteringError) { try tally.endSpill() } catch { outcome = .failure(error) }
            }
            let finished = outcome.map { tally }
            done.withLock { $0.append(finished) }
        }
        var tallies: [Tally] = []
        for outcome in done.withLock({ $0 }) { tallies.append(try outcome.get()) }
        return tallies
    }

    private func merge(_ tallies: [Tally], _ files: [SegmentPieces]) throws(MeteringError) -> RollUpResult {
        var builder = RollUpResult.Builder()
        guard let result = builder.finish(tallies, files: files) else { throw Tally.overflow }
        return result
    }

    /// By the length of the first lines of each file; more than that is no mistake, only a little slower.
    private func expectedEvents(_ files: [SegmentPieces]) throws(MeteringError) -> Int {
        var expected = 0
        for file in files where !file.events.isEmpty {
            let sample = try file.bytes(
                file.events.lowerBound..<min(file.events.upperBound, file.events.lowerBound + (1 << 16)), disk
            )
            let lines = max(1, SegmentReader.countLines(sample, sample.indices))
            expected += file.events.count / max(1, sample.count / lines) + 1
        }
        return expected
    }

    /// Takes back what was counted of ids that turned out to have two bodies. Rare, so it reads the files again.
    private func settleConflicts(
        _ result: inout RollUpResult, _ conflicts: Set<MeterID>, _ files: [SegmentPieces], _ ids: IDSet
    ) throws(MeteringError) {
        if conflicts.isEmpty { return }
        var rereader = Tally(options: options, ids: ids)
        rereader.only = conflicts
        for file in files.indices {
            let isKnown = files[file].source.role == .known
            for piece in 0..<files[file].pieceCount {
                try rereader.read(files[file], file, piece, asKnown: isKnown)
            }
        }
        result.takeBack(
            conflicts: rereader.conflicting, until: options.until, lateBefore: options.lateBefore, ids, files)
    }
}
