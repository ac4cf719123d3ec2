import ArgumentParser
import Foundation
import Marketplace
import Metering
import Pipeline

/// `veroforge usage …`
struct UsageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "usage", abstract: "Usage events.", subcommands: [RollUpVerb.self])

    struct RollUpVerb: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "roll-up",
            abstract: "Sum usage files by day, tenant, plugin and metric; duplicates by id count once.",
            discussion: "Takes files (.jsonl, .jsonl.zst) and folders. Needs no data directory.")

        @Argument(help: "Usage files or folders.") var paths: [String]
        @Option(help: "csv or json.") var format: Format = .csv
        @Option(help: "Threads; the result does not depend on it.") var threads: Int?

        enum Format: String, ExpressibleByArgument, CaseIterable { case csv, json }

        func run() throws {
            var files: [String] = []
            for path in paths { files += try UsageFiles.below(path) }
            guard !files.isEmpty else {
                throw PipelineError(.notFound, "there are no usage files in \(paths.joined(separator: ", "))")
            }
            var options = RollUp.Options()
            if let threads { options.threads = threads }
            let result: RollUpResult
            do {
                result = try RollUp(options: options).run(files.map { RollUp.Source($0) })
            } catch {
                throw PipelineError(.findings, "\(error.subject): \(error.cause)")
            }
            let bytes = format == .csv ? result.csv() : result.json()
            FileHandle.standardOutput.write(Data(bytes))
            for line in result.quarantined {
                Program.complain("veroforge: \(line.file), byte \(line.offset): quarantined: \(line.why)")
            }
            throw Outcome(result.quarantined.isEmpty ? .done : .findings)
        }
    }
}

enum UsageFiles {
    static func below(_ path: String) throws(PipelineError) -> [String] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw PipelineError(.notFound, "\(path) does not exist")
        }
        guard isFolder.boolValue else { return [path] }
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return names.filter { $0.hasSuffix(".jsonl") || $0.hasSuffix(".jsonl.zst") }.sorted().map {
            "\(path)/\($0)"
        }
    }
}
