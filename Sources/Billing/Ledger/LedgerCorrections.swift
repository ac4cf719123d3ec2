internal import GRDB
internal import Marketplace

/// Credit notes, refunds, disputes and reminders in the books.
extension LedgerTransaction {
    /// The sums about one invoice, by account and kind: one query for everything a stage asks of it.
    struct InvoiceSums {
        /// An account has entries of two or three kinds.
        private var sums: [String: [(kind: Booking.Kind, minor: Int64)]] = [:]
        /// How many bookings of each kind there are.
        private(set) var counts: [Booking.Kind: Int] = [:]

        fileprivate mutating func add(_ account: String, _ kind: Booking.Kind, _ minor: Int64) {
            if let at = sums[account]?.firstIndex(where: { $0.kind == kind }) {
                sums[account]![at].minor += minor
            } else {
                sums[account, default: []].append((kind, minor))
            }
        }

        fileprivate mutating func count(_ kind: Booking.Kind) { counts[kind, default: 0] += 1 }

        /// Of all kinds where none is named.
        func sum(_ account: String, _ kinds: Booking.Kind...) -> Int64 {
            var sum: Int64 = 0
            for own in sums[account] ?? [] where kinds.isEmpty || kinds.contains(own.kind) {
                sum += own.minor
            }
            return sum
        }

        /// Publishers with a share in it, sorted.
        var publishers: [PublisherID] {
            sums.keys.compactMap { Account.publisher(of: $0, "accrued") }.sorted()
        }
    }

    func sums(invoice: String) throws -> InvoiceSums {
        var result = InvoiceSums()
        let bookings = try db.cachedStatement(sql: "SELECT id, kind FROM booking WHERE invoice = ?")
        let postings = try db.cachedStatement(sql: "SELECT account, minor FROM posting WHERE booking = ?")
        for booking in try Row.fetchAll(bookings, arguments: [invoice]) {
            let kind = try kind(booking[1])
            result.count(kind)
            let rows = try Row.fetchCursor(postings, arguments: [booking[0] as Int64])
            while let row = try rows.next() { result.add(try chart.name(of: row[0], db), kind, row[1]) }
        }
        return result
    }

