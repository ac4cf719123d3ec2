import ArgumentParser
import Foundation
import Marketplace
import Pipeline
import Registry

// Findings that were looked at once: `veroforge review accept | acceptances`.

extension Review {
    struct Accept: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "accept",
            abstract: "Accept a finding of a submission, so that the same one is not raised again.",
            discussion: "It stays accepted while its file keeps its bytes, until it expires.")
        @OptionGroup var options: DataOptions
        @Argument(help: "The submission's digest, or its first digits.") var id: String
        @Argument(help: "The finding's fingerprint, or its first characters; `review show` names it.")
        var fingerprint: String
        @Option(help: "Why it is no harm.") var reason: String
        @Option(help: "How many days it stays accepted.") var days = 180
        @Option(help: "Who accepts it.") var reviewer: String =
            ProcessInfo.processInfo.environment["USER"] ?? "reviewer"

        mutating func validate() throws {
            if days < 1 || days > 3_650 { throw ValidationError("--days must be 1 to 3650.") }
        }

        func run() throws {
            let context = try options.context()
            let item = try Submissions.find(id, context)
            let lines = try ReviewDesk(context).accept(
                fingerprint, of: item, reviewer: reviewer, reason: reason,
                until: context.now.adding(days: days))
            for line in lines { print(line) }
        }
    }

    struct Acceptances: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "acceptances",
            abstract: "The findings that were accepted for a plugin, and when each was last raised.")
        @OptionGroup var options: DataOptions
        @Argument(help: "publisher.name") var plugin: String

        func run() throws {
            let context = try options.context()
            guard let plugin = PluginID(plugin) else {
                throw PipelineError(.usage, "\(self.plugin) is no plugin id")
            }
            do {
                for item in try context.registry.acceptances(of: plugin) {
                    let state =
                        item.expiresAt <= context.now
                        ? "expired" : item.matchedAt.map { "last raised \($0)" } ?? "matches nothing yet"
                    print(
                        "\(item.fingerprint.prefix(12))  \(item.rule)  by \(item.acceptedBy) until \(item.expiresAt)  \(state)  \(item.reason)"
                    )
                }
            } catch {
                throw PipelineError(error)
            }
        }
    }
}
