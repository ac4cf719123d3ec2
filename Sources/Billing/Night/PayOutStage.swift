internal import Marketplace
internal import Metering

extension BillingNight {
    /// Pays what is payable and past its hold, where it reaches the minimum; writes statements and transfer files.
    public func payOut() throws(BillingError) -> StageSummary {
        var summary = StageSummary("pay-out")
        let accounts = try ledger.read { try $0.accounts(prefix: "liabilities:publishers:") }
        let ids = Set(accounts.compactMap { PublisherID(String($0.split(separator: ":")[2])) }).sorted()
        for id in ids {
            guard let publisher = publishers[id] else {
                summary.alarms.append("publisher \(id.text) is not known: nothing is paid out")
                continue
            }
            let currencies = try ledger.read { try $0.currencies(of: Account.payable(id)) }
            for currency in currencies {
                if let statement = try payOut(publisher, currency, &summary) {
                    summary.counts["payouts", default: 0] += 1
                    summary.add("paid", statement.paid)
                }
            }
        }
        try writePayouts(&summary)
        return summary
    }

    /// Free to be paid: what became payable up to the hold's border, less all that was paid or taken back since.
    private func available(_ id: PublisherID, _ currency: Currency, _ books: LedgerTransaction) throws
        -> Int64
    {
        let border = asOf.day.adding(days: -config.payoutHoldDays)
        let ripe = -(try books.balance(Account.payable(id), currency, kinds: [.settlement], through: border))
        let taken = try books.balance(
            Account.payable(id), currency, kinds: [.payout, .credit, .refund, .hold, .release, .writeOff])
        return ripe - taken
    }

    private func payOut(
        _ publisher: PublisherAccount, _ currency: Currency, _ summary: inout StageSummary
    ) throws(BillingError) -> PayoutStatement? {
        let minimum = config.payoutMinimums[currency.code].flatMap { Money($0, currency)?.minor } ?? 1
        let available = try ledger.read { try self.available(publisher.id, currency, $0) }
        guard available >= max(1, minimum) else { return nil }
        guard !publisher.iban.isEmpty else {
            summary.alarms.append("publisher \(publisher.id.text) has no account to pay to")
            return nil
        }
        if let why = BankRail.refusal(of: Money(minor: available, currency)) {
            summary.alarms.append("publisher \(publisher.id.text): \(why)")
            return nil
        }
        return try ledger.write { books in
            let ordinal = try books.nextPayoutOrdinal()
            let paid = Money(minor: available, currency)
            let statement = try statement(documentNumber("PO", ordinal), publisher, paid, books)
            if let violation = statement.firstViolation() {
                throw BillingError(.conservation, statement.number, violation)
            }
            try books.addPayout(
                ordinal: ordinal, number: statement.number, publisher: publisher.id, day: asOf.day,
                money: paid,
                document: try BillingJSON.encode(statement, subject: statement.number))
            try books.book(
                Booking(
                    key: "payout:\(statement.number)", day: asOf.day, kind: .payout, invoice: nil,
                    description: "payout \(statement.number) to \(publisher.id.text)",
                    postings: [
                        Posting(account: Account.payable(publisher.id), money: paid),
                        Posting(account: Account.bank, money: -paid),
                    ]))
            return statement
        }
    }

    private func statement(
        _ number: String, _ publisher: PublisherAccount, _ paid: Money, _ books: LedgerTransaction
    ) throws -> PayoutStatement {
        let currency = paid.currency
        let zero = Money.zero(currency)
        let before = try books.payouts(publisher: publisher.id, currency: currency).last
        let previous = try before.map {
            try BillingJSON.decode(PayoutStatement.self, from: $0.document, subject: $0.number)
        }
        // Everything that ever changed what the publisher is owed, by invoice.
        let rows = try earnings(publisher.id, currency, books)
        let known = Dictionary(
            (try books.payouts(publisher: publisher.id, currency: currency)).flatMap { paidOut in
                (try? BillingJSON.decode(
                    PayoutStatement.self, from: paidOut.document, subject: paidOut.number))?.rows ?? []
            }.map { ($0.invoice, $0.share.minor) }, uniquingKeysWith: +)
        var news: [PayoutStatement.Row] = []
        for row in rows {
            let change = row.share.minor - (known[row.invoice] ?? 0)
            if change == 0 { continue }
            var own = row
            own.share = Money(minor: change, currency)
            news.append(own)
        }
        let earned = news.map(\.share).filter { $0.minor > 0 }.reduce(zero, +)
        let reversed = -news.map(\.share).filter { $0.minor < 0 }.reduce(zero, +)
        let owed =
            -(try books.balance(Account.accrued(publisher.id), currency))
            - (try books.balance(Account.payable(publisher.id), currency))
        let closing = Money(minor: try available(publisher.id, currency, books), currency) - paid
        let waiting = Money(minor: owed, currency) - paid - closing
        let opening = previous?.closing ?? zero
        let held = waiting - (previous?.waiting ?? zero)
        return PayoutStatement(
            schema: 1, number: number, publisher: publisher.id, name: publisher.name,
            country: publisher.country,
            iban: publisher.iban, bic: publisher.bic, payer: config.issuer.name,
            payerVATID: config.issuer.vatID,
            currency: currency, after: previous?.day, day: asOf.day, rows: news, opening: opening,
            earned: earned,
            reversed: reversed, held: held, paid: paid, closing: closing, waiting: waiting)
    }

    /// A publisher's share of every invoice in a currency, as it stands after credits.
    private func earnings(
        _ id: PublisherID, _ currency: Currency, _ books: LedgerTransaction
    ) throws -> [PayoutStatement.Row] {
        var rows: [PayoutStatement.Row] = []
        for invoice in try books.heads() {
            guard invoice.currency == currency,
                let share = invoice.shares.first(where: { $0.publisher == id })
            else {
                continue
            }
            let target =
                -(try books.balance(
                    Account.accrued(id), currency, kinds: [.invoice, .credit], invoice: invoice.number))
            rows.append(
                PayoutStatement.Row(
                    invoice: invoice.number, period: invoice.period, nets: share.nets,
                    share: Money(minor: target, currency)))
        }
        return rows
    }

    /// The documents of payouts, and one transfer file for each day and currency.
    private func writePayouts(_ summary: inout StageSummary) throws(BillingError) {
        var byDay: [Day: [PayoutStatement]] = [:]
        for paid in try ledger.read({ try $0.payouts() }) {
            let statement = try BillingJSON.decode(
                PayoutStatement.self, from: paid.document, subject: paid.number)
            byDay[paid.day, default: []].append(statement)
            let path = "\(paths.folder(paid.day.period))/payouts/\(paid.number)"
            if let held = try readIfPresent(path + ".json"), held != paid.document {
                throw BillingError(.immutable, path + ".json", "was changed after it was issued")
            }
            try write(path + ".json", paid.document)
            if !disk.exists(path + ".html") {
                try write(
                    path + ".html", try BillingPages.statement(statement, template: templates.statement))
            }
        }
        for (day, statements) in byDay.sorted(by: { $0.key < $1.key }) {
            let folder = "\(paths.folder(day.period))/payouts"
            try write("\(folder)/transfers-\(day).csv", TransferFile.csv(statements))
            for currency in Set(statements.map(\.currency)).sorted() {
                let own = statements.filter { $0.currency == currency }
                try write(
                    "\(folder)/transfers-\(day)-\(currency.code).pain.001.xml",
                    try TransferFile.pain001(own, day: day, currency: currency, config.issuer))
            }
        }
    }
}
