import Bundles
import Foundation

/// Archives, whole and hostile, built byte by byte.
struct ZipFixture {
    struct Entry {
        var name: [UInt8]
        var localName: [UInt8]?
        var data: [UInt8] = []
        var method = 0
        var flags = 0
        var mode = 0o100644
        var plainBytes: Int?
        var checksum: UInt32?
        var extra: [UInt8] = []
        var isListed = true
        var isStored = true
        /// Bytes put before this entry's local header, which belong to no entry.
        var gap: [UInt8] = []

        init(_ name: String, _ text: String = "x", mode: Int = 0o100644) {
            self.name = Array(name.utf8)
            data = Array(text.utf8)
            self.mode = mode
        }
    }

    var entries: [Entry]
    var prefix: [UInt8] = []
    var suffix: [UInt8] = []
    var comment: [UInt8] = []

    init(_ entries: Entry...) { self.entries = entries }

    func bytes() -> [UInt8] {
        var output: [UInt8] = []
        var central: [UInt8] = []
        var count = 0
        func put(_ value: Int, _ size: Int, _ target: inout [UInt8]) {
            for shift in 0..<size { target.append(UInt8(truncatingIfNeeded: value >> (shift * 8))) }
        }
        for entry in entries {
            output += entry.gap
            let offset = output.count
            let checksum = entry.checksum ?? Checksum.crc32(entry.data)
            func shared(_ name: [UInt8], _ target: inout [UInt8]) {
                put(20, 2, &target)
                put(entry.flags, 2, &target)
                put(entry.method, 2, &target)
                put(0, 2, &target)
                put(0x21, 2, &target)
                put(Int(checksum), 4, &target)
                put(entry.data.count, 4, &target)
                put(entry.plainBytes ?? entry.data.count, 4, &target)
                put(name.count, 2, &target)
                put(entry.extra.count, 2, &target)
            }
            if entry.isStored {
                let local = entry.localName ?? entry.name
                put(0x0403_4B50, 4, &output)
                shared(local, &output)
                output += local + entry.extra + entry.data
            }
            guard entry.isListed else { continue }
            count += 1
            put(0x0201_4B50, 4, &central)
            put(0x0314, 2, &central)
            shared(entry.name, &central)
            put(0, 2, &central)
            put(0, 2, &central)
            put(0, 2, &central)
            put(entry.mode << 16, 4, &central)
            put(offset, 4, &central)
            central += entry.name + entry.extra
        }
        let start = output.count
        output += central
        put(0x0605_4B50, 4, &output)
        put(0, 4, &output)
        put(count, 2, &output)
        put(count, 2, &output)
        put(central.count, 4, &output)
        put(start, 4, &output)
        put(comment.count, 2, &output)
        return prefix + output + comment + suffix
    }
}

struct TarFixture {
    struct Entry {
        var name: String
        var data: [UInt8] = []
        var type: Character = "0"
        var mode = 0o644
        var link = ""
        var declared: Int?

        init(
            _ name: String, _ text: String = "x", type: Character = "0", mode: Int = 0o644, link: String = ""
        ) {
            self.name = name
            data = type == "0" || type == "x" || type == "g" ? Array(text.utf8) : []
            self.type = type
            self.mode = mode
            self.link = link
        }
    }

    var entries: [Entry]
    var end = [UInt8](repeating: 0, count: 1_024)

    init(_ entries: Entry...) { self.entries = entries }

    func bytes() -> [UInt8] {
        var output: [UInt8] = []
        for entry in entries {
            var header = [UInt8](repeating: 0, count: 512)
            func put(_ text: String, _ offset: Int) {
                for (index, byte) in text.utf8.enumerated() { header[offset + index] = byte }
            }
            func octal(_ value: Int, _ width: Int) -> String {
                let digits = String(value, radix: 8)
                return String(repeating: "0", count: width - digits.count) + digits
            }
            put(entry.name, 0)
            put(octal(entry.mode, 7), 100)
            put(octal(0, 7), 108)
            put(octal(0, 7), 116)
            put(octal(entry.declared ?? entry.data.count, 11), 124)
            put(octal(0, 11), 136)
            put("        ", 148)
            put(String(entry.type), 156)
            put(entry.link, 157)
            put("ustar", 257)
            put("00", 263)
            let sum = header.reduce(0) { $0 + Int($1) }
            put(octal(sum, 6), 148)
            header[154] = 0
            output += header + entry.data
            output += [UInt8](repeating: 0, count: (512 - entry.data.count % 512) % 512)
        }
        return output + end
    }
}

/// One gzip member of stored blocks: no compressor is needed to build one.
func gzip(_ content: [UInt8]) -> [UInt8] {
    var output: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]
    var offset = 0
    repeat {
        let count = min(65_535, content.count - offset)
        output.append(offset + count == content.count ? 1 : 0)
        output += [UInt8(count & 255), UInt8(count >> 8), UInt8(~count & 255), UInt8(~count >> 8 & 255)]
        output += content[offset..<offset + count]
        offset += count
    } while offset < content.count
    for value in [Int(Checksum.crc32(content)), content.count] {
        for shift in 0..<4 { output.append(UInt8(truncatingIfNeeded: value >> (shift * 8))) }
    }
    return output
}
