import ArgumentParser
import Foundation
import Marketplace
import Pipeline

/// The verbs that begin a plugin: `plugin new`, `plugin typegen`.
extension PluginCommand {
    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "new",
            abstract: "Begin a plugin: manifest, code, types, a scenario, everything that a listing needs.")
        @Argument(help: "publisher.name; asked for on a terminal where it is missing.") var id: String?
        @Option(help: "The folder to make; its name is the plugin's unless it is given.") var folder: String?
        @Option(help: "typescript or javascript; asked for on a terminal with the id.") var language: String?
        @Option(help: "Who makes it; the publisher's id unless it is given.") var author: String?

        func run() throws {
            let asking = self.id == nil
            let given = try self.id ?? Question.ask("The plugin's id, publisher.name", else: nil)
            guard let id = PluginID(given) else {
                throw PipelineError(
                    .usage, "\(given) is no plugin id",
                    remedy: "Write publisher.name in lower-case letters, digits and single hyphens.")
            }
            var name = self.language ?? "typescript"
            if asking, self.language == nil {
                name = try Question.ask("typescript or javascript", else: "typescript")
            }
            var author = self.author
            if asking, author == nil { author = try Question.ask("Who makes it", else: id.publisher.text) }
            guard let language = PluginTemplate.Language(rawValue: name) else {
                throw PipelineError(
                    .usage, "--language \(name) is neither typescript nor javascript")
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
            commandName: "typegen",
            abstract: "Write src/declared.d.ts from plugin.json: what it does not declare does not compile.")
        @Argument(help: "The plugin's folder.") var folder = "."

        func run() throws {
            let manifest = try PluginFolder(folder).manifest()
            let path = "\(folder)/src/declared.d.ts"
            try Files.write(Array(TypeGenerator.declarations(manifest).utf8), to: path)
            print("\(path) is written.")
        }
    }
}

/// A question on a terminal.
enum Question {
    /// The answer, or `fallback` for an empty one.
    ///
    /// - Throws: `usage` where there is no terminal to ask on.
    static func ask(_ question: String, else fallback: String?) throws(PipelineError) -> String {
        guard isatty(0) == 1 else {
            throw PipelineError(
                .usage, "the plugin's id is missing, and there is no terminal to ask on",
                remedy: "Write it: veroforge plugin new publisher.name")
        }
        while true {
            print(question + (fallback.map { " [\($0)]" } ?? "") + ": ", terminator: "")
            fflush(nil)
            guard let line = readLine() else { throw PipelineError(.usage, "no answer was given") }
            let answer = line.trimmingCharacters(in: .whitespaces)
            if !answer.isEmpty { return answer }
            if let fallback { return fallback }
        }
    }
}
