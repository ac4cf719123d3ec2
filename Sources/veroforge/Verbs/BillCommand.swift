import ArgumentParser
import Billing
import Foundation
import Marketplace
import Pipeline

/// `veroforge bill …`
struct BillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bill", abstract: "Invoices, corrections, payments and rates.",
        subcommands: [
            Preview.self, Explain.self, Rebuild.self, RateFile.self, Credit.self, Refund.self, Dispute.self,
            Pay.self, PlanVerb.self, Webhook.self,
        ])

    struct Explain: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "explain",
            abstract: "Where an amount comes from: tiers, price version, and the usage lines whose sum it is."
        )
        @OptionGroup var options: DataOptions
        @Argument(help: "An invoice's number, or INVOICE/LINE.") var reference: String
        @Option(name: .customLong("usage-lines"), help: "At most so many usage lines.") var usageLines = 50

        func run() throws {
            let room = try BillingRoom(try options.context())
            print(
                try BillingRoom.translating { () throws(BillingError) in
                    try room.night.explain(reference, usageLines: usageLines)
                })
        }
    }

    struct RateFile: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rate", abstract: "Rate an array of worked cases; needs no data directory.",
            discussion:
                "Prints {id, amount, parts?} or {id, unsupported} for each, through the night's own rater.")
        @Argument(help: "A JSON file with an array of cases.") var file: String

        func run() throws {
            let bytes = try Files.read(file)
            let answer = try BillingRoom.translating { () throws(BillingError) in try BillingCases.rate(bytes)
            }
            FileHandle.standardOutput.write(Data(answer))
        }
    }
}
