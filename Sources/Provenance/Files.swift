// Reading and writing files by descriptor: no link is followed at the last step, what is written is on the disk
// before its name is, and a private file is never readable by others, not even for a moment.
import Glibc

enum Files {
    /// Reads a regular file in pieces and hands each to `body`; returns its length in bytes.
    @discardableResult
    static func stream(
        _ path: String, bufferBytes: Int = 1 << 18, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(ProvenanceError) -> Int {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, "cannot be opened") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ProvenanceError(.io, path, "is not a regular file")
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(1, min(bufferBytes, Int(status.st_size) + 1)), alignment: 64)
        defer { buffer.deallocate() }
        var total = 0
        while true {
            let count = read(descriptor, buffer.baseAddress!, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw failure(path, "cannot be read")
            }
            if count == 0 { return total }
            total += count
            body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    /// The whole file; a file longer than `limitBytes` is refused while it is read.
    static func bytes(of path: String, limitBytes: Int = 1 << 30) throws(ProvenanceError) -> [UInt8] {
        var result: [UInt8] = []
        var tooLong = false
        try stream(path) { piece in
            if result.count + piece.count > limitBytes {
                tooLong = true
            } else {
                result.append(contentsOf: piece)
            }
        }
        guard !tooLong else { throw ProvenanceError(.io, path, "is longer than \(limitBytes) bytes") }
        return result
    }

    /// Writes beside the target, syncs, and renames over it.
    static func replace(_ path: String, with bytes: [UInt8], mode: UInt32 = 0o644) throws(ProvenanceError) {
        let temporary = "\(path).\(getpid()).part"
        unlink(temporary)
        try create(temporary, bytes, mode: mode)
        guard rename(temporary, path) == 0 else {
            let error = failure(path, "cannot be put in place")
            unlink(temporary)
            throw error
        }
        try syncFolder(of: path)
    }

    /// Writes a file that must not be there yet.
    static func create(_ path: String, _ bytes: [UInt8], mode: UInt32) throws(ProvenanceError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure(path, "cannot be created") }
        defer { close(descriptor) }
        guard fchmod(descriptor, mode) == 0 else { throw failure(path, "cannot be given its mode") }
        try write(bytes, to: descriptor, path)
        guard fsync(descriptor) == 0 else { throw failure(path, "cannot be synced") }
    }

    /// Appends to a file (made when missing) and syncs it.
    static func append(_ bytes: [UInt8], to path: String) throws(ProvenanceError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure(path, "cannot be opened for appending") }
        defer { close(descriptor) }
        try write(bytes, to: descriptor, path)
        guard fsync(descriptor) == 0 else { throw failure(path, "cannot be synced") }
    }

    static func makeFolder(_ path: String, mode: UInt32) throws(ProvenanceError) {
        var built = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            built += built.isEmpty || built.hasSuffix("/") ? String(part) : "/" + part
            if mkdir(built, mode) != 0, errno != EEXIST { throw failure(built, "cannot be made") }
        }
    }

    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(ProvenanceError)
    {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress! + offset, $0.count - offset)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure(path, "cannot be written")
            }
            offset += count
        }
    }

    private static func syncFolder(of path: String) throws(ProvenanceError) {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(folder, "cannot be opened") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure(folder, "cannot be synced") }
    }

    static func failure(_ path: String, _ what: String) -> ProvenanceError {
        ProvenanceError(.io, path, "\(what): \(String(cString: strerror(errno)))")
    }
}
