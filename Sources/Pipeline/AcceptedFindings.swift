import Marketplace
import Registry
import Scanning

/// Findings that a reviewer has accepted before are shown and no longer counted; an acceptance that fits nothing any
/// more is reported.
struct AcceptedFindings: Sendable {
    private(set) var scan: ScanReport
    private(set) var trial: [Finding]
    /// `rule (accepted by NAME until TIME)`, sorted.
    private(set) var accepted: [String] = []
    /// A sentence each.
    private(set) var unmatched: [String] = []

    init(
        _ scan: ScanReport, _ trial: TrialReport, of item: Submission, policy: Policy, _ context: RunContext
    ) throws(PipelineError) {
        self.scan = scan
        self.trial = trial.findings
        guard let plugin = item.plugin else { return }
        let files = FindingFiles(scan, bundle: item.id)
        let keys = (scan.findings + trial.findings).map(files.key)
        let (matched, unmatched) = try PipelineError.translating { () throws(RegistryError) in
            try context.registry.matchAcceptances(of: plugin, findings: keys, now: context.now)
        }
        self.unmatched = unmatched.map {
            "the acceptance of \($0.rule) by \($0.acceptedBy) (\($0.fingerprint.prefix(12))) matches nothing any more"
        }
        guard !matched.isEmpty else { return }
        let known = try PipelineError.translating { () throws(RegistryError) in
            try context.registry.acceptances(of: plugin)
        }
        for acceptance in known
        where matched.contains(FindingKey(fingerprint: acceptance.fingerprint, file: acceptance.file)) {
            accepted.append(
                "\(acceptance.rule) (accepted by \(acceptance.acceptedBy) until \(acceptance.expiresAt))")
        }
        for index in self.scan.findings.indices where matched.contains(files.key(self.scan.findings[index])) {
            self.scan.findings[index].mode = .exempted
        }
        for index in self.trial.indices where matched.contains(files.key(self.trial[index])) {
            self.trial[index].mode = .exempted
        }
        if scan.verdict != .incomplete { self.scan.verdict = policy.verdict(self.scan.findings) }
    }
}

/// The digest that a finding is about: its file's, or the bundle's where it names no file of it.
struct FindingFiles: Sendable {
    private let digests: [String: Digest]
    private let bundle: Digest

    init(_ scan: ScanReport, bundle: Digest) {
        digests = Dictionary(
            scan.entries.compactMap { entry in
                entry.sha256.flatMap { Digest(hex: $0) }.map { (entry.path, $0) }
            }, uniquingKeysWith: { first, _ in first })
        self.bundle = bundle
    }

    func key(_ finding: Finding) -> FindingKey {
        FindingKey(fingerprint: finding.fingerprint, file: digests[finding.file] ?? bundle)
    }
}

/// Permissions as reports write them: `fetch api.example.com GET POST`.
enum PermissionLabel {
    static func parse(_ label: String) -> Permission? {
        let words = label.split(separator: " ").map(String.init)
        guard let first = words.first, let operation = Permission.Operation(rawValue: first) else {
            return nil
        }
        let target = words.count > 1 ? words[1] : "*"
        return switch operation {
        case .readData, .writeData: Permission(operation: operation, entity: target, purpose: "")
        case .triggerWorkflow: Permission(operation: operation, workflow: target, purpose: "")
        case .fetch:
            Permission(
                operation: operation, host: target,
                methods: words.count > 2 ? Array(words.dropFirst(2)) : nil,
                purpose: "")
        }
    }

    /// The three-way table of a version: declared, detected, observed, and the change since the one before.
    static func table(
        _ manifest: Manifest, _ scan: ScanReport?, _ trial: TrialReport?, before: PermissionSet?
    ) -> [PermissionRow] {
        PermissionTable.rows(
            declared: manifest.permissions, previous: before,
            detected: (scan?.capabilities.detected ?? []).compactMap { found in
                parse(found.permission).map { ($0, ["\(found.file):\(found.line)"]) }
            },
            observed: (trial?.observed ?? []).compactMap { seen in
                parse(seen.permission).map { ($0, seen.count) }
            })
    }

    static func json(_ rows: [PermissionRow]) -> JSONValue {
        .array(
            rows.map { row in
                [
                    "permission": .string(row.permission.description), "declared": .bool(row.declared),
                    "detected": .array(row.detected.map(JSONValue.string)),
                    "observed": .integer(Int64(row.observed)), "change": .string(row.change.rawValue),
                    "words": .string(row.words),
                ]
            })
    }
}
