import Marketplace
import Provenance
import Registry
import Scanning

/// `tried → approved | held | rejected`: scan and trial are joined under `rules/policy.yaml`; the decision is signed.
struct DecideStage: SubmissionStage {
    let name = "decide"
    let summary = "joins scan and trial under rules/policy.yaml and signs the decision"
    let from = SubmissionState.tried

    /// Reviewers' decisions from the runtime's pages come first.
    func prepare(_ context: RunContext, _ report: inout StageReport) throws(PipelineError) {
        try ReviewRequests(context: context).take(into: &report)
    }

    func work(on submission: Submission, _ context: RunContext) async throws(PipelineError) -> Move {
        let scan = try Reports.scan(submission.id, context.data)
        let trial = try Reports.trial(submission.id, context.data)
        let policyBytes = try Files.read(context.programs.rules + "/policy.yaml")
        let policy: Policy
        do {
            policy = try Policy(yaml: policyBytes)
        } catch {
            throw PipelineError(
                .usage, "rules/policy.yaml: \(error.cause)", remedy: "Correct the policy file.")
        }
        let rules = try ReviewRules(policy: String(decoding: policyBytes, as: UTF8.self))
        let weighed = try AcceptedFindings(scan, trial, of: submission, policy: policy, context)
        let facts = try SubmissionFacts(submission, context)
        let findings = weighed.scan.findings + weighed.trial
        let outcome = policy.decide(
            scan: weighed.scan, trial: .init(findings: weighed.trial, isComplete: trial.complete),
            publisher: facts.forPolicy)
        let risk = Risk(findings, newPermissions: facts.newPermissions, facts.standing, rules)
        var (verdict, named) = Self.verdict(outcome, risk, rules)
        if !facts.changedPlans.isEmpty {
            verdict = .reject
            named = [
                "plan-changed: \(facts.changedPlans.joined(separator: ", ")) was listed with another price; a plan's id stands for its price, so give the new price a new id"
            ]
        }
        let file = DecisionFile(
            submission: submission, verdict: verdict, decidedBy: "policy",
            reason: (named + weighed.unmatched).joined(separator: "; "), rules: named,
            policy: Digest.sha256(of: policyBytes), at: context.now, risk: risk,
            approvalsNeeded: rules.approvalsNeeded(findings),
            permissions: PermissionLabel.table(facts.manifest, scan, trial, before: facts.before),
            accepted: weighed.accepted, unmatched: weighed.unmatched)
        let envelope = try file.sign(context)
        let code =
            switch verdict {
            case .approve: "approved"
            case .hold: "held"
            case .reject: facts.changedPlans.isEmpty ? "rejected" : "plan-changed"
            }
        return Move(
            verdict.state, code, file.reason,
            records: [
                .review(
                    risk: risk.score,
                    dueAt: verdict == .hold ? rules.dueAt(risk: risk.score, now: context.now) : nil,
                    approvalsNeeded: file.approvalsNeeded),
                .decision(file.record(envelope)),
            ])
    }

    /// What the rules say; where none objects, the risk decides. Every rule that led to it is named.
    private static func verdict(
        _ outcome: Policy.Decision, _ risk: Risk, _ rules: ReviewRules
    ) -> (DecisionVerdict, [String]) {
        switch outcome.verdict {
        case .reject: return (.reject, outcome.facts)
        case .hold: return (.hold, outcome.facts)
        case .approve:
            let weight = "risk \(risk.score) of at most \(rules.automaticRiskMax) (\(risk.words))"
            return risk.score <= rules.automaticRiskMax
                ? (.approve, ["low-risk: \(weight)"]) : (.hold, ["risk-too-high: \(weight)"])
        }
    }
}

/// What is known of a submission and its publisher when it is weighed.
struct SubmissionFacts: Sendable {
    let manifest: Manifest
    let standing: PublisherStanding
    let isQuarantined: Bool
    /// The permissions of the version before; `nil` for a first one.
    let before: PermissionSet?
    let changedPlans: [String]

    init(_ submission: Submission, _ context: RunContext) throws(PipelineError) {
        let manifest = try ManifestStore.manifest(of: submission)
        let registry = context.registry
        let now = context.now
        self.manifest = manifest
        (standing, isQuarantined, before, changedPlans) = try PipelineError.translating {
            () throws(RegistryError) in
            (
                try registry.standing(of: submission.publisher, now: now),
                try registry.publisher(submission.publisher).state != .active,
                try registry.permissionsBefore(manifest.id, manifest.version),
                try registry.changedPlans(in: manifest)
            )
        }
    }

