internal import GRDB
internal import Marketplace

/// Invoices, closings and payouts in the books.
extension LedgerTransaction {
    struct Issued {
        var number: String
        var kind: String
        var corrects: String?
        var tenant: String
        var period: BillingPeriod
        var document: [UInt8]
        var digest: Digest
    }

    func nextInvoiceOrdinal() throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT COALESCE(MAX(ordinal), 0) + 1 FROM invoice")!
    }

    func lastInvoiceDigest() throws -> Digest? {
        try String.fetchOne(db, sql: "SELECT digest FROM invoice ORDER BY ordinal DESC LIMIT 1").flatMap {
            Digest(hex: $0)
        }
    }

    /// Adds a numbered document with its head: what the later stages need of it.
    func addInvoice(
        ordinal: Int64, kind: String, corrects: String?, head: InvoiceHead, shares: [InvoiceShare] = [],
        document: [UInt8], digest: Digest, previous: Digest?
    ) throws {
        let text = String(decoding: try BillingJSON.encode(head, subject: head.number), as: UTF8.self)
        try db.execute(
            sql: """
                INSERT INTO invoice
                    (ordinal, number, kind, corrects, tenant, currency, period, document, head, digest, previous)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                ordinal, head.number, kind, corrects, head.tenant.text, head.currency.code,
                head.period.description,
                String(decoding: document, as: UTF8.self), text, digest.hex, previous?.hex,
            ])
        try insertShares(shares, of: head.number)
    }

    /// The heads of all invoices (credit notes apart), in the order of their numbers.
    func heads() throws -> [InvoiceHead] {
        try String.fetchAll(db, sql: "SELECT head FROM invoice WHERE kind = 'invoice' ORDER BY ordinal").map {
            try BillingJSON.decode(InvoiceHead.self, from: Array($0.utf8), subject: "invoice head")
        }
    }

    /// All of them, or those of one period or number, in the order of their numbers.
    func invoices(
        period: BillingPeriod? = nil, number: String? = nil, corrects: String? = nil, kind: String? = nil
    ) throws -> [Issued] {
        var sql = "SELECT number, kind, corrects, tenant, period, document, digest FROM invoice WHERE 1"
        var arguments = StatementArguments()
        if let period {
            sql += " AND period = ?"
            arguments += [period.description]
        }
        if let number {
            sql += " AND number = ?"
            arguments += [number]
        }
        if let corrects {
            sql += " AND corrects = ?"
            arguments += [corrects]
        }
        if let kind {
            sql += " AND kind = ?"
            arguments += [kind]
        }
        return try Row.fetchAll(db, sql: sql + " ORDER BY ordinal", arguments: arguments).map { row in
            let document: String = row["document"]
            guard let period = BillingPeriod(row["period"] as String),
                let digest = Digest(hex: row["digest"] as String)
            else { throw BillingError(.storage, row["number"], "its row cannot be read") }
            return Issued(
                number: row["number"], kind: row["kind"], corrects: row["corrects"], tenant: row["tenant"],
                period: period, document: Array(document.utf8), digest: digest)
        }
    }

    func hasInvoice(_ period: BillingPeriod, _ tenant: TenantID, _ currency: Currency) throws -> Bool {
        try Int.fetchOne(
            db,
            sql:
                "SELECT 1 FROM invoice WHERE period = ? AND tenant = ? AND currency = ? AND kind = 'invoice'",
            arguments: [period.description, tenant.text, currency.code]) != nil
    }

    func close(_ closing: Closing) throws {
        let held = String(decoding: try BillingJSON.encode(closing.held, subject: "closing"), as: UTF8.self)
        try db.execute(
            sql: "INSERT INTO closing (period, day, held) VALUES (?, ?, ?)",
            arguments: [closing.period.description, closing.day.description, held])
    }

    func closings() throws -> [Closing] {
        try Row.fetchAll(db, sql: "SELECT period, day, held FROM closing ORDER BY period").map { row in
            guard let period = BillingPeriod(row["period"] as String) else {
                throw BillingError(.storage, "closing", "its row cannot be read")
            }
            let held = try BillingJSON.decode(
                [String: String].self, from: Array((row["held"] as String).utf8), subject: "closing")
            return Closing(period: period, day: try day(row["day"]), held: held)
        }
    }

    // MARK: Payouts

    func nextPayoutOrdinal() throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT COALESCE(MAX(ordinal), 0) + 1 FROM payout")!
    }

    func addPayout(
        ordinal: Int64, number: String, publisher: PublisherID, day: Day, money: Money, document: [UInt8]
    ) throws {
        try db.execute(
            sql: """
                INSERT INTO payout (ordinal, number, publisher, currency, day, minor, document)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                ordinal, number, publisher.text, money.currency.code, day.description, money.minor,
                String(decoding: document, as: UTF8.self),
            ])
    }

    struct PaidOut {
        var number: String
        var day: Day
        var document: [UInt8]
    }

    /// In the order of their numbers.
    func payouts(publisher: PublisherID? = nil, currency: Currency? = nil) throws -> [PaidOut] {
        var sql = "SELECT number, day, document FROM payout WHERE 1"
        var arguments = StatementArguments()
        if let publisher {
            sql += " AND publisher = ?"
            arguments += [publisher.text]
        }
        if let currency {
            sql += " AND currency = ?"
            arguments += [currency.code]
        }
        return try Row.fetchAll(db, sql: sql + " ORDER BY ordinal", arguments: arguments).map { row in
            PaidOut(
                number: row["number"], day: try day(row["day"]),
                document: Array((row["document"] as String).utf8))
        }
    }
}
