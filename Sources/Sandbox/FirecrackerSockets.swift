import Glibc
import Marketplace

/// Firecracker's API socket and its ports' socket, both in the folder that it is confined to. Reached through a
/// descriptor of the folder, as a socket's name has room for a hundred letters only.
struct FirecrackerSockets: Sendable {
    static let api = "api"
    static let ports = "ports"
    let folder: Int32
    /// What it writes on its output, whose end tells that it is gone.
    let report: Int32

    /// Asks, and gives the answer's body.
    ///
    /// - Throws: `startFailed` with Firecracker's own words where it refuses.
    @discardableResult
    func ask(_ request: FirecrackerRequest, deadline: UInt64) throws(SandboxError) -> JSONValue {
        let socket = try connect(Self.api, deadline)
        defer { close(socket) }
        GuestGuard.say(request.bytes, to: socket)
        var bytes: [UInt8] = []
        while true {
            guard let more = Waiting.read(socket, until: deadline), !more.isEmpty else {
                throw SandboxError(
                    .startFailed, "Firecracker",
                    cause: "\(request.method.rawValue) \(request.path): no answer")
            }
            bytes += more
            guard let answer = try FirecrackerAnswer.read(bytes) else { continue }
            guard (200...299).contains(answer.status) else {
                let why = answer.body["fault_message"]?.stringValue ?? "status \(answer.status)"
                throw SandboxError(
                    .startFailed, "Firecracker",
                    cause: "\(request.method.rawValue) \(request.path): \(why)")
            }
            return answer.body
        }
    }

    /// Connects to a port that the guest listens on. Firecracker closes the connection while nobody does.
    func port(_ number: Int, deadline: UInt64) throws(SandboxError) -> Int32 {
        while true {
            let socket = try connect(Self.ports, deadline)
            GuestGuard.say(Array("CONNECT \(number)\n".utf8), to: socket)
            if Self.isAccepted(socket, deadline) { return socket }
            close(socket)
            guard Clock.monotonic() < deadline else {
                throw SandboxError(.startFailed, "the guest", cause: "nobody listens on its port \(number)")
            }
            usleep(10_000)
        }
    }

    /// Reads `OK NUMBER` to the end of its line, byte by byte: what follows belongs to whoever uses the port.
    private static func isAccepted(_ socket: Int32, _ deadline: UInt64) -> Bool {
        var line: [UInt8] = []
        while line.count < 32 {
            let now = Clock.monotonic()
            var waited = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            guard now < deadline, poll(&waited, 1, Int32(min((deadline - now) / 1_000_000 + 1, 60_000))) > 0
            else { return false }
            var byte: UInt8 = 0
            guard read(socket, &byte, 1) == 1 else { return false }
            if byte == 10 {
                let words = String(decoding: line, as: UTF8.self).split(separator: " ")
                return words.count == 2 && words[0] == "OK" && UInt32(words[1]) != nil
            }
            line.append(byte)
        }
        return false
    }

    /// Firecracker makes its sockets a moment after it has started.
    private func connect(_ name: String, _ deadline: UInt64) throws(SandboxError) -> Int32 {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        while true {
            let fd = socket(AF_UNIX, kind, 0)
            guard fd >= 0 else {
                throw SandboxError(.startFailed, "a socket", cause: Spawn.message(errno))
            }
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let path = Array("/proc/self/fd/\(folder)/\(name)".utf8)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(fd, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            if result == 0 { return fd }
            let error = errno
            close(fd)
            var watched = pollfd(fd: report, events: 0, revents: 0)
            if poll(&watched, 1, 0) > 0 {
                throw SandboxError(
                    .startFailed, "Firecracker", cause: GuestGuard.tail(GuestGuard.said(report)))
            }
            guard Clock.monotonic() < deadline, [ENOENT, ECONNREFUSED, EAGAIN, EINTR].contains(error) else {
                throw SandboxError(
                    .startFailed, "Firecracker", cause: "its socket `\(name)`: \(Spawn.message(error))")
            }
            usleep(1_000)
        }
    }
}
