public import Bundles
public import Marketplace

/// All of `rules/` in memory, checked and compiled.
public struct RuleSet {
    /// What a rule's metadata says, whichever engine runs it; the rule catalogue is made of this.
    public struct Description: Codable, Equatable, Sendable {
        public var id: String
        public var `class`: FindingClass
        public var severity: Severity
        public var description: String
        public var hint: String
        public var legitimate: String
        public var reference: String
        public var created: String
        public var expires: String?
        public var layers: String
    }

    /// SHA-256 over names and contents of every file that was read.
    public let digest: Digest
    public let policy: Policy
    public let exemptions: Exemptions
    /// Sorted by id.
    public let descriptions: [Description]
    let yara: YaraEngine
    /// From a YARA identifier to what its rule says.
    let yaraRules: [String: Description]
    let secrets: SecretRules
    let behaviours: [BehaviourRule]
    /// Libraries that are recognised where no lockfile names them.
    let libraries: VendoredLibraries

    /// - Parameter files: `rules/` as `FolderStream.items(folder:)` gives it; paths begin below that folder.
    public init(files: [EntryStream.Item]) throws(ScanError) {
        let used = files.filter { $0.kind == .file && Self.isRule($0.path) }.sorted { $0.path < $1.path }
        digest = ContentDigest.sha256(of: EntryStream.encode(used))
        func content(_ path: String, _ code: ScanError.Code) throws(ScanError) -> [UInt8] {
            guard let item = used.first(where: { $0.path == path }) else {
                throw ScanError(.missingRules, subject: path, cause: "the rules folder has no such file")
            }
            return item.bytes
        }
        policy = try Policy(yaml: content("policy.yaml", .badPolicy))
        exemptions = try Exemptions(yaml: content("exemptions.yaml", .badExemptions))
        var secrets = SecretRules()
        var behaviours: [BehaviourRule] = []
        var sources: [(name: String, text: String)] = []
        for item in used {
            if item.path.hasPrefix("yara/") {
                sources.append((item.path, String(decoding: item.bytes, as: UTF8.self)))
            } else if item.path.hasPrefix("secrets/") {
                try secrets.add(yaml: item.bytes, name: item.path)
            } else if item.path.hasPrefix("capabilities/") {
                behaviours.append(try BehaviourRule(yaml: item.bytes, name: item.path))
            }
        }
        guard !sources.isEmpty, !secrets.rules.isEmpty, !behaviours.isEmpty else {
            throw ScanError(
                .missingRules, subject: "rules", cause: "yara, secrets and capabilities are all needed")
        }
        for pattern in secrets.rules { sources.append(("secrets: \(pattern.id)", pattern.yaraSource)) }
        yara = try YaraEngine(sources: sources)
        var byIdentifier: [String: Description] = [:]
        for (identifier, meta) in yara.metadata() where meta["secret"] == nil {
            byIdentifier[identifier] = try Self.describe(identifier, meta)
        }
        yaraRules = byIdentifier
        self.secrets = secrets
        let list = used.first { $0.path == "libraries.tsv" }
        libraries =
            try list.map { item throws(ScanError) in
                try VendoredLibraries(tsv: item.bytes, name: item.path)
            } ?? VendoredLibraries()
        self.behaviours = behaviours.sorted { $0.description.id < $1.description.id }
        let all =
            Array(byIdentifier.values) + secrets.rules.map(\.description) + behaviours.map(\.description)
            + BuiltInRules.all
        descriptions = all.sorted { $0.id < $1.id }
        for (a, b) in zip(descriptions, descriptions.dropFirst()) where a.id == b.id {
            throw ScanError(.badRule, subject: a.id, cause: "two rules share the name")
        }
    }

    /// Only what takes part in a scan; cases, seeds and system call lists lie beside it.
    static func isRule(_ path: String) -> Bool {
        if path == "policy.yaml" || path == "exemptions.yaml" || path == "libraries.tsv" {
            return true
        }
        let parts = path.split(separator: "/")
        guard parts.count == 2 else { return false }
        switch parts[0] {
        case "yara": return path.hasSuffix(".yar")
        case "secrets", "capabilities": return path.hasSuffix(".yaml")
        default: return false
        }
    }

    static func describe(_ identifier: String, _ meta: [String: String]) throws(ScanError)
        -> Description
    {
        func need(_ key: String) throws(ScanError) -> String {
            guard let value = meta[key], !value.isEmpty else {
                throw ScanError(.badRule, subject: identifier, cause: "its metadata lacks \(key)")
            }
            return value
        }
        let id = try need("id")
        guard id.map({ $0 == "." || $0 == "-" ? "_" : $0 }) == Array(identifier) else {
            throw ScanError(.badRule, subject: identifier, cause: "its id is \(id)")
        }
        guard let kind = FindingClass(rawValue: try need("class")),
            let severity = Severity(rawValue: try need("severity"))
        else { throw ScanError(.badRule, subject: id, cause: "unknown class or severity") }
        let layers = try need("layers")
        guard ["raw", "code", "any"].contains(layers) else {
            throw ScanError(.badRule, subject: id, cause: "layers must be raw, code or any")
        }
        return Description(
            id: id, class: kind, severity: severity, description: try need("description"),
            hint: try need("hint"),
            legitimate: try need("legitimate"), reference: try need("reference"),
            created: try need("created"),
            expires: meta["expires"], layers: layers)
    }
}