    var newPermissions: [Permission]? { before.map { manifest.permissions.exceeding($0) } }

    var forPolicy: Policy.PublisherFacts {
        Policy.PublisherFacts(
            isVerified: standing.isVerified, approvedVersions: standing.listed, isQuarantined: isQuarantined,
            newPermissions: newPermissions?.map(\.description))
    }
}

/// `decision.json`: who decided, when, under which policy, on which evidence; signed by the `attest` key.
public struct DecisionFile: Sendable {
    let submission: Submission
    let verdict: DecisionVerdict
    let decidedBy: String
    let reason: String
    let rules: [String]
    let policy: Digest?
    let at: Instant
    var risk: Risk?
    var approvalsNeeded = 1
    var permissions: [PermissionRow] = []
    var accepted: [String] = []
    var unmatched: [String] = []

    func record(_ envelope: Digest) -> NewDecision {
        NewDecision(
            verdict: verdict, decidedBy: decidedBy, reason: reason, rules: rules, policy: policy,
            envelope: envelope)
    }

    /// Writes the signed file and returns its digest.
    func sign(_ context: RunContext) throws(PipelineError) -> Digest {
        let evidence = try ["scan.json", "trial.json", "unpack.json"].map {
            name throws(PipelineError) -> JSONValue in
            let bytes = try Files.readIfPresent(context.data.report(submission.id, name))
            return [
                "name": .string(name), "sha256": bytes.map { .string(Digest.sha256(of: $0).hex) } ?? .null,
            ]
        }
        // Decisions before this one, so that the last file names every signature that four eyes need.
        let earlier = try PipelineError.translating { () throws(RegistryError) in
            try context.registry.decisions(of: submission.id)
        }
        let document: JSONValue = [
            "schema": "veroforge.decision/1", "submission": .string(submission.id.hex),
            "plugin": .string(submission.plugin?.text ?? ""),
            "version": .string(submission.version?.description ?? ""),
            "verdict": .string(verdict.rawValue), "decidedBy": .string(decidedBy),
            "at": .string(at.description),
            "reason": .string(reason), "rules": .array(rules.map(JSONValue.string)),
            "policy": policy.map { .string($0.hex) } ?? .null, "evidence": .array(evidence),
            "risk": risk.map { ["score": .integer(Int64($0.score)), "parts": .string($0.words)] } ?? .null,
            "approvalsNeeded": .integer(Int64(approvalsNeeded)),
            "permissions": PermissionLabel.json(permissions),
            "accepted": .array(accepted.map(JSONValue.string)),
            "unmatchedAcceptances": .array(unmatched.map(JSONValue.string)),
            "earlier": .array(
                earlier.map {
                    [
                        "verdict": .string($0.decision.verdict.rawValue),
                        "decidedBy": .string($0.decision.decidedBy), "at": .string($0.at.description),
                        "sha256": $0.decision.envelope.map { .string($0.hex) } ?? .null,
                    ]
                }),
        ]
        let key = try PipelineError.provenance { () throws(ProvenanceError) in
            try context.keys.signingKey(.attest)
        }
        let envelope = Envelope.sign(
            document.serializedBytes(), payloadType: "application/vnd.veroforge.decision+json", with: [key])
        let bytes = envelope.serializedBytes
        let digest = Digest.sha256(of: bytes)
        // Every decision is kept under its digest; the last one is the one that the proof leads over.
        try Files.write(bytes, to: context.data.report(submission.id, "decisions/\(digest).json"))
        try Files.write(bytes, to: context.data.report(submission.id, "decision.json"))
        return digest
    }
}

/// Reports as the stages left them.
enum Reports {
    static func scan(_ bundle: Digest, _ data: DataDirectory) throws(PipelineError) -> ScanReport {
        let bytes = try Files.read(data.report(bundle, "scan.json"))
        do {
            return try ScanReport(json: bytes)
        } catch {
            throw PipelineError(.incomplete, "\(data.report(bundle, "scan.json")): \(error.cause)")
        }
    }

    static func trial(_ bundle: Digest, _ data: DataDirectory) throws(PipelineError) -> TrialReport {
        try TrialReport(json: try Files.read(data.report(bundle, "trial.json")))
    }
}
