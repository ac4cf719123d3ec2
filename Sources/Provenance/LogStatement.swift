// What stands behind an entry of the log that is no listing: signed by the marketplace's `attest` key, and named in
// the entry by the digest of its payload.
public import Marketplace

/// A fact that the marketplace states about a version or a key.
public struct LogStatement: Hashable, Sendable {
    public static let payloadType = "application/vnd.veroforge.log-statement+json"
    public static let folder = "log/statements"

    public let kind: LogEntry.Kind
    public let plugin: PluginID?
    public let version: Version?
    public let publisher: PublisherID?
    public let subject: Marketplace.Digest
    /// How far a revocation went.
    public let stage: String?
    public let reason: String
    public let evidence: String?
    public let actor: String
    public let at: Instant

    public init(
        kind: LogEntry.Kind, plugin: PluginID?, version: Version?, publisher: PublisherID?,
        subject: Marketplace.Digest, stage: String?, reason: String, evidence: String?, actor: String,
        at: Instant
    ) {
        self.kind = kind
        self.plugin = plugin
        self.version = version
        self.publisher = publisher
        self.subject = subject
        self.stage = stage
        self.reason = reason
        self.evidence = evidence
        self.actor = actor
        self.at = at
    }

    /// Canonical JSON: what is signed.
    public var payload: [UInt8] {
        var members: [String: JSONValue] = [
            "schema": "veroforge.log-statement/1", "kind": .string(kind.rawValue),
            "subject": .string(subject.hex), "reason": .string(reason), "actor": .string(actor),
            "at": .string(at.description),
        ]
        members["plugin"] = plugin.map { .string($0.text) }
        members["version"] = version.map { .string($0.description) }
        members["publisher"] = publisher.map { .string($0.text) }
        members["stage"] = stage.map { .string($0) }
        members["evidence"] = evidence.map { .string($0) }
        return JSONValue.object(members).serializedBytes()
    }

    public var digest: Marketplace.Digest { .sha256(of: payload) }

    /// The log's entry that this statement stands behind.
    public var entry: LogEntry {
        LogEntry(
            kind: kind, plugin: plugin, version: version, subject: subject, statement: digest, time: at)
    }

    /// The file of the site that holds it, signed.
    public func file(signedBy key: SigningKey) -> GeneratedFile {
        let envelope = Envelope.sign(payload, payloadType: LogStatement.payloadType, with: [key])
        return GeneratedFile(path: LogStatement.path(digest), bytes: envelope.serializedBytes)
    }

    static func path(_ digest: Marketplace.Digest) -> String { "\(folder)/\(digest).json" }

    /// What is wrong with the statement that an entry names; `nil` if it holds.
    static func problem(with bytes: [UInt8], for entry: LogEntry, keys: [VerifyingKey]) -> String? {
        do {
            let envelope = try Envelope(parsing: bytes)
            let payload = try envelope.verify(payloadType: payloadType, keys: keys)
            guard Marketplace.Digest.sha256(of: payload) == entry.statement else {
                return "is another statement than the log names"
            }
            let json = try JSONDocument.parse(payload, "statement")
            let fits =
                json["kind"]?.stringValue == entry.kind.rawValue
                && json["subject"]?.stringValue == entry.subject.hex
                && json["plugin"]?.stringValue == entry.plugin?.text
                && json["version"]?.stringValue == entry.version?.description
                && json["at"]?.stringValue == entry.time.description
            return fits ? nil : "does not say what the log's entry says"
        } catch {
            return error.cause
        }
    }
}
