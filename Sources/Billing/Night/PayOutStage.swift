internal import Marketplace
internal import Metering

extension BillingNight {
    /// Pays what is payable and past its hold, where it reaches the minimum; writes statements and transfer files.
    public func payOut() throws(BillingError) -> StageSummary {
        var summary = StageSummary("pay-out")
        let accounts = try ledger.read { try $0.accounts(prefix: "liabilities:publishers:") }
        let ids = Set(accounts.compactMap { PublisherID(String($0.split(separator: ":")[2])) }).sorted()
        // One transaction: either all of a day's payouts are booked, or none.
        try ledger.write { books in
            var free = try FreeMoney(books, asOf, config)
            let earnings = try Earnings(books)
            for id in ids {
                guard let publisher = publishers[id] else {
                    summary.alarms.append("publisher \(id.text) is not known: nothing is paid out")
                    continue
                }
                for currency in try books.currencies(of: Account.payable(id)) {
                    if try writeOff(id, currency, books, &summary) {
                        free = try FreeMoney(books, asOf, config)
                    }
                    if let statement = try payOut(publisher, currency, free, earnings, books, &summary) {
                        summary.counts["payouts", default: 0] += 1
                        summary.add("paid", statement.paid)
                    }
                }
            }
        }
        try writePayouts()
        try writeBalances(ids)
        return summary
    }

    /// What is free to be paid: what became payable up to the hold's border, less all that was paid, held or taken back
    /// since. What is taken back counts at once.
    private struct FreeMoney {
        private let unripe: [String: [Currency: Int64]]
        let writtenOff: [String: [Currency: Int64]]

        init(_ books: LedgerTransaction, _ asOf: Instant, _ config: BillingConfig) throws {
            unripe = try books.unripe(after: asOf.day.adding(days: -config.payoutHoldDays))
            writtenOff = try books.writtenOff()
        }

        /// Of what stands on an account.
        func part(of balance: Int64, _ account: String, _ currency: Currency) -> Int64 {
            -(balance - (unripe[account]?[currency] ?? 0))
        }
    }

    /// A debt that nothing has moved for so many days is given up, in a booking of its own: true where one was.
    private func writeOff(
        _ id: PublisherID, _ currency: Currency, _ books: LedgerTransaction, _ summary: inout StageSummary
    ) throws -> Bool {
        guard let days = config.writeOffDays else { return false }
        let owed = try [Account.payable(id), Account.accrued(id), Account.held(id)].reduce(Int64(0)) {
            try $0 - books.balance($1, currency)
        }
        guard owed < 0, let last = try books.lastDay(of: Account.payable(id), currency),
            asOf.day >= last.adding(days: days)
        else { return false }
        let given = Money(minor: -owed, currency)
        let booked = try books.book(
            Booking(
                key: "write-off:\(id.text):\(currency.code):\(last)", day: asOf.day, kind: .writeOff,
                invoice: nil, description: "owed by \(id.text) since \(last), given up",
                postings: [
                    Posting(account: Account.writeOff, money: given),
                    Posting(account: Account.payable(id), money: -given),
                ]))
        if booked { summary.add("written off", given) }
        return booked
    }

    private func payOut(
        _ publisher: PublisherAccount, _ currency: Currency, _ free: FreeMoney, _ earnings: Earnings,
        _ books: LedgerTransaction, _ summary: inout StageSummary
    ) throws -> PayoutStatement? {
        let minimum = config.payoutMinimums[currency.code].flatMap { Money($0, currency)?.minor } ?? 1
        let account = Account.payable(publisher.id)
        let available = free.part(of: try books.balance(account, currency), account, currency)
        guard available >= max(1, minimum) else { return nil }
        guard !publisher.iban.isEmpty else {
            summary.alarms.append("publisher \(publisher.id.text) has no account to pay to")
            return nil
        }
        if let why = BankRail.refusal(of: Money(minor: available, currency)) {
            summary.alarms.append("publisher \(publisher.id.text): \(why)")
            return nil
        }
        let ordinal = try books.nextPayoutOrdinal()
        let paid = Money(minor: available, currency)
        let statement = try statement(
            documentNumber("PO", ordinal), publisher, paid,
            writtenOff: Money(minor: -(free.writtenOff[account]?[currency] ?? 0), currency),
            try earnings.of(publisher.id, currency), books)
        if let violation = statement.firstViolation() {
            throw BillingError(.conservation, statement.number, violation)
        }
        try books.addPayout(
            ordinal: ordinal, number: statement.number, publisher: publisher.id, day: asOf.day,
            money: paid,
            document: statement.document())
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

    private func statement(
        _ number: String, _ publisher: PublisherAccount, _ paid: Money, writtenOff given: Money,
        _ earnings: [Earnings.Row], _ books: LedgerTransaction
    ) throws -> PayoutStatement {
        let currency = paid.currency
        let zero = Money.zero(currency)
        let statements = try books.payouts(publisher: publisher.id, currency: currency).map {
            try PayoutStatement(json: $0.document, subject: $0.number)
        }
        let previous = statements.last
        // Everything that ever changed what the publisher is owed, by invoice.
        let known = Dictionary(
            statements.flatMap(\.rows).map { ($0.invoice, $0.share.minor) }, uniquingKeysWith: +)
        var news: [PayoutStatement.Row] = []
        for row in earnings {
            let change = row.share - (known[row.invoice] ?? 0)
            if change == 0 { continue }
            news.append(
                PayoutStatement.Row(
                    invoice: row.invoice, period: row.period, nets: Money(minor: row.nets, currency),
                    share: Money(minor: change, currency)))
        }
        let earned = news.map(\.share).filter { $0.minor > 0 }.reduce(zero, +)
        let reversed = -news.map(\.share).filter { $0.minor < 0 }.reduce(zero, +)
        let owed = try [
            Account.accrued(publisher.id), Account.payable(publisher.id), Account.held(publisher.id),
        ]
        .reduce(Int64(0)) { try $0 - books.balance($1, currency) }
        // All that is free to be paid is paid.
        let closing = zero
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
            reversed: reversed, held: held, paid: paid, closing: closing, waiting: waiting,
            writtenOff: given - (previous?.writtenOffInAll ?? zero), writtenOffInAll: given)
    }

