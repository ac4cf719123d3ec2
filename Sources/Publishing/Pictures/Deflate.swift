import CZlib

/// Compression as pictures and archives need it: the same bytes each time for the same zlib.
enum Deflate {
    /// RFC 1950, as PNG has it.
    static func zlib(_ bytes: [UInt8], level: Int32 = 6) -> [UInt8] {
        var size = compressBound(uLong(bytes.count))
        let out = [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
            let status = compress2(buffer.baseAddress!, &size, bytes, uLong(bytes.count), level)
            precondition(status == Z_OK, "the bound holds")
            count = Int(size)
        }
        return out
    }

    /// Inflates to exactly so many bytes; nil for anything else.
    static func inflated(_ bytes: [UInt8], size: Int) -> [UInt8]? {
        var got = uLong(size)
        var status: Int32 = Z_OK
        let out = [UInt8](unsafeUninitializedCapacity: max(1, size)) { buffer, count in
            status = uncompress(buffer.baseAddress!, &got, bytes, uLong(bytes.count))
            count = Int(min(got, uLong(size)))
        }
        return status == Z_OK && got == uLong(size) ? out : nil
    }

    /// RFC 1952 without a name and without a time.
    static func gzip(_ bytes: [UInt8]) -> [UInt8] {
        let head: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]
        let check = crc(bytes)
        let size = UInt32(truncatingIfNeeded: bytes.count)
        return head + Array(zlib(bytes, level: 9).dropFirst(2).dropLast(4)) + little(check) + little(size)
    }

    static func crc(_ bytes: [UInt8]) -> UInt32 {
        UInt32(truncatingIfNeeded: crc32(0, bytes, uInt(bytes.count)))
    }

    private static func little(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
    }
}
