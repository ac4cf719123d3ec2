internal import Marketplace
internal import Metering
internal import Provenance

extension BillingNight {
    /// Closes every due period: numbers its drafts and books them in one transaction, then writes the documents.
    public func invoice() throws(BillingError) -> StageSummary {
        var summary = StageSummary("invoice")
        var filled = FilledIn()
        for period in try openPeriods() where asOf >= dueTime(period) {
            let rated = try rated(period)
            guard rated.isDue else { break }
            try close(period, rated, &filled, &summary)
        }
        try releaseHeld(&filled, &summary)
        for closing in try ledger.read({ try $0.closings() }) {
            let issued = try ledger.read { try $0.invoices(period: closing.period, kind: "invoice") }
            let written = try writeDocuments(issued, filled)
            if written > 0 { summary.counts["written", default: 0] += Int64(written) }
        }
        for issued in try ledger.read({ try $0.invoices(kind: "credit") }) {
            if try writeCreditNote(issued) { summary.counts["written", default: 0] += 1 }
        }
        return summary
    }

    private func close(
        _ period: BillingPeriod, _ rated: RatedPeriod, _ filled: inout FilledIn, _ summary: inout StageSummary
    ) throws(BillingError) {
        let free = rated.drafts.filter { rated.held[$0.tenant.text] == nil }
        let closing = Closing(period: period, day: asOf.day, held: rated.held)
        let issued = try issue(free, booked: period.endDay.adding(days: -1), &filled) { books in
            try books.close(closing)
        }
        summary.counts["closed", default: 0] += 1
        summary.counts["issued", default: 0] += Int64(issued.count)
        summary.counts["held", default: 0] += Int64(rated.held.count)
        summary.add("total \(period)", issued.map(\.total))
        summary.alarms += rated.held.sorted { $0.key < $1.key }.map {
            "\(period) \($0.key): held, \($0.value)"
        }
    }

    /// Held invoices that were let go since are issued from their period's own drafts, booked today.
    private func releaseHeld(
        _ filled: inout FilledIn, _ summary: inout StageSummary
    ) throws(BillingError) {
        for closing in try ledger.read({ try $0.closings() }) where !closing.held.isEmpty {
            let free = config.releases.filter {
                $0.period == closing.period && closing.held[$0.tenant.text] != nil
            }
            if free.isEmpty { continue }
            let drafts = try rated(closing.period).drafts.filter { draft in
                free.contains { $0.tenant == draft.tenant }
            }
            let waiting = try ledger.read { books in
                try drafts.filter { !(try books.hasInvoice(closing.period, $0.tenant, $0.currency)) }
            }
            let count = Int64(try issue(waiting, booked: asOf.day, &filled) { _ in }.count)
            if count > 0 { summary.counts["released", default: 0] += count }
        }
    }

    /// Where a document's `previous` will stand: the document before it is not known while it is encoded.
    private static let noDigest = Digest(hex: String(repeating: "0", count: 64))!
    private static let noPrevious = Array("\"previous\" : \"\(noDigest.hex)\"".utf8)

    /// Gives drafts their numbers, their dates and their places in the chain, and books them, in one transaction with
    /// `also`. The documents are encoded on both cores before it; while one core writes the books, the other fills in
    /// what the invoices' files will be.
    private func issue(
        _ drafts: [Invoice], booked day: Day, _ filled: inout FilledIn,
        also: @Sendable (LedgerTransaction) throws -> Void
    ) throws(BillingError) -> [Invoice] {
        let first = try ledger.read { try $0.nextInvoiceOrdinal() }
        var invoices: [Invoice] = []
        for (index, draft) in drafts.enumerated() {
            var invoice = draft
            let ordinal = first + Int64(index)
            invoice.number = documentNumber(config.invoicePrefix, ordinal)
            invoice.issued = asOf.day
            invoice.due = asOf.day.adding(days: config.paymentTermsDays)
            invoice.previous = ordinal == 1 ? nil : Self.noDigest
            invoice.paymentReference = invoice.number
            invoices.append(invoice)
        }
        var documents = try inParallel(invoices) { (invoice) throws(BillingError) -> [UInt8] in
            if let violation = invoice.firstViolation() {
                throw BillingError(.conservation, invoice.number, violation)
            }
            return invoice.document()
        }
        let before = try ledger.read { try $0.lastInvoiceDigest() }
        var chain: [(invoice: Invoice, document: [UInt8], digest: Digest)] = []
        for index in documents.indices {
            invoices[index].previous = chain.last?.digest ?? before
            try link(&documents[index], invoices[index])
            chain.append((invoices[index], documents[index], Digest.sha256(of: documents[index])))
        }
        // The books are one piece of work; whichever core has written them helps with the files. Each piece reads the
        // template anew: two cores that count the uses of one would wait for each other.
        let pieces = stretches(of: min(chain.count, FilledIn.most), size: 32)
        let made = try inParallel([nil] + pieces) { [chain] (piece) throws(BillingError) -> FilledIn in
            guard let piece else {
                try book(chain, from: first, before, on: day, also: also)
                return FilledIn()
            }
            let template = try PageTemplate(templates.invoice, subject: "invoice")
            return FilledIn(chain[piece].map { ($0.digest, files(of: $0.invoice, template)) })
        }
        for part in made { filled.add(part) }
        return invoices
    }

    private func book(
        _ chain: [(invoice: Invoice, document: [UInt8], digest: Digest)], from first: Int64,
        _ before: Digest?, on day: Day, also: @Sendable (LedgerTransaction) throws -> Void
    ) throws(BillingError) {
        try ledger.write { books in
            guard try books.nextInvoiceOrdinal() == first, try books.lastInvoiceDigest() == before else {
                let number = documentNumber(config.invoicePrefix, first)
                throw BillingError(.storage, number, "the number was taken meanwhile")
            }
            for (index, own) in chain.enumerated() {
                try books.addInvoice(
                    ordinal: first + Int64(index), kind: "invoice", corrects: nil,
                    head: InvoiceHead(own.invoice), shares: own.invoice.shares, document: own.document,
                    digest: own.digest, previous: own.invoice.previous)
                try books.book(BillingNight.booking(of: own.invoice, on: day))
            }
            try also(books)
        }
    }

    /// Puts the digest of the document before in its place, which is among the last names of a document.
    private func link(_ document: inout [UInt8], _ invoice: Invoice) throws(BillingError) {
        guard let previous = invoice.previous else { return }
        let mark = Self.noPrevious
        let digest = Array(previous.hex.utf8)
        var at = document.count - mark.count
        while at >= 0, document[at] != mark[0] || !document[at...].starts(with: mark) { at -= 1 }
        guard at >= 0 else {
            throw BillingError(.immutable, invoice.number, "has no place for the document before it")
        }
        let end = at + mark.count - 1
        document.replaceSubrange((end - digest.count)..<end, with: digest)
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
}
