internal import Marketplace

/// `rules/policy.yaml`: which findings mean review or rejection, for a scan alone and for the decision.
///
/// Rules are tried from the top; the first that holds gives the verdict, and all that hold with the same verdict are
/// named as the facts that decided.
public struct Policy: Sendable {
    public enum DecisionVerdict: String, Codable, Sendable { case approve, hold, reject }

    /// What is known of the publisher and the submission when it is decided.
    public struct PublisherFacts: Sendable {
        public var isVerified: Bool
        /// How many versions of this publisher have been approved before.
        public var approvedVersions: Int
        public var isQuarantined: Bool
        /// Permissions that the approved version before did not have; nil for a first version.
        public var newPermissions: [String]?

        public init(
            isVerified: Bool, approvedVersions: Int, isQuarantined: Bool = false,
            newPermissions: [String]? = nil
        ) {
            self.isVerified = isVerified
            self.approvedVersions = approvedVersions
            self.isQuarantined = isQuarantined
            self.newPermissions = newPermissions
        }
    }

    /// What the trial run says: its findings, and whether it came to its end.
    public struct TrialFacts: Sendable {
        public var findings: [Finding]
        public var isComplete: Bool

        public init(findings: [Finding], isComplete: Bool) {
            self.findings = findings
            self.isComplete = isComplete
        }
    }

    public struct Decision: Codable, Equatable, Sendable {
        public var verdict: DecisionVerdict
        /// The names of the policy rules that decided, each with what met it.
        public var facts: [String]

        public init(verdict: DecisionVerdict, facts: [String]) {
            self.verdict = verdict
            self.facts = facts
        }
    }

    struct Condition: Sendable {
        var rules: [String] = []
        var classes: Set<String> = []
        var severity: Severity?
        var flags: Set<String> = []

        func matches(_ finding: Finding) -> Bool {
            if !rules.isEmpty && !rules.contains(where: { Policy.glob($0, finding.rule) }) { return false }
            if !classes.isEmpty && !classes.contains(finding.class.rawValue) { return false }
            if let severity, finding.severity < severity { return false }
            return true
        }
    }

    struct Rule: Sendable {
        var name: String
        var condition: Condition
        var then: String
    }

    let scanRules: [Rule]
    let decideRules: [Rule]
    let rescanRules: [Rule]

    static let flagNames: Set<String> = [
        "scan-incomplete", "scan-reject", "scan-review", "trial-incomplete", "publisher-unverified",
        "publisher-quarantined", "first-version", "new-permissions",
    ]

    /// Reads the policy file; unknown keys, classes and flags are errors, for a typing mistake must not open a door.
    public init(yaml bytes: [UInt8]) throws(ScanError) {
        let document = try YAMLReader.read(bytes, name: "policy.yaml", code: .badPolicy)
        guard document["schema"]?.stringValue == "veroforge.policy/1" else {
            throw ScanError(.badPolicy, subject: "policy.yaml", cause: "schema is not veroforge.policy/1")
        }
        scanRules = try Self.rules(document["scan"], allowed: ["incomplete", "reject", "review"])
        decideRules = try Self.rules(document["decide"], allowed: ["reject", "hold"])
        rescanRules =
            document["rescan"] == nil
            ? [] : try Self.rules(document["rescan"], allowed: ["revoke", "hold"])
    }

    private static func rules(_ value: JSONValue?, allowed: Set<String>) throws(ScanError) -> [Rule] {
        func fail(_ subject: String, _ cause: String) -> ScanError {
            ScanError(.badPolicy, subject: "policy.yaml: \(subject)", cause: cause)
        }
        guard let list = value?.arrayValue, !list.isEmpty else { throw fail("rules", "there are none") }
        var result: [Rule] = []
        for item in list {
            guard let object = item.objectValue, let name = object["name"]?.stringValue else {
                throw fail("rule \(result.count + 1)", "it has no name")
            }
            if let key = object.keys.sorted().first(where: { !["name", "when", "then", "why"].contains($0) })
            {
                throw fail(name, "unknown key \(key)")
            }
            guard let then = object["then"]?.stringValue, allowed.contains(then) else {
                throw fail(name, "then must be one of \(allowed.sorted().joined(separator: ", "))")
            }
            guard let when = object["when"]?.objectValue, !when.isEmpty else {
                throw fail(name, "it has no condition")
            }
            var condition = Condition()
            for key in when.keys.sorted() {
                let content = when[key] ?? .null
                switch key {
                case "rule": condition.rules = content.strings
                case "class":
                    condition.classes = Set(content.strings)
                    if let unknown = content.strings.first(where: { FindingClass(rawValue: $0) == nil }) {
                        throw fail(name, "unknown class \(unknown)")
                    }
                case "severity":
                    guard let severity = Severity(rawValue: content.stringValue ?? "") else {
                        throw fail(name, "unknown severity")
                    }
                    condition.severity = severity
                case "fact":
                    condition.flags = Set(content.strings)
                    if let unknown = content.strings.first(where: { !flagNames.contains($0) }) {
                        throw fail(name, "unknown fact \(unknown)")
                    }
                default: throw fail(name, "unknown condition \(key)")
                }
            }
            result.append(Rule(name: name, condition: condition, then: then))
        }
        return result
    }

