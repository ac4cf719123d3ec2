import Foundation
public import Marketplace
import Provenance
public import Registry
import Scanning

/// What a reviewer does on the command line and through the runtime: read a submission whole, decide, sign.
public struct ReviewDesk: Sendable {
    let context: RunContext

    public init(_ context: RunContext) { self.context = context }

    public func queue() throws(PipelineError) -> [Submission] {
        try PipelineError.translating { () throws(RegistryError) in try context.registry.reviewQueue() }
    }

    /// Records a signed decision; `approve`, `hold` or `reject`.
    public func decide(
        _ item: Submission, verdict: String, reviewer: String, reason: String
    ) throws(PipelineError) -> Submission {
        guard let verdict = DecisionVerdict(rawValue: verdict) else {
            throw PipelineError(.usage, "\(verdict) is none of approve, hold, reject")
        }
        guard item.state == .held || (item.state == .approved && verdict != .approve) else {
            throw PipelineError(
                .usage, "\(item.title) is \(item.state.rawValue); only what is held is decided here",
                remedy: "`veroforge review list` shows what is held.")
        }
        guard verdict == .approve || !reason.isEmpty else {
            throw PipelineError(
                .usage, "a reason is needed to \(verdict.rawValue)", remedy: "Give it with --reason.")
        }
        let policy = try Files.read(context.programs.rules + "/policy.yaml")
        let facts = try SubmissionFacts(item, context)
        var file = DecisionFile(
            submission: item, verdict: verdict, decidedBy: reviewer, reason: reason, rules: ["reviewer"],
            policy: Digest.sha256(of: policy), at: context.now, approvalsNeeded: item.approvalsNeeded)
        file.permissions = PermissionLabel.table(
            facts.manifest, try? Reports.scan(item.id, context.data),
            try? Reports.trial(item.id, context.data), before: facts.before)
        let envelope = try file.sign(context)
        return try PipelineError.translating { () throws(RegistryError) in
            try context.registry.review(item.id, file.record(envelope), now: context.now)
        }
    }

    public func appeal(_ item: Submission, reason: String) throws(PipelineError) -> Submission {
        let policy = try Files.read(context.programs.rules + "/policy.yaml")
        let rules = try ReviewRules(policy: String(decoding: policy, as: UTF8.self))
        return try PipelineError.translating { () throws(RegistryError) in
            try context.registry.appeal(
                item.id, by: item.publisher, text: reason,
                dueAt: rules.dueAt(risk: item.risk ?? 0, now: context.now), now: context.now)
        }
    }

    /// Accepts a finding of a submission by its fingerprint, or the beginning of it, until a moment: it is shown from
    /// then on and no longer counted, in this file, for as long as the file stays as it is.
    public func accept(
        _ fingerprint: String, of item: Submission, reviewer: String, reason: String, until: Instant
    ) throws(PipelineError) -> [String] {
        let scan = try Reports.scan(item.id, context.data)
        let trial = try? Reports.trial(item.id, context.data)
        guard fingerprint.utf8.count >= 6, let plugin = item.plugin else {
            throw PipelineError(.usage, "give at least 6 characters of the finding's fingerprint")
        }
        let files = FindingFiles(scan, bundle: item.id)
        let found = (scan.findings + (trial?.findings ?? [])).filter {
            $0.fingerprint.hasPrefix(fingerprint)
        }
        guard let first = found.first else {
            throw PipelineError(
                .notFound, "\(item.title) has no finding \(fingerprint)",
                remedy: "`veroforge review show \(item.id.hex.prefix(12))` names them.")
        }
        guard Set(found.map(\.fingerprint)).count == 1 else {
            throw PipelineError(.usage, "\(fingerprint) is the beginning of several fingerprints")
        }
        for finding in found {
            try PipelineError.translating { () throws(RegistryError) in
                try context.registry.accept(
                    files.key(finding), of: plugin, rule: finding.rule, reason: reason, by: reviewer,
                    expiresAt: until, now: context.now)
            }
        }
        return ["\(first.rule) in \(first.file) is accepted for \(plugin) until \(until)."]
    }

