internal import Glibc
internal import Synchronization

/// The few file operations that usage and billing are made of, each durable on return where it says so,
/// and each passing one fault point, so that a test can end the process before any of them.
public struct Disk: Sendable {
    /// Ends the process by SIGKILL when the operation with this number (counted from 1) is about to happen.
    public final class Faults: Sendable {
        private let passed = Atomic<Int>(0)
        private let fatal: Int

        public init(killAtOperation number: Int) {
            fatal = number
        }

        /// How many operations have been asked for so far.
        public var operations: Int { passed.load(ordering: .relaxed) }

        func pass() {
            if passed.add(1, ordering: .relaxed).newValue == fatal {
                kill(getpid(), SIGKILL)
            }
        }
    }

    private let faults: Faults?

    public init(faults: Faults? = nil) {
        self.faults = faults
    }

    /// A place where a crash can be asked for: before each write, fsync, rename, and ledger transaction.
    public func faultPoint() {
        faults?.pass()
    }

    /// The whole file, or nil where there is none.
    public func readIfPresent(_ path: String) throws(MeteringError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw failure("open", path)
        }
        defer { Glibc.close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("fstat", path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw MeteringError(.storage, path, "is not a regular file")
        }
        let size = Int(status.st_size)
        var offset = 0
        var errorNumber: CInt = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while offset < size {
                let got = pread(
                    descriptor, buffer.baseAddress! + offset, Swift.min(size - offset, 1 << 30), off_t(offset)
                )
                if got < 0 {
                    if errno == EINTR { continue }
                    errorNumber = errno
                    break
                }
                if got == 0 { break }
                offset += got
            }
            count = offset
        }
        if errorNumber != 0 { throw failure("read", path, errorNumber) }
        return bytes
    }

    public func read(_ path: String) throws(MeteringError) -> [UInt8] {
        guard let bytes = try readIfPresent(path) else {
            throw MeteringError(.storage, path, "no such file")
        }
        return bytes
    }

    public func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    public func isFile(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    /// Names in a directory, sorted bytewise, without `.` and `..`; empty where there is no such directory.
    public func list(_ directory: String) throws(MeteringError) -> [String] {
        guard let handle = opendir(directory) else {
            if errno == ENOENT || errno == ENOTDIR { return [] }
            throw failure("opendir", directory)
        }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = Glibc.readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    public func makeDirectories(_ path: String) throws(MeteringError) {
        var prefix = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            prefix +=
                prefix.isEmpty && part.isEmpty ? "/" : (prefix.isEmpty || prefix == "/" ? "" : "/") + part
            if prefix == "/" || part.isEmpty { continue }
            if mkdir(prefix, 0o755) != 0 && errno != EEXIST { throw failure("mkdir", prefix) }
        }
    }

    /// Replaces the file at `path` in one step: temporary file, fsync, rename, fsync of the directory.
    /// Writes nothing when the bytes stand there already, and says whether it wrote.
    @discardableResult
    public func replace(_ path: String, with bytes: [UInt8]) throws(MeteringError) -> Bool {
        if let present = try readIfPresent(path), present == bytes { return false }
        let directory = Self.directory(of: path)
        try makeDirectories(directory)
        let temporary = path + ".partial"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("create", temporary) }
        do {
            try writeAll(descriptor, bytes, temporary)
            try sync(descriptor, temporary)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        Glibc.close(descriptor)
        faultPoint()
        guard rename(temporary, path) == 0 else { throw failure("rename", path) }
        try syncDirectory(directory)
        return true
    }

    public func remove(_ path: String) throws(MeteringError) {
        faultPoint()
        if unlink(path) != 0 && errno != ENOENT { throw failure("unlink", path) }
    }

    // MARK: Descriptors, for the segment writer and the generator

    func create(_ path: String) throws(MeteringError) -> CInt {
        try makeDirectories(Self.directory(of: path))
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("create", path) }
        return descriptor
    }

    func close(_ descriptor: CInt) {
        Glibc.close(descriptor)
    }

    func writeAll(_ descriptor: CInt, _ bytes: [UInt8], _ path: String) throws(MeteringError) {
        faultPoint()
        var offset = 0
        while offset < bytes.count {
            let wrote = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress! + offset, bytes.count - offset)
            }
            if wrote < 0 {
                if errno == EINTR { continue }
                throw failure("write", path)
            }
            offset += wrote
        }
    }

    func sync(_ descriptor: CInt, _ path: String) throws(MeteringError) {
        faultPoint()
        while fsync(descriptor) != 0 {
            if errno != EINTR { throw failure("fsync", path) }
        }
    }

    func syncDirectory(_ path: String) throws(MeteringError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { Glibc.close(descriptor) }
        try sync(descriptor, path)
    }

    func failure(_ call: String, _ path: String, _ number: CInt? = nil) -> MeteringError {
        MeteringError(.storage, path, "\(call): \(String(cString: strerror(number ?? errno)))")
    }

    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    public static func name(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return path }
        return String(path[path.index(after: slash)...])
    }
}
