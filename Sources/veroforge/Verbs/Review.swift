import ArgumentParser
import Foundation
import Marketplace
import Pipeline
import Registry

/// `veroforge review …`
struct Review: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "review", abstract: "Decide on submissions that are held.",
        subcommands: [
            List.self, Show.self, Approve.self, Hold.self, Reject.self, Accept.self, Acceptances.self,
            Appeal.self,
        ])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "The queue, most urgent first.")
        @OptionGroup var options: DataOptions
        @Option(help: "text or json.") var format: OutputFormat = .text

        func run() throws {
            let context = try options.context()
            let queue = try ReviewDesk(context).queue()
            if format == .json { return print(ReviewText.json(queue)) }
            if queue.isEmpty { return print("Nothing is held.") }
            for item in queue { print(ReviewText.line(item)) }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Everything about one submission.")
        @OptionGroup var options: DataOptions
        @Argument(help: "The submission's digest, or its first digits.") var id: String
        @Option(help: "text or json.") var format: OutputFormat = .text

        func run() throws {
            let context = try options.context()
            let item = try Submissions.find(id, context)
            print(try ReviewDesk(context).dossier(of: item, asJSON: format == .json))
        }
    }

    struct Approve: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "approve", abstract: "Approve: the next run publishes it.")
        @OptionGroup var decision: DecisionOptions
        @Option(help: "Why; stands in the signed decision.") var reason = ""
        func run() throws { try decision.decide("approve", reason) }
    }

    struct Hold: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "hold", abstract: "Keep it held, with a word to the publisher.")
        @OptionGroup var decision: DecisionOptions
        @Option(help: "What the publisher is to answer.") var reason: String
        func run() throws { try decision.decide("hold", reason) }
    }

    struct Reject: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "reject", abstract: "Reject it.")
        @OptionGroup var decision: DecisionOptions
        @Option(help: "Why; the publisher reads it.") var reason: String
        func run() throws { try decision.decide("reject", reason) }
    }

    struct Appeal: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "appeal", abstract: "Bring a rejected submission before a person again.")
        @OptionGroup var options: DataOptions
        @Argument(help: "The submission's digest, or its first digits.") var id: String
        @Option(help: "What the publisher says against the rejection.") var reason: String

        func run() throws {
            let context = try options.context()
            let item = try Submissions.find(id, context)
            let after = try ReviewDesk(context).appeal(item, reason: reason)
            print("\(after.title) is \(after.state.rawValue).")
        }
    }
}

/// What every decision takes.
struct DecisionOptions: ParsableArguments {
    @OptionGroup var options: DataOptions
    @Argument(help: "The submission's digest, or its first digits.") var id: String
    @Option(help: "Who decides; stands in the signed decision.") var reviewer: String =
        ProcessInfo.processInfo.environment["USER"] ?? "reviewer"

    func decide(_ verdict: String, _ reason: String) throws {
        let context = try options.context()
        let item = try Submissions.find(id, context)
        let after = try ReviewDesk(context).decide(item, verdict: verdict, reviewer: reviewer, reason: reason)
        print("\(after.title) is \(after.state.rawValue).")
        if after.state.rawValue == "approved" { print("Publish it with `veroforge run submission`.") }
        if verdict == "approve", after.state.rawValue == "held" {
            print("It needs \(after.approvalsNeeded) different reviewers; another one must approve as well.")
        }
    }
}

enum ReviewText {
    static func line(_ item: Submission) -> String {
        let due = item.dueAt.map { ", due \($0)" } ?? ""
        return
            "\(item.id.hex.prefix(12))  \(item.title)  \(item.state.rawValue), risk \(item.risk ?? 0)\(due)  \(item.reason.text)"
    }

    static func json(_ queue: [Submission]) -> String {
        let items = queue.map { item -> JSONValue in
            [
                "submission": .string(item.id.hex), "plugin": .string(item.plugin?.text ?? ""),
                "version": .string(item.version?.description ?? ""), "state": .string(item.state.rawValue),
                "risk": .integer(Int64(item.risk ?? 0)),
                "dueAt": item.dueAt.map { .string($0.description) } ?? .null,
                "reason": .string(item.reason.text),
            ]
        }
        let document: JSONValue = ["schema": "veroforge.review-queue/1", "items": .array(items)]
        return document.serialized()
    }
}

/// Finding a submission by its digest or the beginning of it.
enum Submissions {
    static func find(_ text: String, _ context: RunContext) throws(PipelineError) -> Submission {
        do {
            return try context.registry.submission(matching: text)
        } catch {
            throw PipelineError(error)
        }
    }
}
