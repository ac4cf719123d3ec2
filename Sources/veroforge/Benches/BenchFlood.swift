import Foundation
import Glibc
import NIOHTTP1
import Synchronization

/// A caller that asks far too often and does not listen: a bounded number of connections that are kept open, a request
/// on the next free one each time one is due, refused or not.
///
/// One thread with plain sockets, a few microseconds a request: on a machine that caller and runtime share, what a
/// neighbour feels has to be the runtime's work and not the caller's.
final class BenchFlood: Sendable {
    /// What became of the requests.
    struct Outcome: Sendable {
        var answered = 0
        var refused = 0
        var other = 0
        var seconds = 0.0

        var perSecond: Double { Double(answered + refused + other) / seconds }

        static func + (a: Outcome, b: Outcome) -> Outcome {
            Outcome(
                answered: a.answered + b.answered, refused: a.refused + b.refused, other: a.other + b.other,
                seconds: a.seconds + b.seconds)
        }
    }

    private struct Connection {
        var descriptor: Int32 = -1
        var isWaiting = false
        var bytes: [UInt8] = []
    }

    private let port: UInt16
    private let requests: [[UInt8]]
    private let perSecond: Double
    private let connections: Int
    private let isStopped = Atomic<Bool>(false)
    private let outcome = Mutex(Outcome())
    private let ended = DispatchSemaphore(value: 0)

    /// Asks `calls` in turn, `perSecond` times a second, on at most `connections` connections.
    init(_ calls: [BenchLoad.Call], port: Int, perSecond: Double, connections: Int = 32) {
        self.port = UInt16(port)
        self.perSecond = perSecond
        self.connections = connections
        requests = calls.map { call in
            let path = URL(string: call.url)?.path ?? "/"
            return Array(
                """
                \(call.method.rawValue) \(path) HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer \(call.token)\r
                content-type: application/json\r\ncontent-length: \(call.body.utf8.count)\r\n\r\n\(call.body)
                """.utf8)
        }
    }

    func start() {
        let thread = Thread { [self] in
            run()
            ended.signal()
        }
        thread.start()
    }

    func stop() async -> Outcome {
        isStopped.store(true, ordering: .relaxed)
        return await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [self] in
                ended.wait()
                continuation.resume(returning: outcome.withLock { $0 })
            }
        }
    }

    private func run() {
        var pool = [Connection](repeating: Connection(), count: connections)
        var result = Outcome()
        var sent = 0
        let begin = ContinuousClock.now
        func elapsed() -> Double { Double(begin.duration(to: .now) / .microseconds(1)) / 1e6 }
        while !isStopped.load(ordering: .relaxed) {
            let due = Int(elapsed() * perSecond)
            while sent < due, let free = pool.firstIndex(where: { !$0.isWaiting }) {
                send(requests[sent % requests.count], on: &pool[free])
                sent += 1
            }
            var polled = pool.map {
                pollfd(fd: $0.isWaiting ? $0.descriptor : -1, events: Int16(POLLIN), revents: 0)
            }
            _ = poll(&polled, nfds_t(polled.count), 1)
            for index in pool.indices where polled[index].revents != 0 {
                if let status = receive(&pool[index]) { Self.count(status, &result) }
            }
        }
        for connection in pool where connection.descriptor >= 0 { close(connection.descriptor) }
        result.seconds = elapsed()
        outcome.withLock { $0 = result }
    }

    private static func count(_ status: Int, _ result: inout Outcome) {
        switch status {
        case 200..<300: result.answered += 1
        case 429: result.refused += 1
        default: result.other += 1
        }
    }

    private func send(_ request: [UInt8], on connection: inout Connection) {
        if connection.descriptor < 0 { connection.descriptor = connected() }
        connection.isWaiting = true
        // A request is far smaller than a socket's buffer: it is taken whole.
        _ = request.withUnsafeBytes { write(connection.descriptor, $0.baseAddress!, $0.count) }
    }

    private func connected() -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return descriptor
    }

    /// The status once an answer is whole; 0 where the connection broke.
    private func receive(_ connection: inout Connection) -> Int? {
        let got = withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 16) { buffer in
            let got = read(connection.descriptor, buffer.baseAddress!, buffer.count)
            if got > 0 { connection.bytes += buffer[..<got] }
            return got
        }
        guard got > 0 else {
            close(connection.descriptor)
            connection = Connection()
            return 0
        }
        guard let status = Self.wholeAnswer(connection.bytes) else { return nil }
        connection.bytes = []
        connection.isWaiting = false
        return status
    }

    /// The status of an answer whose body is there to its end.
    private static func wholeAnswer(_ bytes: [UInt8]) -> Int? {
        var length = 0
        var rest = bytes[...]
        while let end = rest.firstIndex(of: 10) {
            let line = rest[..<end]
            rest = rest[(end + 1)...]
            if line.count <= 1 { return rest.count >= length ? Int(text(bytes[9..<12])) : nil }
            guard line.count > 16, text(line.prefix(15)).lowercased() == "content-length:" else { continue }
            length = Int(text(line.dropFirst(15)).filter(\.isNumber)) ?? 0
        }
        return nil
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}
