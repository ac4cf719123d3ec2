internal import Glibc

/// The C library's search for one byte, which looks at sixteen or more at once.
enum CBytes {
    static func find(_ byte: UInt8, _ base: UnsafePointer<UInt8>, _ count: Int) -> UnsafePointer<UInt8>? {
        // SAFETY: the caller gives the length of what it holds.
        memchr(base, Int32(byte), count).map { UnsafePointer($0.assumingMemoryBound(to: UInt8.self)) }
    }
}
