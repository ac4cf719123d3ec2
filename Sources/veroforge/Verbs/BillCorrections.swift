import ArgumentParser
import Billing
import Foundation
import Marketplace
import Pipeline

/// What every verb of `bill` that works on the books does: opens them, acts, closes them.
enum BillDesk {
    static func act<T>(
        _ options: DataOptions, _ body: (BillingNight) throws(BillingError) -> T
    ) throws(PipelineError) -> T {
        let room = try BillingRoom(try options.context())
        let result = try BillingRoom.translating { () throws(BillingError) in try body(room.night) }
        try BillingRoom.translating { () throws(BillingError) in try room.night.close() }
        return result
    }

    static func print(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        Swift.print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }
}

extension BillCommand {
    struct Credit: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "credit", abstract: "Correct an invoice by a numbered credit note.",
            discussion:
                "Takes back a part of an invoice or of one line; without --amount all that is left. Shares and tax follow."
        )
        @OptionGroup var options: DataOptions
        @Argument(help: "An invoice's number, or INVOICE/LINE.") var reference: String
        @Option(help: "Before tax, in the invoice's currency, with all its decimals.") var amount: String?
        @Option(help: "Stands on the credit note.") var reason: String
        @Option(help: "The same key again gives the same note.") var key: String?
        @Option(help: "text or json.") var format: OutputFormat = .text

        func run() throws {
            let note = try BillDesk.act(options) { (night) throws(BillingError) in
                try night.credit(reference, amount: amount, reason: reason, key: key)
            }
            if format == .json { return try BillDesk.print(note) }
            print("\(note.number) takes \(note.net) and \(note.tax) of tax back from \(note.invoice)")
            for share in note.shares {
                print(
                    "  \(share.developer) from \(share.publisher.text), \(share.platform) from the platform")
            }
        }
    }

    struct Refund: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "refund",
            abstract: "Give back what a customer has paid and does not owe; the next night sends it.",
            discussion: "What is owed is first taken back by `bill credit`.")
        @OptionGroup var options: DataOptions
        @Argument(help: "The invoice that it is about.") var invoice: String
        @Option(help: "Without it, all of the customer's credit in this currency.") var amount: String?
        @Option(help: "Where a bank transfer goes to.") var iban: String = ""
        @Option(help: "Stands in the refund file.") var reason: String
        @Option(help: "The same key again orders nothing new.") var key: String?

        func run() throws {
            let refund = try BillDesk.act(options) { (night) throws(BillingError) in
                try night.refund(invoice, amount: amount, iban: iban, reason: reason, key: key)
            }
            print("\(refund.id): \(refund.money) goes back with the next night")
        }
    }

    struct Dispute: ParsableCommand {
        enum Act: String, ExpressibleByArgument, CaseIterable { case open, won, lost }

        static let configuration = CommandConfiguration(
            commandName: "dispute",
            abstract: "Open a dispute (holds the developers' shares), or close it won or lost.")
        @OptionGroup var options: DataOptions
        @Argument(help: "An invoice's number.") var invoice: String
        @Argument(help: "open, won or lost.") var act: Act
        @Option(help: "What is disputed, with tax; without it the whole.") var amount: String?
        @Option(help: "Needed to open one.") var reason: String?

        func validate() throws {
            if act == .open, reason == nil { throw ValidationError("--reason says why it is disputed.") }
            if act != .open, amount != nil { throw ValidationError("--amount belongs to open.") }
        }

        func run() throws {
            let note = try BillDesk.act(options) { (night) throws(BillingError) -> CreditNote? in
                switch act {
                case .open:
                    try night.openDispute(invoice, amount: amount, reason: reason ?? "")
                    return nil
                case .won: return try night.closeDispute(invoice, .won)
                case .lost: return try night.closeDispute(invoice, .lost)
                }
            }
            switch act {
            case .open: print("\(invoice) is disputed: its shares are held")
            case .won: print("\(invoice): won, its shares are let go")
            case .lost:
                print("\(invoice): lost" + (note.map { ", \($0.number) takes \($0.total) back" } ?? ""))
            }
        }
    }

    struct Pay: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pay",
            abstract: "Note a payment that has arrived, as a line of a bank statement, and book it.")
        @OptionGroup var options: DataOptions
        @Argument(help: "An invoice's number.") var invoice: String
        @Option(help: "Without it, all that is open.") var amount: String?
        @Option(help: "The value date, else today.") var date: String?
        @Option(help: "Who paid.") var payer: String = ""

        func run() throws {
            let day = try date.map { text throws(PipelineError) in
                guard let day = Day(text) else {
                    throw PipelineError(.usage, "\(text) is no date", remedy: "Write it as 2026-01-31.")
                }
                return day
            }
            let paid = try BillDesk.act(options) { (night) throws(BillingError) in
                let paid = try night.notePayment(invoice, amount: amount, day: day, payer: payer)
                _ = try night.collect()
                _ = try night.settle()
                return paid
            }
            print("\(paid) received for \(invoice)")
        }
    }

    struct Rebuild: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rebuild",
            abstract: "Make a closed period anew from its segments and frozen prices, and compare every file."
        )
        @OptionGroup var options: DataOptions
        @Argument(help: "A month, like 2026-01.") var period: String

        func run() throws {
            guard let month = BillingPeriod(period) else {
                throw PipelineError(.usage, "\(period) is no month", remedy: "Write it as 2026-01.")
            }
            let summary = try BillDesk.act(options) { (night) throws(BillingError) in
                try night.rebuild(month)
            }
            let files = summary.counts["files"] ?? 0
            print("\(month): \(summary.counts["invoices"] ?? 0) invoices and \(files) files are the same")
        }
    }
}
