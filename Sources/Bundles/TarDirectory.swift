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

    /// The first block is a header with a valid checksum; nil before it was there.
    private(set) var beginsAsTar: Bool?
    private let limits: BundleLimits

    /// What the next block is.
    private enum State {
        case header
        /// The content of the entry whose header was read; `left` bytes of it are still to come.
        case body(header: [UInt8], size: Int, mode: Int, left: Int)
        /// Behind the first empty block; how many there were.
        case end(blocks: Int)
        /// Something was found behind which nothing is read.
        case stopped
    }

    private var state = State.header
    /// A block that has not come whole yet.
    private var pending: [UInt8] = []
    /// The content of an extended header or a long name.
    private var body: [UInt8] = []
    private var longName: [UInt8]?
    private var override: [String: [UInt8]] = [:]
    private static let bodyBytesMax = 1 << 20

    init(limits: BundleLimits) { self.limits = limits }

    init(_ data: [UInt8], limits: BundleLimits) {
        self.limits = limits
        take(data[...])
        finish()
    }

    /// True where the first block is a header with a valid checksum.
    static func looksLikeTar(_ data: [UInt8]) -> Bool {
        data.count >= 512 && checksumHolds(data, at: 0)
    }

    /// The next bytes of the archive, in pieces of any length.
    mutating func take(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while !rest.isEmpty {
            if case .stopped = state { return }
            let count = min(512 - pending.count, rest.count)
            pending += rest.prefix(count)
            rest = rest.dropFirst(count)
            guard pending.count == 512 else { return }
            let block = pending
            pending.removeAll(keepingCapacity: true)
            take(block: block)
        }
    }

    /// Behind the last byte.
    mutating func finish() {
        if beginsAsTar == nil { beginsAsTar = false }
        switch state {
        case .stopped: return
        case .body(let header, let size, let mode, let left) where left <= pending.count:
            body += pending.prefix(left)
            close(header, size, mode)
            problems.append(ArchiveProblem(.truncated, "the tar ends without its two empty blocks"))
        case .body: problems.append(ArchiveProblem(.truncated, "the tar is cut short"))
        case .header:
            problems.append(ArchiveProblem(.truncated, "the tar ends without its two empty blocks"))
        case .end(let blocks):
            if blocks < 2 {
                problems.append(ArchiveProblem(.truncated, "the tar ends after one empty block"))
            } else if pending.contains(where: { $0 != 0 }) {
                problems.append(ArchiveProblem(.suffix, "bytes stand behind the end of the tar"))
            }
        }
        state = .stopped
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

    private mutating func take(block: [UInt8]) {
        switch state {
        case .stopped: return
        case .header: header(block)
        case .body(let header, let size, let mode, let left):
            if Self.isKept(header[156]) { body += block.prefix(left) }
            if left <= 512 {
                state = .header
                close(header, size, mode)
            } else {
                state = .body(header: header, size: size, mode: mode, left: left - 512)
            }
        case .end(let blocks):
            // Behind the first empty block there may be nothing but zeros.
            guard block.contains(where: { $0 != 0 }) else {
                state = .end(blocks: blocks + 1)
                return
            }
            let isHeader = Self.checksumHolds(block, at: 0)
            problems.append(
                isHeader
                    ? ArchiveProblem(.glued, "a second tar stands behind the end of the first")
                    : ArchiveProblem(.suffix, "bytes stand behind the end of the tar"))
            state = .stopped
        }
    }

    /// Extended headers and long names say something about the next entry; other contents are passed over.
    private static func isKept(_ type: UInt8) -> Bool {
        type == UInt8(ascii: "x") || type == UInt8(ascii: "L")
    }

    private mutating func header(_ block: [UInt8]) {
        if beginsAsTar == nil { beginsAsTar = Self.checksumHolds(block, at: 0) }
        guard block.contains(where: { $0 != 0 }) else {
            state = .end(blocks: 1)
            return
        }
        guard Self.checksumHolds(block, at: 0), let size = Self.octal(block, 124, 12),
            let mode = Self.octal(block, 100, 8)
        else { return stop(.malformed, "a header of the tar is damaged") }
        var length = size
        if let text = override["size"], let value = Int(String(decoding: text, as: UTF8.self)) {
            length = value
        }
        guard length >= 0 else { return stop(.truncated, "the tar is cut short") }
        guard !Self.isKept(block[156]) || length <= Self.bodyBytesMax else {
            return stop(.malformed, "an extended header of the tar is longer than \(Self.bodyBytesMax) bytes")
        }
        body = []
        if length == 0 {
            close(block, length, mode)
        } else {
            state = .body(header: block, size: length, mode: mode, left: length)
        }
    }

    private mutating func stop(_ kind: ArchiveProblem.Kind, _ message: String) {
        problems.append(ArchiveProblem(kind, message))
        state = .stopped
    }

    /// An entry's header and content are whole.
    private mutating func close(_ header: [UInt8], _ size: Int, _ mode: Int) {
        switch header[156] {
        case UInt8(ascii: "x"): override = readPax(body[...])
        case UInt8(ascii: "g"):
            problems.append(
                ArchiveProblem(.paxGlobal, "the tar sets names and sizes for all that follows"))
        case UInt8(ascii: "L"): longName = Array(body.prefix { $0 != 0 })
        case UInt8(ascii: "K"): break
        default:
            add(header, mode: mode, size: size)
            longName = nil
            override = [:]
        }
        if entries.count > limits.entriesMax {
            stop(.entryCount, "the tar holds more than \(limits.entriesMax) entries")
        }
    }

    private mutating func add(_ header: [UInt8], mode: Int, size: Int) {
        let type = header[156]
        var name = Self.text(header, 0, 100)
        if header.starts(with: Array("ustar\0".utf8), at: 257) {
            let prefix = Self.text(header, 345, 155)
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
}