    /// `*` stands for any run of characters.
    static func glob(_ pattern: String, _ text: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false).map(String.init)
        guard parts.count > 1 else { return pattern == text }
        guard text.hasPrefix(parts[0]) else { return false }
        var rest = Substring(text.dropFirst(parts[0].count))
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let range = rest.firstRange(of: part) else { return false }
            rest = rest[range.upperBound...]
        }
        return rest.hasSuffix(parts[parts.count - 1])
    }

    /// The verdict of a scan, from its counted findings.
    public func verdict(_ findings: [Finding]) -> ScanVerdict {
        let counted = findings.filter { $0.mode == .enforced }
        for rule in scanRules where counted.contains(where: rule.condition.matches) {
            if let verdict = ScanVerdict(rawValue: rule.then) { return verdict }
        }
        return .clean
    }

    /// Joins scan and trial: `reject` where one rule says so, else `hold`, else `approve`.
    public func decide(scan: ScanReport, trial: TrialFacts, publisher: PublisherFacts) -> Decision {
        var flags: Set<String> = []
        if scan.verdict == .incomplete { flags.insert("scan-incomplete") }
        if scan.verdict == .reject { flags.insert("scan-reject") }
        if scan.verdict == .review { flags.insert("scan-review") }
        if !trial.isComplete { flags.insert("trial-incomplete") }
        if !publisher.isVerified { flags.insert("publisher-unverified") }
        if publisher.isQuarantined { flags.insert("publisher-quarantined") }
        if publisher.approvedVersions == 0 { flags.insert("first-version") }
        if !(publisher.newPermissions ?? []).isEmpty { flags.insert("new-permissions") }
        let findings = (scan.findings + trial.findings).filter { $0.mode == .enforced }
        var held: [String: [String]] = [:]
        for rule in decideRules {
            if !rule.condition.flags.isEmpty {
                guard !rule.condition.flags.isDisjoint(with: flags) else { continue }
                if rule.condition.rules.isEmpty && rule.condition.classes.isEmpty
                    && rule.condition.severity == nil
                {
                    held[rule.then, default: []].append(rule.name)
                    continue
                }
            }
            let met = findings.filter(rule.condition.matches)
            guard !met.isEmpty else { continue }
            let names = Set(met.map(\.rule)).sorted()
            held[rule.then, default: []].append("\(rule.name): \(names.joined(separator: ", "))")
        }
        if let facts = held["reject"] { return Decision(verdict: .reject, facts: facts) }
        if let facts = held["hold"] { return Decision(verdict: .hold, facts: facts) }
        return Decision(verdict: .approve, facts: ["no-rule-objects"])
    }

    /// What to do with a listed version that rules or advisories match today and did not before: `revoke` where one
    /// rule says so, else `hold`, else `report`, with the names of the rules.
    public func rescan(_ findings: [Finding]) -> (action: String, facts: [String]) {
        var held: [String: [String]] = [:]
        for rule in rescanRules {
            let met = findings.filter { $0.mode == .enforced && rule.condition.matches($0) }
            guard !met.isEmpty else { continue }
            let names = Set(met.map(\.rule)).sorted()
            held[rule.then, default: []].append("\(rule.name): \(names.joined(separator: ", "))")
        }
        for action in ["revoke", "hold"] {
            if let facts = held[action] { return (action, facts) }
        }
        return ("report", ["no-rule-objects"])
    }
}
