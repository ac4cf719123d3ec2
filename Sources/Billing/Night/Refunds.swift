internal import Marketplace
internal import Metering

extension BillingNight {
    /// Sends what was ordered. As with payments: the order stands in the books before anything is asked, and an
    /// answer that was lost is looked up before anything is asked again.
    func sendRefunds(_ summary: inout StageSummary) throws(BillingError) {
        let orders = try ledger.read { try $0.refunds() }
        for refund in orders where refund.processor == processor.name {
            guard refund.state == .requested || refund.state == .unknown || refund.state == .pending else {
                continue
            }
            let order = RefundOrder(key: refund.id, intent: "pay-\(refund.invoice)", money: refund.money)
            var state: PaymentState? = refund.state == .requested ? nil : try processor.lookUp(order)
            if state == nil {
                if !processor.isPassive {
                    try ledger.write {
                        try $0.addRefundState(refund.id, .unknown, day: asOf.day, detail: "asked")
                    }
                }
                state = try processor.refund(order)
            }
            let reached = state!
            try ledger.write { books in
                try books.addRefundState(refund.id, reached, day: asOf.day, detail: "")
                try bookOutcome(of: refund, reached, books)
            }
            if reached == .succeeded {
                summary.counts["refunds", default: 0] += 1
                summary.add("refunded", refund.money)
            }
            if reached == .failed {
                summary.alarms.append(
                    "refund \(refund.id) of \(refund.money) failed: the customer keeps its credit")
            }
        }
        try writeRefunds()
    }

    private func bookOutcome(
        of refund: LedgerTransaction.Refund, _ state: PaymentState, _ books: LedgerTransaction
    ) throws {
        let target: String
        switch state {
        case .succeeded: target = Account.bank
        case .failed: target = Account.credit(refund.tenant)
        case .requested, .pending, .unknown: return
        }
        try books.book(
            Booking(
                key: "\(refund.id):\(state.rawValue)", day: asOf.day, kind: .refund, invoice: refund.invoice,
                description: "\(refund.id) \(state.rawValue)",
                postings: [
                    Posting(account: Account.refunds, money: refund.money),
                    Posting(account: target, money: -refund.money),
                ]))
    }

    /// The bank transfers that give money back: `billing/<month>/refunds.csv`, one line each.
    private func writeRefunds() throws(BillingError) {
        let own = try ledger.read { try $0.refunds() }.filter {
            $0.processor == BankTransferProcessor.ownName
        }
        for (month, refunds) in Dictionary(grouping: own, by: \.day.period).sorted(by: { $0.key < $1.key }) {
            var out: [UInt8] = []
            CSV.append(&out, ["refund", "date", "invoice", "tenant", "iban", "amount", "currency", "reason"])
            for refund in refunds where refund.state == .succeeded {
                CSV.append(
                    &out,
                    [
                        refund.id, refund.day.description, refund.invoice, refund.tenant.text, refund.iban,
                        refund.money.amount, refund.money.currency.code, refund.reason,
                    ])
            }
            try write(paths.file(month, "refunds.csv"), out)
        }
    }

    /// Dunning as dated states: each is dated by the due date, not by the night that finds it, so that a night that
    /// did not run changes nothing.
    func remind(_ invoices: [InvoiceHead], _ summary: inout StageSummary) throws(BillingError) {
        let reminders = try ledger.write { books in
            let declined = try books.declinedInvoices(processor: processor.name)
            var reached = Dictionary(grouping: try books.reminders(), by: \.invoice)
            for invoice in invoices where invoice.due < asOf.day || reached[invoice.number] != nil {
                let open = try books.sums(invoice: invoice.number).sum(Account.receivable(invoice.tenant))
                let states = Set((reached[invoice.number] ?? []).map(\.state))
                if states.contains(DunningStep.settled) { continue }
                var fresh: [LedgerTransaction.Reminder] = []
                if open <= 0 {
                    if states.isEmpty { continue }
                    fresh.append(.init(invoice: invoice.number, state: DunningStep.settled, day: asOf.day))
                } else {
                    for step in config.dunning where !states.contains(step.state) {
                        let day = invoice.due.adding(days: step.daysOverdue)
                        if day > asOf.day { break }
                        fresh.append(.init(invoice: invoice.number, state: step.state, day: day))
                    }
                }
                for reminder in fresh {
                    try books.addReminder(reminder)
                    reached[invoice.number, default: []].append(reminder)
                    summary.counts[reminder.state, default: 0] += 1
                    // A card that was declined is tried once more with each reminder, by the next night.
                    if declined.contains(invoice.number), reminder.state != DunningStep.settled {
                        try books.addIntent(
                            "pay-\(invoice.number)-\(reminder.state)", invoice: invoice.number,
                            processor: processor.name, money: Money(minor: open, invoice.currency),
                            day: asOf.day)
                    }
                }
            }
            return try books.reminders()
        }
        var out: [UInt8] = []
        CSV.append(&out, ["invoice", "state", "date"])
        for reminder in reminders {
            CSV.append(&out, [reminder.invoice, reminder.state, reminder.day.description])
        }
        try write("\(paths.billing)/dunning.csv", out)
    }
}
