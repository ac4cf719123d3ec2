internal import CArchive
internal import Marketplace

/// Reads a stranger's archive into memory: libarchive beside an own reader of the headers, all limits counted while
/// inflating, every reason to refuse named. Only `veroforge-worker` and tests call it.
public struct ArchiveReader {
    private let limits: BundleLimits
    private var entries: [UnpackedEntry] = []
    private var unread: [UnpackedBundle.UnreadEntry] = []
    private var problems: [ArchiveProblem] = []
    private var total = 0
    private var count = 0
    private var held = 0
    /// Past this many bytes of contents, further ones are kept compressed: what came in small stays small.
    private static let plainBytesMax = 32 << 20

    private init(limits: BundleLimits) { self.limits = limits }

    /// Loads what must come from a file, for a process that is about to lose its file system.
    public static func prepare() {
        ArchiveLibrary.prepare()
        carchive_give_back_large_blocks()
    }

    /// Reads an archive, or the stream of a folder that `FolderStream` made.
    public static func read(_ bytes: [UInt8], limits: BundleLimits = .platform) -> UnpackedBundle {
        if EntryStream.isStream(bytes) { return readFolder(bytes) }
        var reader = ArchiveReader(limits: limits)
        let digest = ContentDigest.sha256(of: bytes)
        let format = reader.readArchive(bytes, prefix: "", nesting: 1, ancestors: [digest])
        return UnpackedBundle(
            format: format, sha256: digest, byteCount: bytes.count, entries: reader.entries,
            unread: reader.unread,
            problems: reader.problems)
    }

    private static func readFolder(_ bytes: [UInt8]) -> UnpackedBundle {
        let digest = ContentDigest.sha256(of: bytes)
        do {
            let items = try EntryStream.decode(bytes)
            var reader = ArchiveReader(limits: .platform)
            for item in items {
                switch item.kind {
                case .file:
                    reader.count += 1
                    reader.total += item.bytes.count
                    reader.keep(UnpackedEntry(path: item.path, bytes: item.bytes), ancestors: [digest])
                case .skipped:
                    let why = String(decoding: item.bytes, as: UTF8.self)
                    reader.unread.append(.init(path: item.path, why: why))
                }
            }
            return UnpackedBundle(
                format: .folder, sha256: digest, byteCount: bytes.count, entries: reader.entries,
                unread: reader.unread, problems: reader.problems)
        } catch {
            return UnpackedBundle(
                format: .unknown, sha256: digest, byteCount: bytes.count, entries: [],
                problems: [ArchiveProblem(.malformed, error.cause)])
        }
    }

    private mutating func refuse(_ kind: ArchiveProblem.Kind, _ path: String, _ message: String) {
        problems.append(ArchiveProblem(kind, path: path, message))
    }

    private mutating func readArchive(
        _ bytes: [UInt8], prefix: String, nesting: Int, ancestors: [Digest]
    ) -> UnpackedBundle.Format {
        if bytes.count > limits.inputBytesMax {
            refuse(
                .inputSize, prefix,
                "the archive is \(bytes.count) bytes large; \(limits.inputBytesMax) are allowed")
            return .unknown
        }
        switch Self.detect(bytes) {
        case .zip:
            readZip(bytes, prefix: prefix, nesting: nesting, ancestors: ancestors)
            return .zip
        case .tarGzip:
            var directory = TarDirectory(limits: limits)
            var isEmpty = true
            let (isWhole, found) = GzipMember.read(bytes, limits: limits) { chunk in
                isEmpty = isEmpty && chunk.isEmpty
                directory.take(chunk)
            }
            problems += found.map { Self.placed($0, prefix) }
            guard isWhole, !found.contains(where: \.kind.isFatal) else { return .tarGzip }
            directory.finish()
            guard directory.beginsAsTar == true || isEmpty else {
                refuse(.unknownFormat, prefix, "the gzip file holds no tar")
                return .tarGzip
            }
            readTar(
                bytes, directory, kind: .tarGzip, prefix: prefix, nesting: nesting, ancestors: ancestors)
            return .tarGzip
        case .tar:
            readTar(
                bytes, TarDirectory(bytes, limits: limits), kind: .tar, prefix: prefix, nesting: nesting,
                ancestors: ancestors)
            return .tar
        case .folder, .unknown:
            if bytes.isEmpty {
                refuse(.truncated, prefix, "the file is empty")
            } else if let end = Self.endRecord(bytes) {
                refuse(.polyglot, prefix, "a zip ends at byte \(end) of a file that begins as something else")
            } else {
                refuse(
                    .unknownFormat, prefix, "the file is no zip, tar or tar.gz, or its beginning is damaged")
            }
            return .unknown
        }
    }

    private static func placed(_ problem: ArchiveProblem, _ prefix: String) -> ArchiveProblem {
        prefix.isEmpty ? problem : ArchiveProblem(problem.kind, path: prefix + problem.path, problem.message)
    }

