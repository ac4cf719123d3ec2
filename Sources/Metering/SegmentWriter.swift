internal import Glibc
public import Marketplace
internal import Provenance
internal import Synchronization

/// Appends a node's events to its segments. `append` returns once the kernel has the bytes, so a killed process
/// loses nothing; `flush` returns once the disk has them, and concurrent flushes share one fsync.
/// One process at a time writes a node's segments. Safe to call from any thread.
public final class SegmentWriter: Sendable {
    public struct Options: Sendable {
        /// A segment that has grown to this is sealed and the next one begun.
        public var segmentBytesMax: Int
        /// Whether every `append` is an fsync as well: for subscription changes, not for calls.
        public var flushesEveryAppend: Bool

        public init(segmentBytesMax: Int = 64 << 20, flushesEveryAppend: Bool = false) {
            self.segmentBytesMax = segmentBytesMax
            self.flushesEveryAppend = flushesEveryAppend
        }
    }

    /// What recovery did to a segment that a crash had left open.
    public struct Recovery: Sendable, Hashable {
        public let path: String
        public let events: Int64
        /// Bytes of a torn last line that were cut.
        public let tornBytes: Int
    }

    public let node: String
    /// What was found unsealed at the start, and is sealed now.
    public let recovered: [Recovery]

    private let root: String
    private let options: Options
    private let disk: Disk
    private let lock: NodeLock
    private let state: Mutex<State>
    private let syncing = Mutex(())

    private struct State {
        var open: OpenSegment?
        var sequence: Int64
        var previous: Digest?
        var seq: Int64
        var closed = false
    }

    /// `usage` is the folder of the days. Seals what a crash left of this node; the first `append` or `tick` opens
    /// the next segment.
    public init(
        usage: String, node: String, options: Options = Options(), disk: Disk = Disk()
    ) throws(MeteringError) {
        guard SegmentName.isNode(node) else {
            throw MeteringError(.badName, node, "a node's name has lower-case letters, digits and hyphens")
        }
        try disk.makeDirectories(usage)
        self.root = usage
        self.node = node
        self.options = options
        self.disk = disk
        self.lock = try NodeLock(usage: usage, node: node, disk: disk)
        let past = try SegmentFolder(usage, disk: disk).recover(node: node)
        self.recovered = past.recovered
        self.state = Mutex(State(open: nil, sequence: past.sequence, previous: past.previous, seq: past.seq))
    }

    deinit { lock.release() }

    /// Appends one call. Stamps `node` and `seq`, and returns the `seq`.
    @discardableResult
    public func append(_ event: UsageEvent) throws(MeteringError) -> Int64 {
        try append(.call(event))
    }

    /// Appends any event. The segment of the day of the latest event is the open one; a late event goes there too.
    @discardableResult
    public func append(_ event: MeterEvent) throws(MeteringError) -> Int64 {
        let seq = try state.withLock { (state) throws(MeteringError) -> Int64 in
            try rotate(&state, to: event.time.day)
            let open = state.open!
            let seq = state.seq + 1
            let line = EventLine.bytes(event.stamped(node: node, seq: seq))
            guard line.count <= MeterLimits.lineBytesMax else {
                throw MeteringError(.limit, event.id, "an event is at most \(MeterLimits.lineBytesMax) bytes")
            }
            try open.write(line, disk)
            state.seq = seq
            open.count += 1
            if open.length >= options.segmentBytesMax { try seal(&state) }
            return seq
        }
        if options.flushesEveryAppend { try flush() }
        return seq
    }

    /// Returns once every event appended before the call is on the disk.
    public func flush() throws(MeteringError) {
        guard let open = state.withLock({ $0.open }) else { return }
        let target = open.lengthNow
        try syncing.withLock { (_) throws(MeteringError) in
            if open.synced >= target { return }
            let reached = open.lengthNow
            try disk.sync(open.descriptor, open.path)
            open.synced = reached
        }
    }

    /// Tells the writer the time: at a new day the open segment is sealed and an empty one begun. An empty sealed
    /// segment is the node's heartbeat for that day.
    public func tick(_ now: Instant) throws(MeteringError) {
        try state.withLock { (state) throws(MeteringError) in try rotate(&state, to: now.day) }
    }

    /// Seals the open segment, if any. The next `append` begins another.
    public func seal() throws(MeteringError) {
        try state.withLock { (state) throws(MeteringError) in
            guard !state.closed else { throw MeteringError(.closed, node, "the writer is closed") }
            try seal(&state)
        }
    }

    /// Seals and gives the node free. Every later call throws.
    public func close() throws(MeteringError) {
        try state.withLock { (state) throws(MeteringError) in
            if state.closed { return }
            try seal(&state)
            state.closed = true
        }
        lock.release()
    }

    private func rotate(_ state: inout State, to day: Day) throws(MeteringError) {
        guard !state.closed else { throw MeteringError(.closed, node, "the writer is closed") }
        if let open = state.open {
            if day <= open.day { return }
            try seal(&state)
        }
        let sequence = state.sequence + 1
        let name = SegmentName(day: day, node: node, sequence: sequence)
        let header = SegmentHeader(node: node, sequence: sequence, previous: state.previous)
        let open = try OpenSegment(creating: name, in: root, disk: disk)
        do {
            try open.write(header.line, disk)
        } catch {
            // Without its header it would stand in the way of the next attempt under the same name.
            try? disk.remove(open.path)
            throw error
        }
        state.open = open
        state.sequence = sequence
    }

    private func seal(_ state: inout State) throws(MeteringError) {
        guard let open = state.open else { return }
        // A seal whose fsync failed is not written a second time.
        if open.seal == nil {
            let seal = SegmentSeal(count: open.count, sha256: open.hasher.finalize())
            try open.write(seal.line, disk)
            open.seal = seal
        }
        guard let seal = open.seal else { return }
        try disk.sync(open.descriptor, open.path)
        state.previous = seal.sha256
        state.open = nil
    }
}

/// The segment that is being written. Touched under the writer's lock only, but for `flush`, which reads the
/// descriptor and the length.
private final class OpenSegment: @unchecked Sendable {
    // SAFETY: `hasher`, `count`, `seal`, `length` change only under SegmentWriter.state; `synced` only under its `syncing`;
    // `descriptor` never changes and is closed when the last user lets go.
    let path: String
    let day: Day
    let descriptor: CInt
    var hasher = Hasher256()
    var count: Int64 = 0
    var seal: SegmentSeal?
    private let written = Atomic<Int>(0)
    var synced = 0

    var length: Int { written.load(ordering: .relaxed) }
    var lengthNow: Int { written.load(ordering: .acquiring) }

    init(creating name: SegmentName, in root: String, disk: Disk) throws(MeteringError) {
        let folder = "\(root)/\(name.day)"
        try disk.makeDirectories(folder)
        path = "\(root)/\(name.path)"
        day = name.day
        disk.faultPoint()
        descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw disk.failure("create", path) }
        try disk.syncDirectory(folder)
    }

    deinit { Glibc.close(descriptor) }

    func write(_ bytes: [UInt8], _ disk: Disk) throws(MeteringError) {
        do {
            try disk.writeAll(descriptor, bytes, path)
        } catch {
            // A full disk may have taken half a line: it must not stand before the next one.
            _ = ftruncate(descriptor, off_t(length))
            throw error
        }
        hasher.update(bytes)
        written.add(bytes.count, ordering: .releasing)
    }
}
