public import Marketplace
internal import Metering
internal import Provenance

/// Credit notes, refunds and disputes: each happens once, in one transaction; the files are written from the books.
extension BillingNight {
    /// Issues a credit note on an invoice or one of its lines, for an amount before tax or for all that is left.
    /// The same `key` again gives the same note.
    public func credit(
        _ reference: String, amount text: String?, reason: String, key given: String? = nil
    ) throws(BillingError) -> CreditNote {
        let (number, line) = try Self.parse(reference)
        let invoice = try issued(number)
        let amount = try text.map { (text) throws(BillingError) in try parsed(text, invoice.currency) }
        let key = given ?? "\(reference):\(text ?? "all"):\(reason):\(asOf.day)"
        let note = try ledger.write { books in
            if let before = try books.creditNumber(key: key) {
                guard let note = try books.credits(of: number).first(where: { $0.number == before }) else {
                    throw BillingError(.input, key, "this key was used for another invoice")
                }
                return note
            }
            return try issueCredit(invoice, amount, line: line, reason: reason, key: key, books)
        }
        try writeCreditNote(note.number)
        return note
    }

    /// Inside a transaction.
    private func issueCredit(
        _ invoice: Invoice, _ amount: Money?, line: Int?, reason: String, key: String,
        _ books: LedgerTransaction
    ) throws -> CreditNote {
        let standing = CreditedInvoice(invoice, try books.credits(of: invoice.number))
        let parts = try standing.split(amount, line: line)
        guard parts.contains(where: { !$0.isZero }) else {
            throw BillingError(.input, invoice.number, "everything was taken back already")
        }
        let ordinal = try books.nextInvoiceOrdinal()
        let previous = try books.lastInvoiceDigest()
        let note = try standing.note(
            parts, number: documentNumber(config.invoicePrefix, ordinal), issued: asOf.day, reason: reason,
            previous: previous)
        if let violation = note.firstViolation() {
            throw BillingError(.conservation, note.number, violation)
        }
        let bytes = try BillingJSON.encode(note, subject: note.number)
        try books.addInvoice(
            ordinal: ordinal, kind: "credit", corrects: invoice.number, head: InvoiceHead(note),
            document: bytes, digest: Digest.sha256(of: bytes), previous: previous)
        try books.addCreditOrder(key, number: note.number)
        try books.book(Self.booking(of: note))
        // What was paid already and is no longer owed is the customer's.
        let open = try books.sums(invoice: invoice.number).sum(Account.receivable(invoice.tenant))
        if open < 0 {
            let over = Money(minor: -open, invoice.currency)
            try books.book(
                Booking(
                    key: "overpaid:\(note.number)", day: asOf.day, kind: .refund, invoice: invoice.number,
                    description: "\(note.number): paid and no longer owed on \(invoice.number)",
                    postings: [
                        Posting(account: Account.receivable(invoice.tenant), money: over),
                        Posting(account: Account.credit(invoice.tenant), money: -over),
                    ]))
        }
        return note
    }

    /// The invoice's booking, turned round, for what the note takes back.
    static func booking(of note: CreditNote) -> Booking {
        var postings = [Posting(account: Account.receivable(note.tenant), money: -note.total)]
        for share in note.shares {
            postings.append(Posting(account: Account.accrued(share.publisher), money: share.developer))
        }
        let platform = note.shares.map(\.platform).reduce(.zero(note.currency), +)
        postings.append(Posting(account: Account.platform, money: platform))
        for tax in note.taxes {
            postings.append(Posting(account: Account.tax(tax.category, tax.rate), money: tax.tax))
        }
        return Booking(
            key: "credit:\(note.number)", day: note.issued, kind: .credit, invoice: note.invoice,
            description: "credit note \(note.number) on \(note.invoice) to \(note.tenant.text)",
            postings: postings)
    }

    // MARK: Refunds

    /// Gives back what a customer has paid and does not owe. The intent is written here; the next `collect` sends
    /// it. With an amount, or all of the customer's credit in the invoice's currency.
    public func refund(
        _ number: String, amount text: String?, iban: String = "", reason: String, key: String? = nil
    ) throws(BillingError) -> (id: String, money: Money) {
        let invoice = try issued(number)
        let asked = try text.map { (text) throws(BillingError) in try parsed(text, invoice.currency) }
        let id = "refund-\(number)-" + (key ?? "\(asOf.day)-\(text ?? "all")")
        let money = try ledger.write { books in
            try order(id, asked, iban: iban, reason: reason, on: invoice, books)
        }
        return (id, money)
    }

    /// Inside a transaction.
    private func order(
        _ id: String, _ asked: Money?, iban: String, reason: String, on invoice: Invoice,
        _ books: LedgerTransaction
    ) throws -> Money {
        if let before = try books.refunds().first(where: { $0.id == id }) { return before.money }
        let account = Account.credit(invoice.tenant)
        let credit = Money(minor: -(try books.balance(account, invoice.currency)), invoice.currency)
        let money = asked ?? credit
        guard money.minor > 0, money.minor <= credit.minor else {
            throw BillingError(
                .input, invoice.number,
                "the customer has \(credit) to get back; what is owed is taken back by a credit note first")
        }
        try books.addRefund(
            LedgerTransaction.Refund(
                id: id, invoice: invoice.number, tenant: invoice.tenant, processor: processor.name,
                money: money, day: asOf.day, iban: iban, reason: reason, state: .requested))
        try books.book(
            Booking(
                key: id, day: asOf.day, kind: .refund, invoice: invoice.number,
                description: "refund on \(invoice.number) to \(invoice.tenant.text)",
                postings: [
                    Posting(account: account, money: money),
                    Posting(account: Account.refunds, money: -money),
                ]))
        return money
    }

