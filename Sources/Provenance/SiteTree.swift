// Every entry below a folder, links not followed.
import Glibc

enum SiteTree {
    struct Entry {
        /// From the site's root, with `/`.
        let path: String
        let isRegular: Bool
    }

    /// The files and other things that are no folders, sorted by path.
    static func entries(of root: String) throws(ProvenanceError) -> [Entry] {
        var result: [Entry] = []
        var folders = [""]
        while let folder = folders.popLast() {
            let full = folder.isEmpty ? root : "\(root)/\(folder)"
            guard let handle = opendir(full) else { throw Files.failure(full, "cannot be opened") }
            defer { closedir(handle) }
            while let entry = readdir(handle) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name == "." || name == ".." { continue }
                let path = folder.isEmpty ? name : "\(folder)/\(name)"
                switch Int32(entry.pointee.d_type) {
                // The file system says what it is; whoever opens it looks again, and follows no link.
                case Int32(DT_REG): result.append(Entry(path: path, isRegular: true))
                case Int32(DT_DIR): folders.append(path)
                default:
                    var status = stat()
                    guard lstat("\(root)/\(path)", &status) == 0 else {
                        throw Files.failure(path, "cannot be examined")
                    }
                    if status.st_mode & S_IFMT == S_IFDIR {
                        folders.append(path)
                    } else {
                        result.append(Entry(path: path, isRegular: status.st_mode & S_IFMT == S_IFREG))
                    }
                }
            }
        }
        return result.sorted { $0.path < $1.path }
    }
}
