import Foundation
import Marketplace
import Metering
import TestSupport
import Testing

@testable import Billing

/// A simulated year: what others' programs say of its books and documents.
@Suite(.serialized) struct YearTests {
    private func python() -> String {
        let own = Products.file(".venv/bin/python")
        return Disk().exists(own) ? own : "python3"
    }

    @Test func othersAcceptTheBooksAndDocumentsOfAYear() throws {
        try SampleMonth.with { scratch in
            let year = SampleYear(scratch.data)
            try year.run()
            let files = try year.month.files()
            let billing = "\(scratch.data)/billing"
            let hledger = try runProgram("hledger", ["-f", "\(billing)/books.hledger", "check"])
            #expect(hledger.status == 0, "\(hledger.output.prefix(2_000))")
            let ledger = try runProgram(
                "ledger", ["-f", "\(billing)/books.hledger", "--strict", "balance"])
            #expect(ledger.status == 0, "\(ledger.output.prefix(2_000))")
            let check = try runProgram(
                python(),
                [
                    "-c",
                    "import sys; from beancount.scripts import check; sys.exit(check.main())",
                    "\(billing)/books.beancount",
                ])
            #expect(check.status == 0, "\(check.output.prefix(2_000))")
            // Everything that the year is to have is in it.
            let journal = files.filter { $0.key.hasSuffix("journal.hledger") }.values
                .map { String(decoding: $0, as: UTF8.self) }.joined()
            for word in [
                "key: credit:", "key: overpaid:", "key: refund-", "key: hold:", "key: release:",
                "key: chargeback:", "key: payout:", "key: use:", " EUR", " JPY", " KWD",
            ] { #expect(journal.contains(word), "\(word)") }
            let lines = try files.filter { $0.key.contains("/invoices/") && $0.key.hasSuffix("json") }
                .filter { !$0.key.hasSuffix("-credit.json") }
                .flatMap { path, bytes in
                    let invoice = try BillingJSON.decode(Invoice.self, from: bytes, subject: path)
                    #expect(try Invoice(json: bytes, subject: path) == invoice)
                    #expect(invoice.document() == bytes, "\(path)")
                    return invoice.lines
                }
            #expect(Set(lines.compactMap(\.scheme)) == Set(Charge.Scheme.allCases.map(\.rawValue)))
            #expect(
                Set(lines.map(\.kind)) == [.base, .purchase, .usage, .minimum, .maximum, .spendCap],
                "\(Set(lines.map(\.kind)))")
            try checkDocuments(files, billing)
            try checkTransfers(files, billing)
            // Another run of the last night, and a rebuild of each month, change nothing.
            try year.month.run("2027-01-26T01:00:00Z")
            let again = try year.month.files()
            #expect(again.keys.sorted() == files.keys.sorted())
            for (path, bytes) in files { #expect(again[path] == bytes, "\(path)") }
            let night = try year.month.night("2027-01-26T01:00:00Z")
            for number in 1...12 {
                _ = try night.rebuild(BillingPeriod("2026-" + (number < 10 ? "0\(number)" : "\(number)"))!)
            }
            try night.close()
        }
    }

    /// Structure and business rules of EN 16931, checked by a program that shares nothing with the writer.
    private func checkDocuments(_ files: [String: [UInt8]], _ billing: String) throws {
        let documents = files.keys.filter { $0.contains("/invoices/") && $0.hasSuffix(".xml") }
        #expect(documents.count > 40)
        #expect(documents.contains { $0.hasSuffix("-credit.xml") })
        let result = try runProgram(
            python(), [Products.file("Tests/Python/en16931.py"), "--billing", billing])
        #expect(result.status == 0, "\(result.output.prefix(3_000))")
        #expect(result.output.contains("\(documents.count) documents hold"), "\(result.output.prefix(500))")
    }

    private func checkTransfers(_ files: [String: [UInt8]], _ billing: String) throws {
        let transfers = files.keys.filter { $0.hasSuffix(".pain.001.xml") }
        #expect(transfers.count > 3)
        let result = try runProgram(python(), [Products.file("Tests/Python/pain001.py"), billing])
        #expect(result.status == 0, "\(result.output.prefix(3_000))")
    }

    /// What finance reads adds up: FOCUS rows to the invoice's total.
    @Test func theFocusRowsOfAnInvoiceAddUpToItsTotal() throws {
        try SampleMonth.with { month in
            var month = month
            month.config.coupons = [
                .init(id: "welcome", tenant: SampleMonth.acme, percent: "10", from: Day("2026-01-01")!)
            ]
            try month.writeUsage()
            try month.run("2026-02-03T01:00:00Z")
            let night = try month.night("2026-02-03T01:00:00Z")
            for number in 1...3 {
                let invoice = try night.issued("VF-00000\(number)")
                let rows = try CSVReader.rows(
                    try Disk().read("\(month.data)/billing/2026-01/invoices/\(invoice.number).csv"), "csv")
                #expect(rows[0] == FocusCSV.columns)
                let costs = rows.dropFirst().map { Money($0[0], invoice.currency)! }
                #expect(costs.reduce(.zero(invoice.currency), +) == invoice.total)
            }
            try night.close()
        }
    }
}
