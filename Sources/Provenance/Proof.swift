// `proof.json`: the chain of signed statements that leads from a publisher's bundle to a catalogue page. Each link
// names the digest of the link before, so none can be taken out, swapped or reordered.
public import Marketplace

/// A step of the chain, in order.
public enum ProofStep: String, CaseIterable, Sendable, Comparable {
    /// Signed by the publisher's key; all later ones by the marketplace's `attest` key.
    case submission
    case unpack, sbom, scan, trial, decision, listing

    public var predicateType: String { "https://veroforge.example/attestation/\(rawValue)/v1" }

    public init?(predicateType: String) {
        guard let step = ProofStep.allCases.first(where: { $0.predicateType == predicateType }) else {
            return nil
        }
        self = step
    }

    public static func < (left: ProofStep, right: ProofStep) -> Bool {
        allCases.firstIndex(of: left)! < allCases.firstIndex(of: right)!
    }
}

/// A file that a step made: its name, digest, and where the catalogue publishes it, if it does.
public struct ProofArtifact: Hashable, Sendable {
    public let name: String
    public let digest: Marketplace.Digest
    /// Relative to the site's root, for example `plugins/acme/hello/1.0.0/report/scan.json`.
    public let path: String?

    public init(name: String, digest: Marketplace.Digest, path: String? = nil) {
        self.name = name
        self.digest = digest
        self.path = path
    }

    var json: JSONValue {
        var members: [String: JSONValue] = ["name": .string(name), "sha256": .string(digest.hex)]
        if let path { members["path"] = .string(path) }
        return .object(members)
    }

    init?(json: JSONValue) {
        guard let name = json["name"]?.stringValue,
            let digest = json["sha256"]?.stringValue.flatMap({ Marketplace.Digest(hex: $0) })
        else { return nil }
        self.init(name: name, digest: digest, path: json["path"]?.stringValue)
    }
}

/// What one link says.
public struct ProofLink: Hashable, Sendable {
    public let step: ProofStep
    public let plugin: PluginID
    public let version: Version
    public let bundle: Marketplace.Digest
    public let artifacts: [ProofArtifact]
    /// The payload digest of the link before; `nil` in the first.
    public let previous: Marketplace.Digest?
    /// Further facts of the step, for example the scanner's ruleset digest or who decided.
    public let details: JSONValue

    public init(
        step: ProofStep, plugin: PluginID, version: Version, bundle: Marketplace.Digest,
        artifacts: [ProofArtifact],
        previous: Marketplace.Digest?, details: JSONValue = .object([:])
    ) {
        self.step = step
        self.plugin = plugin
        self.version = version
        self.bundle = bundle
        self.artifacts = artifacts
        self.previous = previous
        self.details = details
    }

    public var statement: Statement {
        var predicate: [String: JSONValue] = [
            "plugin": .string(plugin.text), "version": .string(version.description),
            "artifacts": .array(artifacts.sorted { $0.name < $1.name }.map(\.json)), "details": details,
        ]
        if let previous { predicate["previous"] = .string(previous.hex) }
        return Statement(
            subjects: [.init(name: "\(plugin.text)-\(version).vfp", digest: bundle)],
            predicateType: step.predicateType, predicate: .object(predicate))
    }

    public init(statement: Statement) throws(ProvenanceError) {
        guard let step = ProofStep(predicateType: statement.predicateType) else {
            throw ProvenanceError(
                .malformed, "statement", "has the unknown predicate type \(statement.predicateType)")
        }
        let predicate = statement.predicate
        guard let plugin = predicate["plugin"]?.stringValue.flatMap(PluginID.init),
            let version = predicate["version"]?.stringValue.flatMap(Version.init),
            let list = predicate["artifacts"]?.arrayValue, statement.subjects.count == 1
        else {
            throw ProvenanceError(
                .malformed, step.rawValue, "lacks plugin, version, artifacts or its one subject")
        }
        var artifacts: [ProofArtifact] = []
        for item in list {
            guard let artifact = ProofArtifact(json: item) else {
                throw ProvenanceError(.malformed, step.rawValue, "has an artifact without name or digest")
            }
            artifacts.append(artifact)
        }
        var previous: Marketplace.Digest?
        if let text = predicate["previous"]?.stringValue {
            guard let digest = Marketplace.Digest(hex: text) else {
                throw ProvenanceError(.malformed, step.rawValue, "names a previous link that is no digest")
            }
            previous = digest
        }
        self.init(
            step: step, plugin: plugin, version: version, bundle: statement.subjects[0].digest,
            artifacts: artifacts,
            previous: previous, details: predicate["details"] ?? .object([:]))
    }
}

/// The chain of one listed version with its place in the log: the content of `proof.json`.
public struct Proof: Hashable, Sendable {
    public static let schema = "veroforge.proof/1"

    public struct LogPlace: Hashable, Sendable {
        public let entry: LogEntry
        public let index: Int
        /// The size of the log that the path leads to the root of.
        public let size: Int
        public let root: Marketplace.Digest
        public let path: [Marketplace.Digest]

        /// The place of an entry in the log as it was right after the entry was appended, so that a proof does not
        /// change when the log grows.
        public init?(of entry: LogEntry, in log: TransparencyLog) {
            guard let index = log.index(of: entry) else { return nil }
            self.init(
                entry: log.entries[index], index: index, size: index + 1,
                root: log.tree.root(size: index + 1),
                path: log.tree.inclusionProof(of: index, size: index + 1))
        }

        init(entry: LogEntry, index: Int, size: Int, root: Marketplace.Digest, path: [Marketplace.Digest]) {
            self.entry = entry
            self.index = index
            self.size = size
            self.root = root
            self.path = path
        }
    }

    public let chain: [Envelope]
    public let log: LogPlace

    public init(chain: [Envelope], log: LogPlace) {
        self.chain = chain
        self.log = log
    }

    public var json: JSONValue {
        .object([
            "schema": .string(Proof.schema), "chain": .array(chain.map(\.json)),
            "log": .object([
                "entry": log.entry.json, "index": .integer(Int64(log.index)),
                "size": .integer(Int64(log.size)),
                "root": .string(log.root.hex), "path": .array(log.path.map { .string($0.hex) }),
            ]),
        ])
    }

    public var serializedBytes: [UInt8] { json.serializedBytes() + [0x0a] }

    public init(parsing bytes: [UInt8], subject: String = "proof.json") throws(ProvenanceError) {
        let json = try JSONDocument.parse(bytes, subject)
        guard json["schema"]?.stringValue == Proof.schema, let list = json["chain"]?.arrayValue,
            let log = json["log"], let entry = log["entry"], let index = log["index"]?.integerValue,
            let size = log["size"]?.integerValue,
            let root = log["root"]?.stringValue.flatMap({ Marketplace.Digest(hex: $0) }),
            let path = log["path"]?.arrayValue
        else { throw ProvenanceError(.malformed, subject, "lacks schema, chain or log") }
        var chain: [Envelope] = []
        for item in list { chain.append(try Envelope(json: item)) }
        let digests = path.compactMap { $0.stringValue.flatMap { Marketplace.Digest(hex: $0) } }
        guard digests.count == path.count else {
            throw ProvenanceError(.malformed, subject, "has a log path with something that is no digest")
        }
        self.init(
            chain: chain,
            log: LogPlace(
                entry: try LogEntry(json: entry), index: Int(index), size: Int(size), root: root,
                path: digests))
    }
}
