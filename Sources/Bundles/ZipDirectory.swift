/// Our own reader of a zip's central directory and local headers; libarchive's listing must agree with it.
///
/// libarchive is silent about a zip without its directory, about entries that stand in one of the two listings alone,
/// about overlaps, prefixes and junk behind the end. So the records must tile the file from its first byte to its last.
struct ZipDirectory {
    struct Entry {
        var name: [UInt8]
        var flags: Int
        var method: Int
        var checksum: Int
        var packedBytes: Int
        var plainBytes: Int
        var mode: Int
        /// Where the local header begins.
        var offset: Int
        /// Where the compressed bytes begin.
        var dataStart = 0

        var isFolder: Bool { name.last == UInt8(ascii: "/") || mode & 0o170000 == 0o040000 }
        var shown: String { EntryName.printable(name) }
    }

    /// In the order of their local headers, as libarchive gives them.
    private(set) var entries: [Entry] = []
    private(set) var problems: [ArchiveProblem] = []

    static let localMagic: [UInt8] = [0x50, 0x4B, 3, 4]
    static let centralMagic: [UInt8] = [0x50, 0x4B, 1, 2]
    static let endMagic: [UInt8] = [0x50, 0x4B, 5, 6]

    private let bytes: [UInt8]
    private let limits: BundleLimits

    init(_ bytes: [UInt8], limits: BundleLimits) {
        self.bytes = bytes
        self.limits = limits
        guard let end = findEnd() else {
            problems.append(
                ArchiveProblem(.truncated, "the zip has no end of central directory: it is cut short"))
            return
        }
        readCentral(end)
        guard !problems.contains(where: \.kind.isFatal) else { return }
        entries.sort { $0.offset < $1.offset }
        for index in entries.indices { readLocal(index) }
        guard !problems.contains(where: \.kind.isFatal) else { return }
        tile(centralStart: bytes.little32(end + 16))
    }

    /// The end record nearest to the end of the file whose comment reaches exactly to it.
    private mutating func findEnd() -> Int? {
        guard bytes.count >= 22 else { return nil }
        let lowest = max(0, bytes.count - 22 - 65_535)
        var candidate: Int?
        for offset in stride(from: bytes.count - 22, through: lowest, by: -1)
        where bytes.starts(with: Self.endMagic, at: offset) {
            candidate = candidate ?? offset
            let comment = bytes.little16(offset + 20)
            if offset + 22 + comment == bytes.count {
                if comment > 0 && holdsMagic(in: offset + 22..<bytes.count) {
                    problems.append(ArchiveProblem(.glued, "the comment at the end holds another archive"))
                }
                return offset
            }
        }
        guard let candidate else { return nil }
        let behind = candidate + 22 + bytes.little16(candidate + 20)
        if behind > bytes.count {
            problems.append(ArchiveProblem(.truncated, "the zip's comment is cut short"))
        } else {
            problems.append(
                ArchiveProblem(.suffix, "\(bytes.count - behind) bytes stand behind the end of the zip"))
        }
        return candidate
    }

    private func holdsMagic(in range: Range<Int>) -> Bool {
        for offset in range where bytes[offset] == 0x50 {
            if bytes.starts(with: Self.localMagic, at: offset)
                || bytes.starts(with: Self.endMagic, at: offset)
            {
                return true
            }
        }
        return false
    }

    private func holdsEnd(in range: Range<Int>) -> Bool {
        range.contains { bytes[$0] == 0x50 && bytes.starts(with: Self.endMagic, at: $0) }
    }

