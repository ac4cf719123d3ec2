public import Marketplace

/// One file of an archive or a folder, in memory.
public struct UnpackedEntry: Equatable, Sendable {
    /// The path inside the archive, with `/`; a file of a nested archive reads `outer.zip!/inner.js`.
    public let path: String
    public let byteCount: Int
    public let sha256: Digest
    /// How many archives it lies in: 1 for a file of the bundle itself.
    public let nesting: Int
    private var content: Content

    private enum Content: Equatable, Sendable {
        case plain([UInt8])
        /// As raw DEFLATE, made by ourselves.
        case packed([UInt8])
    }

    public init(path: String, bytes: [UInt8], nesting: Int = 1) {
        self.path = path
        byteCount = bytes.count
        content = .plain(bytes)
        sha256 = ContentDigest.sha256(of: bytes)
        self.nesting = nesting
    }

    /// The content; of a large archive's entry it is inflated at each call.
    public var bytes: [UInt8] {
        switch content {
        case .plain(let bytes): return bytes
        case .packed(let packed):
            guard let plain = try? Inflate.inflate(packed[...], limit: byteCount).output,
                plain.count == byteCount
            else { preconditionFailure("what was packed in this process cannot be damaged") }
            return plain
        }
    }

    /// The same, holding less memory where the content can be compressed.
    func packed() -> UnpackedEntry {
        guard case .plain(let bytes) = content, let packed = try? RawDeflate.deflate(bytes, level: 1),
            packed.count < bytes.count
        else { return self }
        var entry = self
        entry.content = .packed(packed)
        return entry
    }
}

/// What a hostile reader made of an archive: its files, and every reason to refuse it.
public struct UnpackedBundle: Equatable, Sendable {
    public enum Format: String, Codable, Sendable {
        case zip, tar
        case tarGzip = "tar.gz"
        case folder, unknown
    }

    public let format: Format
    /// The digest of the archive's bytes: the bundle's identity.
    public let sha256: Digest
    /// The size of the archive, in bytes.
    public let byteCount: Int
    /// Sorted by path.
    public let entries: [UnpackedEntry]
    /// Paths that are known from a header but were not read, each with why. Sorted.
    public let unread: [UnreadEntry]
    /// Sorted and without repetition.
    public let problems: [ArchiveProblem]

    public struct UnreadEntry: Equatable, Hashable, Sendable, Comparable {
        public let path: String
        public let why: String

        public init(path: String, why: String) {
            self.path = path
            self.why = why
        }

        public static func < (a: UnreadEntry, b: UnreadEntry) -> Bool { (a.path, a.why) < (b.path, b.why) }
    }

    public init(
        format: Format, sha256: Digest, byteCount: Int, entries: [UnpackedEntry], unread: [UnreadEntry] = [],
        problems: [ArchiveProblem] = []
    ) {
        self.format = format
        self.sha256 = sha256
        self.byteCount = byteCount
        self.entries = entries.sorted { ($0.path, $0.sha256.hex) < ($1.path, $1.sha256.hex) }
        self.unread = Array(Set(unread)).sorted()
        self.problems = Array(Set(problems)).sorted()
    }

    /// True where nothing speaks against using the files.
    public var isSound: Bool { problems.isEmpty }

    /// The folder that holds `plugin.json`, with its slash: empty, or the single top folder of an `npm pack` archive.
    public var root: String {
        if entries.contains(where: { $0.path == "plugin.json" }) { return "" }
        for entry in entries where entry.nesting == 1 && entry.path.hasSuffix("/plugin.json") {
            let folder = String(entry.path.dropLast("plugin.json".count))
            let outside = entries.contains { $0.nesting == 1 && !$0.path.hasPrefix(folder) }
            if folder.dropLast().contains("/") == false && !outside { return folder }
        }
        return ""
    }

    /// A file of the bundle by its path below `root`.
    public func file(_ path: String) -> UnpackedEntry? {
        let wanted = root + path
        return entries.first { $0.path == wanted }
    }
}
