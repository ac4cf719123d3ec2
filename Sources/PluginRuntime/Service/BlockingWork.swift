import NIOPosix

/// Runs what blocks (SQLite, name look-ups, spawning) away from the few threads that Swift's tasks share.
enum BlockingWork {
    private static let pool: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 16)
        pool.start()
        return pool
    }()

    static func run<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result
    {
        try await pool.runIfActive(work)
    }
}
