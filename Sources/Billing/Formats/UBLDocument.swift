internal import Marketplace

/// Invoices and credit notes as UBL 2.1 after EN 16931: what a customer's accounting program reads.
enum UBLDocument {
    /// Why the format cannot carry it; nil where it can. EN 16931 gives every amount at most two decimals, and
    /// wants every customer's country.
    static func refusal(currency: Currency, customer: Invoice.Party, seller: Invoice.Party) -> String? {
        if currency.exponent > 2 { return "EN 16931 has no amounts of \(currency.exponent) decimals" }
        if customer.country.utf8.count != 2 || seller.country.utf8.count != 2 {
            return "a country is missing"
        }
        return nil
    }

    static func bytes(_ invoice: Invoice) -> [UInt8] {
        let lines = invoice.lines.map { line in
            Line(
                id: line.number, name: line.plugin.text, text: line.description, from: line.from,
                to: line.to.adding(days: -1), amount: line.amount, discount: line.discount, net: line.net,
                note: line.metric.map {
                    "\($0): \(line.quantity) used, \(line.included) included, \(line.charged) charged"
                }, category: line.taxCategory, rate: line.taxRate)
        }
        let head = Head(
            kind: .invoice, number: invoice.number, issued: invoice.issued, due: invoice.due,
            note: nil, corrects: nil, seller: invoice.seller, customer: invoice.customer,
            tenant: invoice.tenant, period: invoice.period, currency: invoice.currency, lines: lines,
            taxes: invoice.taxes, net: invoice.net, tax: invoice.tax, total: invoice.total,
            iban: invoice.iban, bic: invoice.bic, reference: invoice.paymentReference)
        return write(head)
    }

    static func bytes(_ note: CreditNote) -> [UInt8] {
        let lines = note.lines.map { line in
            Line(
                id: line.number, name: line.plugin.text, text: line.description, from: note.period.firstDay,
                to: note.period.endDay.adding(days: -1), amount: line.net, discount: .zero(note.currency),
                net: line.net, note: "line \(line.invoiceLine) of \(note.invoice)",
                category: line.taxCategory, rate: line.taxRate)
        }
        let head = Head(
            kind: .credit, number: note.number, issued: note.issued, due: nil, note: note.reason,
            corrects: (note.invoice, note.invoiceIssued), seller: note.seller, customer: note.customer,
            tenant: note.tenant, period: note.period, currency: note.currency, lines: lines,
            taxes: note.taxes, net: note.net, tax: note.tax, total: note.total, iban: "", bic: "",
            reference: note.number)
        return write(head)
    }

    // MARK: Parts

    private enum Kind {
        case invoice, credit
        var root: String { self == .invoice ? "Invoice" : "CreditNote" }
    }

    private struct Line {
        var id: Int
        var name: String
        var text: String
        var from: Day
        var to: Day
        var amount: Money
        var discount: Money
        var net: Money
        var note: String?
        var category: String
        var rate: String
    }

    private struct Head {
        var kind: Kind
        var number: String
        var issued: Day
        var due: Day?
        var note: String?
        var corrects: (number: String, issued: Day)?
        var seller: Invoice.Party
        var customer: Invoice.Party
        var tenant: TenantID
        var period: BillingPeriod
        var currency: Currency
        var lines: [Line]
        var taxes: [InvoiceTax]
        var net: Money
        var tax: Money
        var total: Money
        var iban: String
        var bic: String
        var reference: String
    }

