import Glibc

/// Work that waits, on a thread of its own: the threads of tasks are few.
public enum OwnThread {
    public static func run<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            start { continuation.resume(returning: work()) }
        }
    }

    /// The same, for which nobody waits; where no thread can be had, the caller's does it.
    static func start(_ work: @escaping @Sendable () -> Void) {
        if !begin(work) { work() }
    }

    /// Begins work that may go on for ever; `false` where no thread can be had for it.
    public static func begin(_ work: @escaping @Sendable () -> Void) -> Bool {
        let box = Unmanaged.passRetained(Box(work))
        var thread = pthread_t()
        // SAFETY: the reference that is passed is taken exactly once, by the thread or, where there is none, here.
        let failed = pthread_create(
            &thread, nil,
            { context in
                Unmanaged<Box>.fromOpaque(context!).takeRetainedValue().work()
                return nil
            }, box.toOpaque())
        guard failed == 0 else {
            box.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    private final class Box: Sendable {
        let work: @Sendable () -> Void
        init(_ work: @escaping @Sendable () -> Void) { self.work = work }
    }
}
