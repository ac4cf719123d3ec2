import ArgumentParser
import Marketplace
import Pipeline

/// `veroforge bench NAME`
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measured figures, printed; nothing is compared with a limit here.",
        discussion: benches.map { "\($0.name): \($0.summary)." }.joined(separator: " ") + " all: every one.")

    @Argument(help: "Which one, or all.") var name: String
    @Option(help: "How many times, where a bench repeats something.") var count: Int?

    func run() async throws {
        let chosen = benches.filter { name == "all" || $0.name == name }
        guard !chosen.isEmpty else {
            throw PipelineError(
                .usage, "there is no bench \(name)",
                remedy: "There are: \(benches.map(\.name).joined(separator: ", ")), all.")
        }
        let programs = try Programs.located()
        for bench in chosen { print(try await bench.run(programs, count: count)) }
    }
}
