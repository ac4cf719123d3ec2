import ArgumentParser
import Marketplace
import Pipeline
import Sandbox

/// `veroforge sandbox doctor`
struct SandboxCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sandbox", abstract: "The isolation back ends.", subcommands: [Doctor.self])

    struct Doctor: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "doctor",
            abstract: "Which back ends work on this machine, what each lacks, and how to get it.")
        @Option(help: "text or json.") var format: OutputFormat = .text

        func run() async throws {
            let reports = await SandboxDoctor.reports(try Programs.located())
            print(format == .json ? SandboxDoctor.json(reports) : SandboxDoctor.text(reports))
            // The default back end is the one that must work.
            throw Outcome(reports.first?.works == true ? .done : .incomplete)
        }
    }
}
