public import Marketplace
import Registry

/// What `veroforge status` says: waiting items, the last runs, alarms.
public struct StatusReport: Sendable {
    public let states: [(state: String, count: Int)]
    public let oldestItemMinutes: Int64?
    public let runs: [(pipeline: String, startedAt: Instant, outcome: String, items: Int, failed: Int)]
    /// The last night's books; nil before the first.
    let money: MoneyStatus?
    /// What the last run of a pipeline had to say.
    public let notes: [(pipeline: String, text: String)]
    /// One sentence each; any makes the exit code 1.
    public let alarms: [String]

    public static func make(_ context: RunContext, alarmMinutes: Int64) throws(PipelineError) -> StatusReport
    {
        let registry = context.registry
        let counts = try PipelineError.translating { () throws(RegistryError) in try registry.stateCounts() }
        let age = try PipelineError.translating { () throws(RegistryError) in
            try registry.oldestItemAgeMs(now: context.now)
        }
        var runs: [(String, Instant, String, Int, Int)] = []
        var alarms: [String] = []
        var notes: [(pipeline: String, text: String)] = []
        for name in PipelineFile.names(in: context.programs.pipelines) {
            let last = try PipelineError.translating { () throws(RegistryError) in
                try registry.runs(of: name, limit: 1).first
            }
            guard let last else { continue }
            let outcome = last.outcome?.rawValue ?? "running"
            if name == "nightly", let told = last.detail["notes"]?.arrayValue {
                notes += told.compactMap { note in note.stringValue.map { (name, $0) } }
            }
            runs.append((name, last.startedAt, outcome, last.items, last.failed))
            if last.outcome == .failed { alarms.append("the last run of \(name) failed") }
            if last.outcome == .interrupted {
                alarms.append("the last run of \(name) was cut off; run it again")
            }
        }
        let minutes = age.map { $0 / 60_000 }
        if let minutes, minutes >= alarmMinutes {
            alarms.append("the oldest item has been waiting for \(minutes) minutes")
        }
        let incomplete = counts[.incomplete]?.count ?? 0
        if incomplete > 0 { alarms.append("\(incomplete) submissions are incomplete: a check did not end") }
        return StatusReport(
            states: counts.map { ($0.key.rawValue, $0.value.count) }.sorted { $0.0 < $1.0 },
            oldestItemMinutes: minutes,
            runs: runs.map { (pipeline: $0.0, startedAt: $0.1, outcome: $0.2, items: $0.3, failed: $0.4) },
            money: MoneyStatus(context.data), notes: notes, alarms: alarms)
    }

    public func json() -> String {
        let runs = runs.map { run -> JSONValue in
            [
                "pipeline": .string(run.pipeline), "startedAt": .string(run.startedAt.description),
                "outcome": .string(run.outcome), "items": .integer(Int64(run.items)),
                "failed": .integer(Int64(run.failed)),
            ]
        }
        let document: JSONValue = [
            "schema": "veroforge.status/1",
            "states": .object(
                Dictionary(uniqueKeysWithValues: states.map { ($0.state, .integer(Int64($0.count))) })),
            "oldestItemMinutes": oldestItemMinutes.map { .integer($0) } ?? .null, "runs": .array(runs),
            "money": money?.json ?? .null,
            "notes": .array(
                notes.map { ["pipeline": .string($0.pipeline), "text": .string($0.text)] }),
            "alarms": .array(alarms.map(JSONValue.string)),
        ]
        return document.serialized()
    }

    public func text() -> String {
        var lines = [
            "Submissions: "
                + (states.isEmpty ? "none" : states.map { "\($0.count) \($0.state)" }.joined(separator: ", "))
        ]
        if let oldestItemMinutes { lines.append("Oldest waiting item: \(oldestItemMinutes) minutes") }
        for run in runs {
            lines.append(
                "Last \(run.pipeline): \(run.startedAt), \(run.outcome), \(run.items) items, \(run.failed) failed"
            )
        }
        if let money { lines += money.lines }
        lines += notes.map { "To look at (\($0.pipeline)): \($0.text)" }
        lines += alarms.map { "ALARM: \($0)" }
        return lines.joined(separator: "\n")
    }
}
