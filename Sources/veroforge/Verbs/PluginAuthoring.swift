import ArgumentParser
import Foundation
import Marketplace
import Pipeline

/// The verbs that make and test a plugin: `plugin new`, `plugin typegen`, `plugin test`.
extension PluginCommand {
    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Begin a plugin: manifest, code, types, a scenario, everything that a listing needs.")
        @Argument(help: "publisher.name") var id: String
        @Option(help: "The folder to make; its name is the plugin's unless it is given.") var folder: String?
        @Option(help: "typescript or javascript.") var language = "typescript"
        @Option(help: "Who makes it; the publisher's id unless it is given.") var author: String?

        func run() throws {
            guard let id = PluginID(id) else {
                throw PipelineError(
                    .usage, "\(self.id) is no plugin id",
                    remedy: "Write publisher.name in lower-case letters, digits and single hyphens.")
            }
            guard let language = PluginTemplate.Language(rawValue: language) else {
                throw PipelineError(
                    .usage, "--language \(self.language) is neither typescript nor javascript")
            }
            let folder = folder ?? id.name
            guard Files.list(folder).isEmpty else {
                throw PipelineError(.usage, "\(folder) is not empty", remedy: "Name another with --folder.")
            }
            let plugins = try Programs.located().plugins
            let files = PluginTemplate.files(
                id: id, author: author ?? id.publisher.description, language: language,
                template: PluginTemplate.texts(in: "\(plugins)/templates/\(language.rawValue)"),
                sdk: PluginTemplate.texts(in: "\(plugins)/sdk"))
            guard files["plugin.json"] != nil else {
                throw PipelineError(.usage, "\(plugins)/templates/\(language.rawValue) has no plugin.json")
            }
            for (path, text) in files.sorted(by: { $0.key < $1.key }) {
                try Files.write(Array(text.utf8), to: "\(folder)/\(path)")
            }
            print("\(folder)/ has \(files.count) files.")
            print("Next: veroforge plugin build \(folder), then plugin test, then plugin check.")
        }
    }

    struct Typegen: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write src/declared.d.ts from plugin.json: what it does not declare does not compile.")
        @Argument(help: "The plugin's folder.") var folder = "."

        func run() throws {
            let manifest = try PluginFolder(folder).manifest()
            let path = "\(folder)/src/declared.d.ts"
            try Files.write(Array(TypeGenerator.declarations(manifest).utf8), to: path)
            print("\(path) is written.")
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run the plugin's scenarios in the sandbox, against the simulated application.",
            discussion: "Exit code 0 when all hold, 1 when one does not, 3 when there are none.")
        @Argument(help: "The plugin's folder.") var folder = "."
        @Option(help: "Only the scenarios whose file name contains this.") var only: String?
        @Option(help: "text or json.") var format = OutputFormat.text
        @Option(help: "Also write JUnit's XML to this file.") var junit: String?

        func run() async throws {
            let plugin = PluginFolder(folder)
            let manifest = try plugin.manifest()
            try await plugin.build()
            let programs = try Programs.located()
            let results = await ScenarioFolder.run(
                plugin.path, manifest: manifest,
                places: ScenarioFolder.Places(
                    runner: programs.runner, seccompList: programs.seccompRunner,
                    schema: programs.plugins + "/sdk/scenario.schema.json"), only: only)
            guard !results.isEmpty else {
                throw PipelineError(
                    .notFound, "\(folder)/scenarios has no scenarios",
                    remedy: "docs/testing.md says what one looks like.")
            }
            if let junit {
                try Files.write(
                    Array(ScenarioText.junit(results, suite: manifest.id.description).utf8), to: junit)
            }
            switch format {
            case .text: print(ScenarioText.text(results), terminator: "")
            case .json: print(ScenarioText.json(results).serialized())
            }
            throw Outcome(results.allSatisfy(\.holds) ? .done : .findings)
        }
    }
}
