internal import Marketplace

extension BillingNight {
    /// As an invoice is collected, each developer's share becomes payable: always the rounded part of the whole that
    /// has come in so far, less what was moved before, so that any order of payments, credits and refunds ends at
    /// the share exactly. What is disputed is held.
    public func settle() throws(BillingError) -> StageSummary {
        var summary = StageSummary("settle")
        let moved = try ledger.write { books in
            var moved: [Money] = []
            for invoice in try books.heads() { moved += try settle(invoice, books) }
            return moved
        }
        if !moved.isEmpty { summary.counts["settlements"] = Int64(moved.count) }
        summary.add("payable", moved)
        return summary
    }

    /// One booking for all shares of an invoice, so that a large invoice stays one entry. Inside a transaction.
    func settle(_ invoice: InvoiceHead, _ books: LedgerTransaction) throws -> [Money] {
        let currency = invoice.currency
        let sums = try books.sums(invoice: invoice.number)
        let customer = Account.receivable(invoice.tenant)
        let paid = -sums.sum(customer, .payment, .refund)
        let owed = sums.sum(customer, .invoice, .credit)
        let disputed =
            try books.disputes(invoice: invoice.number).first { $0.state == "open" }?.money.minor ?? 0
        var moved: [Money] = []
        var settlement: [Posting] = []
        var holds: [Posting] = []
        var releases: [Posting] = []
        for publisher in sums.publishers {
            let (accrued, payable) = (Account.accrued(publisher), Account.payable(publisher))
            let target = -sums.sum(accrued, .invoice, .credit)
            // A free invoice has nothing to wait for.
            let due =
                owed <= 0
                ? target : RevenueShare.due(target: target, part: max(0, min(paid, owed)), whole: owed)
            let entry = Money(minor: due + sums.sum(payable, .settlement), currency)
            if !entry.isZero {
                settlement.append(Posting(account: accrued, money: entry))
                settlement.append(Posting(account: payable, money: -entry))
                moved.append(entry)
            }
            let toHold =
                disputed == 0 || owed <= 0
                ? 0 : RevenueShare.due(target: due, part: min(disputed, owed), whole: owed)
            let held = -sums.sum(Account.held(publisher), .hold, .release)
            let change = Money(minor: toHold - held, currency)
            if change.isZero { continue }
            let postings = [
                Posting(account: payable, money: change),
                Posting(account: Account.held(publisher), money: -change),
            ]
            if change.minor > 0 { holds += postings } else { releases += postings }
        }
        for (kind, postings) in [(Booking.Kind.settlement, settlement), (.hold, holds), (.release, releases)]
        where !postings.isEmpty {
            try books.book(
                Booking(
                    key: "\(kind.rawValue):\(invoice.number):\((sums.counts[kind] ?? 0) + 1)", day: asOf.day,
                    kind: kind, invoice: invoice.number,
                    description: "\(kind.rawValue) of shares in \(invoice.number)", postings: postings))
        }
        return moved
    }
}
