public import Foundation
import Glibc

/// Dispatch's worker threads, on which tests run, have every signal blocked, and a child is born with the mask of the
/// thread that starts it: it would not hear SIGTERM. What starts programs does it inside `during`.
public enum OpenSignals {
    public static func during<Result, Failure>(
        _ start: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var (none, before) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        return try start()
    }
}

extension Process {
    /// Starts the program with no signal blocked.
    public func runHearingSignals() throws { try OpenSignals.during { try run() } }
}
