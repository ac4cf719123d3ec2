internal import FoundationEssentials
internal import Glibc

/// Turns files of a folder into a stream for the worker, without looking into any of them.
public enum FolderStream {
    /// Folders that belong to tools and never to a plugin.
    private static let tools: Set<String> = [".git", ".hg", ".svn"]

    /// Everything below a folder, links and special files named and not followed.
    /// - Parameter folder: an existing folder; paths in the stream are relative to it.
    public static func bytes(folder: String, limits: BundleLimits = .platform) throws(BundleError) -> [UInt8]
    {
        EntryStream.encode(try items(folder: folder, limits: limits))
    }

    /// The files of a folder whose contents are trusted, such as `rules/`, in the same form.
    public static func items(folder: String, limits: BundleLimits = .platform) throws(BundleError)
        -> [EntryStream.Item]
    {
        var isFolder = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder else {
            throw BundleError(.notAFolder, subject: folder, cause: "there is no such folder")
        }
        var walk = Walk(limits: limits)
        try walk.visit(folder, relative: "")
        return walk.items.sorted { $0.path < $1.path }
    }

    private struct Walk {
        let limits: BundleLimits
        var items: [EntryStream.Item] = []
        var total = 0

        mutating func visit(_ folder: String, relative: String) throws(BundleError) {
            let names: [String]
            do {
                names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            } catch {
                skip(relative, "the folder cannot be read")
                return
            }
            for name in names {
                let path = relative.isEmpty ? name : relative + "/" + name
                let full = folder + "/" + name
                if FolderStream.tools.contains(name) {
                    skip(path, "it belongs to a tool and is not part of the plugin")
                    continue
                }
                // FileManager's attributes look up the owner's name, which takes longer than reading a small file.
                var status = stat()
                guard lstat(full, &status) == 0 else {
                    skip(path, "it cannot be read")
                    continue
                }
                switch status.st_mode & S_IFMT {
                case S_IFDIR: try visit(full, relative: path)
                case S_IFLNK: skip(path, "it is a link, which is not followed")
                case S_IFREG: try add(full, path, size: Int(status.st_size))
                default: skip(path, "it is no regular file")
                }
            }
        }

        mutating func add(_ full: String, _ path: String, size: Int) throws(BundleError) {
            guard items.count < limits.entriesMax else {
                throw BundleError(
                    .tooLarge, subject: path, cause: "the folder holds more than \(limits.entriesMax) files")
            }
            guard size <= limits.entryBytesMax else {
                skip(path, "the file is larger than \(limits.entryBytesMax) bytes")
                return
            }
            guard let bytes = FolderStream.contents(full, size: size) else {
                skip(path, "it cannot be read, or changes while it is")
                return
            }
            total += bytes.count
            guard total <= limits.outputBytesMax else {
                throw BundleError(
                    .tooLarge, subject: path,
                    cause: "the folder holds more than \(limits.outputBytesMax) bytes")
            }
            items.append(EntryStream.Item(path: path, bytes: bytes))
        }

        mutating func skip(_ path: String, _ why: String) {
            items.append(EntryStream.Item(kind: .skipped, path: path, bytes: Array(why.utf8)))
        }
    }

    /// A regular file's bytes in one piece; nil where it cannot be read, or grows while it is. `FileManager` reads the
    /// same with three times the system calls and one copy more.
    private static func contents(_ path: String, size: Int) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var isWhole = false
        // Room for one byte more than there should be.
        let bytes = [UInt8](unsafeUninitializedCapacity: size + 1) { buffer, count in
            while count <= size {
                let got = read(descriptor, buffer.baseAddress! + count, buffer.count - count)
                if got < 0 && errno == EINTR { continue }
                isWhole = got == 0
                if got <= 0 { return }
                count += got
            }
        }
        return isWhole ? bytes : nil
    }
}
