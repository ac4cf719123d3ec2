public import Marketplace
public import Registry

/// One step of a pipeline. A stage turns files and rows into files and rows; running it again is a no-op.
public protocol Stage: Sendable {
    /// The name in `pipelines/*.yaml` and of the stage's file.
    var name: String { get }
    /// One line for `--help` and the docs.
    var summary: String { get }
    func run(_ context: RunContext, progress: Progress) async throws(PipelineError) -> StageReport
}

/// How a stage's run went; one JSON object in the run's line.
public struct StageReport: Sendable, Codable, Equatable {
    public var stage: String
    /// Items that moved on as they should.
    public var done = 0
    /// Items that policy turned down: the pipeline worked.
    public var rejected = 0
    public var held = 0
    /// Items of which a check did not complete.
    public var incomplete = 0
    /// Items on which the stage itself failed; they back off.
    public var failed = 0
    /// A sentence an item, for those that did not simply move on.
    public var notes: [String] = []
    /// Money by name, for the stages that move it.
    public var totals: [String: String] = [:]

    public init(stage: String) { self.stage = stage }

    public var exitCode: ExitCode {
        ExitCode.worst((incomplete > 0 ? [.incomplete] : []) + (failed > 0 ? [.findings] : []))
    }
}

/// A stage that works through submissions one by one, each leased, moved on in one transaction.
public protocol SubmissionStage: Stage {
    var from: SubmissionState { get }
    /// Milliseconds after which an item counts as failed.
    var deadlineMs: Int64 { get }
    func work(on submission: Submission, _ context: RunContext) async throws(PipelineError) -> Move
    /// What the stage does once before its items; nothing, for most.
    func prepare(_ context: RunContext, _ report: inout StageReport) throws(PipelineError)
}

/// Where a submission goes from a stage, why, and what is written with it.
public struct Move: Sendable {
    public let next: SubmissionState
    public let reason: TransitionReason
    public let records: [StageRecord]

    public init(_ next: SubmissionState, _ code: String, _ text: String, records: [StageRecord] = []) {
        self.next = next
        self.reason = TransitionReason(code, text)
        self.records = records
    }
}

extension SubmissionStage {
    public var deadlineMs: Int64 { 600_000 }

    public func prepare(_ context: RunContext, _ report: inout StageReport) throws(PipelineError) {}

    public func run(_ context: RunContext, progress: Progress) async throws(PipelineError) -> StageReport {
        var report = StageReport(stage: name)
        try prepare(context, &report)
        let owner = context.options.owner
        let waiting = try PipelineError.translating { () throws(RegistryError) in
            try context.registry.candidates(
                in: from, limit: context.options.limit, id: context.options.id, now: context.now)
        }
        if context.options.dryRun {
            report.notes = waiting.map { "would take \($0.title)" }
            return report
        }
        for (index, item) in waiting.enumerated() {
            progress.show(name, index, waiting.count)
            let leases = try PipelineError.translating { () throws(RegistryError) in
                try context.registry.lease(
                    in: from, limit: 1, id: item.id, owner: owner, now: context.now, durationMs: deadlineMs)
            }
            guard let lease = leases.first else { continue }
            await take(lease, context, &report)
        }
        progress.show(name, waiting.count, waiting.count)
        return report
    }

    private func take(_ lease: Lease, _ context: RunContext, _ report: inout StageReport) async {
        let item = lease.submission
        do throws(PipelineError) {
            let move = try await work(on: item, context)
            _ = try PipelineError.translating { () throws(RegistryError) in
                try context.registry.advance(
                    lease, to: move.next, reason: move.reason, records: move.records, actor: name,
                    now: context.now)
            }
            switch move.next {
            case .rejected: report.rejected += 1
            case .held: report.held += 1
            case .incomplete: report.incomplete += 1
            default: report.done += 1
            }
            if [.rejected, .held, .incomplete].contains(move.next) {
                report.notes.append("\(item.title): \(move.next.rawValue): \(move.reason.text)")
            }
        } catch {
            report.failed += 1
            report.notes.append("\(item.title): \(error.message)")
            // If even this fails, the lease ends by itself and the item is taken up again.
            _ = try? context.registry.fail(lease, error: error.message, actor: name, now: context.now)
        }
    }
}

extension Submission {
    /// How a submission is named to people: the plugin and version once they are known.
    public var title: String {
        if let plugin, let version { return "\(plugin)@\(version)" }
        return String(id.hex.prefix(12))
    }
}
