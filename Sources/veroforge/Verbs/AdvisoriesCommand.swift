import Advisories
import ArgumentParser
import Marketplace
import Pipeline

/// `veroforge advisories …`
struct AdvisoriesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "advisories", abstract: "The store of known vulnerabilities.",
        subcommands: [Import.self, Show.self])

    struct Import: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import",
            abstract: "Replace the store by a folder, zip or file of OSV records, whole or not at all.")
        @OptionGroup var options: DataOptions
        @Argument(help: "A folder or zip of OSV .json files, or one file.") var path: String

        func run() throws {
            let data = try options.open()
            do {
                let result = try AdvisoryImport.run(source: path, destination: data.advisories)
                print(
                    "\(result.records) records, \(result.withdrawn) withdrawn, \(result.skipped) of other ecosystems"
                )
            } catch {
                throw PipelineError(
                    error.code == .notFound ? .notFound : .usage, "\(error)", remedy: "The old store stands.")
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "How many records the store holds, and of when.")
        @OptionGroup var options: DataOptions

        func run() throws {
            let data = try options.open()
            guard Files.exists(data.advisories) else {
                print("No store; scans ask the seed in rules/advisories.")
                return
            }
            do {
                let store = try AdvisoryStore(path: data.advisories)
                print("\(store.count) records" + (store.asOf.map { " as of \($0)" } ?? ""))
            } catch {
                throw PipelineError(.incomplete, "\(error)")
            }
        }
    }
}
