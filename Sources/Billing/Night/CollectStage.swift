internal import Marketplace

extension BillingNight {
    /// Writes an intent for each new invoice before anything is asked, resolves what is unknown, and books receipts.
    public func collect() throws(BillingError) -> StageSummary {
        var summary = StageSummary("collect")
        let invoices = try ledger.read { try $0.heads() }
        let byNumber = Dictionary(uniqueKeysWithValues: invoices.map { ($0.number, $0) })
        try ledger.write { books in
            let known = Set(try books.intents(processor: processor.name).map(\.invoice))
            for invoice in invoices where invoice.total.minor > 0 && !known.contains(invoice.number) {
                try books.addIntent(
                    "pay-\(invoice.number)", invoice: invoice.number, processor: processor.name,
                    money: invoice.total,
                    day: asOf.day)
                summary.counts["intents", default: 0] += 1
            }
        }
        try advanceIntents(byNumber, &summary)
        for receipt in try processor.receipts() where receipt.day <= asOf.day {
            let isNew = try ledger.write { books in
                guard try books.addReceipt(receipt, processor: processor.name) else { return false }
                try book(receipt, byNumber, books)
                return true
            }
            if !isNew { continue }
            summary.counts["receipts", default: 0] += 1
            summary.add("received", receipt.money)
            if invoiceNamed(in: receipt, byNumber) == nil {
                summary.alarms.append(
                    "receipt \(receipt.id) of \(receipt.money) names no invoice: in suspense")
            }
        }
        return summary
    }

    private func advanceIntents(
        _ invoices: [String: InvoiceHead], _ summary: inout StageSummary
    ) throws(BillingError) {
        let intents = try ledger.read { try $0.intents(processor: processor.name) }
        for intent in intents where intent.state == .requested || intent.state == .unknown {
            guard let invoice = invoices[intent.invoice] else { continue }
            let request = PaymentIntent(
                key: intent.id, invoice: intent.invoice, tenant: invoice.tenant, money: intent.money)
            if let why = processor.refusal(of: request) {
                try ledger.write { try $0.addState(intent.id, .failed, day: asOf.day, detail: why) }
                summary.alarms.append("\(intent.invoice): \(processor.name) cannot carry it: \(why)")
                continue
            }
            // An answer that was lost is found out before anything is asked again.
            var state = intent.state == .unknown ? try processor.lookUp(request) : nil
            if state == nil {
                try ledger.write { try $0.addState(intent.id, .unknown, day: asOf.day, detail: "asked") }
                state = try processor.request(request)
            }
            let reached = state!
            try ledger.write { try $0.addState(intent.id, reached, day: asOf.day, detail: "") }
        }
    }

    private func invoiceNamed(in receipt: PaymentReceipt, _ invoices: [String: InvoiceHead]) -> InvoiceHead? {
        let words = receipt.reference.split { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-")) }
        for word in words {
            let number = word.hasPrefix("pay-") ? word.dropFirst(4) : word
            if let invoice = invoices[String(number)], invoice.currency == receipt.money.currency {
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
