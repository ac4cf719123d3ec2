import Dispatch
import Sandbox
import Synchronization

/// Runs what blocks (SQLite, name look-ups, spawning) away from the few threads that Swift's tasks share.
enum BlockingWork {
    private static let threads = WorkThreads(most: 16)

    static func run<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result
    {
        try await withCheckedThrowingContinuation { continuation in
            threads.put { continuation.resume(with: Swift.Result(catching: work)) }
        }
    }
}

/// A bounded number of threads that are started as they are needed. Work wakes one of them, not all.
private final class WorkThreads: Sendable {
    private struct State {
        var waiting: [@Sendable () -> Void] = []
        var idle = 0
        var started = 0
    }

    private let most: Int
    private let state = Mutex(State())
    private let work = DispatchSemaphore(value: 0)

    init(most: Int) { self.most = most }

    func put(_ item: @escaping @Sendable () -> Void) {
        enum Step { case wake, start, none }
        let step = state.withLock { state -> Step in
            state.waiting.append(item)
            if state.idle > 0 {
                state.idle -= 1
                return .wake
            }
            // All are at work: one of them takes it when it is done.
            guard state.started < most else { return .none }
            state.started += 1
            return .start
        }
        switch step {
        case .wake: work.signal()
        case .start:
            if OwnThread.begin({ self.run() }) { break }
            // None can be had: one that is there takes it, or the caller's does, which then waits for what blocks.
            let left = state.withLock { state -> (@Sendable () -> Void)? in
                state.started -= 1
                return state.started == 0 && !state.waiting.isEmpty ? state.waiting.removeFirst() : nil
            }
            left?()
        case .none: break
        }
    }

    private func run() {
        while true {
            let next = state.withLock { state -> (@Sendable () -> Void)? in
                if !state.waiting.isEmpty { return state.waiting.removeFirst() }
                state.idle += 1
                return nil
            }
            if let next { next() } else { work.wait() }
        }
    }
}
