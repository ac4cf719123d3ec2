import Glibc
import Marketplace
import Pipeline

/// Plain TCP sockets of 127.0.0.1.
enum LoopbackSocket {
    /// A socket with a port that nobody else has; it listens where `waiting` says how many may wait for it.
    static func bound(waiting: Int32? = nil) -> (descriptor: Int32, port: UInt16)? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = address(0) {
            bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
        }
        guard let port, waiting.map({ listen(descriptor, $0) == 0 }) ?? true else {
            close(descriptor)
            return nil
        }
        return (descriptor, port)
    }

    /// A connection; one that cannot be made shows itself when it is used.
    static func connected(to port: UInt16) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        _ = address(port) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
        return descriptor
    }

    /// Hands over the address with a port; gives the port that stands there afterwards, or nil where `use` failed.
    private static func address(_ port: UInt16, _ use: (UnsafeMutablePointer<sockaddr>) -> Bool) -> UInt16? {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let isDone = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1, use)
        }
        return isDone ? UInt16(bigEndian: address.sin_port) : nil
    }
}

/// A port of the loopback interface that nobody listens on.
enum FreePort {
    static func find() throws(PipelineError) -> Int {
        guard let (descriptor, port) = LoopbackSocket.bound() else {
            throw PipelineError(.tryLater, "no free port on loopback")
        }
        close(descriptor)
        return Int(port)
    }
}