    // MARK: Disputes

    public enum Verdict: String, Sendable, CaseIterable {
        /// The charge stands: the developers' shares are let go.
        case won
        /// The money went back: a credit note takes the charge back, and the shares with it.
        case lost
    }

    /// Opens a dispute on an invoice's total or a part of it: the developers' shares of it are held from now on.
    public func openDispute(_ number: String, amount text: String?, reason: String) throws(BillingError) {
        let invoice = try issued(number)
        let money = try text.map { (text) throws(BillingError) in try parsed(text, invoice.currency) }
        try ledger.write { books in
            let disputes = try books.disputes(invoice: number)
            guard !disputes.contains(where: { $0.state == "open" }) else {
                throw BillingError(.input, number, "a dispute is open already")
            }
            let credited = try books.credits(of: number).map(\.total).reduce(.zero(invoice.currency), +)
            let left = invoice.total - credited
            let disputed = money ?? left
            guard disputed.minor > 0, disputed.minor <= left.minor else {
                throw BillingError(.input, number, "between nothing and \(left) can be disputed")
            }
            try books.addDispute(
                .init(
                    id: "dispute-\(number)-\(disputes.count + 1)", invoice: number, money: disputed,
                    day: asOf.day, reason: reason, state: "open"))
            guard let head = try books.heads().first(where: { $0.number == number }) else { return }
            _ = try settle(head, books)
        }
    }

    /// Closes the open dispute. Lost: the disputed part is credited, and the money that the bank or card company
    /// has taken back is booked.
    public func closeDispute(_ number: String, _ verdict: Verdict) throws(BillingError) -> CreditNote? {
        let invoice = try issued(number)
        let note: CreditNote? = try ledger.write { books in
            guard let dispute = try books.disputes(invoice: number).last, dispute.state == "open" else {
                throw BillingError(.notFound, number, "has no open dispute")
            }
            try books.addDisputeState(dispute.id, step: 1, verdict.rawValue, day: asOf.day)
            var note: CreditNote?
            if verdict == .lost { note = try lose(dispute, invoice, books) }
            if let head = try books.heads().first(where: { $0.number == number }) {
                _ = try settle(head, books)
            }
            return note
        }
        if let note { try writeCreditNote(note.number) }
        return note
    }

    private func lose(
        _ dispute: LedgerTransaction.Dispute, _ invoice: Invoice, _ books: LedgerTransaction
    ) throws -> CreditNote {
        let credited = try books.credits(of: invoice.number)
        let left = invoice.total - credited.map(\.total).reduce(.zero(invoice.currency), +)
        var amount: Money?
        if dispute.money.minor < left.minor {
            // The part of the nets that the disputed gross is, rounded once.
            let nets = invoice.net - credited.map(\.net).reduce(.zero(invoice.currency), +)
            let part = RevenueShare.due(target: nets.minor, part: dispute.money.minor, whole: left.minor)
            amount = Money(minor: max(1, part), invoice.currency)
        }
        let before = try books.balance(Account.credit(invoice.tenant), invoice.currency)
        let note = try issueCredit(
            invoice, amount, line: nil, reason: "dispute lost: \(dispute.reason)", key: dispute.id, books)
        let after = try books.balance(Account.credit(invoice.tenant), invoice.currency)
        let back = Money(minor: before - after, invoice.currency)
        if back.minor > 0 {
            try books.book(
                Booking(
                    key: "chargeback:\(dispute.id)", day: asOf.day, kind: .refund, invoice: invoice.number,
                    description: "\(dispute.id): taken back from the bank account",
                    postings: [
                        Posting(account: Account.credit(invoice.tenant), money: back),
                        Posting(account: Account.bank, money: -back),
                    ]))
        }
        return note
    }

    // MARK: Payments by hand

    /// Notes a payment that somebody has seen arrive, as a line of a bank statement of its own; `collect` books it.
    public func notePayment(_ number: String, amount text: String?, day: Day?, payer: String)
        throws(BillingError) -> Money
    {
        let invoice = try issued(number)
        let open = try ledger.read {
            Money(
                minor: try $0.sums(invoice: number).sum(Account.receivable(invoice.tenant)), invoice.currency)
        }
        let paid = try text.map { (text) throws(BillingError) in try parsed(text, invoice.currency) } ?? open
        guard paid.minor > 0 else {
            throw BillingError(.input, number, "nothing is open, and no amount was given")
        }
        let day = day ?? asOf.day
        guard day <= asOf.day else { throw BillingError(.input, number, "\(day) is in the future") }
        let id = "hand-\(number)-\(day)-\(paid.amount)"
        var out: [UInt8] = Array((BankTransferProcessor.csvHeader + "\n").utf8)
        CSV.append(&out, [id, day.description, paid.amount, paid.currency.code, number, payer])
        try write("\(paths.bank)/\(id).csv", out)
        return paid
    }

    // MARK: Parts

    static func parse(_ reference: String) throws(BillingError) -> (number: String, line: Int?) {
        let parts = reference.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 1 { return (reference, nil) }
        guard parts.count == 2, let line = Int(parts[1]) else {
            throw BillingError(.input, reference, "is no invoice and no line")
        }
        return (String(parts[0]), line)
    }

    private func parsed(_ text: String, _ currency: Currency) throws(BillingError) -> Money {
        guard let money = Money(text, currency) else {
            throw BillingError(
                .input, text, "is no amount of \(currency.code) with its \(currency.exponent) decimals")
        }
        return money
    }
}
