import ArgumentParser
import Foundation
import Marketplace
import Pipeline
import Provenance
import Sandbox

/// `plugin replay`
extension PluginCommand {
    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "replay",
            abstract: "Run a failed call of production again: the same answers, clock and random numbers.",
            discussion: """
                Exit code 0 when the output has the same bytes as then, 1 when it has others, 2 when the file is no \
                recording. The runtime exports recordings of failed calls where the customer has asked for it.
                """)
        @Argument(help: "The exported recording.") var recording: String
        @Option(help: "The plugin's folder or bundle.") var plugin = "."
        @Option(help: "native or gvisor.") var isolation = "native"
        @Option(help: "text or json.") var format = OutputFormat.text

        func run() async throws {
            let programs = try Programs.located()
            let recorded = try PluginReplay.recording(at: recording)
            let packed = try await PluginFolder.bundle(at: plugin, programs: programs)
            let files = try await PluginFolder.files(of: packed, programs: programs)
            let replay = try await PluginReplay.play(
                recorded, manifest: packed.manifest, files: files, bundle: Digest.sha256(of: packed.bytes),
                isolation: try await TrialRoom.isolation(programs, try IsolationOption.backEnd(isolation)))
            switch format {
            case .text: print(replay.text, terminator: "")
            case .json:
                let document: JSONValue = [
                    "schema": "veroforge.replayed/1", "same": .bool(replay.isSame),
                    "then": recorded.output.json, "now": replay.output.json,
                    "differences": .array(replay.differences.map(JSONValue.string)),
                    "bundle": .string(replay.bundle), "place": replay.place.map(JSONValue.string) ?? .null,
                ]
                print(document.serialized())
            }
            throw Outcome(replay.isSame ? .done : .findings)
        }
    }

    struct Logs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "logs",
            abstract: "What a plugin logged in production, and how its failed calls ended.",
            discussion: "Reads the data directory of a runtime. Exit code 3 when nothing was logged.")
        @OptionGroup var options: DataOptions
        @Argument(help: "publisher.name") var plugin: String
        @Option(help: "One tenant's lines alone.") var tenant: String?
        @Option(help: "One call's lines alone.") var call: String?
        @Option(help: "The least grave level: debug, info, warn or error.") var level = "debug"
        @Option(help: "No line from before this moment, RFC 3339.") var since: String?
        @Option(help: "At most so many lines, the newest.") var limit = 200
        @Flag(help: "Go on with what is logged from now on, until interrupted.") var follow = false
        @Option(help: "text or json (one JSON document a line).") var format = OutputFormat.text

        func run() async throws {
            let data = try options.open()
            let filter = try filter()
            let logs = PluginLogs(data)
            var mark = PluginLogs.Mark()
            let lines = try logs.lines(filter, after: &mark).suffix(limit)
            lines.forEach(show)
            fflush(nil)
            guard follow else { throw Outcome(lines.isEmpty ? .notFound : .done) }
            let begin = mark
            let (wanted, asJSON) = (filter, format)
            await Interruption.wait {
                var mark = begin
                while !Task.isCancelled {
                    try? await Task.sleep(for: .milliseconds(300))
                    for line in (try? logs.lines(wanted, after: &mark)) ?? [] {
                        print(asJSON == .json ? line.json.serialized() : PluginLogs.text(line))
                    }
                    fflush(nil)
                }
            }
        }

        private func show(_ line: PluginLogLine) {
            print(format == .json ? line.json.serialized() : PluginLogs.text(line))
        }

        private func filter() throws(PipelineError) -> PluginLogLine.Filter {
            guard let plugin = PluginID(plugin) else {
                throw PipelineError(.usage, "\(plugin) is no plugin id", remedy: "Write publisher.name.")
            }
            guard PluginLogLine.levels.contains(level) else {
                throw PipelineError(.usage, "--level \(level) is none of debug, info, warn, error")
            }
            var filter = PluginLogLine.Filter(plugin: plugin, call: call, level: level)
            if let tenant {
                guard let id = TenantID(tenant) else {
                    throw PipelineError(.usage, "--tenant \(tenant) is no tenant's id")
                }
                filter.tenant = id
            }
            if let since {
                guard let time = Instant(since) ?? Day(since)?.start else {
                    throw PipelineError(.usage, "--since \(since) is no time")
                }
                filter.since = time
            }
            return filter
        }
    }
}
