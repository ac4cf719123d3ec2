import Foundation
import Marketplace
import Metering
import Provenance
import TestSupport
import Testing

@testable import Billing

/// Credit notes, refunds and disputes.
@Suite struct CorrectionTests {
    /// An invoice with lines of two publishers, and negative lines among them.
    static func invoice(_ nets: [Int64], _ rates: [String], points: [Int64]) throws -> Invoice {
        let eur = Currency("EUR")!
        let zero = Money.zero(eur)
        let plugins = [PluginID("sample.one")!, PluginID("other.two")!]
        let lines = nets.enumerated().map { index, minor in
            let money = Money(minor: minor, eur)
            return InvoiceLine(
                number: index + 1, kind: .usage, plugin: plugins[index % 2], version: "1.0.0", plan: "p",
                description: "line", from: Day("2026-01-01")!, to: Day("2026-02-01")!,
                price: Digest.sha256(of: []), metric: nil, scheme: nil, quantity: 0, included: 0, charged: 0,
                unitAmount: nil, packageSize: nil, percent: nil, tiers: [], days: nil, periodDays: nil,
                seats: nil, lateDays: [], amount: money, discount: zero, net: money, taxCategory: "S",
                taxRate: rates[index % rates.count], shareBasisPoints: points[index % points.count])
        }
        var taxes: [InvoiceTax] = []
        for rate in Set(rates.prefix(nets.count)).sorted() {
            let taxable = lines.filter { $0.taxRate == rate }.map(\.net).reduce(zero, +)
            taxes.append(
                InvoiceTax(
                    category: "S", rate: rate, taxable: taxable,
                    tax: try Tax.amount(on: taxable, ratio: Exact.ratio(percent: rate)!)))
        }
        let shares = Set(lines.map(\.plugin.publisher)).sorted().map { publisher in
            let own = lines.filter { $0.plugin.publisher == publisher }
            let all = own.map(\.net).reduce(zero, +)
            let developer = Money(minor: RevenueShare.developer(own), eur)
            return InvoiceShare(
                publisher: publisher, nets: all, developer: developer, platform: all - developer)
        }
        let net = lines.map(\.net).reduce(zero, +)
        let tax = taxes.map(\.tax).reduce(zero, +)
        let party = Invoice.Party(name: "x", address: nil, country: "DE", vatID: nil)
        return Invoice(
            schema: 1, number: "VF-000001", tenant: SampleMonth.acme, period: BillingPeriod("2026-01")!,
            issued: Day("2026-02-03")!, due: Day("2026-02-17")!, currency: eur, seller: party,
            customer: party,
            lines: lines, discounts: [], taxes: taxes, shares: shares, net: net, tax: tax, total: net + tax,
            previous: nil, paymentReference: "", iban: "", bic: "")
    }

    @Test func partialCreditsInAnyOrderEndAtExactlyNothing() throws {
        var random = SplitMix(23)
        for _ in 0..<Rounds.count(full: 1_000_000) {
            let count = Int.random(in: 1...5, using: &random)
            let nets = (0..<count).map { _ in Int64.random(in: 1...9_999, using: &random) }
            let points = (0..<3).map { _ in Int64.random(in: 0...10_000, using: &random) }
            let invoice = try Self.invoice(nets, ["19", "7", "0"], points: points)
            #expect(invoice.firstViolation() == nil)
            var notes: [CreditNote] = []
            while true {
                let standing = CreditedInvoice(invoice, notes)
                let left = standing.left
                if left.isZero { break }
                let line = Bool.random(using: &random) ? Int.random(in: 1...count, using: &random) : nil
                let most = line.map { standing.left($0 - 1).minor } ?? left.minor
                if most <= 0 { continue }
                let isAll = Int.random(in: 0..<4, using: &random) == 0
                let amount =
                    isAll ? nil : Money(minor: Int64.random(in: 1...most, using: &random), invoice.currency)
                let note = try standing.note(
                    try standing.split(amount, line: line), number: "N", issued: invoice.issued, reason: "r",
                    previous: nil)
                #expect(note.firstViolation() == nil)
                notes.append(note)
            }
            let zero = Money.zero(invoice.currency)
            #expect(notes.map(\.total).reduce(zero, +) == invoice.total)
            #expect(notes.map(\.tax).reduce(zero, +) == invoice.tax)
            for share in invoice.shares {
                let own = notes.flatMap(\.shares).filter { $0.publisher == share.publisher }
                #expect(own.map(\.developer).reduce(zero, +) == share.developer)
                #expect(own.map(\.platform).reduce(zero, +) == share.platform)
            }
        }
    }

