import ArgumentParser
import Foundation
import Marketplace
import Pipeline

/// `veroforge bench NAME`
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measured figures, printed; nothing is compared with a limit here.",
        discussion: "start: from nothing to a plugin's first answer. all: every one.")

    @Argument(help: "start or all.") var name: String
    @Option(help: "How many times.") var count = 200

    func run() async throws {
        guard ["start", "all"].contains(name) else {
            throw PipelineError(.usage, "there is no bench \(name)", remedy: "There are: start, all.")
        }
        let figures = try await StartBench.run(try Programs.located(), count: count)
        print(figures)
    }
}
