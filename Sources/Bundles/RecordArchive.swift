/// A zip of an operator's own with very many small files, such as a vulnerability database's export: read one by one,
/// through the directory at its end, ZIP64 included. For bundles of strangers there is `ArchiveReader`.
public enum RecordArchive {
    /// One record may be this long once inflated.
    public static let recordBytesMax = 16 << 20
    private static let entriesMax = 5_000_000

    public static func isZip(_ head: some Collection<UInt8>) -> Bool {
        head.prefix(4).elementsEqual([0x50, 0x4B, 3, 4])
    }

    /// Hands every file's name and bytes over, in the order of the directory.
    /// - Throws: where the archive is damaged, or `body` throws.
    public static func each(
        _ bytes: [UInt8], _ body: (_ name: String, _ bytes: [UInt8]) throws -> Void
    ) throws {
        guard let (offset, count) = directory(bytes) else {
            throw BundleError(.badStream, subject: "archive", cause: "it has no directory at its end")
        }
        guard count <= entriesMax else {
            throw BundleError(.badStream, subject: "archive", cause: "it has more than \(entriesMax) files")
        }
        var position = offset
        for _ in 0..<count {
            guard position + 46 <= bytes.count, number(bytes, position, 4) == 0x0201_4B50 else {
                throw BundleError(.badStream, subject: "archive", cause: "its directory ends early")
            }
            let nameCount = number(bytes, position + 28, 2)
            let end =
                position + 46 + nameCount + number(bytes, position + 30, 2) + number(bytes, position + 32, 2)
            guard end <= bytes.count else {
                throw BundleError(.badStream, subject: "archive", cause: "its directory ends early")
            }
            let name = String(decoding: bytes[(position + 46)..<(position + 46 + nameCount)], as: UTF8.self)
            if !name.hasSuffix("/") { try body(name, content(bytes, position, name)) }
            position = end
        }
    }

    private static func content(_ bytes: [UInt8], _ entry: Int, _ name: String) throws(BundleError) -> [UInt8]
    {
        func fail(_ cause: String) -> BundleError { BundleError(.badStream, subject: name, cause: cause) }
        var packed = number(bytes, entry + 20, 4)
        var plain = number(bytes, entry + 24, 4)
        var local = number(bytes, entry + 42, 4)
        // Fields that do not fit in 32 bits stand in the extra field 1, in this order.
        var extra = entry + 46 + number(bytes, entry + 28, 2)
        let extraEnd = extra + number(bytes, entry + 30, 2)
        while extra + 4 <= extraEnd {
            let size = number(bytes, extra + 2, 2)
            if number(bytes, extra, 2) == 1 {
                var at = extra + 4
                for field in 0..<3 {
                    let value = field == 0 ? plain : field == 1 ? packed : local
                    guard value == 0xFFFF_FFFF, at + 8 <= extra + 4 + size else { continue }
                    let wide = number(bytes, at, 8)
                    if field == 0 { plain = wide } else if field == 1 { packed = wide } else { local = wide }
                    at += 8
                }
            }
            extra += 4 + size
        }
        guard local >= 0, packed >= 0, plain <= recordBytesMax, local + 30 <= bytes.count,
            number(bytes, local, 4) == 0x0403_4B50
        else { throw fail("its entry points nowhere or is too long") }
        let begin = local + 30 + number(bytes, local + 26, 2) + number(bytes, local + 28, 2)
        guard begin <= bytes.count, packed <= bytes.count - begin else { throw fail("it is cut short") }
        let data = bytes[begin..<begin + packed]
        let output: [UInt8]
        switch number(bytes, entry + 10, 2) {
        case 0: output = Array(data)
        case 8:
            do { output = try Inflate.inflate(data, limit: recordBytesMax).output } catch {
                throw fail("it cannot be inflated: \(error)")
            }
        default: throw fail("its compression is not known")
        }
        guard Int(Checksum.crc32(output)) == number(bytes, entry + 16, 4) else {
            throw fail("its checksum does not hold")
        }
        return output
    }

    /// Where the directory begins and how many entries it has.
    private static func directory(_ bytes: [UInt8]) -> (offset: Int, count: Int)? {
        guard bytes.count >= 22 else { return nil }
        var end = bytes.count - 22
        let least = max(0, bytes.count - 22 - 65_535)
        while end >= least, number(bytes, end, 4) != 0x0605_4B50 { end -= 1 }
        guard end >= least else { return nil }
        let count = number(bytes, end + 10, 2)
        let offset = number(bytes, end + 16, 4)
        guard count == 0xFFFF || offset == 0xFFFF_FFFF, end >= 20, number(bytes, end - 20, 4) == 0x0706_4B50
        else {
            return (offset, count)
        }
        let wide = number(bytes, end - 12, 8)
        guard wide >= 0, wide + 56 <= bytes.count, number(bytes, wide, 4) == 0x0606_4B50 else { return nil }
        let wideOffset = number(bytes, wide + 48, 8)
        let wideCount = number(bytes, wide + 32, 8)
        return wideOffset >= 0 && wideCount >= 0 ? (wideOffset, wideCount) : nil
    }

    /// Little-endian; what is beyond the end or beyond `Int` comes as -1 and is refused by its use.
    private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int {
        guard offset >= 0, offset + count <= bytes.count else { return -1 }
        var value: UInt64 = 0
        for index in stride(from: count - 1, through: 0, by: -1) {
            value = value << 8 | UInt64(bytes[offset + index])
        }
        return Int(exactly: value) ?? -1
    }
}
