internal import Marketplace

extension BillingNight {
    /// Writes an intent for each new invoice before anything is asked, resolves what is unknown, books receipts, sends
    /// refunds, uses customers' credit, and dates the reminders.
    public func collect() throws(BillingError) -> StageSummary {
        var summary = StageSummary("collect")
        let invoices = try ledger.read { try $0.heads() }
        let byNumber = Dictionary(uniqueKeysWithValues: invoices.map { ($0.number, $0) })
        try ledger.write { books in
            let known = Set(try books.intents(processor: processor.name).map(\.invoice))
            for invoice in invoices where invoice.total.minor > 0 && !known.contains(invoice.number) {
                let id = "pay-\(invoice.number)"
                try books.addIntent(
                    id, invoice: invoice.number, processor: processor.name, money: invoice.total,
                    day: asOf.day)
                if processor.isPassive { try books.addState(id, .pending, day: asOf.day, detail: "") }
                summary.counts["intents", default: 0] += 1
            }
        }
        try advanceIntents(byNumber, &summary)
        let receipts = try processor.receipts().filter { $0.day <= asOf.day }
        let fresh = try ledger.write { books in
            var fresh: [PaymentReceipt] = []
            for receipt in receipts where try books.addReceipt(receipt, processor: processor.name) {
                try book(receipt, byNumber, books)
                fresh.append(receipt)
            }
            return fresh
        }
        for receipt in fresh {
            summary.counts["receipts", default: 0] += 1
            summary.add("received", receipt.money)
            if invoiceNamed(in: receipt, byNumber) == nil {
                summary.alarms.append(
                    "receipt \(receipt.id) of \(receipt.money) names no invoice: in suspense")
            }
        }
        try sendRefunds(&summary)
        try ledger.write { try useCredit(invoices, $0, &summary) }
        try remind(invoices, &summary)
        return summary
    }

    /// What a customer has to get back pays its open invoices, the oldest first.
    private func useCredit(
        _ invoices: [InvoiceHead], _ books: LedgerTransaction, _ summary: inout StageSummary
    ) throws {
        var credits = try books.balances(prefix: "liabilities:customers:")
        for invoice in invoices {
            let account = Account.credit(invoice.tenant)
            let credit = -(credits[account]?[invoice.currency] ?? 0)
            if credit <= 0 { continue }
            let sums = try books.sums(invoice: invoice.number)
            let used = min(credit, sums.sum(Account.receivable(invoice.tenant)))
            if used <= 0 { continue }
            let money = Money(minor: used, invoice.currency)
            try books.book(
                Booking(
                    key: "use:\(invoice.number):\((sums.counts[.payment] ?? 0) + 1)", day: asOf.day,
                    kind: .payment, invoice: invoice.number,
                    description: "credit of \(invoice.tenant.text) used for \(invoice.number)",
                    postings: [
                        Posting(account: account, money: money),
                        Posting(account: Account.receivable(invoice.tenant), money: -money),
                    ]))
            credits[account]![invoice.currency]! += used
            summary.add("credit used", money)
        }
    }

    private func advanceIntents(
        _ invoices: [String: InvoiceHead], _ summary: inout StageSummary
    ) throws(BillingError) {
        let intents = try ledger.read { try $0.intents(processor: processor.name) }
        for intent in intents where intent.state != .succeeded && intent.state != .failed {
            if processor.isPassive, intent.state == .pending { continue }
            guard let invoice = invoices[intent.invoice] else { continue }
            let request = PaymentIntent(
                key: intent.id, invoice: intent.invoice, tenant: invoice.tenant, money: intent.money)
            if let why = processor.refusal(of: request) {
                try ledger.write { try $0.addState(intent.id, .failed, day: asOf.day, detail: why) }
                summary.alarms.append("\(intent.invoice): \(processor.name) cannot carry it: \(why)")
                continue
            }
            // An answer that was lost is found out before anything is asked again.
            var state = intent.state == .requested ? nil : try processor.lookUp(request)
            if state == nil {
                try ledger.write { try $0.addState(intent.id, .unknown, day: asOf.day, detail: "asked") }
                state = try processor.request(request)
            }
            let reached = state!
            try ledger.write { try $0.addState(intent.id, reached, day: asOf.day, detail: "") }
            if reached == .failed { summary.counts["declined", default: 0] += 1 }
        }
    }

    private func invoiceNamed(in receipt: PaymentReceipt, _ invoices: [String: InvoiceHead]) -> InvoiceHead? {
        let words = receipt.reference.split { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-")) }
        for word in words {
            // An intent's key: `pay-`, the number, and for a later attempt the reminder that caused it.
            let parts = word.split(separator: "-")
            let isKey = parts.count >= 3 && parts[0] == "pay"
            let number = isKey ? "\(parts[1])-\(parts[2])" : String(word)
            if let invoice = invoices[number], invoice.currency == receipt.money.currency {
                return invoice
            }
        }
        return nil
    }

    /// To the invoice that it names, up to what is open; the rest is the customer's credit. Else to suspense.
    private func book(
        _ receipt: PaymentReceipt, _ invoices: [String: InvoiceHead], _ books: LedgerTransaction
    ) throws {
        var postings = [Posting(account: Account.bank, money: receipt.money)]
        let invoice = invoiceNamed(in: receipt, invoices)
        if let invoice {
            let account = Account.receivable(invoice.tenant)
            let open = try books.balance(account, invoice.currency, invoice: invoice.number)
            let paid = Money(minor: max(0, min(open, receipt.money.minor)), invoice.currency)
            postings.append(Posting(account: account, money: -paid))
            postings.append(Posting(account: Account.credit(invoice.tenant), money: -(receipt.money - paid)))
        } else {
            postings.append(Posting(account: Account.suspense, money: -receipt.money))
        }
        try books.book(
            Booking(
                key: "payment:\(processor.name):\(receipt.id)", day: asOf.day, kind: .payment,
                invoice: invoice?.number,
                description: "received \(receipt.id), value \(receipt.day)", postings: postings))
    }
}
