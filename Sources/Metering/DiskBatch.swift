internal import Glibc
internal import Marketplace
internal import Synchronization

extension Disk {
    /// Replaces many files with the durability of `replace`, at the price of one: all are written beside their
    /// places, then each is waited for and renamed, and each folder is synced once. Two threads write and wait: the
    /// disk takes what it is asked for at the same time in one go.
    public func replaceAll(_ files: [(path: String, bytes: [UInt8])]) throws(MeteringError) {
        // Few at a time: each holds a descriptor until it is known to be on the disk.
        var start = 0
        while start < files.count {
            let slice = Array(files[start..<min(files.count, start + 256)])
            let open = Mutex<[Int: CInt]>([:])
            defer { open.withLock { for descriptor in $0.values { close(descriptor) } } }
            _ = try inParallel(Array(slice.indices)) { (index) throws(MeteringError) in
                let path = slice[index].path + ".partial"
                let descriptor = try create(path)
                open.withLock { $0[index] = descriptor }
                try writeAll(descriptor, slice[index].bytes, path)
            }
            _ = try inParallel(Array(slice.indices)) { (index) throws(MeteringError) in
                try sync(open.withLock { $0[index]! }, slice[index].path)
            }
            for file in slice {
                faultPoint()
                guard rename(file.path + ".partial", file.path) == 0 else {
                    throw failure("rename", file.path)
                }
            }
            start += slice.count
        }
        for folder in Set(files.map { Self.directory(of: $0.path) }).sorted() { try syncDirectory(folder) }
    }
}
