import Billing
import Foundation
import Marketplace
import Pipeline
import Registry

/// The customer's bank: its statement says that every open invoice was paid.
enum DemoBank {
    static func pay(_ stage: DemoStage, on day: Day) throws {
        var rows = [BankTransferProcessor.csvHeader]
        for path in DemoDocuments.invoices(stage.data.root) {
            let invoice = try JSONValue.parse(try Files.read(path))
            guard let number = invoice["number"]?.stringValue, let total = invoice["total"],
                let amount = total["amount"]?.stringValue, let currency = total["currency"]?.stringValue
            else { continue }
            rows.append(
                "sample-transfer-\(number),\(day),\(amount),\(currency),\(number),Acme Field Services (sample)"
            )
        }
        let text = rows.joined(separator: "\n") + "\n"
        try Files.write(Array(text.utf8), to: "\(stage.data.billing)/bank/\(day).csv")
    }
}

/// Where the nights left their papers.
enum DemoDocuments {
    static func invoices(_ data: String) -> [String] { files(data, "/invoices/", ".json") }

    static func files(_ data: String, _ part: String, _ ending: String) -> [String] {
        let names =
            FileManager.default.enumerator(atPath: data + "/billing")?.compactMap { $0 as? String } ?? []
        return names.filter { "/\($0)".contains(part) && $0.hasSuffix(ending) }.sorted().map {
            "\(data)/billing/\($0)"
        }
    }
}

extension DemoStage {
    /// The paths to open; each is there, or the demo failed.
    func summary(_ submissions: [Digest]) throws {
        let site = "\(folder)/site/public"
        let rejected = try submissions.first {
            try context(Clock.wall()).registry.submission($0).state == .rejected
        }
        let journal = DemoDocuments.files(folder, "/", "journal.hledger").last
        let places: [(String, String?)] = [
            ("catalogue", "\(site)/index.html"),
            ("a plugin's page", "\(site)/plugins/veroforge/slack/index.html"),
            ("the rejected one's review", rejected.map { "\(folder)/site/private/review/\($0)/index.html" }),
            ("an invoice", DemoDocuments.files(folder, "/invoices/", ".html").first),
            ("a payout statement", DemoDocuments.files(folder, "/payouts/", ".html").first),
            ("the books", journal),
        ]
        print("")
        for (what, path) in places {
            guard let path, Files.exists(path) else {
                throw PipelineError(.findings, "the demo made no file for \(what)")
            }
            print("  " + what + String(repeating: " ", count: max(1, 28 - what.count)) + path)
        }
        print("")
        print("  check   .build/release/veroforge catalogue verify \(site)")
        if let journal { print("          hledger -f \(journal) check") }
    }
}
