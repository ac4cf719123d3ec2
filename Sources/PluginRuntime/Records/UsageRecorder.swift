import Dispatch
import Glibc
import Marketplace
import Metering
import Sandbox
import Synchronization

/// Appends usage events to this node's segments: the kernel has each event before its call is answered, the disk has
/// it a few milliseconds later, shared with all events that came meanwhile.
final class UsageRecorder: Sendable {
    private let writer: SegmentWriter
    private let audit: AuditLog
    private let metrics: RuntimeMetrics
    private let unanswered: UnansweredCalls
    private let flusher: FlushThread
    /// Until when calls are refused because the last event could not be written.
    private let closedUntil = Mutex<ContinuousClock.Instant?>(nil)
    /// Longest wait of an event before its fsync begins.
    static let groupMilliseconds = 2

    /// `unanswered` is read before the writer begins its first segment.
    init(writer: SegmentWriter, unanswered: UnansweredCalls, audit: AuditLog, metrics: RuntimeMetrics) {
        self.unanswered = unanswered
        self.writer = writer
        self.audit = audit
        self.metrics = metrics
        flusher = FlushThread(afterMilliseconds: Self.groupMilliseconds) {
            try? writer.flush()
            audit.flush()
        }
    }

    var node: String { writer.node }
    /// Segments of this node that a crash had left open and that were completed at the start.
    var recovered: [SegmentWriter.Recovery] { writer.recovered }

    /// Refuses ahead of a call that its usage could not be recorded.
    func refuseUnlessOpen() throws(RuntimeError) {
        if let until = closedUntil.withLock({ $0 }), until > .now {
            throw RuntimeError(
                .usageNotRecorded, "usage", "the last event could not be written", retryAfterSeconds: 2)
        }
    }

    /// Appends events, all or the first ones up to a failure.
    func record(_ events: [MeterEvent]) throws(RuntimeError) {
        do throws(MeteringError) {
            for event in events where unanswered.begin(event.id, on: event.time.day) {
                do throws(MeteringError) {
                    unanswered.recorded(try writer.append(event))
                } catch {
                    unanswered.failed(event.id)
                    throw error
                }
                metrics.usageEvent()
            }
            closedUntil.withLock { $0 = nil }
        } catch {
            closedUntil.withLock { $0 = .now + .seconds(1) }
            metrics.usageFailure()
            throw RuntimeError(.usageNotRecorded, "usage", error.description, retryAfterSeconds: 2)
        }
        flusher.wake()
    }

    /// Brings audit lines to the disk that were written without a usage event.
    func wake() { flusher.wake() }

    /// The call's answer is kept: its key does not lead to a second event.
    func answered(_ call: String) { unanswered.answered(call) }

    /// Writes down which calls are recorded and not answered.
    func checkpoint(_ now: Instant, keptDays: Int) throws(MeteringError) {
        try unanswered.checkpoint(now.day, keptDays: keptDays)
    }

    /// Tells the time: at a new day the open segment is sealed and the next begun.
    func tick(_ now: Instant) {
        try? writer.tick(now)
    }

    /// Seals the segment and gives the node free.
    func close() async {
        await flusher.end()
        try? writer.close()
        audit.flush()
    }
}

/// A thread that brings to the disk what was written meanwhile. It is one that does nothing else: neither a timer nor a
/// pool has to be woken for it, and a slow disk holds up no task.
private final class FlushThread: Sendable {
    private let flush: @Sendable () -> Void
    private let pause: UInt32
    private let isAsked = Atomic<Bool>(false)
    private let isEnding = Atomic<Bool>(false)
    private let asked = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    /// Each flush begins so many milliseconds after it is first asked for.
    init(afterMilliseconds: Int, _ flush: @escaping @Sendable () -> Void) {
        self.pause = UInt32(afterMilliseconds) * 1_000
        self.flush = flush
        OwnThread.start { self.run() }
    }

    private func run() {
        while true {
            asked.wait()
            if isEnding.load(ordering: .acquiring) { break }
            usleep(pause)
            isAsked.store(false, ordering: .sequentiallyConsistent)
            flush()
        }
        flush()
        ended.signal()
    }

    func wake() {
        if !isAsked.exchange(true, ordering: .sequentiallyConsistent) { asked.signal() }
    }

    /// Flushes a last time.
    func end() async {
        guard !isEnding.exchange(true, ordering: .acquiringAndReleasing) else { return }
        asked.signal()
        await OwnThread.run { [ended] in ended.wait() }
    }
}