    /// The documents of payouts, and one transfer file for each day and currency.
    private func writePayouts() throws(BillingError) {
        let payouts = Dictionary(grouping: try ledger.read { try $0.payouts() }, by: \.day)
        for (day, paid) in payouts.sorted(by: { $0.key < $1.key }) {
            let folder = "\(paths.folder(day.period))/payouts"
            var isWhole = disk.exists("\(folder)/transfers-\(day).csv")
            for one in paid {
                let held = try readIfPresent("\(folder)/\(one.number).json")
                guard held == nil || held == one.document else {
                    throw BillingError(
                        .immutable, "\(folder)/\(one.number).json", "was changed after it was issued")
                }
                isWhole = isWhole && held != nil && disk.exists("\(folder)/\(one.number).html")
            }
            // What earlier days paid was written then; nothing changes it.
            if !isWhole || day >= asOf.day { try writePayouts(paid, of: day, in: folder) }
        }
    }

    private func writePayouts(
        _ paid: [LedgerTransaction.PaidOut], of day: Day, in folder: String
    ) throws(BillingError) {
        let template = try PageTemplate(templates.statement, subject: "statement")
        let made = try inParallel(paid) { (one) throws(BillingError) in
            let statement = try PayoutStatement(json: one.document, subject: one.number)
            return (statement, page: template.page(BillingPages.model(of: statement)), one.document)
        }
        var files: [(path: String, bytes: [UInt8])] = []
        for (statement, page, document) in made {
            let path = "\(folder)/\(statement.number)"
            if !disk.exists(path + ".html") { files.append((path + ".html", page)) }
            if !disk.exists(path + ".json") { files.append((path + ".json", document)) }
        }
        try BillingError.storing { () throws(MeteringError) in try disk.replaceAll(files) }
        let statements = made.map(\.0)
        for currency in Set(statements.map(\.currency)).sorted() {
            let own = statements.filter { $0.currency == currency }
            try write(
                "\(folder)/transfers-\(day)-\(currency.code).pain.001.xml",
                try TransferFile.pain001(own, day: day, currency: currency, config.issuer))
        }
        // Last: where it stands, all of the day does.
        try write("\(folder)/transfers-\(day).csv", TransferFile.csv(statements))
    }

    /// What every publisher is owed today, in `billing/balances.csv`: negative balances are carried forward here
    /// until they are earned back or given up.
    private func writeBalances(_ ids: [PublisherID]) throws(BillingError) {
        var out: [UInt8] = []
        CSV.append(&out, ["publisher", "currency", "accrued", "payable", "held", "free"])
        let rows = try ledger.read { books in
            let balances = try books.balances(prefix: "liabilities:publishers:")
            let free = try FreeMoney(books, asOf, config)
            var rows: [[String]] = []
            for id in ids {
                let own = [Account.accrued(id), Account.payable(id), Account.held(id)].map {
                    balances[$0] ?? [:]
                }
                for currency in Set(own.flatMap(\.keys)).sorted() {
                    let amounts = own.map { Money(minor: -($0[currency] ?? 0), currency).amount }
                    let account = Account.payable(id)
                    let part = free.part(of: balances[account]?[currency] ?? 0, account, currency)
                    rows.append([id.text, currency.code] + amounts + [Money(minor: part, currency).amount])
                }
            }
            return rows
        }
        for row in rows { CSV.append(&out, row) }
        try write("\(paths.billing)/balances.csv", out)
    }
}