    private static func write(_ head: Head) -> [UInt8] {
        var xml = XMLWriter()
        let root = head.kind.root
        xml.open(
            root,
            [
                "xmlns": "urn:oasis:names:specification:ubl:schema:xsd:\(root)-2",
                "xmlns:cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
                "xmlns:cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
            ])
        xml.leaf("cbc:CustomizationID", "urn:cen.eu:en16931:2017")
        xml.leaf("cbc:ID", head.number)
        xml.leaf("cbc:IssueDate", head.issued.description)
        if head.kind == .invoice, let due = head.due { xml.leaf("cbc:DueDate", due.description) }
        xml.leaf(
            head.kind == .invoice ? "cbc:InvoiceTypeCode" : "cbc:CreditNoteTypeCode",
            head.kind == .invoice ? "380" : "381")
        if let note = head.note { xml.leaf("cbc:Note", XMLWriter.text(note, 1_000)) }
        xml.leaf("cbc:DocumentCurrencyCode", head.currency.code)
        xml.leaf("cbc:BuyerReference", head.tenant.text)
        period(&xml, head.period.firstDay, head.period.endDay.adding(days: -1))
        if let corrects = head.corrects {
            xml.open("cac:BillingReference")
            xml.open("cac:InvoiceDocumentReference")
            xml.leaf("cbc:ID", corrects.number)
            xml.leaf("cbc:IssueDate", corrects.issued.description)
            xml.close()
            xml.close()
        }
        // Outside the scope of tax no VAT id may stand (BR-O-02 and its kin).
        let isOutside = head.taxes.contains { $0.category == "O" }
        party(&xml, "cac:AccountingSupplierParty", head.seller, showsVAT: !isOutside)
        party(&xml, "cac:AccountingCustomerParty", head.customer, showsVAT: !isOutside)
        if head.taxes.contains(where: { $0.category == "K" }) { delivery(&xml, head) }
        if !head.iban.isEmpty { payment(&xml, head) }
        taxes(&xml, head)
        totals(&xml, head)
        for line in head.lines { self.line(&xml, line, head) }
        xml.close()
        return xml.bytes
    }

    private static func period(_ xml: inout XMLWriter, _ from: Day, _ to: Day) {
        xml.open("cac:InvoicePeriod")
        xml.leaf("cbc:StartDate", from.description)
        xml.leaf("cbc:EndDate", to.description)
        xml.close()
    }

    private static func party(
        _ xml: inout XMLWriter, _ name: String, _ party: Invoice.Party, showsVAT: Bool
    ) {
        xml.open(name)
        xml.open("cac:Party")
        xml.open("cac:PostalAddress")
        if let address = party.address {
            let lines = address.split(separator: "\n").map(String.init)
            if let street = lines.first { xml.leaf("cbc:StreetName", street) }
            if lines.count > 1 { xml.leaf("cbc:CityName", lines[1]) }
        }
        xml.open("cac:Country")
        xml.leaf("cbc:IdentificationCode", party.country)
        xml.close()
        xml.close()
        if showsVAT, let vatID = party.vatID {
            xml.open("cac:PartyTaxScheme")
            xml.leaf("cbc:CompanyID", vatID)
            scheme(&xml)
            xml.close()
        }
        xml.open("cac:PartyLegalEntity")
        xml.leaf("cbc:RegistrationName", XMLWriter.text(party.name, 300))
        // Who sells is always named by an identifier (BR-CO-26).
        if !showsVAT, let vatID = party.vatID { xml.leaf("cbc:CompanyID", vatID) }
        xml.close()
        xml.close()
        xml.close()
    }

    private static func scheme(_ xml: inout XMLWriter) {
        xml.open("cac:TaxScheme")
        xml.leaf("cbc:ID", "VAT")
        xml.close()
    }

    /// Supply within the Union says where to, and when.
    private static func delivery(_ xml: inout XMLWriter, _ head: Head) {
        xml.open("cac:Delivery")
        xml.leaf("cbc:ActualDeliveryDate", head.period.endDay.adding(days: -1).description)
        xml.open("cac:DeliveryLocation")
        xml.open("cac:Address")
        xml.open("cac:Country")
        xml.leaf("cbc:IdentificationCode", head.customer.country)
        xml.close()
        xml.close()
        xml.close()
        xml.close()
    }

    private static func payment(_ xml: inout XMLWriter, _ head: Head) {
        xml.open("cac:PaymentMeans")
        // 58: SEPA credit transfer; 30: credit transfer.
        xml.leaf("cbc:PaymentMeansCode", head.currency.code == "EUR" ? "58" : "30")
        xml.leaf("cbc:PaymentID", head.reference)
        xml.open("cac:PayeeFinancialAccount")
        xml.leaf("cbc:ID", head.iban.filter { !$0.isWhitespace })
        if !head.bic.isEmpty {
            xml.open("cac:FinancialInstitutionBranch")
            xml.leaf("cbc:ID", head.bic)
            xml.close()
        }
        xml.close()
        xml.close()
    }

