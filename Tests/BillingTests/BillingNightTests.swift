import Foundation
import Marketplace
import Metering
import TestSupport
import Testing

@testable import Billing

@Suite struct BillingNightTests {
    @Test func aMonthBecomesInvoicesPaymentsSharesAndPayouts() throws {
        try SampleMonth.with { month in
            try month.writeUsage()
            // The lateness rule: nothing is issued before 48 hours have passed.
            try month.run("2026-02-02T01:00:00Z")
            #expect(try month.files().keys.filter { $0.contains("/invoices/") }.isEmpty)
            try month.run("2026-02-03T01:00:00Z")
            let night = try month.night("2026-02-03T01:00:00Z")
            let acme = try night.issued("VF-000001")
            // 270 calls, 100 free, 0.01 each; basic for 10 of 31 days, pro for 11; 1,500 ms at 0.002 and 0.0015.
            #expect(acme.lines.map(\.amount.amount) == ["1.70", "3.23", "10.29", "2.75"])
            #expect(acme.lines[3].tiers.map(\.amount.amount) == ["2.00", "0.75"])
            #expect(acme.net.amount == "17.97" && acme.tax.amount == "3.41" && acme.total.amount == "21.38")
            #expect(acme.shares.map(\.developer.amount) == ["12.58"])
            let globex = try night.issued("VF-000002")
            #expect(globex.total.amount == "1.00" && globex.taxes.map(\.category) == ["AE"])
            #expect(globex.previous != nil)
            let nippon = try night.issued("VF-000003")
            // 10 × 1,234 yen reported, 2.9 % of it: 357.86.
            #expect(nippon.total.amount == "358" && nippon.shares[0].developer.amount == "251")
            try night.close()

            try month.pay("first", date: "2026-02-05", percent: 50)
            try month.run("2026-02-05T01:00:00Z")
            try month.pay("second", date: "2026-02-06", percent: 100)
            try month.run("2026-02-06T01:00:00Z")
            #expect(try month.files().keys.filter { $0.contains("PO-") }.isEmpty)
            // Seven days of hold, counted from when the money came.
            try month.run("2026-02-14T01:00:00Z")
            let files = try month.files()
            let statements = files.keys.filter { $0.contains("PO-") && $0.hasSuffix(".json") }.sorted()
            #expect(statements == (1...2).map { "billing/2026-02/payouts/PO-00000\($0).json" })
            let sample = try BillingJSON.decode(
                PayoutStatement.self, from: files[statements[1]]!, subject: "statement")
            #expect(sample.paid.amount == "13.28" && sample.earned.amount == "13.28" && sample.closing.isZero)
            #expect(sample.rows.map(\.share.amount) == ["12.58", "0.70"])
            #expect(files["billing/2026-02/payouts/transfers-2026-02-14-EUR.pain.001.xml"] != nil)
            #expect(files["billing/2026-02/invoices/VF-000001.json"] == nil)
            #expect(files["billing/2026-01/invoices/VF-000001.html"] != nil)
        }
    }

    @Test func theBooksPassHledgerAndLedger() throws {
        try SampleMonth.with { month in
            try month.writeUsage()
            try month.run("2026-02-03T01:00:00Z")
            try month.pay("all", date: "2026-02-04")
            try month.run("2026-02-04T01:00:00Z")
            try month.run("2026-02-12T01:00:00Z")
            for name in ["2026-01", "2026-02"] {
                let journal = "\(month.data)/billing/\(name)/journal.hledger"
                let hledger = try runProgram("hledger", ["-f", journal, "check"])
                #expect(hledger.status == 0, "\(hledger.output)")
                let ledger = try runProgram("ledger", ["-f", journal, "--strict", "balance"])
                #expect(ledger.status == 0, "\(ledger.output)")
                // Exact digits: what hledger reads is what was written.
                let text = String(decoding: try Disk().read(journal), as: UTF8.self)
                #expect(!text.contains("commodity"))
            }
            let balance = try runProgram(
                "hledger",
                [
                    "-f", "\(month.data)/billing/2026-01/journal.hledger", "balance", "-N", "-O", "csv",
                    "--layout=bare",
                ])
            #expect(balance.output.contains("\"revenue:platform\",\"EUR\",\"-5.69\""), "\(balance.output)")
            #expect(balance.output.contains("\"revenue:platform\",\"JPY\",\"-107\""), "\(balance.output)")
        }
    }

