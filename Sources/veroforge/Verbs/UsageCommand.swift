import ArgumentParser
import Foundation
import Marketplace
import Metering
import Pipeline

/// `veroforge usage …`
struct UsageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "usage", abstract: "Usage events.", subcommands: [RollUpVerb.self, Generate.self])

    struct RollUpVerb: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "roll-up",
            abstract: "Sum usage files by day, tenant, plugin and metric; duplicates by id count once.",
            discussion: "Takes files (.jsonl, .jsonl.zst) and folders. Needs no data directory.")

        @Argument(help: "Usage files or folders.") var paths: [String]
        @Option(help: "csv or json.") var format: Format = .csv
        @Option(help: "Threads; the result does not depend on it.") var threads: Int?

        @Option(help: "A folder for what does not fit in memory; the result does not depend on it.")
        var spill: String?
        @Option(help: "K/N: only the tenants whose hash falls to part K of N, counted from 0.") var shard:
            String?

        enum Format: String, ExpressibleByArgument, CaseIterable { case csv, json }

        func run() throws {
            var files: [String] = []
            for path in paths { files += try UsageFiles.below(path) }
            guard !files.isEmpty else {
                throw PipelineError(.notFound, "there are no usage files in \(paths.joined(separator: ", "))")
            }
            var options = RollUp.Options()
            if let threads {
                guard (1...64).contains(threads) else {
                    throw PipelineError(.usage, "--threads \(threads) is not between 1 and 64")
                }
                options.threads = threads
            }
            options.spill = spill
            if let shard { options.shard = try Self.part(shard) }
            let result: RollUpResult
            do {
                result = try RollUp(options: options).run(files.map { RollUp.Source($0) })
            } catch {
                throw PipelineError(.findings, "\(error.subject): \(error.cause)")
            }
            if format == .csv {
                result.writeCSV { FileHandle.standardOutput.write(Data($0)) }
            } else {
                FileHandle.standardOutput.write(Data(result.json()))
            }
            for line in result.quarantined {
                Program.complain("veroforge: \(line.file), byte \(line.offset): quarantined: \(line.why)")
            }
            throw Outcome(result.quarantined.isEmpty ? .done : .findings)
        }

        static func part(_ text: String) throws(PipelineError) -> RollUp.Shard {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false).compactMap { Int($0) }
            guard parts.count == 2, let shard = RollUp.Shard(index: parts[0], count: parts[1]) else {
                throw PipelineError(.usage, "--shard \(text) is no part", remedy: "Write it as 0/4 to 3/4.")
            }
            return shard
        }
    }

    struct Generate: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "generate",
            abstract: "Write seeded usage for benches and trials: the same seed gives the same bytes.")

        @Option(help: "How many lines; one in a thousand repeats an earlier one.") var events: Int
        @Option(help: "The file to write.") var output: String
        @Option(help: "Another seed gives other lines.") var seed: UInt64 = 1
        @Option(help: "Over the first so many days of the month.") var days: UInt64 = 5

        func validate() throws {
            if events < 1 { throw ValidationError("--events must be 1 or more.") }
            if !(1...31).contains(days) { throw ValidationError("--days must be 1 to 31.") }
        }

        func run() throws {
            do {
                _ = try UsageGenerator(seed: seed, days: days).write(events: events, to: output)
            } catch {
                throw PipelineError(.incomplete, "\(error.subject): \(error.cause)")
            }
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