    private static func taxes(_ xml: inout XMLWriter, _ head: Head) {
        xml.open("cac:TaxTotal")
        amount(&xml, "cbc:TaxAmount", head.tax)
        for tax in head.taxes {
            xml.open("cac:TaxSubtotal")
            amount(&xml, "cbc:TaxableAmount", tax.taxable)
            amount(&xml, "cbc:TaxAmount", tax.tax)
            category(&xml, "cac:TaxCategory", tax.category, tax.rate, withReason: true)
            xml.close()
        }
        xml.close()
    }

    /// Why a category bears no tax, as VATEX codes and words.
    private static let reasons: [String: (code: String?, text: String)] = [
        "AE": ("VATEX-EU-AE", "Reverse charge"), "O": ("VATEX-EU-O", "Not subject to VAT"),
        "E": (nil, "Exempt from tax"), "K": ("VATEX-EU-IC", "Intra-Community supply"),
        "G": ("VATEX-EU-G", "Export outside the EU"),
    ]

    private static func category(
        _ xml: inout XMLWriter, _ name: String, _ category: String, _ rate: String, withReason: Bool
    ) {
        xml.open(name)
        xml.leaf("cbc:ID", category)
        if category != "O" { xml.leaf("cbc:Percent", rate) }
        if withReason, let reason = reasons[category] {
            if let code = reason.code { xml.leaf("cbc:TaxExemptionReasonCode", code) }
            xml.leaf("cbc:TaxExemptionReason", reason.text)
        }
        scheme(&xml)
        xml.close()
    }

    private static func totals(_ xml: inout XMLWriter, _ head: Head) {
        xml.open("cac:LegalMonetaryTotal")
        amount(&xml, "cbc:LineExtensionAmount", head.net)
        amount(&xml, "cbc:TaxExclusiveAmount", head.net)
        amount(&xml, "cbc:TaxInclusiveAmount", head.total)
        amount(&xml, "cbc:PayableAmount", head.total)
        xml.close()
    }

    /// One unit at the line's amount: a price is never negative, so a line that takes away is minus one unit.
    private static func line(_ xml: inout XMLWriter, _ line: Line, _ head: Head) {
        let isNegative = line.amount.minor < 0
        xml.open(head.kind == .invoice ? "cac:InvoiceLine" : "cac:CreditNoteLine")
        xml.leaf("cbc:ID", String(line.id))
        if let note = line.note { xml.leaf("cbc:Note", note) }
        xml.leaf(
            head.kind == .invoice ? "cbc:InvoicedQuantity" : "cbc:CreditedQuantity", isNegative ? "-1" : "1",
            ["unitCode": "C62"])
        amount(&xml, "cbc:LineExtensionAmount", line.net)
        period(&xml, line.from, line.to)
        if line.discount.minor > 0 {
            xml.open("cac:AllowanceCharge")
            xml.leaf("cbc:ChargeIndicator", "false")
            xml.leaf("cbc:AllowanceChargeReasonCode", "95")
            xml.leaf("cbc:AllowanceChargeReason", "Discount")
            amount(&xml, "cbc:Amount", line.discount)
            xml.close()
        }
        xml.open("cac:Item")
        xml.leaf("cbc:Description", XMLWriter.text(line.text, 1_000))
        xml.leaf("cbc:Name", line.name)
        category(&xml, "cac:ClassifiedTaxCategory", line.category, line.rate, withReason: false)
        xml.close()
        xml.open("cac:Price")
        amount(&xml, "cbc:PriceAmount", isNegative ? -line.amount : line.amount)
        xml.close()
        xml.close()
    }

    private static func amount(_ xml: inout XMLWriter, _ name: String, _ money: Money) {
        xml.leaf(name, money.amount, ["currencyID": money.currency.code])
    }
}