    @Test func theSameNightAgainChangesNoByte() throws {
        try SampleMonth.with { month in
            try month.writeUsage()
            for asOf in [
                "2026-01-15T01:00:00Z", "2026-02-02T01:00:00Z", "2026-02-03T01:00:00Z",
                "2026-02-12T01:00:00Z",
            ] {
                if asOf.hasPrefix("2026-02-12") { try month.pay("all", date: "2026-02-04") }
                try month.run(asOf)
                let once = try month.files()
                try month.run(asOf)
                let twice = try month.files()
                #expect(once.keys.sorted() == twice.keys.sorted())
                for (path, bytes) in once { #expect(twice[path] == bytes, "\(asOf) \(path)") }
            }
        }
    }

    @Test func eachStageAloneGivesWhatTheWholeNightGives() throws {
        try SampleMonth.with { whole in
            try whole.writeUsage()
            try whole.run("2026-02-03T01:00:00Z")
            let expected = try whole.files()
            try SampleMonth.with { parts in
                try parts.writeUsage()
                for stage in 0..<9 {
                    // Every stage opens the data directory anew, as a process of its own would.
                    let night = try parts.night("2026-02-03T01:00:00Z")
                    let stages: [() throws -> StageSummary] = [
                        night.seal, night.rollUp, night.rate, night.invoice, night.collect, night.settle,
                        night.payOut, night.reconcile, night.report,
                    ]
                    _ = try stages[stage]()
                    try night.close()
                }
                #expect(try parts.files() == expected)
            }
        }
    }

    @Test func theOrderAndTheCopiesOfTheSegmentsAreOfNoMatter() throws {
        try SampleMonth.with { one in
            try one.writeUsage()
            try one.run("2026-02-03T01:00:00Z")
            try SampleMonth.with { other in
                try other.writeUsage()
                // The same segment again, compressed, in another day's folder.
                let segment = try Disk().read("\(other.data)/usage/2026-01-22/node-a-00000022.jsonl")
                try Disk().replace(
                    "\(other.data)/usage/2026-01-23/node-a-00000022.jsonl.zst",
                    with: SegmentReader.deflate(segment, "copy"))
                try other.run("2026-02-03T01:00:00Z")
                for number in 1...3 {
                    let path = "/billing/2026-01/invoices/VF-00000\(number).json"
                    #expect(try Disk().read(one.data + path) == Disk().read(other.data + path))
                }
            }
        }
    }

    @Test func explainFindsTheUsageLinesWhoseSumTheLineIs() throws {
        try SampleMonth.with { month in
            try month.writeUsage()
            try month.run("2026-02-03T01:00:00Z")
            let night = try month.night("2026-02-03T01:00:00Z")
            let text = try night.explain("VF-000001/1")
            #expect(text.contains("used 270, included 100, charged 170"))
            #expect(text.contains("270 usage lines add up to 270"))
            #expect(text.contains("usage/2026-01-05/node-a-00000005.jsonl:"))
            let all = try night.explain("VF-000001")
            #expect(all.contains("10 usage lines add up to 1500"))
            #expect(try night.explain("VF-000003/1").contains("10 usage lines add up to 12340"))
            #expect(throws: BillingError.self) { try night.explain("VF-000001/9") }
            #expect(throws: BillingError.self) { try night.explain("VF-999999") }
            try night.close()
        }
    }

    @Test func whatComesLateGoesToTheNextInvoiceWithItsDay() throws {
        try SampleMonth.with { month in
            try month.writeUsage()
            try month.run("2026-02-03T01:00:00Z")
            let writer = try SegmentWriter(usage: "\(month.data)/usage", node: "node-b")
            try writer.tick(Instant("2026-02-04T00:00:00Z")!)
            // One late call, one that was billed already, one of February.
            let late = UsageEvent(
                id: "late-1", time: Instant("2026-01-30T10:00:00Z")!, tenant: SampleMonth.acme,
                plugin: SampleMonth.pings,
                version: "1.0.0", action: "run", plan: "metered", outcome: "ok", calls: 150)
            var known = late
            known.id = "call-5-0"
            known.time = Instant("2026-01-05T10:00:00Z")!
            (known.calls, known.apiCalls, known.executionMs, known.bytesIn, known.bytesOut) = (
                1, 1, 150, 100, 200
            )
            var next = late
            next.id = "feb-1"
            next.time = Instant("2026-02-04T10:00:00Z")!
            for event in [late, known, next] { try writer.append(event) }
            try writer.close()
            try month.run("2026-03-03T01:00:00Z")
            let night = try month.night("2026-03-03T01:00:00Z")
            let invoice = try night.ledger.read { try $0.invoices(period: BillingPeriod("2026-02")!) }
                .map { try BillingJSON.decode(Invoice.self, from: $0.document, subject: "") }
                .first { $0.tenant == SampleMonth.acme }!
            let line = invoice.lines.first { $0.metric == "calls" }!
            #expect(line.quantity == 300 && line.charged == 200)
            #expect(line.lateDays.map(\.description) == ["2026-01-30"])
            #expect(
                try night.explain("\(invoice.number)/\(line.number)").contains("2 usage lines add up to 300"))
            try night.close()
        }
    }

