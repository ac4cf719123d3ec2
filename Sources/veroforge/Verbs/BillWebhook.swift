import ArgumentParser
import Billing
import Foundation
import Marketplace
import Pipeline

extension BillCommand {
    struct Webhook: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "webhook",
            abstract: "Check a message of the card processor and take up what it speaks of.",
            discussion:
                "Reads the raw body from standard input. With a true signature the processor is asked at once (collect and settle), as the night would; else exit 2 and nothing happens."
        )
        @OptionGroup var options: DataOptions
        @Option(help: "The Stripe-Signature header, as it came.") var signature: String

        func run() throws {
            let body = Array(FileHandle.standardInput.readDataToEndOfFile())
            let context = try options.context()
            let event = try StripeKeys(context.data).event(body: body, signature: signature, now: context.now)
            try BillDesk.act(options) { (night) throws(BillingError) in
                _ = try night.collect()
                _ = try night.settle()
            }
            print("\(event.id) \(event.type)" + (event.key.map { " \($0)" } ?? ""))
        }
    }
}
