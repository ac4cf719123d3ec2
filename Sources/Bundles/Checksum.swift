/// CRC-32 as zip, gzip and PNG use it.
public enum Checksum {
    private static let table: [UInt32] = (0..<256).map { index -> UInt32 in
        var value = UInt32(index)
        for _ in 0..<8 { value = value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
        return value
    }

    public static func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var checksum = CRC32()
        checksum.add(bytes)
        return checksum.value
    }

    /// The same over bytes that come in pieces.
    struct CRC32 {
        private var state: UInt32 = 0xFFFF_FFFF

        var value: UInt32 { ~state }

        mutating func add(_ bytes: some Sequence<UInt8>) {
            for byte in bytes { state = table[Int((state ^ UInt32(byte)) & 0xFF)] ^ (state >> 8) }
        }
    }
}

extension [UInt8] {
    func little16(_ offset: Int) -> Int { Int(self[offset]) | Int(self[offset + 1]) << 8 }

    func little32(_ offset: Int) -> Int { little16(offset) | little16(offset + 2) << 16 }

    mutating func appendLittle16(_ value: Int) {
        append(UInt8(truncatingIfNeeded: value))
        append(UInt8(truncatingIfNeeded: value >> 8))
    }

    mutating func appendLittle32(_ value: Int) {
        appendLittle16(value & 0xFFFF)
        appendLittle16((value >> 16) & 0xFFFF)
    }

    func starts(with magic: [UInt8], at offset: Int) -> Bool {
        guard offset >= 0, offset + magic.count <= count else { return false }
        for index in 0..<magic.count where self[offset + index] != magic[index] { return false }
        return true
    }
}
