import Foundation
public import Marketplace
import Registry

/// Runs a pipeline's stages in their order: one run of a pipeline at a time, each run noted in the registry.
public struct PipelineRunner: Sendable {
    let file: PipelineFile
    let stages: [any Stage]

    public init(_ name: String, programs: ProgramFiles) throws(PipelineError) {
        file = try PipelineFile.read(name, in: programs.pipelines)
        var stages: [any Stage] = []
        for stage in file.stages { stages.append(try StageList.stage(named: stage, of: name)) }
        self.stages = stages
    }

    /// The whole run's line for cron, and what `status` reads.
    public struct RunReport: Sendable, Codable, Equatable {
        public let schema: String
        public let pipeline: String
        public let asOf: Instant
        public let stages: [StageReport]
        /// The process's exit code.
        public let code: Int32

        public var exitCode: ExitCode { ExitCode(rawValue: code) ?? .incomplete }

        public func json() -> String {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            // Plain values only: encoding cannot fail.
            return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
        }
    }

    public func run(_ given: RunContext, progress: Progress) async throws(PipelineError) -> RunReport {
        var context = given
        let chosen = try chosenStages(context.options.stage)
        let lock = try PipelineLock(file.name, in: context.data.locks)
        defer { lock.release() }
        let run = context.options.dryRun ? nil : try begin(context)
        if let run { context.options.owner = run.owner }
        if file.name == "submission", !context.options.dryRun {
            _ = try PipelineError.translating { () throws(RegistryError) in
                try context.registry.resumeIncomplete(actor: "run", now: context.now)
            }
        }
        var reports: [StageReport] = []
        do throws(PipelineError) {
            for stage in chosen {
                reports.append(try await stage.run(context, progress: progress))
                crashIfAsked(after: stage.name, context)
            }
        } catch {
            if let run { try? finish(run, reports, error.code, error: error.message, context) }
            throw error
        }
        let code = ExitCode.worst(reports.map(\.exitCode))
        let report = RunReport(
            schema: "veroforge.run/1", pipeline: file.name, asOf: context.now, stages: reports,
            code: code.rawValue)
        if let run { try finish(run, reports, code, error: nil, context) }
        return report
    }

    private func chosenStages(_ name: String?) throws(PipelineError) -> [any Stage] {
        guard let name else { return stages }
        guard let stage = stages.first(where: { $0.name == name }) else {
            throw PipelineError(
                .usage, "the pipeline \(file.name) has no stage \(name)",
                remedy: "It has: \(file.stages.joined(separator: ", ")).")
        }
        return [stage]
    }

    private func begin(_ context: RunContext) throws(PipelineError) -> RunEntry {
        try PipelineError.translating { () throws(RegistryError) in
            try context.registry.beginRun(of: file.name, now: context.now)
        }
    }

    private func finish(
        _ run: RunEntry, _ reports: [StageReport], _ code: ExitCode, error: String?, _ context: RunContext
    ) throws(PipelineError) {
        let items = reports.reduce(0) { $0 + $1.done + $1.rejected + $1.held + $1.incomplete + $1.failed }
        let failed = reports.reduce(0) { $0 + $1.failed + $1.incomplete } + (error == nil ? 0 : 1)
        let notes = reports.flatMap(\.notes) + (error.map { [$0] } ?? [])
        try PipelineError.translating { () throws(RegistryError) in
            try context.registry.endRun(
                run, exitCode: Int(code.rawValue), items: items, failed: failed,
                detail: ["notes": .array(notes.map(JSONValue.string))], now: context.now)
        }
    }

    private func crashIfAsked(after stage: String, _ context: RunContext) {
        guard context.options.crashAfter == stage, context.data.configuration.demo else { return }
        kill(processID, SIGKILL)
    }
}

/// One run of a pipeline at a time: an advisory lock that the kernel drops with the process.
struct PipelineLock: ~Copyable {
    private let descriptor: Int32

    init(_ name: String, in folder: String) throws(PipelineError) {
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let path = "\(folder)/\(name).lock"
        let descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw PipelineError(.tryLater, "\(path) cannot be opened: \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw PipelineError(
                .tryLater, "the pipeline \(name) is running already", remedy: "Try again when it has ended.")
        }
        self.descriptor = descriptor
    }

    func release() { flock(descriptor, LOCK_UN) }

    deinit { close(descriptor) }
}
