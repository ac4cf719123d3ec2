/// Our own walk over a tar's headers; libarchive's listing must agree with it.
///
/// libarchive is silent about sparse files, pax overrides, concatenated archives and what follows the end.
struct TarDirectory {
    struct Entry {
        var name: [UInt8]
        var type: UInt8
        var mode: Int
        var bytes: Int

        var isFolder: Bool { type == UInt8(ascii: "5") || (isFile && name.last == UInt8(ascii: "/")) }
        var isFile: Bool { type == 0 || type == UInt8(ascii: "0") || type == UInt8(ascii: "7") }
        var shown: String { EntryName.printable(name) }
    }

    private(set) var entries: [Entry] = []
    private(set) var problems: [ArchiveProblem] = []

    private let data: [UInt8]
    private let limits: BundleLimits

    init(_ data: [UInt8], limits: BundleLimits) {
        self.data = data
        self.limits = limits
        walk()
    }

    /// True where the first block is a header with a valid checksum.
    static func looksLikeTar(_ data: [UInt8]) -> Bool {
        data.count >= 512 && checksumHolds(data, at: 0)
    }

    private static func checksumHolds(_ data: [UInt8], at offset: Int) -> Bool {
        guard let stored = octal(data, offset + 148, 8) else { return false }
        var sum = 0
        for index in 0..<512 {
            sum += (148..<156).contains(index) ? 32 : Int(data[offset + index])
        }
        return sum == stored
    }

    /// A number in octal digits; nil where it is written in base 256 or in anything else.
    private static func octal(_ data: [UInt8], _ start: Int, _ count: Int) -> Int? {
        var value = 0
        var seen = false
        for index in start..<start + count {
            switch data[index] {
            case 0x30...0x37:
                value = value << 3 | Int(data[index] - 0x30)
                seen = true
            case 0x20 where !seen: continue
            case 0, 0x20: return seen ? value : 0
            default: return nil
            }
        }
        return value
    }

    private static func text(_ data: [UInt8], _ start: Int, _ count: Int) -> [UInt8] {
        Array(data[start..<start + count].prefix { $0 != 0 })
    }

    private mutating func walk() {
        var offset = 0
        var longName: [UInt8]?
        var override: [String: [UInt8]] = [:]
        while offset + 512 <= data.count {
            if data[offset..<offset + 512].allSatisfy({ $0 == 0 }) {
                checkEnd(offset)
                return
            }
            guard Self.checksumHolds(data, at: offset), let size = Self.octal(data, offset + 124, 12),
                let mode = Self.octal(data, offset + 100, 8)
            else {
                problems.append(ArchiveProblem(.malformed, "a header of the tar is damaged"))
                return
            }
            let type = data[offset + 156]
            var body = size
            if let text = override["size"], let value = Int(String(decoding: text, as: UTF8.self)) {
                body = value
            }
            guard body >= 0, body <= data.count, offset + 512 + body <= data.count else {
                problems.append(ArchiveProblem(.truncated, "the tar is cut short"))
                return
            }
            let next = offset + 512 + (body + 511) / 512 * 512
            let content = data[offset + 512..<offset + 512 + body]
            switch type {
            case UInt8(ascii: "x"): override = readPax(content)
            case UInt8(ascii: "g"):
                problems.append(
                    ArchiveProblem(.paxGlobal, "the tar sets names and sizes for all that follows"))
            case UInt8(ascii: "L"): longName = Array(content.prefix { $0 != 0 })
            case UInt8(ascii: "K"): break
            default:
                add(
                    offset: offset, type: type, mode: mode, size: body, longName: longName, override: override
                )
                longName = nil
                override = [:]
            }
            if entries.count > limits.entriesMax {
                problems.append(
                    ArchiveProblem(.entryCount, "the tar holds more than \(limits.entriesMax) entries"))
                return
            }
            offset = min(next, data.count)
        }
        problems.append(
            ArchiveProblem(.truncated, "the tar ends without its two empty blocks"))
    }

    private mutating func add(
        offset: Int, type: UInt8, mode: Int, size: Int, longName: [UInt8]?, override: [String: [UInt8]]
    ) {
        var name = Self.text(data, offset, 100)
        let isUstar = data.starts(with: Array("ustar\0".utf8), at: offset + 257)
        if isUstar {
            let prefix = Self.text(data, offset + 345, 155)
            if !prefix.isEmpty { name = prefix + [UInt8(ascii: "/")] + name }
        }
        if let longName { name = longName }
        if let path = override["path"] { name = path }
        let entry = Entry(name: name, type: type, mode: mode, bytes: size)
        let shown = entry.shown
        func refuse(_ kind: ArchiveProblem.Kind, _ message: String) {
            problems.append(ArchiveProblem(kind, path: shown, message))
        }
        problems += EntryName.problems(name, limits: limits)
        if override.keys.contains(where: { $0.hasPrefix("GNU.sparse") }) {
            refuse(.sparse, "the entry is sparse")
        }
        switch type {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"), UInt8(ascii: "5"): break
        case UInt8(ascii: "1"): refuse(.hardlink, "the entry is a hard link")
        case UInt8(ascii: "2"): refuse(.symlink, "the entry is a symbolic link")
        case UInt8(ascii: "3"), UInt8(ascii: "4"): refuse(.device, "the entry is a device")
        case UInt8(ascii: "6"): refuse(.fifo, "the entry is a named pipe")
        case UInt8(ascii: "S"): refuse(.sparse, "the entry is sparse")
        default: refuse(.unsupported, "the entry is of kind \(type), which is not read")
        }
        if mode & 0o6000 != 0 { refuse(.setuid, "the entry would be set-user-ID or set-group-ID") }
        if entry.isFolder && size > 0 { refuse(.directoryData, "a folder carries data") }
        entries.append(entry)
    }

    /// The records of a pax header: `length key=value\n`.
    private mutating func readPax(_ content: ArraySlice<UInt8>) -> [String: [UInt8]] {
        var result: [String: [UInt8]] = [:]
        var rest = content
        while let space = rest.firstIndex(of: 0x20) {
            guard let length = Int(String(decoding: rest[rest.startIndex..<space], as: UTF8.self)),
                length > space - rest.startIndex + 1, rest.startIndex + length <= rest.endIndex,
                let equals = rest[space..<rest.startIndex + length].firstIndex(of: UInt8(ascii: "="))
            else {
                problems.append(ArchiveProblem(.malformed, "an extended header of the tar is damaged"))
                return result
            }
            let key = String(decoding: rest[space + 1..<equals], as: UTF8.self)
            if result[key] != nil {
                problems.append(ArchiveProblem(.headerMismatch, "an extended header names \(key) twice"))
            }
            result[key] = Array(rest[equals + 1..<rest.startIndex + length - 1])
            rest = rest[(rest.startIndex + length)...]
        }
        return result
    }

    /// Behind the first empty block there may be nothing but zeros.
    private mutating func checkEnd(_ offset: Int) {
        guard offset + 1024 <= data.count else {
            problems.append(ArchiveProblem(.truncated, "the tar ends after one empty block"))
            return
        }
        guard let junk = data[offset...].firstIndex(where: { $0 != 0 }) else { return }
        let block = junk / 512 * 512
        if block + 512 <= data.count, Self.checksumHolds(data, at: block) {
            problems.append(ArchiveProblem(.glued, "a second tar stands behind the end of the first"))
        } else {
            problems.append(ArchiveProblem(.suffix, "bytes stand behind the end of the tar"))
        }
    }
}
