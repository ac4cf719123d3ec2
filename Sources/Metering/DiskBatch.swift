internal import Glibc

extension Disk {
    /// Replaces many files with the durability of `replace`, at the price of one: all are written beside their
    /// places, then each is waited for and renamed, and each folder is synced once.
    public func replaceAll(_ files: [(path: String, bytes: [UInt8])]) throws(MeteringError) {
        var folders: Set<String> = []
        var open: [CInt] = []
        defer { for descriptor in open { close(descriptor) } }
        // Few at a time: each holds a descriptor until it is known to be on the disk.
        var start = 0
        while start < files.count {
            let slice = files[start..<min(files.count, start + 256)]
            var descriptors: [CInt] = []
            for file in slice {
                folders.insert(Self.directory(of: file.path))
                let descriptor = try create(file.path + ".partial")
                descriptors.append(descriptor)
                open = descriptors
                try writeAll(descriptor, file.bytes, file.path)
            }
            for (file, descriptor) in zip(slice, descriptors) { try sync(descriptor, file.path) }
            for (file, descriptor) in zip(slice, descriptors) {
                close(descriptor)
                open.removeFirst()
                faultPoint()
                guard rename(file.path + ".partial", file.path) == 0 else {
                    throw failure("rename", file.path)
                }
            }
            start = slice.endIndex
        }
        for folder in folders.sorted() { try syncDirectory(folder) }
    }
}