    /// What is open of each invoice on which anything is.
    func openInvoices() throws -> [String: Int64] {
        var open: [String: Int64] = [:]
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT b.invoice, SUM(p.minor) FROM account a JOIN posting p ON p.account = a.id
                    JOIN booking b ON b.id = p.booking
                WHERE a.name >= 'assets:receivable:' AND a.name < 'assets:receivable;'
                GROUP BY b.invoice HAVING SUM(p.minor) <> 0
                """)
        for row in rows {
            if let invoice: String = row[0] { open[invoice] = row[1] }
        }
        return open
    }

    private func kind(_ text: String) throws -> Booking.Kind {
        guard let kind = Booking.Kind(rawValue: text) else {
            throw BillingError(.storage, "ledger", "no kind of booking: \(text)")
        }
        return kind
    }

    // MARK: Credit notes

    func credits(of invoice: String) throws -> [CreditNote] {
        try invoices(corrects: invoice, kind: "credit").map {
            try BillingJSON.decode(CreditNote.self, from: $0.document, subject: $0.number)
        }
    }

    func creditNumber(key: String) throws -> String? {
        try String.fetchOne(db, sql: "SELECT number FROM credit_order WHERE key = ?", arguments: [key])
    }

    func addCreditOrder(_ key: String, number: String) throws {
        try db.execute(
            sql: "INSERT INTO credit_order (key, number) VALUES (?, ?)", arguments: [key, number])
    }

    // MARK: Refunds

    struct Refund: Hashable {
        var id: String
        var invoice: String
        var tenant: TenantID
        var processor: String
        var money: Money
        var day: Day
        var iban: String
        var reason: String
        var state: PaymentState
    }

    func addRefund(_ refund: Refund) throws {
        try db.execute(
            sql: """
                INSERT INTO refund (id, invoice, tenant, processor, currency, minor, day, iban, reason)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                refund.id, refund.invoice, refund.tenant.text, refund.processor, refund.money.currency.code,
                refund.money.minor, refund.day.description, refund.iban, refund.reason,
            ])
        try addRefundState(refund.id, .requested, day: refund.day, detail: "")
    }

    func addRefundState(_ refund: String, _ state: PaymentState, day: Day, detail: String) throws {
        let last = try Row.fetchOne(
            db, sql: "SELECT step, state FROM refund_state WHERE refund = ? ORDER BY step DESC LIMIT 1",
            arguments: [refund])
        if let last, last["state"] as String == state.rawValue { return }
        let step: Int = last.map { $0["step"] as Int + 1 } ?? 0
        try db.execute(
            sql: "INSERT INTO refund_state (refund, step, state, day, detail) VALUES (?, ?, ?, ?, ?)",
            arguments: [refund, step, state.rawValue, day.description, detail])
    }

    /// In the order in which they were asked for.
    func refunds() throws -> [Refund] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT r.*, (SELECT s.state FROM refund_state s WHERE s.refund = r.id ORDER BY s.step DESC LIMIT 1)
                    AS state
                FROM refund r ORDER BY r.rowid
                """
        ).map { row in
            guard let tenant = TenantID(row["tenant"] as String) else {
                throw BillingError(.storage, row["id"], "its tenant cannot be read")
            }
            return Refund(
                id: row["id"], invoice: row["invoice"], tenant: tenant, processor: row["processor"],
                money: Money(minor: row["minor"], try currency(row["currency"])), day: try day(row["day"]),
                iban: row["iban"], reason: row["reason"],
                state: PaymentState(rawValue: row["state"] as String) ?? .unknown)
        }
    }

    // MARK: Disputes

    struct Dispute: Hashable {
        var id: String
        var invoice: String
        var money: Money
        var day: Day
        var reason: String
        /// `open`, `won` (by us) or `lost`.
        var state: String
    }

    func addDispute(_ dispute: Dispute) throws {
        try db.execute(
            sql: "INSERT INTO dispute (id, invoice, currency, minor, day, reason) VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [
                dispute.id, dispute.invoice, dispute.money.currency.code, dispute.money.minor,
                dispute.day.description, dispute.reason,
            ])
        try addDisputeState(dispute.id, step: 0, "open", day: dispute.day)
    }

    func addDisputeState(_ dispute: String, step: Int, _ state: String, day: Day) throws {
        try db.execute(
            sql: "INSERT INTO dispute_state (dispute, step, state, day) VALUES (?, ?, ?, ?)",
            arguments: [dispute, step, state, day.description])
    }

    /// All of them, or an invoice's, in the order in which they were opened.
    func disputes(invoice: String? = nil) throws -> [Dispute] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT d.*, (SELECT s.state FROM dispute_state s WHERE s.dispute = d.id ORDER BY s.step DESC LIMIT 1)
                    AS state
                FROM dispute d WHERE ?1 IS NULL OR d.invoice = ?1 ORDER BY d.rowid
                """, arguments: [invoice]
        ).map { row in
            Dispute(
                id: row["id"], invoice: row["invoice"],
                money: Money(minor: row["minor"], try currency(row["currency"])), day: try day(row["day"]),
                reason: row["reason"], state: row["state"])
        }
    }

    // MARK: Reminders

    struct Reminder: Hashable, Codable {
        var invoice: String
        var state: String
        var day: Day
    }

    func addReminder(_ reminder: Reminder) throws {
        try db.execute(
            sql: "INSERT OR IGNORE INTO dunning (invoice, state, day) VALUES (?, ?, ?)",
            arguments: [reminder.invoice, reminder.state, reminder.day.description])
    }

    func reminders() throws -> [Reminder] {
        try Row.fetchAll(db, sql: "SELECT invoice, state, day FROM dunning ORDER BY rowid").map { row in
            Reminder(invoice: row["invoice"], state: row["state"], day: try day(row["day"]))
        }
    }
}
