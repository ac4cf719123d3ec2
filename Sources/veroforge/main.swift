import ArgumentParser
import Foundation
import Marketplace
import Pipeline

// The one place where an error becomes a line on standard error and an exit code.
await Program.run(Array(CommandLine.arguments.dropFirst()))

enum Program {
    static func run(_ arguments: [String]) async -> Never {
        do {
            var command = try verb(arguments) ?? Veroforge.parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            end(.done)
        } catch let outcome as Outcome {
            end(outcome.code)
        } catch let error as PipelineError {
            complain("veroforge: \(error)")
            end(error.code)
        } catch {
            // Help and version are no errors to ArgumentParser; wrong usage is exit code 2 for us.
            let code = Veroforge.exitCode(for: error)
            let text = Veroforge.fullMessage(for: error)
            if code.isSuccess {
                print(text)
                end(.done)
            }
            complain(text)
            end(.usage)
        }
    }

    /// The command that the first words name, read by its own options alone: to build the tree of all verbs, as the root
    /// does, takes longer than a second scan. nil where the words name none or it does not take what follows; the root
    /// then says what is wrong.
    private static func verb(_ arguments: [String]) -> (any ParsableCommand)? {
        var verb: any ParsableCommand.Type = Veroforge.self
        var rest = arguments[...]
        while let word = rest.first,
            let next = verb.configuration.subcommands.first(where: { $0.configuration.commandName == word })
        {
            verb = next
            rest = rest.dropFirst()
        }
        guard verb.configuration.subcommands.isEmpty else { return nil }
        return try? verb.parse(Array(rest))
    }

    static func complain(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

    static func end(_ code: Marketplace.ExitCode) -> Never {
        fflush(nil)
        exit(code.rawValue)
    }
}

/// A command that did its work and has an exit code to tell of it.
struct Outcome: Error {
    let code: Marketplace.ExitCode
    init(_ code: Marketplace.ExitCode) { self.code = code }
}
