import ArgumentParser
import Foundation
import Marketplace
import Pipeline
import Registry

/// `veroforge run PIPELINE`
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a pipeline's stages: what cron calls.",
        discussion:
            "Running again is always right: what is done is not done twice, what was cut off is continued.")

    @Argument(help: "The pipeline: a name from pipelines/.")
    var pipeline: String

    @OptionGroup var options: DataOptions

    @Option(help: "Only this stage.")
    var stage: String?

    @Option(help: "Only this item: a submission's digest, or its first digits.")
    var id: String?

    @Option(help: "At most so many items a stage.")
    var limit: Int?

    @Flag(name: .customLong("dry-run"), help: "Say what would be taken, and change nothing.")
    var dryRun = false

    mutating func validate() throws {
        if id != nil, limit != nil { throw ValidationError("--id and --limit exclude each other.") }
        if let limit, limit < 1 { throw ValidationError("--limit must be 1 or more.") }
    }

    func run() async throws {
        var context = try options.context()
        let runner = try PipelineRunner(pipeline, programs: context.programs)
        context.options = RunOptions(
            stage: stage, id: try id.map { try Submissions.find($0, context).id }, limit: limit,
            dryRun: dryRun,
            crashAfter: ProcessInfo.processInfo.environment["VEROFORGE_CRASH_AFTER"])
        let report = try await runner.run(context, progress: .onTerminal())
        if isatty(1) == 1 {
            for stage in report.stages { print(RunText.line(stage)) }
            for note in report.stages.flatMap(\.notes) { print("  \(note)") }
        } else {
            print(report.json())
        }
        throw Outcome(report.exitCode)
    }
}

/// A stage's report as a line for people.
enum RunText {
    static func line(_ stage: StageReport) -> String {
        let counts = [
            (stage.done, "done"), (stage.held, "held"), (stage.rejected, "rejected"),
            (stage.incomplete, "incomplete"), (stage.failed, "failed"),
        ]
        let words = counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        let name = stage.stage + String(repeating: " ", count: max(0, 10 - stage.stage.count))
        return "\(name) \(words.isEmpty ? "nothing to do" : words.joined(separator: ", "))"
    }
}
