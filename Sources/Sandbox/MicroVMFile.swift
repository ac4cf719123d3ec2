import Glibc

// SAFETY: takes a string and an integer, as the C library's declaration does.
@_silgen_name("memfd_create") private func memoryFile(_ name: UnsafePointer<CChar>, _ flags: UInt32) -> Int32

/// Bytes in memory that a machine's monitor opens by descriptor. Sealed, they can be mapped privately by any number
/// of monitors and changed by none: what one machine writes stays with it.
final class MachineFile: Sendable {
    let descriptor: Int32
    let bytes: Int

    private static let allowSealing: UInt32 = 2
    private static let closeOnExec: UInt32 = 1
    private static let addSeals: Int32 = 1033
    /// Against further seals, shrinking, growing and writing.
    private static let allSeals: Int32 = 0xf

    /// Room of that size, all zero and not sealed.
    init(room bytes: Int, name: String) throws(SandboxError) {
        descriptor = memoryFile(name, Self.allowSealing | Self.closeOnExec)
        self.bytes = bytes
        guard descriptor >= 0, ftruncate(descriptor, bytes) == 0 else {
            throw SandboxError(.startFailed, "memory for \(name)", cause: Spawn.message(errno))
        }
    }

    /// These bytes, sealed.
    convenience init(_ content: [UInt8], name: String) throws(SandboxError) {
        try self.init(room: content.count, name: name)
        var at = 0
        while at < content.count {
            let put = content[at...].withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress, $0.count, off_t(at))
            }
            guard put > 0 else {
                throw SandboxError(.startFailed, "memory for \(name)", cause: Spawn.message(errno))
            }
            at += put
        }
        try seal()
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// From here on nobody changes it.
    func seal() throws(SandboxError) {
        guard fcntl(descriptor, Self.addSeals, Self.allSeals) == 0 else {
            throw SandboxError(.startFailed, "sealing a machine's memory", cause: Spawn.message(errno))
        }
    }

    /// A descriptor of its own, which reads from the start. The caller closes it.
    func reader() throws(SandboxError) -> Int32 {
        let fd = open("/proc/self/fd/\(descriptor)", O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else {
            throw SandboxError(.startFailed, "a machine's file", cause: Spawn.message(errno))
        }
        return fd
    }

    /// Keeps it in a file: pages that are all zero take no room there.
    func save(to path: String) -> Bool {
        let fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard fd >= 0 else { return false }
        defer { close(fd) }
        guard ftruncate(fd, bytes) == 0 else { return false }
        return Self.copy(from: descriptor, to: fd, bytes: bytes)
    }

    /// What `save` kept, sealed.
    convenience init(saved path: String, bytes: Int, name: String) throws(SandboxError) {
        try self.init(room: bytes, name: name)
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        defer { if fd >= 0 { close(fd) } }
        guard fd >= 0, lseek(fd, 0, Int32(SEEK_END)) == bytes,
            Self.copy(from: fd, to: descriptor, bytes: bytes)
        else { throw SandboxError(.missing, path) }
        try seal()
    }

    private static func copy(from: Int32, to: Int32, bytes: Int) -> Bool {
        let page = 1 << 16
        var at = 0
        return withUnsafeTemporaryAllocation(byteCount: page, alignment: 16) { buffer in
            while at < bytes {
                let got = pread(from, buffer.baseAddress, min(page, bytes - at), off_t(at))
                guard got > 0 else { return false }
                let isZero =
                    got == page && buffer[0] == 0
                    && memcmp(buffer.baseAddress!, buffer.baseAddress! + 1, page - 1) == 0
                if !isZero, pwrite(to, buffer.baseAddress, got, off_t(at)) != got { return false }
                at += got
            }
            return true
        }
    }
}
