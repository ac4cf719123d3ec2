import ArgumentParser
import Foundation
import Marketplace
import Pipeline
import Scanning

/// `veroforge scan PATH…`
struct Scan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan",
        abstract: "Check bundles, archives or folders statically; needs no data directory.",
        discussion:
            "The exit code is 1 with a finding at or above --fail-on, 5 where a check did not complete.")

    @Argument(help: "Files or folders.") var paths: [String]
    @Option(help: "text, json, sarif, html or cyclonedx.") var format: ScanFormat = .text
    @Option(help: "Write to this file instead of standard output.") var output: String?
    @Option(name: .customLong("fail-on"), help: "info, low, medium, high or critical.") var failOn = "high"
    @Option(help: "The advisory store's file, or a folder of OSV records.") var advisories: String?

    @Flag(name: .customLong("no-cache"), help: "Scan anew, even if the same bytes were scanned before.")
    var isFresh = false

    enum ScanFormat: String, ExpressibleByArgument, CaseIterable { case text, json, sarif, html, cyclonedx }

    func run() async throws {
        guard let threshold = Severity(rawValue: failOn) else {
            throw PipelineError(.usage, "--fail-on \(failOn) is none of info, low, medium, high, critical")
        }
        if format != .text, paths.count > 1 {
            throw PipelineError(
                .usage, "--format \(format.rawValue) takes one path", remedy: "Scan the paths one by one.")
        }
        let room = try ScanRoom(
            try Programs.located(), advisories: advisories,
            environment: isFresh ? nil : ProcessInfo.processInfo.environment)
        var codes: [Marketplace.ExitCode] = []
        var text: [UInt8] = []
        for path in paths {
            let answer = try await room.printed(
                path: path, asOf: Clock.wall().day, form: format.rawValue, write: rendered)
            switch answer {
            case .done(let printed):
                codes.append(printed.exitCode(failOn: threshold))
                text += printed.bytes
            case .refused(let why), .incomplete(let why):
                Program.complain("veroforge: \(path): not scanned whole: \(why)")
                codes.append(.incomplete)
            }
        }
        if let output {
            try Files.write(text, to: output)
        } else {
            FileHandle.standardOutput.write(Data(text))
        }
        throw Outcome(Marketplace.ExitCode.worst(codes))
    }

    private func rendered(_ result: ScanRoom.Result) throws(PipelineError) -> [UInt8] {
        switch format {
        case .text: Array(result.text.utf8)
        case .json: result.report.json()
        case .sarif: try result.sarif()
        case .html: Array(try result.page().utf8)
        case .cyclonedx: result.sbom
        }
    }
}