    /// Everything about one submission, for a terminal or a program.
    public func dossier(of item: Submission, asJSON: Bool) throws(PipelineError) -> String {
        let scan = try? Reports.scan(item.id, context.data)
        let trial = try? Reports.trial(item.id, context.data)
        let transitions = try PipelineError.translating { () throws(RegistryError) in
            try context.registry.transitions(of: item.id)
        }
        var permissions: [PermissionRow] = []
        if item.manifest != nil {
            let facts = try SubmissionFacts(item, context)
            permissions = PermissionLabel.table(facts.manifest, scan, trial, before: facts.before)
        }
        if asJSON {
            let steps = transitions.map { step -> JSONValue in
                [
                    "to": .string(step.to.rawValue), "at": .string(step.at.description),
                    "by": .string(step.actor),
                    "reasonCode": .string(step.reason.code), "reason": .string(step.reason.text),
                ]
            }
            func embedded(_ bytes: [UInt8]?) -> JSONValue {
                bytes.flatMap { try? JSONValue.parse($0) } ?? .null
            }
            let document: JSONValue = [
                "schema": "veroforge.dossier/1", "submission": .string(item.id.hex),
                "plugin": .string(item.plugin?.text ?? ""),
                "version": .string(item.version?.description ?? ""),
                "publisher": .string(item.publisher.text), "state": .string(item.state.rawValue),
                "risk": .integer(Int64(item.risk ?? 0)), "steps": .array(steps),
                "approvalsNeeded": .integer(Int64(item.approvalsNeeded)),
                "permissions": PermissionLabel.json(permissions),
                "scan": embedded(scan?.json()),
                "trial": embedded(trial?.json()),
            ]
            return document.serialized()
        }
        return Dossier(
            item: item, transitions: transitions, scan: scan, trial: trial, permissions: permissions
        ).text
    }
}

/// A submission in lines for people.
struct Dossier {
    let item: Submission
    let transitions: [Transition]
    let scan: ScanReport?
    let trial: TrialReport?
    let permissions: [PermissionRow]

    var text: String {
        var lines = [
            "\(item.title) by \(item.publisher)", "  submission  \(item.id)",
            "  state       \(item.state.rawValue)",
            "  why         \(item.reason.text)",
            "  next        \(item.reason.nextStep ?? item.state.defaultNextStep)",
        ]
        if let risk = item.risk { lines.append("  risk        \(risk) of 100") }
        if item.approvalsNeeded > 1 {
            lines.append("  approvals   \(item.approvalsNeeded) different reviewers must approve")
        }
        if let due = item.dueAt { lines.append("  due         \(due)") }
        if let scan {
            lines.append(
                "Scan: \(scan.verdict.rawValue), \(scan.entries.count) entries, ruleset \(scan.tool.ruleset.prefix(12))"
            )
            lines += (scan.findings).map(Self.line)
        }
        if let trial {
            lines.append(
                "Trial on \(trial.backEnd): \(trial.complete ? "complete" : "not complete"), \(trial.runs.count) runs"
            )
            for action in trial.runs.first?.actions ?? [] {
                lines.append(
                    "  \(action.name): \(action.outcome), \(action.cpuMs) ms CPU, \(action.operations) operations"
                        + (action.detail.isEmpty ? "" : "; \(action.detail)"))
            }
            lines += trial.observed.map {
                "  asked for \($0.permission) \($0.count) times\($0.allowed ? "" : ", DENIED: not declared")"
            }
            lines += trial.findings.map(Self.line)
        }
        if !permissions.isEmpty {
            lines.append("Permissions (declared, found in the code, seen in the trial):")
            lines += permissions.map { row in
                "  \(row.permission)  \(row.declared ? "declared" : "NOT declared"), "
                    + "\(row.detected.count) places, seen \(row.observed) times, \(row.change.rawValue)\n    \(row.words)"
            }
        }
        lines.append("History:")
        lines += transitions.map {
            "  \($0.at)  \($0.to.rawValue) by \($0.actor) [\($0.reason.code)]: \($0.reason.text)"
        }
        lines.append("Decide: veroforge review approve|hold|reject \(item.id.hex.prefix(12)) --reason '…'")
        return lines.joined(separator: "\n")
    }

    private static func line(_ finding: Finding) -> String {
        let place = finding.line > 0 ? "\(finding.file):\(finding.line)" : finding.file
        let accepted = finding.mode == .exempted ? "  (exempted)" : ""
        return
            "  \(finding.severity.rawValue)  \(finding.rule)  \(place)  \(finding.message)  [\(finding.fingerprint.prefix(12))]\(accepted)"
    }
}
