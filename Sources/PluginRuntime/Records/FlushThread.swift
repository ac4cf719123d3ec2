import Dispatch
import Glibc
import Sandbox
import Synchronization

/// A thread that brings to the disk what was written meanwhile. It is one that does nothing else: neither a timer nor a
/// pool has to be woken for it, and a slow disk holds up no task.
final class FlushThread: Sendable {
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
        precondition(OwnThread.begin { self.run() }, "no thread can be had to bring usage to the disk")
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
