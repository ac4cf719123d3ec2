/// What a program of the marketplace tells its caller by its exit code.
public enum ExitCode: Int32, Sendable, CaseIterable, Codable {
    case done = 0
    /// Findings at or above `--fail-on`, or items failed.
    case findings = 1
    /// Wrong usage, manifest or configuration.
    case usage = 2
    /// Not found, or not allowed.
    case notFound = 3
    /// Held for review.
    case held = 4
    /// A check did not complete. Never 0, and it goes before every other.
    case incomplete = 5
    case rejected = 6
    /// A limit was hit.
    case limit = 7
    /// Try later: a lock is held, a port is in use, the disk is full.
    case tryLater = 75

    /// Where several hold: 5 over 6 over 1, then the others as they are numbered.
    public static func worst(_ codes: some Sequence<ExitCode>) -> ExitCode {
        let order: [ExitCode] = [
            .incomplete, .rejected, .findings, .limit, .held, .usage, .notFound, .tryLater,
        ]
        let set = Set(codes)
        return order.first(where: set.contains) ?? .done
    }
}
