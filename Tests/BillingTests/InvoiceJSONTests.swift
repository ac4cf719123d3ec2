import FoundationEssentials
import Marketplace
import TestSupport
import Testing

@testable import Billing

/// The invoice's own JSON, beside a general encoder's.
@Suite struct InvoiceJSONTests {
    private static let texts = [
        "", "plain", "a \"word\" \\ /", "Grüße, 木", "a\tb\nc\rd\u{8}\u{c}\u{1}\u{1f}\u{7f}",
    ]

    private func sample(_ random: inout SplitMix) throws -> Invoice {
        func maybe<T>(_ value: T) -> T? { Bool.random(using: &random) ? value : nil }
        func text() -> String { Self.texts.randomElement(using: &random)! }
        let count = Int.random(in: 0...3, using: &random)
        var invoice = try CorrectionTests.invoice(
            (0..<count).map { _ in Int64.random(in: -9_999...9_999, using: &random) }, ["19", "7"],
            points: [7_000])
        let money = Money(minor: Int64.random(in: -5...500, using: &random), invoice.currency)
        for index in invoice.lines.indices {
            invoice.lines[index].description = text()
            invoice.lines[index].metric = maybe(text())
            invoice.lines[index].scheme = maybe("volume")
            invoice.lines[index].unitAmount = maybe(UnitPrice("0.000000000001")!)
            invoice.lines[index].packageSize = maybe(Int64.max)
            invoice.lines[index].percent = maybe("2.9")
            invoice.lines[index].days = maybe(31)
            invoice.lines[index].periodDays = maybe(31)
            invoice.lines[index].seats = maybe(Int64.min)
            invoice.lines[index].lateDays = maybe([Day("2025-12-31")!, Day("2025-12-30")!]) ?? []
            invoice.lines[index].tiers =
                maybe([
                    InvoiceTier(
                        upTo: maybe(5), quantity: 5, unitAmount: UnitPrice("1.5")!, flatAmount: maybe(money),
                        amount: money)
                ]) ?? []
        }
        invoice.discounts = maybe([InvoiceDiscount(coupon: text(), amount: money)]) ?? []
        invoice.previous = maybe(Digest(hex: String(repeating: "a1", count: 32))!)
        invoice.customer = Invoice.Party(
            name: text(), address: maybe(text()), country: "DE", vatID: maybe(text()))
        return invoice
    }

    @Test func itsBytesAreThoseOfAGeneralEncoderAndReadBackTheSame() throws {
        var random = SplitMix(41)
        let onOneLine = JSONEncoder()
        onOneLine.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        for _ in 0..<300 {
            let invoice = try sample(&random)
            #expect(invoice.document() == (try BillingJSON.encode(invoice, subject: "sample")))
            #expect(invoice.line() == Array(try onOneLine.encode(invoice)))
            #expect(try Invoice(json: invoice.document(), subject: "document") == invoice)
            #expect(try Invoice(json: invoice.line(), subject: "line") == invoice)
        }
    }

    @Test func aStatementsBytesAreThoseOfAGeneralEncoderToo() throws {
        var random = SplitMix(42)
        for count in 0..<40 {
            func money() -> Money {
                Money(minor: Int64.random(in: -9_999...9_999, using: &random), Currency("EUR")!)
            }
            func text() -> String { Self.texts.randomElement(using: &random)! }
            let statement = PayoutStatement(
                schema: 1, number: text(), publisher: PublisherID("sample")!, name: text(), country: text(),
                iban: text(), bic: text(), payer: text(), payerVATID: text(), currency: Currency("EUR")!,
                after: count.isMultiple(of: 2) ? nil : Day("2026-01-31")!, day: Day("2026-02-28")!,
                rows: (0..<(count % 4)).map { _ in
                    .init(invoice: text(), period: BillingPeriod("2026-01")!, nets: money(), share: money())
                },
                opening: money(), earned: money(), reversed: money(), held: money(), paid: money(),
                closing: money(), waiting: money(), writtenOff: money(), writtenOffInAll: money())
            #expect(statement.document() == (try BillingJSON.encode(statement, subject: "sample")))
            #expect(try PayoutStatement(json: statement.document(), subject: "document") == statement)
        }
    }

    /// A mark that joins the quote before it must not carry it past the escaping.
    @Test func aNameCannotEndTheAttributeItStandsIn() throws {
        let page = try PageTemplate("<p title=\"{{name}}\">", subject: "sample").page([
            "name": .text("x\"\u{301} onclick=\u{7}\"<")
        ])
        let text = String(decoding: page, as: UTF8.self)
        #expect(text.utf8.count { $0 == UInt8(ascii: "\"") } == 2, "\(text)")
        #expect(!text.contains("\u{7}"))
    }

    @Test(arguments: ["{{#lines}}", "{{/lines}}", "{{#lines}}{{/taxes}}", "{{number"])
    func aBrokenTemplateIsRefused(template: String) {
        #expect(throws: BillingError.self) { try PageTemplate(template, subject: "sample") }
    }

    @Test func whatIsNotExactlyAnInvoiceIsRefusedAndSaysWhere() throws {
        var random = SplitMix(43)
        let invoice = try sample(&random)
        let line = invoice.line()
        for end in 0..<line.count {
            #expect(throws: BillingError.self) { try Invoice(json: Array(line[..<end]), subject: "cut") }
        }
        let text = String(decoding: line, as: UTF8.self)
        for (part, with) in [
            ("\"due\":", "\"dew\":"), ("\"schema\":1", "\"schema\":01"), ("\"schema\":1", "\"schema\":1.0"),
            ("\"schema\":1,", "\"schema\":1,\"schema\":1,"), ("\"schema\":1,", ""), ("\"EUR\"", "\"EUX\""),
            ("\"bic\":\"\"", "\"bic\":null"), ("\"bic\":\"\"", "\"bic\":\"\u{1}\""),
            ("\"bic\":\"\"", "\"bic\":\"\\ud800\""), ("{\"bic\"", "{\"aaa\":1,\"bic\""),
            ("\"number\":\"VF-000001\"", "\"number\":7"), ("2026-02-17", "2026-02-31"),
        ] {
            #expect(text.contains(part), "\(part)")
            let bad = Array(text.replacing(part, with: with, maxReplacements: 1).utf8)
            let error = #expect(throws: BillingError.self, "\(with)") {
                try Invoice(json: bad, subject: "VF-000001.json")
            }
            #expect(error?.description.contains("VF-000001.json") == true)
            #expect(error?.description.contains("at byte") == true)
        }
        #expect(throws: BillingError.self) { try Invoice(json: line + line, subject: "two") }
        var broken = line
        broken[line.firstIndex(of: UInt8(ascii: "D"))!] = 0xFF
        #expect(throws: BillingError.self) { try Invoice(json: broken, subject: "not UTF-8") }
    }
}