    /// What the first bytes say; the whole is judged later.
    static func detect(_ bytes: [UInt8]) -> UnpackedBundle.Format {
        if bytes.starts(with: ZipDirectory.localMagic, at: 0)
            || bytes.starts(with: ZipDirectory.endMagic, at: 0)
        {
            return .zip
        }
        if bytes.starts(with: GzipMember.magic, at: 0) { return .tarGzip }
        if TarDirectory.looksLikeTar(bytes) { return .tar }
        return .unknown
    }

    private static func endRecord(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 22 else { return nil }
        for offset in stride(from: bytes.count - 22, through: max(0, bytes.count - 22 - 65_535), by: -1)
        where bytes.starts(with: ZipDirectory.endMagic, at: offset) {
            return offset
        }
        return nil
    }

    private struct Expected {
        var name: [UInt8]
        var isFolder: Bool
        var isFile: Bool
        var packedBytes: Int?
        var plainBytes: Int
    }

    private mutating func readZip(_ bytes: [UInt8], prefix: String, nesting: Int, ancestors: [Digest]) {
        let directory = ZipDirectory(bytes, limits: limits)
        problems += directory.problems.map { Self.placed($0, prefix) }
        let expected = directory.entries.map {
            let kind = $0.mode & 0o170000
            return Expected(
                name: $0.name, isFolder: $0.isFolder, isFile: kind == 0 || kind == 0o100000,
                packedBytes: $0.packedBytes, plainBytes: $0.plainBytes)
        }
        guard !directory.problems.contains(where: \.kind.isFatal) else {
            for entry in expected where !entry.isFolder {
                skip(entry, prefix, "the archive is refused as a whole")
            }
            return
        }
        bytes.withUnsafeBytes {
            walk($0, kind: .zip, expected, prefix: prefix, nesting: nesting, ancestors: ancestors)
        }
    }

    private mutating func readTar(
        _ bytes: [UInt8], _ directory: TarDirectory, kind: ArchiveLibrary.Kind, prefix: String, nesting: Int,
        ancestors: [Digest]
    ) {
        problems += directory.problems.map { Self.placed($0, prefix) }
        let expected = directory.entries.map {
            Expected(
                name: $0.name, isFolder: $0.isFolder, isFile: $0.isFile, packedBytes: nil,
                plainBytes: $0.bytes)
        }
        guard !directory.problems.contains(where: \.kind.isFatal) else {
            for entry in expected where !entry.isFolder {
                skip(entry, prefix, "the archive is refused as a whole")
            }
            return
        }
        bytes.withUnsafeBytes {
            walk($0, kind: kind, expected, prefix: prefix, nesting: nesting, ancestors: ancestors)
        }
    }

    private mutating func skip(_ entry: Expected, _ prefix: String, _ why: String) {
        unread.append(.init(path: prefix + EntryName.printable(entry.name), why: why))
    }

