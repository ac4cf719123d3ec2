import Foundation
import Glibc
import NIOHTTP1

// SAFETY: integers and pointers only, for which Swift's calling convention and C's are the same; the linker checks that
// it exists.
@_silgen_name("ppoll")
private func pollPrecisely(
    _ descriptors: UnsafeMutablePointer<pollfd>, _ count: nfds_t, _ timeout: UnsafePointer<timespec>,
    _ signals: UnsafeRawPointer?
) -> Int32

/// A request as it goes over the wire, and the port on loopback that it goes to.
struct BenchRequest: Sendable {
    let port: UInt16
    let bytes: [UInt8]

    init(_ call: BenchLoad.Call) {
        let url = URLComponents(string: call.url)
        port = UInt16(url?.port ?? 80)
        let path = (url?.percentEncodedPath ?? "/") + (url?.percentEncodedQuery.map { "?\($0)" } ?? "")
        var head = "\(call.method.rawValue) \(path) HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        if !call.token.isEmpty { head += "authorization: Bearer \(call.token)\r\n" }
        if call.method != .GET {
            head += "content-type: application/json\r\ncontent-length: \(call.body.utf8.count)\r\n"
        }
        bytes = Array((head + "\r\n" + (call.method == .GET ? "" : call.body)).utf8)
    }
}

/// Connections that are kept open, used by one thread with plain sockets: a few microseconds a request, so that what is
/// measured on a machine that caller and service share is the service's time and not the caller's.
struct BenchWire {
    private struct Connection {
        let descriptor: Int32
        let port: UInt16
        /// Which request waits for its answer there.
        var asked: Int?
        var bytes: [UInt8] = []
    }

    private var connections: [Connection] = []
    private let most: Int

    /// Of requests under way at one time there are at most `most`.
    init(most: Int) { self.most = most }

    /// Sends a request; `false` where every connection waits for an answer.
    mutating func send(_ request: BenchRequest, number: Int) -> Bool {
        // The one that was used last: as every caller's pool does it.
        while let free = connections.lastIndex(where: { $0.asked == nil && $0.port == request.port }) {
            if put(request, number, at: free) { return true }
            drop(free)
        }
        guard connections.count(where: { $0.asked != nil }) < most else { return false }
        connections.append(
            Connection(descriptor: LoopbackSocket.connected(to: request.port), port: request.port))
        if !put(request, number, at: connections.count - 1) {
            connections[connections.count - 1].asked = number
        }
        return true
    }

    /// Waits for answers until a moment of `CLOCK_MONOTONIC` in nanoseconds: the numbers of the requests that were
    /// answered meanwhile, and their statuses; 0 for a connection that broke.
    mutating func answers(until moment: UInt64) -> [(number: Int, status: Int)] {
        var polled = connections.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        let now = Self.now()
        let left = moment > now ? moment - now : 0
        var time = timespec(tv_sec: Int(left / 1_000_000_000), tv_nsec: Int(left % 1_000_000_000))
        guard pollPrecisely(&polled, nfds_t(polled.count), &time, nil) > 0 else { return [] }
        var answers: [(Int, Int)] = []
        for index in polled.indices.reversed() where polled[index].revents != 0 {
            if let answer = receive(index) { answers.append(answer) }
        }
        return answers
    }

    mutating func close() {
        for connection in connections { Glibc.close(connection.descriptor) }
        connections = []
    }

    /// Nanoseconds of `CLOCK_MONOTONIC`.
    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// A request is far smaller than a socket's buffer: it is taken whole, or the connection is broken.
    private mutating func put(_ request: BenchRequest, _ number: Int, at index: Int) -> Bool {
        let sent = request.bytes.withUnsafeBytes {
            Glibc.send(connections[index].descriptor, $0.baseAddress!, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard sent == request.bytes.count else { return false }
        connections[index].asked = number
        return true
    }

    private mutating func drop(_ index: Int) {
        Glibc.close(connections[index].descriptor)
        connections.remove(at: index)
    }

    private mutating func receive(_ index: Int) -> (Int, Int)? {
        let descriptor = connections[index].descriptor
        let part = withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
            Array(buffer[..<max(0, read(descriptor, buffer.baseAddress!, buffer.count))])
        }
        let asked = connections[index].asked
        guard !part.isEmpty, let asked else {
            drop(index)
            return asked.map { ($0, 0) }
        }
        connections[index].bytes += part
        guard let status = Self.wholeAnswer(connections[index].bytes) else { return nil }
        connections[index].bytes = []
        connections[index].asked = nil
        return (asked, status)
    }

    /// The status of an answer whose body is there to its end: by its length, or in chunks.
    private static func wholeAnswer(_ bytes: [UInt8]) -> Int? {
        var length = 0
        var isChunked = false
        var rest = bytes[...]
        while let end = rest.firstIndex(of: 10) {
            let line = rest[..<end]
            rest = rest[(end + 1)...]
            if line.count <= 1 {
                let isWhole =
                    isChunked ? rest.suffix(5).elementsEqual("0\r\n\r\n".utf8) : rest.count >= length
                return isWhole ? Int(text(bytes[9..<12])) : nil
            }
            guard line.count > 16 else { continue }
            let name = text(line.prefix(18)).lowercased()
            if name.hasPrefix("content-length:") {
                length = Int(text(line.dropFirst(15)).filter(\.isNumber)) ?? 0
            } else if name.hasPrefix("transfer-encoding:") {
                isChunked = true
            }
        }
        return nil
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}
