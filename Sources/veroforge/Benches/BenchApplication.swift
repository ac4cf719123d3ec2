import Foundation
import Glibc
import Synchronization

/// A customer's application that gives every request the same JSON: one thread with plain sockets. Where one tenant's load
/// is to be felt by others in the runtime alone, their applications must not share a server.
final class BenchApplication: Sendable {
    let port: UInt16
    private let listener: Int32
    private let answer: [UInt8]
    private let isStopped = Atomic<Bool>(false)

    var url: String { "http://127.0.0.1:\(port)" }

    init?(answering json: [UInt8]) {
        guard let (descriptor, port) = LoopbackSocket.bound(waiting: 128) else { return nil }
        listener = descriptor
        self.port = port
        answer =
            Array(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: \(json.count)\r\n\r\n"
                    .utf8)
            + json
        Thread.detachNewThread { self.serve() }
    }

    func stop() { isStopped.store(true, ordering: .relaxed) }

    private func serve() {
        var connections: [(descriptor: Int32, asked: [UInt8])] = []
        while !isStopped.load(ordering: .relaxed) {
            var polled = ([listener] + connections.map(\.descriptor)).map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            guard poll(&polled, nfds_t(polled.count), 100) > 0 else { continue }
            for index in connections.indices.reversed() where polled[index + 1].revents != 0 {
                if !take(&connections[index]) {
                    close(connections[index].descriptor)
                    connections.remove(at: index)
                }
            }
            if polled[0].revents != 0 {
                let accepted = accept(listener, nil, nil)
                if accepted >= 0 { connections.append((accepted, [])) }
            }
        }
        for connection in connections { close(connection.descriptor) }
        close(listener)
    }

    /// Reads what has come, and answers when a request's head is whole; the requests of `readData` have no body.
    private func take(_ connection: inout (descriptor: Int32, asked: [UInt8])) -> Bool {
        let part = withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 16) { buffer in
            Array(buffer[..<max(0, read(connection.descriptor, buffer.baseAddress!, buffer.count))])
        }
        guard !part.isEmpty else { return false }
        connection.asked += part
        guard connection.asked.suffix(4).elementsEqual("\r\n\r\n".utf8) else { return true }
        connection.asked = []
        return answer.withUnsafeBytes {
            send(connection.descriptor, $0.baseAddress!, $0.count, Int32(MSG_NOSIGNAL)) == $0.count
        }
    }
}
