import Glibc
import Marketplace
import Metering
import Provenance
import Synchronization

/// Writes the audit log: `audit/<day>.jsonl`, one line an act, chained. A line is with the kernel when `append`
/// returns, so a killed process loses none. Nodes may write into one folder: each goes on with its own chain.
final class AuditLog: Sendable {
    private struct State {
        var descriptor: CInt = -1
        var day: Day?
        var previous: Digest
        var unsynced = false
    }

    private let folder: String
    private let state: Mutex<State>

    /// Takes up the node's chain where its last line stands; a torn last line is cut off.
    init(folder: String, node: String) throws(RuntimeError) {
        self.folder = folder
        do {
            let disk = Disk()
            try disk.makeDirectories(folder)
            state = Mutex(State(previous: try Self.lastDigest(of: node, folder, disk)))
        } catch {
            throw RuntimeError(.configuration, folder, "\(error)")
        }
    }

    deinit {
        state.withLock { state in
            if state.descriptor >= 0 { close(state.descriptor) }
        }
    }

    func append(_ line: AuditLine) throws(RuntimeError) {
        try state.withLock { (state) throws(RuntimeError) in
            if state.day.map({ line.time.day > $0 }) ?? true { try open(line.time.day, &state) }
            let bytes = line.bytes(after: state.previous)
            try write(bytes + [0x0A], state.descriptor)
            state.previous = Digest.sha256(of: bytes)
            state.unsynced = true
        }
    }

    /// Brings what was appended to the disk.
    func flush() {
        let descriptor: CInt = state.withLock { state in
            guard state.unsynced else { return -1 }
            state.unsynced = false
            return dup(state.descriptor)
        }
        if descriptor >= 0 {
            fdatasync(descriptor)
            close(descriptor)
        }
    }

    private func open(_ day: Day, _ state: inout State) throws(RuntimeError) {
        let path = "\(folder)/\(day).jsonl"
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else {
            throw RuntimeError(.unavailable, path, "cannot be opened: \(String(cString: strerror(errno)))")
        }
        if state.descriptor >= 0 {
            fdatasync(state.descriptor)
            close(state.descriptor)
        }
        state.descriptor = descriptor
        state.day = day
    }

    private func write(_ bytes: [UInt8], _ descriptor: CInt) throws(RuntimeError) {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress! + offset, bytes.count - offset)
            }
            if count < 0 {
                if errno == EINTR { continue }
                let cause = String(cString: strerror(errno))
                // Half a line must not stand before the next one.
                let end = lseek(descriptor, 0, SEEK_END)
                if offset > 0 { _ = ftruncate(descriptor, end - off_t(offset)) }
                throw RuntimeError(.unavailable, folder, "the audit log cannot be written: \(cause)")
            }
            offset += count
        }
    }

    private static func lastDigest(
        of node: String, _ folder: String, _ disk: Disk
    ) throws(MeteringError) -> Digest {
        for name in try disk.list(folder).filter({ $0.hasSuffix(".jsonl") }).reversed() {
            let bytes = try whole("\(folder)/\(name)", disk)
            let last = bytes.split(separator: 0x0A).last { line in
                (try? JSONValue.parse(Array(line)))?["node"]?.stringValue == node
            }
            if let last { return Digest.sha256(of: Array(last)) }
        }
        return AuditChain.origin
    }

    /// A file's lines. What a crash has left of one is cut off; what another node is writing just now is whole in a moment.
    private static func whole(_ path: String, _ disk: Disk) throws(MeteringError) -> [UInt8] {
        for _ in 0..<5 {
            let bytes = try disk.read(path)
            if bytes.last ?? 0x0A == 0x0A { return bytes }
            usleep(10_000)
        }
        let bytes = try disk.read(path)
        let whole = (bytes.lastIndex(of: 0x0A) ?? -1) + 1
        if whole < bytes.count { truncate(path, off_t(whole)) }
        return Array(bytes.prefix(whole))
    }
}
