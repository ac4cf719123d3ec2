import ArgumentParser
import Foundation
import Marketplace
import Pipeline

/// The command line's root.
struct Veroforge: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "veroforge",
        abstract: "The plugin marketplace: submissions, catalogue, metering, invoices and payouts.",
        discussion: """
            Exit codes: 0 done, 1 findings or failed items, 2 wrong usage or configuration, 3 not found or not \
            allowed, 4 held for review, 5 a check did not complete, 6 rejected, 7 a limit was hit, 75 try later.
            """,
        version: "1.0.0",
        subcommands: [
            Initialise.self, Demo.self, Status.self, Run.self, Scan.self, RulesCommand.self,
            PluginCommand.self, Review.self,
            PublisherCommand.self, TenantCommand.self, TokenCommand.self, ConfigCommand.self,
            CatalogueCommand.self,
            UsageCommand.self, BillCommand.self, SandboxCommand.self, AdvisoriesCommand.self,
            AuditCommand.self, BackupCommand.self, RestoreCommand.self, Bench.self,
        ])
}

/// What every command that works on a marketplace's data takes.
struct DataOptions: ParsableArguments {
    @Option(name: .long, help: "The data directory (else VEROFORGE_DATA, else ./data).")
    var data: String?

    @Option(
        name: .customLong("as-of"),
        help: "The moment to speak of, RFC 3339 (only in a demo's data directory).")
    var asOf: String?

    var path: String { data ?? ProcessInfo.processInfo.environment["VEROFORGE_DATA"] ?? "data" }

    func open() throws(PipelineError) -> DataDirectory { try DataDirectory.open(path) }

    /// The moment that this command speaks of: the wall clock, unless the data directory is a demo's.
    func now(_ data: DataDirectory) throws(PipelineError) -> Instant {
        guard let asOf else { return Clock.wall() }
        guard data.configuration.demo else {
            throw PipelineError(
                .usage, "--as-of sets the clock, and \(data.root) is not marked as a demo",
                remedy: "Leave it out, or use a data directory made with `veroforge init --demo`.")
        }
        guard let instant = Instant(asOf) ?? Day(asOf)?.start else {
            throw PipelineError(
                .usage, "--as-of \(asOf) is no time",
                remedy: "Write it as 2026-01-31T00:00:00Z or 2026-01-31.")
        }
        return instant
    }

    func context(_ options: RunOptions = RunOptions()) throws(PipelineError) -> RunContext {
        let data = try open()
        return try RunContext.open(
            data: data, programs: try Programs.located(), now: try now(data), options: options)
    }
}

enum Programs {
    static func located() throws(PipelineError) -> ProgramFiles {
        var files = try ProgramFiles.locate(environment: ProcessInfo.processInfo.environment)
        files.commands = CommandReference.all
        return files
    }
}

/// The wall clock, read in this one place.
enum Clock {
    static func wall() -> Instant { Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) }
}

/// How a command prints its answer.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}