    @Test func aMissingSegmentHoldsItsCustomersInvoicesOnly() throws {
        try SampleMonth.with { month in
            var month = month
            try month.writeUsage()
            // Another node that served only globex, with a segment missing in the middle.
            let writer = try SegmentWriter(usage: "\(month.data)/usage", node: "node-b")
            for day in 23...25 {
                try writer.append(
                    UsageEvent(
                        id: "b-\(day)", time: Instant("2026-01-\(day)T10:00:00Z")!,
                        tenant: SampleMonth.globex,
                        plugin: SampleMonth.pings, version: "1.0.0", action: "run", plan: "metered",
                        outcome: "ok",
                        calls: 1))
            }
            try writer.close()
            try Disk().remove("\(month.data)/usage/2026-01-24/node-b-00000002.jsonl")
            let summaries = try month.run("2026-02-03T01:00:00Z")
            #expect(summaries.contains { $0.alarms.contains { $0.contains("node-b") } })
            var night = try month.night("2026-02-03T01:00:00Z")
            #expect(
                try night.ledger.read { try $0.heads().map(\.tenant) } == [
                    SampleMonth.acme, SampleMonth.nippon,
                ])
            try night.close()
            month.config.releases = [.init(period: BillingPeriod("2026-01")!, tenant: SampleMonth.globex)]
            try month.run("2026-02-04T01:00:00Z")
            night = try month.night("2026-02-04T01:00:00Z")
            #expect(try night.issued("VF-000003").tenant == SampleMonth.globex)
            try night.close()
        }
    }

    @Test func anIssuedInvoiceThatWasChangedIsFound() throws {
        try SampleMonth.with { month in
            try month.writeUsage()
            try month.run("2026-02-03T01:00:00Z")
            let path = "\(month.data)/billing/2026-01/invoices/VF-000001.json"
            let text = String(decoding: try Disk().read(path), as: UTF8.self)
            try Disk().replace(path, with: Array(text.replacingOccurrences(of: "21.38", with: "12.38").utf8))
            #expect(throws: BillingError.self) { try month.run("2026-02-04T01:00:00Z") }
        }
    }

    @Test func reconcileReadsTheFilesAndFailsWithThePlaceOfADifference() throws {
        try SampleMonth.with { month in
            try month.writeUsage()
            try month.run("2026-02-03T01:00:00Z")
            let path = "\(month.data)/billing/2026-01/journal.hledger"
            let text = String(decoding: try Disk().read(path), as: UTF8.self)
            let night = try month.night("2026-02-03T01:00:00Z")
            var reader = Reconciliation(night: night)
            try reader.run()
            try Disk().replace(
                path, with: Array(text.replacingOccurrences(of: "-5.39 EUR", with: "-5.38 EUR").utf8))
            var second = Reconciliation(night: night)
            #expect {
                try second.run()
            } throws: { error in
                guard let error = error as? BillingError else { return false }
                return error.code == .conservation && error.subject.contains("invoice:VF-000001")
            }
            try night.close()
        }
    }

    @Test(arguments: LedgerSchema.tables)
    func theBooksCannotBeChangedOrDeletedFrom(table: String) throws {
        try SampleMonth.with { month in
            try month.writeUsage()
            try month.run("2026-02-03T01:00:00Z")
            try month.pay("all", date: "2026-02-04")
            try month.run("2026-02-04T01:00:00Z")
            try month.run("2026-02-12T01:00:00Z")
            let desk = try month.night("2026-02-13T01:00:00Z")
            _ = try desk.credit("VF-000001", amount: "1.00", reason: "a sample")
            _ = try desk.refund("VF-000001", amount: nil, reason: "a sample")
            try desk.openDispute("VF-000001", amount: nil, reason: "a sample")
            try desk.ledger.write {
                try $0.addReminder(.init(invoice: "VF-000002", state: "reminded", day: Day("2026-02-13")!))
            }
            try desk.close()
            // Those of which a row has no number but its key.
            let change = ["posting": "minor = 1", "invoice_share": "nets = 1", "intent_state": "day = ''"]
            for statement in [
                "DELETE FROM \(table)", "UPDATE \(table) SET \(change[table] ?? "rowid = rowid")",
            ] {
                let result = try runProgram(
                    "python3",
                    [
                        "-c", "import sqlite3,sys; sqlite3.connect(sys.argv[1]).execute(sys.argv[2])",
                        "\(month.data)/ledger.sqlite", statement,
                    ])
                #expect(
                    result.status != 0 && result.output.contains("append-only"),
                    "\(statement): \(result.output)")
            }
        }
    }

    @Test func theInvoiceIsTheRecordedOne() throws {
        try SampleMonth.with { month in
            try month.writeUsage()
            try month.run("2026-02-03T01:00:00Z")
            for name in ["VF-000001.json", "VF-000001.html"] {
                let bytes = try Disk().read("\(month.data)/billing/2026-01/invoices/\(name)")
                let golden = Products.file("Tests/Golden/billing/\(name)")
                if ProcessInfo.processInfo.environment["VEROFORGE_RECORD"] == "1" {
                    try Disk().replace(golden, with: bytes)
                }
                #expect(try Disk().readIfPresent(golden) == bytes, "\(name)")
            }
        }
    }

    @Test func everyNameThatATemplateUsesIsInItsModel() throws {
        try SampleMonth.with { month in
            var month = month
            month.config.coupons = [
                .init(id: "welcome", tenant: SampleMonth.acme, percent: "10", from: Day("2026-01-01")!)
            ]
            try month.writeUsage()
            try month.run("2026-02-03T01:00:00Z")
            let night = try month.night("2026-02-03T01:00:00Z")
            let invoice = try night.issued("VF-000001")
            #expect(invoice.discounts.map(\.amount.amount) == ["1.80"] && invoice.net.amount == "16.17")
            let model = BillingPages.model(of: invoice)
            try night.close()
            let names = Self.names(in: SampleMonth.templates.invoice)
            let known = Self.keys(of: model)
            #expect(names.isSubset(of: known), "\(names.subtracting(known).sorted())")
        }
    }

    private static func names(in template: String) -> Set<String> {
        var names: Set<String> = []
        for part in template.components(separatedBy: "{{").dropFirst() {
            names.insert(
                String(part.prefix { $0 != "}" }).trimmingCharacters(in: CharacterSet(charactersIn: "#^/ ")))
        }
        return names
    }

    private static func keys(of model: PageModel) -> Set<String> {
        model.reduce(into: Set(model.keys)) { keys, entry in
            switch entry.value {
            case .text, .flag: break
            case .part(let part): keys.formUnion(Self.keys(of: part))
            case .list(let parts): for part in parts { keys.formUnion(Self.keys(of: part)) }
            }
        }
    }
}
