// The index of the site's files, numbered, and its differences: a mirror that holds number N fetches the differences
// since N, each named by digest in the entry, and the files that they name. Index and entry are signed like any file.
public import Marketplace

/// Every file of a site but the metadata and the index itself.
public struct CatalogueIndex: Hashable, Sendable {
    public static let entryPath = "mirror/entry.json"
    public static let filesPath = "mirror/files.json"
    /// How many differences are kept; a mirror that is further behind fetches the whole index.
    public static let differencesMax = 64

    public var files: [String: TUFFile]

    public init(files: [String: TUFFile]) { self.files = files }

    /// Canonical: equal files give equal bytes.
    public var bytes: [UInt8] {
        JSONValue.object([
            "schema": "veroforge.index/1", "files": .object(files.mapValues(CatalogueIndex.json)),
        ]).serializedBytes() + [0x0a]
    }

    public init(parsing bytes: [UInt8]) throws(ProvenanceError) {
        let json = try JSONDocument.parse(bytes, CatalogueIndex.filesPath)
        guard json["schema"]?.stringValue == "veroforge.index/1", let rows = json["files"]?.objectValue else {
            throw ProvenanceError(.malformed, CatalogueIndex.filesPath, "lacks its schema or its files")
        }
        files = [:]
        for (path, row) in rows { files[path] = try CatalogueIndex.file(row) }
    }

    static func json(_ file: TUFFile) -> JSONValue {
        .array([.string(file.digest.hex), .integer(Int64(file.length))])
    }

    static func file(_ json: JSONValue) throws(ProvenanceError) -> TUFFile {
        guard let digest = json[0]?.stringValue.flatMap({ Marketplace.Digest(hex: $0) }),
            let length = json[1]?.integerValue, length >= 0
        else {
            throw ProvenanceError(.malformed, CatalogueIndex.filesPath, "has a row without digest and length")
        }
        return TUFFile(digest: digest, length: Int(length))
    }

    /// What changed from one index to the next.
    public struct Difference: Hashable, Sendable {
        public let number: Int64
        public let set: [String: TUFFile]
        public let removed: [String]

        public init(number: Int64, from old: CatalogueIndex, to new: CatalogueIndex) {
            self.number = number
            set = new.files.filter { old.files[$0.key] != $0.value }
            removed = old.files.keys.filter { new.files[$0] == nil }.sorted()
        }

        public var path: String { CatalogueIndex.differencePath(number) }

        public var bytes: [UInt8] {
            JSONValue.object([
                "schema": "veroforge.index-difference/1", "number": .integer(number),
                "set": .object(set.mapValues(CatalogueIndex.json)),
                "removed": .array(removed.map { .string($0) }),
            ]).serializedBytes() + [0x0a]
        }

        public init(parsing bytes: [UInt8]) throws(ProvenanceError) {
            let json = try JSONDocument.parse(bytes, "index difference")
            guard json["schema"]?.stringValue == "veroforge.index-difference/1",
                let number = json["number"]?.integerValue, let rows = json["set"]?.objectValue,
                let gone = json["removed"]?.arrayValue
            else { throw ProvenanceError(.malformed, "index difference", "lacks schema, number or rows") }
            self.number = number
            var set: [String: TUFFile] = [:]
            for (path, row) in rows { set[path] = try CatalogueIndex.file(row) }
            self.set = set
            removed = gone.compactMap(\.stringValue)
        }
    }

    public mutating func apply(_ difference: Difference) {
        files.merge(difference.set) { $1 }
        for path in difference.removed { files[path] = nil }
    }

    static func differencePath(_ number: Int64) -> String { "mirror/differences/\(number).json" }

