import Marketplace
import Metering
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