    @Test func aCreditedAndRefundedInvoiceLeavesNothingBehind() throws {
        try SampleMonth.with { month in
            try month.writeUsage()
            try month.run("2026-02-03T01:00:00Z")
            try month.pay("all", date: "2026-02-04")
            try month.run("2026-02-04T01:00:00Z")
            let desk = try month.night("2026-02-05T01:00:00Z")
            // More than was paid cannot be given back.
            #expect(throws: BillingError.self) { try desk.refund("VF-000001", amount: nil, reason: "none") }
            let first = try desk.credit("VF-000001/2", amount: "1.00", reason: "a day without service")
            #expect(first.number == "VF-000004" && first.net.amount == "1.00" && first.tax.amount == "0.19")
            let again = try desk.credit("VF-000001/2", amount: "1.00", reason: "a day without service")
            #expect(again == first)
            let rest = try desk.credit("VF-000001", amount: nil, reason: "all of it")
            #expect((first.total + rest.total).amount == "21.38")
            #expect(throws: BillingError.self) {
                try desk.credit("VF-000001", amount: nil, reason: "once more")
            }
            let refund = try desk.refund(
                "VF-000001", amount: nil, iban: "DE89370400440532013000", reason: "x")
            #expect(refund.money.amount == "21.38")
            try desk.close()
            try month.run("2026-02-06T01:00:00Z")
            let night = try month.night("2026-02-20T01:00:00Z")
            try night.ledger.read { books in
                let sums = try books.sums(invoice: "VF-000001")
                for publisher in sums.publishers {
                    #expect(sums.sum(Account.accrued(publisher)) == 0)
                    #expect(sums.sum(Account.payable(publisher)) == 0)
                }
                #expect(sums.sum(Account.receivable(SampleMonth.acme)) == 0)
                #expect(try books.balance(Account.credit(SampleMonth.acme), Currency("EUR")!) == 0)
                #expect(try books.balance(Account.refunds, Currency("EUR")!) == 0)
            }
            try night.close()
            let files = try month.files()
            let csv = String(decoding: files["billing/2026-02/refunds.csv"]!, as: UTF8.self)
            #expect(csv.contains("DE89370400440532013000,21.38,EUR"))
            for name in ["json", "html", "xml", "csv"] {
                #expect(files["billing/2026-02/invoices/VF-000004-credit.\(name)"] != nil)
            }
        }
    }

    @Test func aDisputeHoldsTheSharesAndLetsThemGo() throws {
        try SampleMonth.with { month in
            try month.writeUsage()
            try month.run("2026-02-03T01:00:00Z")
            try month.pay("all", date: "2026-02-04")
            try month.run("2026-02-04T01:00:00Z")
            let desk = try month.night("2026-02-05T01:00:00Z")
            try desk.openDispute("VF-000001", amount: nil, reason: "not as described")
            #expect(throws: BillingError.self) {
                try desk.openDispute("VF-000001", amount: nil, reason: "twice")
            }
            try desk.close()
            // Long past the hold, only the undisputed invoice is paid out.
            try month.run("2026-02-20T01:00:00Z")
            #expect(try paid(month, "PO-000002") == "0.70")
            let later = try month.night("2026-02-21T01:00:00Z")
            #expect(try later.closeDispute("VF-000001", .won) == nil)
            #expect(throws: BillingError.self) { try later.closeDispute("VF-000001", .won) }
            try later.close()
            try month.run("2026-02-22T01:00:00Z")
            let statement = try #require(try self.statement(month, "PO-000003"))
            #expect(statement.paid.amount == "12.58" && statement.held.amount == "-12.58")
            #expect(statement.opening.isZero && statement.earned.isZero && statement.closing.isZero)
        }
    }

    @Test func aLostDisputeTakesTheShareBackAndADebtIsCarriedForward() throws {
        try SampleMonth.with { month in
            var month = month
            month.config.writeOffDays = 10
            try month.writeUsage()
            try month.run("2026-02-03T01:00:00Z")
            try month.pay("all", date: "2026-02-04")
            try month.run("2026-02-04T01:00:00Z")
            // Paid out before the dispute is opened.
            try month.run("2026-02-14T01:00:00Z")
            #expect(try paid(month, "PO-000002") == "13.28")
            let desk = try month.night("2026-02-15T01:00:00Z")
            try desk.openDispute("VF-000001", amount: nil, reason: "not as described")
            let note = try #require(try desk.closeDispute("VF-000001", .lost))
            #expect(note.total.amount == "21.38")
            try desk.close()
            try month.run("2026-02-16T01:00:00Z")
            let balances = String(decoding: try month.files()["billing/balances.csv"]!, as: UTF8.self)
            #expect(balances.contains("sample,EUR,0.00,-12.58,0.00,-12.58"))
            // Nothing has moved for so many days: the debt is given up.
            try month.run("2026-02-26T01:00:00Z")
            let after = String(decoding: try month.files()["billing/balances.csv"]!, as: UTF8.self)
            #expect(after.contains("sample,EUR,0.00,0.00,0.00,0.00"))
        }
    }

    @Test func remindersAreDatedByTheDueDateWhicheverNightFindsThem() throws {
        try SampleMonth.with { month in
            try month.writeUsage()
            try month.run("2026-02-03T01:00:00Z")
            // Due on the 17th; no night ran for three weeks.
            try month.run("2026-03-10T01:00:00Z")
            var text = String(decoding: try month.files()["billing/dunning.csv"]!, as: UTF8.self)
            #expect(text.contains("VF-000001,reminded,2026-02-20\nVF-000001,warned,2026-03-03\n"))
            try month.pay("all", date: "2026-03-11")
            try month.run("2026-03-11T01:00:00Z")
            text = String(decoding: try month.files()["billing/dunning.csv"]!, as: UTF8.self)
            #expect(text.contains("VF-000001,settled,2026-03-11"))
        }
    }

    @Test func aPreviewIsTheNightsOwnDraftAndAChangeOfPlanShowsInIt() throws {
        try SampleMonth.with { month in
            try month.writeUsage()
            let night = try month.night("2026-01-21T15:00:00Z")
            let before = try night.preview(SampleMonth.acme)
            let changed = try night.preview(
                SampleMonth.acme, whatIf: [.init(plugin: SampleMonth.sync, plan: "basic")])
            // The whole month is in the log: a plan change today undoes the one of the 21st.
            #expect(before[0].total.amount == "21.38")
            #expect(changed[0].lines.filter { $0.kind == .base }.map(\.amount.amount) == ["3.23", "3.54"])
            #expect(throws: BillingError.self) {
                try night.preview(SampleMonth.acme, whatIf: [.init(plugin: SampleMonth.sync, plan: "gold")])
            }
            try night.close()
            #expect(try month.files().keys.filter { $0.hasPrefix("billing/2026") }.isEmpty)
            try month.run("2026-02-03T01:00:00Z")
            let after = try month.night("2026-02-03T01:00:00Z")
            let issued = try after.issued("VF-000001")
            #expect(issued.lines == before[0].lines && issued.total == before[0].total)
            try after.close()
        }
    }

    private func statement(_ month: SampleMonth, _ number: String) throws -> PayoutStatement? {
        guard let bytes = try month.files()["billing/2026-02/payouts/\(number).json"] else { return nil }
        return try BillingJSON.decode(PayoutStatement.self, from: bytes, subject: number)
    }

    private func paid(_ month: SampleMonth, _ number: String) throws -> String? {
        try statement(month, number)?.paid.amount
    }
}
