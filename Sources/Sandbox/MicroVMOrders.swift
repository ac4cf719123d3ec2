import Glibc
import Marketplace

/// Orders to a QEMU monitor: lines of JSON, each answered in turn, with events between the answers.
struct MonitorOrders {
    let descriptor: Int32
    private var held: [UInt8] = []

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    static func line(_ command: String, _ arguments: JSONValue? = nil) -> [UInt8] {
        var order: [String: JSONValue] = ["execute": .string(command)]
        if let arguments { order["arguments"] = arguments }
        return JSONValue.object(order).serializedBytes() + [10]
    }

    /// Memory that is a file stays where it is, and the state holds the devices only.
    static let keepMemory = line(
        "migrate-set-capabilities", ["capabilities": [["capability": "x-ignore-shared", "state": true]]])

    /// What a monitor that waits for a state is told, all at once: it answers in order.
    static let restore =
        line("qmp_capabilities") + keepMemory
        + line("migrate-incoming", ["uri": .string("fd:\(QEMUMachine.Descriptor.state)")])

    /// Sends a line and gives the answer to it; `passing` travels along.
    mutating func ask(_ line: [UInt8], passing: Int32? = nil, deadline: UInt64) throws(SandboxError)
        -> JSONValue
    {
        guard Self.send(line, to: descriptor, passing: passing) else {
            throw SandboxError(.startFailed, "the machine's monitor", cause: Spawn.message(errno))
        }
        while true {
            let answer = try next(deadline)
            if answer["return"] != nil { return answer["return"] ?? .null }
            if let error = answer["error"] {
                throw SandboxError(
                    .startFailed, "the machine's monitor", cause: error["desc"]?.stringValue ?? "it refused")
            }
        }
    }

    private mutating func next(_ deadline: UInt64) throws(SandboxError) -> JSONValue {
        while true {
            if let end = held.firstIndex(of: 10) {
                let line = Array(held[..<end])
                held.removeFirst(end + 1)
                if let value = try? JSONValue.parse(line, limits: Reading.jsonLimits) { return value }
                continue
            }
            guard held.count < 1 << 20, let more = Waiting.read(descriptor, until: deadline), !more.isEmpty
            else { throw SandboxError(.startFailed, "the machine's monitor", cause: "it does not answer") }
            held += more
        }
    }

    private static func send(_ line: [UInt8], to fd: Int32, passing: Int32?) -> Bool {
        guard let passing else {
            return line.withUnsafeBytes {
                Glibc.send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
                == line.count
        }
        // One control message: its length as a word, level, kind, and one descriptor, padded to a word.
        let head = MemoryLayout<Int>.size + 8
        return withUnsafeTemporaryAllocation(byteCount: head + 8, alignment: 8) { control in
            control.initializeMemory(as: UInt8.self, repeating: 0)
            control.storeBytes(of: head + 4, as: Int.self)
            control.storeBytes(of: SOL_SOCKET, toByteOffset: MemoryLayout<Int>.size, as: Int32.self)
            control.storeBytes(of: 1, toByteOffset: MemoryLayout<Int>.size + 4, as: Int32.self)
            control.storeBytes(of: passing, toByteOffset: head, as: Int32.self)
            var line = line
            return line.withUnsafeMutableBytes { bytes in
                // SAFETY: the message points into two buffers that outlive the call.
                var part = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                return withUnsafeMutablePointer(to: &part) { part in
                    var message = msghdr()
                    message.msg_iov = part
                    message.msg_iovlen = 1
                    message.msg_control = control.baseAddress
                    message.msg_controllen = control.count
                    return sendmsg(fd, &message, Int32(MSG_NOSIGNAL)) == bytes.count
                }
            }
        }
    }
}

/// Reading under a deadline, on a thread that may wait.
enum Waiting {
    /// What is there next: empty at the end, `nil` when the deadline (monotonic nanoseconds) passes first.
    static func read(_ fd: Int32, until deadline: UInt64) -> [UInt8]? {
        while true {
            let now = Clock.monotonic()
            guard now < deadline else { return nil }
            var waited = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
            guard poll(&waited, 1, Int32(min((deadline - now) / 1_000_000 + 1, 60_000))) > 0 else { continue }
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            let got = Glibc.read(fd, &buffer, buffer.count)
            if got >= 0 { return Array(buffer[..<got]) }
            if errno != EINTR, errno != EAGAIN { return [] }
        }
    }
}
