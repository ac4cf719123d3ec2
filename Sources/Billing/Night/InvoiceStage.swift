internal import Marketplace
internal import Metering
internal import Provenance

extension BillingNight {
    /// Closes every due period: numbers its drafts and books them in one transaction, then writes the documents.
    public func invoice() throws(BillingError) -> StageSummary {
        var summary = StageSummary("invoice")
        for period in try openPeriods() where asOf >= dueTime(period) {
            let rated = try rated(period)
            guard rated.isDue else { break }
            try close(period, rated, &summary)
        }
        try releaseHeld(&summary)
        for closing in try ledger.read({ try $0.closings() }) {
            for issued in try ledger.read({ try $0.invoices(period: closing.period) }) {
                if try writeDocuments(issued) { summary.counts["written", default: 0] += 1 }
            }
        }
        return summary
    }

    func rated(_ period: BillingPeriod) throws(BillingError) -> RatedPeriod {
        try BillingJSON.decode(
            RatedPeriod.self, from: try read(paths.file(period, "rated.json")), subject: "rated \(period)")
    }

    private func close(
        _ period: BillingPeriod, _ rated: RatedPeriod, _ summary: inout StageSummary
    ) throws(BillingError) {
        let issued = try ledger.write { books in
            var issued: [Invoice] = []
            for draft in rated.drafts where rated.held[draft.tenant.text] == nil {
                issued.append(try issue(draft, booked: period.endDay.adding(days: -1), books))
            }
            try books.close(Closing(period: period, day: asOf.day, held: rated.held))
            return issued
        }
        summary.counts["closed", default: 0] += 1
        summary.counts["issued", default: 0] += Int64(issued.count)
        summary.counts["held", default: 0] += Int64(rated.held.count)
        for invoice in issued { summary.add("total \(period)", invoice.total) }
        summary.alarms += rated.held.sorted { $0.key < $1.key }.map {
            "\(period) \($0.key): held, \($0.value)"
        }
    }

    /// Held invoices that were let go since are issued from their period's own drafts, booked today.
    private func releaseHeld(_ summary: inout StageSummary) throws(BillingError) {
        for closing in try ledger.read({ try $0.closings() }) where !closing.held.isEmpty {
            let free = config.releases.filter {
                $0.period == closing.period && closing.held[$0.tenant.text] != nil
            }
            if free.isEmpty { continue }
            let drafts = try rated(closing.period).drafts.filter { draft in
                free.contains { $0.tenant == draft.tenant }
            }
            let count = try ledger.write { books in
                var count: Int64 = 0
                for draft in drafts
                where !(try books.hasInvoice(closing.period, draft.tenant, draft.currency)) {
                    _ = try issue(draft, booked: asOf.day, books)
                    count += 1
                }
                return count
            }
            if count > 0 { summary.counts["released", default: 0] += count }
        }
    }

    /// Gives a draft its number, its dates and its place in the chain, and books it. Inside one transaction.
    private func issue(_ draft: Invoice, booked day: Day, _ books: LedgerTransaction) throws -> Invoice {
        var invoice = draft
        let ordinal = try books.nextInvoiceOrdinal()
        invoice.number = documentNumber(config.invoicePrefix, ordinal)
        invoice.issued = asOf.day
        invoice.due = asOf.day.adding(days: config.paymentTermsDays)
        invoice.previous = try books.lastInvoiceDigest()
        invoice.paymentReference = invoice.number
        if let violation = invoice.firstViolation() {
            throw BillingError(.conservation, invoice.number, violation)
        }
        let bytes = try BillingJSON.encode(invoice, subject: invoice.number)
        try books.addInvoice(
            ordinal: ordinal, kind: "invoice", corrects: nil, head: InvoiceHead(invoice), document: bytes,
            digest: Digest.sha256(of: bytes), previous: invoice.previous)
        try books.book(BillingNight.booking(of: invoice, on: day))
        return invoice
    }

    func documentNumber(_ prefix: String, _ ordinal: Int64) -> String {
        let digits = String(ordinal)
        return "\(prefix)-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    /// The customer owes the total; the developers' shares, the platform's and the tax are what it is made of.
    static func booking(of invoice: Invoice, on day: Day) -> Booking {
        var postings = [Posting(account: Account.receivable(invoice.tenant), money: invoice.total)]
        for share in invoice.shares {
            postings.append(Posting(account: Account.accrued(share.publisher), money: -share.developer))
        }
        let platform = invoice.shares.map(\.platform).reduce(.zero(invoice.currency), +)
        postings.append(Posting(account: Account.platform, money: -platform))
        for tax in invoice.taxes {
            postings.append(Posting(account: Account.tax(tax.category, tax.rate), money: -tax.tax))
        }
        return Booking(
            key: "invoice:\(invoice.number)", day: day, kind: .invoice, invoice: invoice.number,
            description: "invoice \(invoice.number) to \(invoice.tenant.text) for \(invoice.period)",
            postings: postings)
    }

    /// Writes an issued document's JSON and HTML; true where a file was not there yet. A file that says something
    /// else than the books is an error, never overwritten.
    @discardableResult
    private func writeDocuments(_ issued: LedgerTransaction.Issued) throws(BillingError) -> Bool {
        guard Digest.sha256(of: issued.document) == issued.digest else {
            throw BillingError(.immutable, issued.number, "its document is not the one that was issued")
        }
        let folder = "\(paths.folder(issued.period))/invoices"
        let path = "\(folder)/\(issued.number).json"
        if let held = try readIfPresent(path) {
            guard held == issued.document else {
                throw BillingError(.immutable, path, "was changed after it was issued")
            }
        }
        let invoice = try BillingJSON.decode(Invoice.self, from: issued.document, subject: issued.number)
        let page = try BillingPages.invoice(invoice, template: templates.invoice)
        let isNew = try BillingError.storing { () throws(MeteringError) in
            try disk.replace(path, with: issued.document)
        }
        // A page already issued stays as it was, also where the template has changed since.
        let html = "\(folder)/\(issued.number).html"
        if isNew || !disk.exists(html) { try write(html, page) }
        return isNew
    }
}
