import Marketplace
import Provenance
import Registry
import Scanning

/// `tried → approved | held | rejected`: scan and trial are joined under `rules/policy.yaml`; the decision is signed.
struct DecideStage: SubmissionStage {
    let name = "decide"
    let summary = "joins scan and trial under rules/policy.yaml and signs the decision"
    let from = SubmissionState.tried

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
        let outcome = policy.decide(
            scan: scan, trial: .init(findings: trial.findings, isComplete: trial.complete),
            publisher: try publisherFacts(submission, context))
        let verdict: DecisionVerdict =
            switch outcome.verdict {
            case .approve: .approve
            case .hold: .hold
            case .reject: .reject
            }
        let file = DecisionFile(
            submission: submission, verdict: verdict, decidedBy: "policy",
            reason: outcome.facts.joined(separator: "; "),
            rules: outcome.facts, policy: Digest.sha256(of: policyBytes), at: context.now)
        let envelope = try file.sign(context)
        let risk = RiskScore.score(scan.findings + trial.findings)
        return Move(
            verdict.state, verdict == .approve ? "approved" : verdict.rawValue, file.reason,
            records: [
                .review(
                    risk: risk, dueAt: verdict == .hold ? context.now.adding(days: 3) : nil,
                    approvalsNeeded: 1),
                .decision(file.record(envelope)),
            ])
    }

    private func publisherFacts(
        _ submission: Submission, _ context: RunContext
    ) throws(PipelineError) -> Policy.PublisherFacts {
        let publisher = try PipelineError.translating { () throws(RegistryError) in
            try context.registry.publisher(submission.publisher)
        }
        let listed = try PipelineError.translating { () throws(RegistryError) in
            try context.registry.allVersions()
        }
        let manifest = try ManifestStore.manifest(of: submission)
        let before = listed.filter { $0.plugin == manifest.id && $0.version < manifest.version }.max {
            $0.version < $1.version
        }
        var added: [String]?
        if let before {
            let old = try ManifestStore.manifest(before.manifest, of: "\(before.plugin)@\(before.version)")
            added = manifest.permissions.exceeding(old.permissions).map(\.description)
        }
        return Policy.PublisherFacts(
            isVerified: publisher.verifiedAt != nil,
            approvedVersions: listed.filter { $0.plugin.publisher == submission.publisher }.count,
            isQuarantined: publisher.state != .active, newPermissions: added)
    }
}

/// 0 to 100: how much a reviewer should worry, by the gravest findings.
enum RiskScore {
    static func score(_ findings: [Finding]) -> Int {
        let weights: [Severity: Int] = [.info: 0, .low: 2, .medium: 10, .high: 30, .critical: 60]
        return min(
            100, findings.filter { $0.mode == .enforced }.reduce(0) { $0 + (weights[$1.severity] ?? 0) })
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
        let document: JSONValue = [
            "schema": "veroforge.decision/1", "submission": .string(submission.id.hex),
            "plugin": .string(submission.plugin?.text ?? ""),
            "version": .string(submission.version?.description ?? ""),
            "verdict": .string(verdict.rawValue), "decidedBy": .string(decidedBy),
            "at": .string(at.description),
            "reason": .string(reason), "rules": .array(rules.map(JSONValue.string)),
            "policy": policy.map { .string($0.hex) } ?? .null, "evidence": .array(evidence),
        ]
        let key = try PipelineError.provenance { () throws(ProvenanceError) in
            try context.keys.signingKey(.attest)
        }
        let envelope = Envelope.sign(
            document.serializedBytes(), payloadType: "application/vnd.veroforge.decision+json", with: [key])
        try Files.write(envelope.serializedBytes, to: context.data.report(submission.id, "decision.json"))
        return Digest.sha256(of: envelope.serializedBytes)
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
