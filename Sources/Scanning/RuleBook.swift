public import Bundles
public import Marketplace

/// What `rules/` says, without the engines: policy and exemptions, and every rule's description where it is asked for.
/// It is what the host needs to finish a report, and what the rule catalogue is made of; reading it takes no compiling.
public struct RuleBook: Sendable {
    /// SHA-256 over names and contents of every rule file, as in `RuleSet`.
    public let digest: Digest
    public let policy: Policy
    public let exemptions: Exemptions
    private let files: [EntryStream.Item]

    /// - Parameter files: `rules/` as `FolderStream.items(folder:)` gives it.
    public init(files: [EntryStream.Item]) throws(ScanError) {
        let used = files.filter { $0.kind == .file && RuleSet.isRule($0.path) }.sorted { $0.path < $1.path }
        func content(_ path: String) throws(ScanError) -> [UInt8] {
            guard let item = used.first(where: { $0.path == path }) else {
                throw ScanError(
                    .missingRules, subject: "rules", cause: "policy.yaml and exemptions.yaml are needed")
            }
            return item.bytes
        }
        digest = ContentDigest.sha256(of: EntryStream.encode(used))
        policy = try Policy(yaml: content("policy.yaml"))
        exemptions = try Exemptions(yaml: content("exemptions.yaml"))
        self.files = used
    }

    /// Every rule's description, sorted by id. A scan that was done before needs none of them, so they are read here.
    public var descriptions: [RuleSet.Description] {
        get throws(ScanError) {
            var secrets = SecretRules()
            var all = BuiltInRules.all
            for item in files {
                if item.path.hasPrefix("secrets/") {
                    try secrets.add(yaml: item.bytes, name: item.path)
                } else if item.path.hasPrefix("capabilities/") {
                    all.append(try BehaviourRule(yaml: item.bytes, name: item.path).description)
                } else if item.path.hasPrefix("yara/") {
                    for (identifier, meta) in Self.metadata(String(decoding: item.bytes, as: UTF8.self)) {
                        all.append(try RuleSet.describe(identifier, meta))
                    }
                }
            }
            return (all + secrets.rules.map(\.description)).sorted { $0.id < $1.id }
        }
    }

    /// `key = "value"` of each rule's `meta:` section, in the plain form in which our own files write it.
    private static func metadata(_ text: String) -> [(String, [String: String])] {
        var rules: [(String, [String: String])] = []
        var isMeta = false
        for raw in text.split(separator: "\n") {
            let line = raw.drop { $0 == " " }
            if line.hasPrefix("rule ") {
                rules.append(
                    (String(line.dropFirst(5).prefix { $0.isLetter || $0.isNumber || $0 == "_" }), [:]))
            } else if line == "meta:" {
                isMeta = true
            } else if line.hasSuffix(":") {
                isMeta = false
            } else if isMeta, !rules.isEmpty, let sign = line.firstRange(of: " = \""), line.hasSuffix("\"") {
                let value = line[sign.upperBound...].dropLast()
                rules[rules.count - 1].1[String(line[..<sign.lowerBound])] = String(value)
                    .split(separator: "\\\"", omittingEmptySubsequences: false).joined(separator: "\"")
            }
        }
        return rules
    }
}

/// The rule catalogue: one section a class, one entry a rule, made of what the rules say of themselves.
public enum RuleCatalogue {
    private static let classes: [(kind: FindingClass, title: String, text: String)] = [
        (.maliciousCode, "Malicious code", "What a plugin has no honest use for."),
        (.obfuscation, "Obfuscation", "What hides what the code does. Minifying is none of it."),
        (.capability, "Capabilities", "What the code reaches for, against what the manifest declares."),
        (.secret, "Secrets", "Credentials that stand in the bundle, where everybody can read them."),
        (.dependency, "Dependencies", "What the bundle brings along from others."),
        (.manifest, "Manifest", "What `plugin.json` and its neighbours say."),
        (.archive, "Archives", "Properties that no well-made bundle has."),
        (.limit, "Limits", "What uses more than there is."),
        (.trial, "Trial run", "What was seen when the plugin really ran."),
        (.incomplete, "Incomplete", "What was not looked at is never called clean."),
    ]

    /// Markdown with the same bytes for the same rules.
    public static func markdown(_ descriptions: [RuleSet.Description]) -> String {
        var text = """
            # Rule catalogue

            Every finding names one of these rules. The page is made by `veroforge rules` from what the rules say of
            themselves. How scans work is told in [the scanner](scanner.md).

            """
        for item in classes {
            let rules = descriptions.filter { $0.class == item.kind }
            guard !rules.isEmpty else { continue }
            text += "\n## \(item.title)\n\n\(item.text)\n"
            if item.kind == .secret {
                text += "\n| rule | severity | finds |\n|---|---|---|\n"
                for rule in rules {
                    text += "| `\(rule.id)` | \(rule.severity.rawValue) | \(cell(rule.description)) |\n"
                }
                continue
            }
            for rule in rules {
                text +=
                    "\n### \(rule.id)\n\n\(sentence(rule.description)) Severity: \(rule.severity.rawValue)."
                if let expires = rule.expires { text += " In force until \(expires)." }
                text += "\n\n- Reviewer: \(sentence(rule.hint))\n- Legitimate: \(sentence(rule.legitimate))\n"
                if rule.reference.hasPrefix("http") { text += "- Reference: <\(rule.reference)>\n" }
            }
        }
        return text
    }

    private static func sentence(_ text: String) -> String {
        let whole = text.prefix(1).uppercased() + text.dropFirst()
        return whole.hasSuffix(".") ? whole : whole + "."
    }

    private static func cell(_ text: String) -> String {
        text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }
}