    private mutating func readCentral(_ end: Int) {
        let disk = bytes.little16(end + 4)
        let count = bytes.little16(end + 10)
        let size = bytes.little32(end + 12)
        let start = bytes.little32(end + 16)
        if disk != 0 || bytes.little16(end + 6) != 0 || bytes.little16(end + 8) != count {
            problems.append(ArchiveProblem(.unsupported, "the zip claims to lie on several disks"))
            return
        }
        if count == 0xFFFF || start == 0xFFFF_FFFF || size == 0xFFFF_FFFF {
            problems.append(ArchiveProblem(.unsupported, "zip64 is not read: bundles are far below 4 GiB"))
            return
        }
        if count > limits.entriesMax {
            problems.append(
                ArchiveProblem(
                    .entryCount, "the zip lists \(count) entries; \(limits.entriesMax) are allowed"))
            return
        }
        guard start + size <= end else {
            problems.append(ArchiveProblem(.malformed, "the central directory reaches past its end record"))
            return
        }
        if start + size != end {
            // A file put before the archive shifts everything: the offsets no longer meet.
            let before = max(0, end - size - start)
            if holdsEnd(in: 0..<min(before, end)) {
                problems.append(ArchiveProblem(.glued, "two archives stand behind one another"))
            } else if bytes.starts(with: Self.centralMagic, at: end - size) {
                problems.append(
                    ArchiveProblem(
                        .prefix,
                        "\(end - size - start) bytes stand before the zip, which readers of other formats see"
                    )
                )
            } else {
                problems.append(
                    ArchiveProblem(.malformed, "the central directory does not end where it says"))
            }
            return
        }
        var offset = start
        for _ in 0..<count {
            guard offset + 46 <= end, bytes.starts(with: Self.centralMagic, at: offset) else {
                problems.append(
                    ArchiveProblem(.malformed, "the central directory holds fewer entries than it says"))
                return
            }
            let nameCount = bytes.little16(offset + 28)
            let extraCount = bytes.little16(offset + 30)
            let commentCount = bytes.little16(offset + 32)
            let next = offset + 46 + nameCount + extraCount + commentCount
            guard next <= end else {
                problems.append(ArchiveProblem(.malformed, "an entry of the central directory is cut short"))
                return
            }
            let name = Array(bytes[offset + 46..<offset + 46 + nameCount])
            let madeByUnix = bytes.little16(offset + 4) >> 8 == 3 || bytes.little16(offset + 4) >> 8 == 19
            let entry = Entry(
                name: name, flags: bytes.little16(offset + 8), method: bytes.little16(offset + 10),
                checksum: bytes.little32(offset + 16), packedBytes: bytes.little32(offset + 20),
                plainBytes: bytes.little32(offset + 24),
                mode: madeByUnix ? bytes.little32(offset + 38) >> 16 : 0, offset: bytes.little32(offset + 42))
            let extra = Array(bytes[offset + 46 + nameCount..<offset + 46 + nameCount + extraCount])
            judge(entry, extra: extra)
            entries.append(entry)
            offset = next
        }
        if offset != end {
            problems.append(ArchiveProblem(.malformed, "the central directory holds more than it counts"))
        }
    }

    private mutating func judge(_ entry: Entry, extra: [UInt8]) {
        problems += EntryName.problems(entry.name, limits: limits)
        func refuse(_ kind: ArchiveProblem.Kind, _ message: String) {
            problems.append(ArchiveProblem(kind, path: entry.shown, message))
        }
        if entry.flags & 0x1 != 0 || entry.flags & 0x40 != 0 || entry.flags & 0x2000 != 0 {
            refuse(.encrypted, "the entry is encrypted")
        }
        if entry.method != 0 && entry.method != 8 {
            refuse(.unsupported, "compression method \(entry.method) is not read; stored and deflate are")
        }
        if entry.method == 0 && entry.packedBytes != entry.plainBytes && entry.flags & 1 == 0 {
            refuse(.sizeLie, "a stored entry names two different sizes")
        }
        if entry.packedBytes == 0xFFFF_FFFF || entry.plainBytes == 0xFFFF_FFFF || entry.offset == 0xFFFF_FFFF
        {
            refuse(.unsupported, "zip64 is not read: bundles are far below 4 GiB")
        }
        judgeMode(entry, refuse)
        if entry.isFolder && (entry.plainBytes > 0) { refuse(.directoryData, "a folder carries data") }
        if entry.name.last == UInt8(ascii: "/") && entry.mode & 0o170000 == 0o100000 {
            refuse(.fileAsDirectory, "a regular file is named like a folder")
        }
        var offset = 0
        while offset + 4 <= extra.count {
            let tag = extra.little16(offset)
            let size = extra.little16(offset + 2)
            guard offset + 4 + size <= extra.count else {
                refuse(.malformed, "an extra field is cut short")
                return
            }
            if tag == 0x7075 && size > 5 {
                let other = Array(extra[offset + 9..<offset + 4 + size])
                if other != entry.name {
                    refuse(
                        .unicodePath,
                        "a second name, \"\(EntryName.printable(other))\", stands in an extra field")
                }
            }
            offset += 4 + size
        }
    }

