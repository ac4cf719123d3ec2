// The public record of what was listed, yanked and revoked: a file of lines that only grows, hashed as RFC 6962 says.
// A line is one entry in canonical JSON; its bytes without the line feed are the leaf.
public import Marketplace

/// One fact of the log.
public struct LogEntry: Hashable, Sendable {
    public enum Kind: String, Sendable {
        case listed, yanked, restored, revoked, keyRevoked
    }

    public let kind: Kind
    public let plugin: PluginID?
    public let version: Version?
    /// The bundle's digest, or the digest of the evidence where there is no bundle.
    public let subject: Marketplace.Digest
    /// The digest of the signed statement that caused the entry (the decision's payload).
    public let statement: Marketplace.Digest
    public let time: Instant

    public init(
        kind: Kind, plugin: PluginID?, version: Version?, subject: Marketplace.Digest,
        statement: Marketplace.Digest,
        time: Instant
    ) {
        self.kind = kind
        self.plugin = plugin
        self.version = version
        self.subject = subject
        self.statement = statement
        self.time = time
    }

    public var json: JSONValue {
        var members: [String: JSONValue] = [
            "kind": .string(kind.rawValue), "subject": .string(subject.hex),
            "statement": .string(statement.hex),
            "time": .string(time.description),
        ]
        if let plugin { members["plugin"] = .string(plugin.text) }
        if let version { members["version"] = .string(version.description) }
        return .object(members)
    }

    public init(json: JSONValue) throws(ProvenanceError) {
        guard let kind = json["kind"]?.stringValue.flatMap(Kind.init),
            let subject = json["subject"]?.stringValue.flatMap({ Marketplace.Digest(hex: $0) }),
            let statement = json["statement"]?.stringValue.flatMap({ Marketplace.Digest(hex: $0) }),
            let time = json["time"]?.stringValue.flatMap(Instant.init)
        else { throw ProvenanceError(.malformed, "log entry", "lacks kind, subject, statement or time") }
        self.init(
            kind: kind, plugin: json["plugin"]?.stringValue.flatMap(PluginID.init),
            version: json["version"]?.stringValue.flatMap(Version.init), subject: subject,
            statement: statement,
            time: time)
    }

    /// The leaf: canonical JSON, no line feed.
    public var leaf: [UInt8] { json.serializedBytes() }

    /// What makes two entries the same fact: everything, but of a listing not the time.
    var identity: [UInt8] { identity(leaf) }

    /// - Parameter leaf: this entry's, which is known.
    func identity(_ leaf: [UInt8]) -> [UInt8] {
        guard kind == .listed, case .object(var members) = json else { return leaf }
        members["time"] = nil
        return JSONValue.object(members).serializedBytes()
    }
}

/// The log in one file. Opening reads it whole; appending adds to file and tree.
public struct TransparencyLog: Sendable {
    public let path: String?
    public private(set) var entries: [LogEntry] = []
    public private(set) var tree = MerkleTree()
    private var indexOf: [[UInt8]: Int] = [:]

    /// Opens the log file, which need not be there yet. A last line without its line feed is what a crash left of an
    /// append that nobody has been told of: it is cut off.
    public init(path: String) throws(ProvenanceError) {
        self.path = path
        guard Files.exists(path) else { return }
        var bytes = try Files.bytes(of: path)
        if let last = bytes.last, last != 0x0a {
            bytes = bytes.lastIndex(of: 0x0a).map { Array(bytes[...$0]) } ?? []
            try Files.replace(path, with: bytes)
        }
        try load(bytes, path)
    }

    /// A log read from published bytes.
    public init(parsing bytes: [UInt8], subject: String = "log") throws(ProvenanceError) {
        path = nil
        guard bytes.isEmpty || bytes.last == 0x0a else {
            throw ProvenanceError(.malformed, subject, "ends without a line feed")
        }
        try load(bytes, subject)
    }

    private mutating func load(_ bytes: [UInt8], _ subject: String) throws(ProvenanceError) {
        for (number, line) in bytes.split(separator: 0x0a, omittingEmptySubsequences: false).dropLast()
            .enumerated()
        {
            let name = "\(subject):\(number + 1)"
            let entry: LogEntry
            do {
                entry = try LogEntry(json: try JSONDocument.parse(Array(line), name))
            } catch {
                throw ProvenanceError(error.code, name, error.cause)
            }
            let leaf = entry.leaf
            guard leaf.elementsEqual(line) else {
                throw ProvenanceError(.malformed, name, "is not canonical")
            }
            add(entry, leaf)
        }
    }

    public var count: Int { entries.count }

    /// Appends an entry and returns its index. An equal entry that is there already is not added again, and a bundle
    /// is listed once under one decision, whatever the time: so a stage that was killed between the log and the
    /// database may simply run once more, later.
    @discardableResult
    public mutating func append(_ entry: LogEntry) throws(ProvenanceError) -> Int {
        if let index = index(of: entry) { return index }
        let leaf = entry.leaf
        if let path { try Files.append(leaf + [0x0a], to: path) }
        return add(entry, leaf)
    }

    /// The place of an entry; of a listing, whenever it was.
    public func index(of entry: LogEntry) -> Int? { indexOf[entry.identity] }

    /// The file's bytes, as they are published.
    public var bytes: [UInt8] { entries.flatMap { $0.leaf + [0x0a] } }

    /// The signed head over the whole log.
    public func checkpoint(signedBy key: SigningKey) -> Envelope {
        Checkpoint(size: count, root: tree.root()).signed(with: key)
    }

    @discardableResult
    private mutating func add(_ entry: LogEntry, _ leaf: [UInt8]) -> Int {
        entries.append(entry)
        tree.append(leafHash: MerkleTree.leafHash(leaf))
        let identity = entry.identity(leaf)
        if indexOf[identity] == nil { indexOf[identity] = entries.count - 1 }
        return entries.count - 1
    }
}

/// A log's size and root, what its owner signs.
public struct Checkpoint: Hashable, Sendable {
    public static let payloadType = "application/vnd.veroforge.checkpoint+json"
    public let size: Int
    public let root: Marketplace.Digest

    public init(size: Int, root: Marketplace.Digest) {
        self.size = size
        self.root = root
    }

    func signed(with key: SigningKey) -> Envelope {
        let json: JSONValue = .object(["size": .integer(Int64(size)), "root": .string(root.hex)])
        return Envelope.sign(json.serializedBytes(), payloadType: Checkpoint.payloadType, with: [key])
    }

    public init(verifying envelope: Envelope, keys: [VerifyingKey]) throws(ProvenanceError) {
        let payload = try envelope.verify(payloadType: Checkpoint.payloadType, keys: keys)
        let json = try JSONDocument.parse(payload, "checkpoint")
        guard let size = json["size"]?.integerValue, size >= 0,
            let root = json["root"]?.stringValue.flatMap({ Marketplace.Digest(hex: $0) })
        else { throw ProvenanceError(.malformed, "checkpoint", "lacks size or root") }
        self.init(size: Int(size), root: root)
    }
}
