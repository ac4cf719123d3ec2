import ArgumentParser
import Foundation
import Marketplace
import Pipeline
import Sandbox

/// `plugin test`
extension PluginCommand {
    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test",
            abstract: "Run the plugin's scenarios in the sandbox, against the simulated application.",
            discussion: "Exit code 0 when all hold, 1 when one does not, 3 when there are none.")
        @Argument(help: "The plugin's folder.") var folder = "."
        @Option(help: "Only the scenarios whose file name contains this.") var only: String?
        @Option(help: "native or gvisor: what the plugin is kept apart by.") var isolation = "native"
        @Option(help: "text or json.") var format = OutputFormat.text
        @Option(help: "Also write JUnit's XML to this file.") var junit: String?
        @Option(help: "Also write what went to the vendors' stand-ins and came back to this file, as JSON.")
        var exchanges: String?
        @Flag(help: "Run again whenever the folder changes, until interrupted.") var watch = false

        func run() async throws {
            guard watch else { throw Outcome(try await test() ? .done : .findings) }
            await Interruption.wait {
                var watch = FolderWatch(folder)
                await runAndSay()
                while !Task.isCancelled {
                    try? await Task.sleep(for: .milliseconds(300))
                    let changes = watch.changes()
                    guard !changes.isEmpty else { continue }
                    print("\nchanged: \(changes.joined(separator: ", "))")
                    await runAndSay()
                }
            }
        }

        /// What does not build is said and waited for.
        private func runAndSay() async {
            do { _ = try await test() } catch { Program.complain("veroforge: \(error)") }
            fflush(nil)
        }

        /// Whether all scenarios hold.
        private func test() async throws -> Bool {
            let backEnd = try IsolationOption.backEnd(isolation)
            let plugin = PluginFolder(folder)
            let packed = try await plugin.pack()
            let programs = try Programs.located()
            let results = await ScenarioFolder.run(
                plugin.path, manifest: packed.manifest,
                places: ScenarioFolder.Places(
                    runner: programs.runner, seccompList: programs.seccompRunner,
                    schema: programs.plugins + "/sdk/scenario.schema.json"),
                isolation: try await TrialRoom.isolation(programs, backEnd), only: only)
            guard !results.isEmpty else {
                throw PipelineError(
                    .notFound, "\(folder)/scenarios has no scenarios",
                    remedy: "docs/testing.md says what one looks like.")
            }
            let size = ScenarioText.Size(
                bundleBytes: packed.bytes.count, files: ScenarioFolder.bytesOfCode(plugin.path),
                backEnd: backEnd.rawValue)
            if let junit {
                let suite = packed.manifest.id.description
                try Files.write(Array(ScenarioText.junit(results, suite: suite).utf8), to: junit)
            }
            if let exchanges {
                let all = JSONValue.array(results.flatMap(\.exchanges))
                try Files.write(all.serializedBytes(), to: exchanges)
            }
            switch format {
            case .text: print(ScenarioText.text(results, size), terminator: "")
            case .json: print(ScenarioText.json(results, size).serialized())
            }
            return results.allSatisfy(\.holds)
        }
    }
}