    private func judgeMode(_ entry: Entry, _ refuse: (ArchiveProblem.Kind, String) -> Void) {
        switch entry.mode & 0o170000 {
        case 0, 0o100000, 0o040000: break
        case 0o120000: refuse(.symlink, "the entry is a symbolic link")
        case 0o020000, 0o060000: refuse(.device, "the entry is a device")
        case 0o010000: refuse(.fifo, "the entry is a named pipe")
        case 0o140000: refuse(.socket, "the entry is a socket")
        default: refuse(.unsupported, "the entry is of no known kind")
        }
        if entry.mode & 0o6000 != 0 { refuse(.setuid, "the entry would be set-user-ID or set-group-ID") }
    }

    private mutating func readLocal(_ index: Int) {
        let entry = entries[index]
        guard entry.offset + 30 <= bytes.count, bytes.starts(with: Self.localMagic, at: entry.offset) else {
            problems.append(
                ArchiveProblem(.malformed, path: entry.shown, "no local header stands where the list says"))
            return
        }
        let at = entry.offset
        let nameCount = bytes.little16(at + 26)
        let dataStart = at + 30 + nameCount + bytes.little16(at + 28)
        guard dataStart + entry.packedBytes <= bytes.count else {
            problems.append(
                ArchiveProblem(.truncated, path: entry.shown, "the entry reaches past the end of the file"))
            return
        }
        entries[index].dataStart = dataStart
        let name = Array(bytes[at + 30..<at + 30 + nameCount])
        var differing: [String] = []
        if name != entry.name { differing.append("name (\"\(EntryName.printable(name))\")") }
        if bytes.little16(at + 8) != entry.method { differing.append("compression method") }
        if (bytes.little16(at + 6) ^ entry.flags) & 0x809 != 0 { differing.append("flags") }
        let later = bytes.little16(at + 6) & 8 != 0
        let checksum = bytes.little32(at + 14)
        let packed = bytes.little32(at + 18)
        let plain = bytes.little32(at + 22)
        if !(later && checksum == 0) && checksum != entry.checksum { differing.append("checksum") }
        if !(later && packed == 0) && packed != entry.packedBytes { differing.append("compressed size") }
        if !(later && plain == 0) && plain != entry.plainBytes { differing.append("size") }
        if !differing.isEmpty {
            problems.append(
                ArchiveProblem(
                    .headerMismatch, path: entry.shown,
                    "the local header and the central directory differ in \(differing.joined(separator: ", "))"
                ))
        }
    }

    /// The local records must cover the file from byte 0 to the directory, each beginning where the last one ends.
    private mutating func tile(centralStart: Int) {
        var position = 0
        for entry in entries {
            if entry.offset < position {
                problems.append(
                    ArchiveProblem(.overlap, path: entry.shown, "the entry overlaps the one before it"))
                return
            }
            if entry.offset > position {
                reportGap(position..<entry.offset)
                if problems.contains(where: \.kind.isFatal) { return }
            }
            position = entry.dataStart + entry.packedBytes
            if entry.flags & 8 != 0 { position = behindDescriptor(position, entry) }
        }
        if position > centralStart {
            problems.append(ArchiveProblem(.overlap, "the last entry overlaps the central directory"))
        } else if position < centralStart {
            reportGap(position..<centralStart)
        }
    }

    private func behindDescriptor(_ position: Int, _ entry: Entry) -> Int {
        if bytes.starts(with: [0x50, 0x4B, 7, 8], at: position), position + 16 <= bytes.count,
            bytes.little32(position + 4) == entry.checksum
        {
            return position + 16
        }
        if position + 12 <= bytes.count, bytes.little32(position) == entry.checksum { return position + 12 }
        return position
    }

    private mutating func reportGap(_ gap: Range<Int>) {
        if bytes.starts(with: Self.localMagic, at: gap.lowerBound) {
            let at = gap.lowerBound
            let nameCount = at + 30 <= bytes.count ? bytes.little16(at + 26) : 0
            let name = at + 30 + nameCount <= bytes.count ? Array(bytes[at + 30..<at + 30 + nameCount]) : []
            problems.append(
                ArchiveProblem(
                    .hiddenEntry, path: EntryName.printable(name),
                    "an entry stands in the file that the central directory does not list"))
        } else if gap.lowerBound == 0 {
            problems.append(ArchiveProblem(.prefix, "\(gap.count) bytes stand before the first entry"))
        } else if holdsMagic(in: gap) {
            problems.append(ArchiveProblem(.glued, "another archive stands between the entries"))
        } else {
            problems.append(
                ArchiveProblem(
                    .hiddenEntry, "\(gap.count) bytes stand between the entries and belong to none"))
        }
    }
}