    /// The index's files for a site. `previous` gives a file of the build before by its path; where nothing changed,
    /// its index is taken over byte for byte.
    public static func files(
        over published: [PublishedFile], previous: (String) -> [UInt8]?
    ) -> [GeneratedFile] {
        let index = CatalogueIndex(
            files: Dictionary(
                published.map { ($0.path, TUFFile(digest: $0.digest, length: $0.length)) },
                uniquingKeysWith: { first, _ in first }))
        let old = previous(entryPath).flatMap { try? Entry(parsing: $0) }
        let oldBytes = previous(filesPath)
        let bytes = index.bytes
        var kept: [GeneratedFile] = []
        for row in old?.differences ?? [] {
            if let bytes = previous(differencePath(row.number)), .sha256(of: bytes) == row.digest {
                kept.append(GeneratedFile(path: differencePath(row.number), bytes: bytes))
            }
        }
        guard let old, let oldBytes, kept.count == old.differences.count, .sha256(of: oldBytes) == old.index,
            let before = try? CatalogueIndex(parsing: oldBytes)
        else {
            let first = Entry(
                number: (old?.number ?? 0) + 1, index: .sha256(of: bytes), bytes: bytes.count, differences: []
            )
            return [
                GeneratedFile(path: entryPath, bytes: first.serializedBytes),
                GeneratedFile(path: filesPath, bytes: bytes),
            ]
        }
        var entry = old
        if oldBytes != bytes {
            let difference = Difference(number: old.number + 1, from: before, to: index)
            kept.append(GeneratedFile(path: difference.path, bytes: difference.bytes))
            kept = Array(kept.suffix(differencesMax))
            let rows =
                old.differences + [
                    Entry.Row(
                        number: difference.number, digest: .sha256(of: difference.bytes),
                        bytes: difference.bytes.count)
                ]
            entry = Entry(
                number: difference.number, index: .sha256(of: bytes), bytes: bytes.count,
                differences: Array(rows.suffix(differencesMax)))
        }
        return [
            GeneratedFile(path: entryPath, bytes: entry.serializedBytes),
            GeneratedFile(path: filesPath, bytes: bytes),
        ] + kept
    }

    /// `mirror/entry.json`: the present number, the digest of the whole index, and the differences that are kept.
    public struct Entry: Hashable, Sendable {
        public struct Row: Hashable, Sendable {
            /// The index that the difference leads to; it begins at the one before.
            public let number: Int64
            public let digest: Marketplace.Digest
            public let bytes: Int
        }

        public let number: Int64
        public let index: Marketplace.Digest
        public let bytes: Int
        /// Oldest first, without a gap up to `number`.
        public let differences: [Row]

        public init(number: Int64, index: Marketplace.Digest, bytes: Int, differences: [Row]) {
            self.number = number
            self.index = index
            self.bytes = bytes
            self.differences = differences
        }

        public var serializedBytes: [UInt8] {
            let rows = differences.map { row -> JSONValue in
                .object([
                    "number": .integer(row.number), "sha256": .string(row.digest.hex),
                    "bytes": .integer(Int64(row.bytes)),
                    "path": .string(CatalogueIndex.differencePath(row.number)),
                ])
            }
            return JSONValue.object([
                "schema": "veroforge.index-entry/1", "number": .integer(number),
                "index": .object([
                    "path": .string(CatalogueIndex.filesPath), "sha256": .string(index.hex),
                    "bytes": .integer(Int64(bytes)),
                ]), "differences": .array(rows),
            ]).serializedBytes() + [0x0a]
        }

        public init(parsing bytes: [UInt8]) throws(ProvenanceError) {
            let json = try JSONDocument.parse(bytes, CatalogueIndex.entryPath)
            guard json["schema"]?.stringValue == "veroforge.index-entry/1",
                let number = json["number"]?.integerValue,
                let index = json["index"]?["sha256"]?.stringValue.flatMap({ Marketplace.Digest(hex: $0) }),
                let count = json["index"]?["bytes"]?.integerValue,
                let list = json["differences"]?.arrayValue
            else {
                throw ProvenanceError(.malformed, CatalogueIndex.entryPath, "lacks schema, number or index")
            }
            self.number = number
            self.index = index
            self.bytes = Int(count)
            differences = list.compactMap { row in
                guard let number = row["number"]?.integerValue, let bytes = row["bytes"]?.integerValue,
                    let digest = row["sha256"]?.stringValue.flatMap({ Marketplace.Digest(hex: $0) })
                else { return nil }
                return Row(number: number, digest: digest, bytes: Int(bytes))
            }
        }

        /// The differences that lead from an index to the present one; `nil` where they are not all kept.
        public func way(from held: Int64) -> [Row]? {
            guard held <= number else { return nil }
            let rows = differences.filter { $0.number > held }
            return rows.count == number - held ? rows : nil
        }
    }
}
