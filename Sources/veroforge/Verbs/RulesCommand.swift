import ArgumentParser
import Bundles
import Foundation
import Marketplace
import Pipeline
import Scanning

/// `veroforge rules`
struct RulesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules",
        abstract: "The rule catalogue: every rule of the scanner, from what it says of itself.")

    @Option(help: "markdown or json.") var format: Format = .markdown

    enum Format: String, ExpressibleByArgument, CaseIterable { case markdown, json }

    func run() throws {
        let programs = try Programs.located()
        let book: RuleBook
        let descriptions: [RuleSet.Description]
        do {
            book = try RuleBook(files: try FolderStream.items(folder: programs.rules))
            descriptions = try book.descriptions
        } catch {
            throw PipelineError(.usage, "\(programs.rules): \(error)", remedy: "Restore the rules folder.")
        }
        switch format {
        case .markdown: print(RuleCatalogue.markdown(descriptions), terminator: "")
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            let rules = try JSONValue.parse([UInt8](encoder.encode(descriptions)))
            let document: JSONValue = [
                "schema": "veroforge.rules/1", "ruleset": .string(book.digest.hex), "rules": rules,
            ]
            print(String(decoding: document.serializedBytes(pretty: true), as: UTF8.self))
        }
    }
}
