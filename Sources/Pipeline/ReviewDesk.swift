import Foundation
import Marketplace
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
        let file = DecisionFile(
            submission: item, verdict: verdict, decidedBy: reviewer, reason: reason, rules: ["reviewer"],
            policy: Digest.sha256(of: policy), at: context.now)
        let envelope = try file.sign(context)
        return try PipelineError.translating { () throws(RegistryError) in
            try context.registry.review(item.id, file.record(envelope), now: context.now)
        }
    }

    public func appeal(_ item: Submission, reason: String) throws(PipelineError) -> Submission {
        try PipelineError.translating { () throws(RegistryError) in
            try context.registry.appeal(
                item.id, by: item.publisher, text: reason, dueAt: context.now.adding(days: 3),
                now: context.now)
        }
    }

    /// Everything about one submission, for a terminal or a program.
    public func dossier(of item: Submission, asJSON: Bool) throws(PipelineError) -> String {
        let scan = try? Reports.scan(item.id, context.data)
        let trial = try? Reports.trial(item.id, context.data)
        let transitions = try PipelineError.translating { () throws(RegistryError) in
            try context.registry.transitions(of: item.id)
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
                "scan": embedded(scan?.json()),
                "trial": embedded(trial?.json()),
            ]
            return document.serialized()
        }
        return Dossier(item: item, transitions: transitions, scan: scan, trial: trial, data: context.data)
            .text
    }
}

/// A submission in lines for people.
struct Dossier {
    let item: Submission
    let transitions: [Transition]
    let scan: ScanReport?
    let trial: TrialReport?
    let data: DataDirectory

    var text: String {
        var lines = [
            "\(item.title) by \(item.publisher)", "  submission  \(item.id)",
            "  state       \(item.state.rawValue)",
            "  why         \(item.reason.text)",
            "  next        \(item.reason.nextStep ?? item.state.defaultNextStep)",
        ]
        if let risk = item.risk { lines.append("  risk        \(risk) of 100") }
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
        lines.append("History:")
        lines += transitions.map { "  \($0.at)  \($0.to.rawValue) by \($0.actor): \($0.reason.text)" }
        lines.append("Decide: veroforge review approve|hold|reject \(item.id.hex.prefix(12)) --reason '…'")
        return lines.joined(separator: "\n")
    }

    private static func line(_ finding: Finding) -> String {
        let place = finding.line > 0 ? "\(finding.file):\(finding.line)" : finding.file
        return "  \(finding.severity.rawValue)  \(finding.rule)  \(place)  \(finding.message)"
    }
}