    private mutating func walk(
        _ bytes: UnsafeRawBufferPointer, kind: ArchiveLibrary.Kind, _ expected: [Expected], prefix: String,
        nesting: Int, ancestors: [Digest]
    ) {
        let packed = bytes.count
        guard !expected.isEmpty else { return }
        let library: ArchiveLibrary
        do {
            library = try ArchiveLibrary(bytes, kind: kind)
        } catch {
            refuse(.unreadable, prefix, error.cause)
            for entry in expected where !entry.isFolder {
                skip(entry, prefix, "libarchive cannot read the archive")
            }
            return
        }
        var names = NameSet()
        var index = 0
        var inflated = 0
        while true {
            let header: ArchiveLibrary.Header
            switch library.next() {
            case .end:
                if index < expected.count {
                    refuse(
                        .headerMismatch, prefix,
                        "two readers of the archive list \(index) and \(expected.count) entries")
                    for entry in expected[index...] where !entry.isFolder {
                        skip(entry, prefix, "one reader does not see it")
                    }
                }
                return
            case .failed(let message):
                refuse(.unreadable, prefix, "libarchive stops at entry \(index + 1): \(message)")
                for entry in expected[min(index, expected.count)...] where !entry.isFolder {
                    skip(entry, prefix, "libarchive cannot read it")
                }
                return
            case .entry(let value): header = value
            }
            guard index < expected.count else {
                refuse(
                    .headerMismatch, prefix, "two readers of the archive list different numbers of entries")
                return
            }
            let entry = expected[index]
            index += 1
            count += 1
            let path = prefix + EntryName.printable(entry.name)
            if count > limits.entriesMax {
                refuse(.entryCount, prefix, "the archive holds more than \(limits.entriesMax) entries")
                for rest in expected[(index - 1)...] where !rest.isFolder {
                    skip(rest, prefix, "too many entries")
                }
                return
            }
            let nameProblems = EntryName.problems(entry.name, limits: limits)
            if nameProblems.isEmpty, let other = header.name, !Self.sameName(other, entry.name) {
                refuse(
                    .headerMismatch, path,
                    "two readers name the entry differently: \(EntryName.printable(other))")
            }
            problems += names.add(entry.name, isFolder: entry.isFolder).map { Self.placed($0, prefix) }
            if entry.isFolder { continue }
            guard entry.isFile && !header.isEncrypted else {
                skip(entry, prefix, header.isEncrypted ? "it is encrypted" : "it is no regular file")
                continue
            }
            switch library.read(limit: min(limits.entryBytesMax, limits.outputBytesMax - total)) {
            case .failed(let message):
                let lower = message.lowercased()
                let kind: ArchiveProblem.Kind =
                    lower.contains("crc") ? .badChecksum : lower.contains("trunc") ? .truncated : .sizeLie
                refuse(kind, path, "the entry cannot be inflated as declared: \(message)")
                skip(entry, prefix, "it cannot be inflated")
            case .tooLarge:
                let isEntry = limits.outputBytesMax - total >= limits.entryBytesMax
                refuse(
                    isEntry ? .entrySize : .totalSize, path,
                    isEntry
                        ? "the file inflates past \(limits.entryBytesMax) bytes"
                        : "the archive inflates past \(limits.outputBytesMax) bytes")
                for rest in expected[(index - 1)...] where !rest.isFolder {
                    skip(rest, prefix, "a size limit was reached")
                }
                return
            case .whole(let content):
                total += content.count
                inflated += content.count
                if content.count != entry.plainBytes {
                    refuse(
                        .sizeLie, path,
                        "the header says \(entry.plainBytes) bytes, there are \(content.count)")
                }
                let ownPacked = entry.packedBytes ?? packed
                let tooDense =
                    (content.count > limits.ratioFloorBytes
                        && content.count / max(ownPacked, 1) >= limits.ratioMax)
                    || (inflated > limits.ratioFloorBytes && inflated / max(packed, 1) >= limits.ratioMax)
                if tooDense {
                    refuse(.ratio, path, "the data inflates to over \(limits.ratioMax) times its size")
                    for rest in expected[(index - 1)...] where !rest.isFolder {
                        skip(rest, prefix, "the ratio limit was reached")
                    }
                    return
                }
                keep(UnpackedEntry(path: path, bytes: content, nesting: nesting), ancestors: ancestors)
            }
        }
    }

    /// libarchive ends a folder's name with a slash and drops nothing else.
    private static func sameName(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        var (a, b) = (a, b)
        if a.last == UInt8(ascii: "/") { a.removeLast() }
        if b.last == UInt8(ascii: "/") { b.removeLast() }
        return a == b
    }

    /// Keeps a file and, where it is an archive itself, reads that too, one level deeper.
    private mutating func keep(_ entry: UnpackedEntry, ancestors: [Digest]) {
        held += entry.byteCount
        entries.append(held > Self.plainBytesMax ? entry.packed() : entry)
        let format = Self.detect(entry.bytes)
        guard format != .unknown else {
            if entry.bytes.starts(with: [0x89, 0x50, 0x4E, 0x47], at: 0) || Self.isScript(entry.path),
                let end = Self.endRecord(entry.bytes), ZipDirectory.isPlausible(entry.bytes, end: end)
            {
                refuse(.polyglot, entry.path, "the file is a zip as well, which ends at byte \(end)")
            }
            return
        }
        if ancestors.contains(entry.sha256) {
            refuse(.quine, entry.path, "the archive holds itself")
            return
        }
        guard entry.nesting < limits.nestingMax else {
            refuse(.nesting, entry.path, "archives lie in one another more than \(limits.nestingMax) deep")
            unread.append(.init(path: entry.path + "!", why: "it lies too deep in other archives"))
            return
        }
        if format == .tarGzip, !Self.holdsTar(entry.bytes, limits: limits) { return }
        _ = readArchive(
            entry.bytes, prefix: entry.path + "!/", nesting: entry.nesting + 1,
            ancestors: ancestors + [entry.sha256])
    }

    private static func isScript(_ path: String) -> Bool {
        [".js", ".mjs", ".cjs", ".html", ".svg"].contains { path.hasSuffix($0) }
    }

    /// A gzip file inside a bundle is an archive where it holds a tar, and plain data otherwise.
    private static func holdsTar(_ bytes: [UInt8], limits: BundleLimits) -> Bool {
        guard let start = GzipMember.headerEnd(bytes) else { return false }
        guard let head = Inflate.prefix(bytes[start...], count: 512) else { return false }
        return TarDirectory.looksLikeTar(head)
    }
}

extension ZipDirectory {
    /// True where an end record points at a central directory that is really there.
    static func isPlausible(_ bytes: [UInt8], end: Int) -> Bool {
        let size = bytes.little32(end + 12)
        return size == 0 || (end >= size && bytes.starts(with: centralMagic, at: end - size))
    }
}
