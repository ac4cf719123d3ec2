import Glibc

/// Work that waits, on a thread of its own: the threads of tasks are few.
public enum OwnThread {
    public static func run<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            start { continuation.resume(returning: work()) }
        }
    }

    /// The same, for which nobody waits.
    public static func start(_ work: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(Box(work))
        var thread = pthread_t()
        // SAFETY: the reference that is passed is taken exactly once, by the thread.
        let failed = pthread_create(
            &thread, nil,
            { context in
                Unmanaged<Box>.fromOpaque(context!).takeRetainedValue().work()
                return nil
            }, box.toOpaque())
        if failed == 0 { pthread_detach(thread) } else { box.takeRetainedValue().work() }
    }

    private final class Box: Sendable {
        let work: @Sendable () -> Void
        init(_ work: @escaping @Sendable () -> Void) { self.work = work }
    }
}
