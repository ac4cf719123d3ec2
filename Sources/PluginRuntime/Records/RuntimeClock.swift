import Glibc
public import Marketplace
import Synchronization

/// Where the time of events, audit lines and invoices comes from. Deadlines never use it: they are monotonic.
public struct RuntimeClock: Sendable {
    private let read: @Sendable () -> Instant

    public init(_ read: @escaping @Sendable () -> Instant) {
        self.read = read
    }

    public func now() -> Instant { read() }

    /// The machine's clock.
    public static let system = RuntimeClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// The RFC 3339 time that a file holds at each reading; a reading that fails keeps the time before.
    ///
    /// - Throws: `configuration` when the file holds no time at the start.
    public static func file(_ path: String) throws(RuntimeError) -> RuntimeClock {
        guard let first = readTime(path) else {
            throw RuntimeError(.configuration, path, "the clock file holds no RFC 3339 time")
        }
        let last = Mutex(first)
        return RuntimeClock {
            let now = readTime(path)
            return last.withLock { last in
                if let now { last = now }
                return last
            }
        }
    }

    private static func readTime(_ path: String) -> Instant? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        guard count > 0 else { return nil }
        let text = String(decoding: buffer.prefix(count), as: UTF8.self)
        return Instant(String(text.prefix { $0 != "\n" && $0 != " " }))
    }
}
