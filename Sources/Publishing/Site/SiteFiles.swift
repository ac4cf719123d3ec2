import FoundationEssentials
import Glibc

// Linux's own, which Glibc's module leaves out.
// SAFETY: it takes and returns integers, for which Swift's calling convention and C's are the same.
@_silgen_name("syncfs") private func syncFileSystem(_ descriptor: CInt) -> CInt

/// Files below a folder, by POSIX calls.
enum SiteFiles {
    /// All regular files below `folder` by relative path; a folder that is not there is empty.
    static func read(folder: String) throws(PublishingError) -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in list(folder) {
            let path = "\(folder)/\(name)"
            if isFolder(path) {
                for (inner, bytes) in try read(folder: path) { files["\(name)/\(inner)"] = bytes }
            } else {
                files[name] = try bytes(of: path)
            }
        }
        return files
    }

    static func list(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    static func isFolder(_ path: String) -> Bool {
        var isFolder: Bool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder
    }

    static func bytes(of path: String) throws(PublishingError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure("cannot be read", path) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw failure("cannot be read", path) }
        var bytes: [UInt8] = []
        var count = 0
        bytes = [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, initialized in
            while count < buffer.count {
                let got = Glibc.read(file, buffer.baseAddress! + count, buffer.count - count)
                if got <= 0 { break }
                count += got
            }
            initialized = count
        }
        guard count == Int(status.st_size) else { throw failure("changed while it was read", path) }
        return bytes
    }

    /// Writes a file that is not there yet. The folder must exist.
    static func write(_ bytes: [UInt8], to path: String) throws(PublishingError) {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw failure("cannot be written", path) }
        defer { close(file) }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(file, $0.baseAddress! + written, $0.count - written)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("cannot be written", path)
            }
            written += count
        }
    }

    static func makeFolder(_ path: String) throws(PublishingError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw failure("cannot be made", path)
        }
    }

    static func rename(_ path: String, to target: String) throws(PublishingError) {
        guard Glibc.rename(path, target) == 0 else { throw failure("cannot be renamed", path) }
    }

    /// Removes a folder and all below it, or a file; what is not there is no error.
    static func remove(_ path: String) {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Puts everything that was written to a folder's file system on the disk, once for a whole build rather than file by
    /// file.
    static func sync(_ folder: String) throws(PublishingError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("cannot be opened", folder) }
        defer { close(descriptor) }
        guard syncFileSystem(descriptor) == 0 else { throw failure("cannot be put on the disk", folder) }
    }

    static func failure(_ what: String, _ path: String) -> PublishingError {
        PublishingError(.file, subject: path, cause: "\(what): \(String(cString: strerror(errno)))")
    }
}
