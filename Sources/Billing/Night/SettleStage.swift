internal import Marketplace

extension BillingNight {
    /// As an invoice is collected, each developer's share becomes payable: always the rounded part of the whole that
    /// has come in so far, less what was moved before, so that any order of payments ends at the share exactly.
    public func settle() throws(BillingError) -> StageSummary {
        var summary = StageSummary("settle")
        for invoice in try ledger.read({ try $0.heads() }) {
            let moved = try ledger.write { books in try settle(invoice, books) }
            for money in moved {
                summary.counts["settlements", default: 0] += 1
                summary.add("payable", money)
            }
        }
        return summary
    }

    private func settle(_ invoice: InvoiceHead, _ books: LedgerTransaction) throws -> [Money] {
        let currency = invoice.currency
        let paid =
            -(try books.balance(
                Account.receivable(invoice.tenant), currency, kinds: [.payment, .refund],
                invoice: invoice.number))
        var moved: [Money] = []
        for share in invoice.shares {
            let target =
                -(try books.balance(
                    Account.accrued(share.publisher), currency, kinds: [.invoice, .credit],
                    invoice: invoice.number))
            let owed = try books.balance(
                Account.receivable(invoice.tenant), currency, kinds: [.invoice, .credit],
                invoice: invoice.number)
            // A free invoice has nothing to wait for.
            let due =
                owed <= 0
                ? target : RevenueShare.due(target: target, part: max(0, min(paid, owed)), whole: owed)
            let before =
                -(try books.balance(
                    Account.payable(share.publisher), currency, kinds: [.settlement], invoice: invoice.number))
            let entry = Money(minor: due - before, currency)
            if entry.isZero { continue }
            let booked = try books.book(
                Booking(
                    key: "settle:\(invoice.number):\(share.publisher.text):\(paid):\(target)", day: asOf.day,
                    kind: .settlement, invoice: invoice.number,
                    description: "share of \(share.publisher.text) in \(invoice.number)",
                    postings: [
                        Posting(account: Account.accrued(share.publisher), money: entry),
                        Posting(account: Account.payable(share.publisher), money: -entry),
                    ]))
            if booked { moved.append(entry) }
        }
        return moved
    }
}
