internal import GRDB
internal import Marketplace

/// What can be asked of the books, and added to them, inside one transaction.
struct LedgerTransaction {
    let db: Database
    let chart = ChartOfAccounts()

    /// Adds a booking, or nothing where its key stands already; says which. An imbalance is refused.
    @discardableResult
    func book(_ booking: Booking) throws -> Bool {
        if let imbalance = booking.imbalance {
            throw BillingError(.conservation, booking.key, "the postings do not add up to zero: \(imbalance)")
        }
        if try Int.fetchOne(db, sql: "SELECT 1 FROM booking WHERE key = ?", arguments: [booking.key]) != nil {
            return false
        }
        try db.execute(
            sql: "INSERT INTO booking (key, day, kind, invoice, description) VALUES (?, ?, ?, ?, ?)",
            arguments: [
                booking.key, booking.day.description, booking.kind.rawValue, booking.invoice,
                booking.description,
            ])
        try insertPostings(booking.postings.filter { !$0.money.isZero }, of: db.lastInsertedRowID)
        return true
    }

    /// One row a statement: SQLite keeps what undoes a statement of many rows, and that is a copy of every page that one
    /// of them falls into.
    private func insertPostings(_ postings: [Posting], of booking: Int64) throws {
        let insert = try db.cachedStatement(
            sql: "INSERT INTO posting (booking, line, account, currency, minor) VALUES (?, ?, ?, ?, ?)")
        for (line, posting) in postings.enumerated() {
            try insert.execute(arguments: [
                booking, line, try chart.number(of: posting.account, db), posting.money.currency.code,
                posting.money.minor,
            ])
        }
    }

    /// An invoice has a share for each publisher.
    func insertShares(_ shares: [InvoiceShare], of invoice: String) throws {
        let insert = try db.cachedStatement(
            sql: "INSERT INTO invoice_share (invoice, publisher, nets, developer) VALUES (?, ?, ?, ?)")
        for share in shares {
            try insert.execute(arguments: [
                invoice, share.publisher.text, share.nets.minor, share.developer.minor,
            ])
        }
    }

    /// The bookings of the days from `from` to before `to`, in the order in which they are exported.
    func bookings(from: Day, to: Day) throws -> [Booking] {
        let heads = try Row.fetchAll(
            db,
            sql: """
                SELECT id, key, day, kind, invoice, description FROM booking
                WHERE day >= ? AND day < ? ORDER BY day, id
                """, arguments: [from.description, to.description])
        let own = try db.cachedStatement(
            sql: "SELECT account, currency, minor FROM posting WHERE booking = ? ORDER BY line")
        var bookings: [Booking] = []
        bookings.reserveCapacity(heads.count)
        var last: Currency?
        for row in heads {
            var booking = Booking(
                key: row["key"], day: try day(row["day"]), kind: Booking.Kind(rawValue: row["kind"])!,
                invoice: row["invoice"], description: row["description"], postings: [])
            let postings = try Row.fetchCursor(own, arguments: [row["id"] as Int64])
            while let posting = try postings.next() {
                let code: String = posting[1]
                if last?.code != code { last = try currency(code) }
                booking.postings.append(
                    Posting(
                        account: try chart.name(of: posting[0], db), money: Money(minor: posting[2], last!)))
            }
            // Of a free invoice there is nothing to book.
            if !booking.postings.isEmpty { bookings.append(booking) }
        }
        for booking in bookings where booking.imbalance != nil {
            throw BillingError(.conservation, booking.key, "was read back out of balance")
        }
        return bookings
    }

    /// The months in which something was booked, ascending.
    func months() throws -> [BillingPeriod] {
        try String.fetchAll(db, sql: "SELECT DISTINCT substr(day, 1, 7) FROM booking ORDER BY 1")
            .compactMap { BillingPeriod($0) }
    }

    /// The sum on an account, over bookings of some kinds, about an invoice, up to a day.
    func balance(
        _ account: String, _ currency: Currency, kinds: [Booking.Kind]? = nil, invoice: String? = nil,
        through day: Day? = nil
    ) throws -> Int64 {
        var arguments: StatementArguments = [account, currency.code]
        if kinds == nil, invoice == nil, day == nil {
            let sum = "SELECT COALESCE(SUM(minor), 0) FROM entry WHERE account = ? AND currency = ?"
            return try Int64.fetchOne(db, sql: sum, arguments: arguments) ?? 0
        }
        var sql = """
            SELECT COALESCE(SUM(p.minor), 0) FROM entry p JOIN booking b ON b.id = p.booking
            WHERE p.account = ? AND p.currency = ?
            """
        if let kinds {
            sql += " AND b.kind IN (\(kinds.map { "'\($0.rawValue)'" }.joined(separator: ", ")))"
        }
        if let invoice {
            sql += " AND b.invoice = ?"
            arguments += [invoice]
        }
        if let day {
            sql += " AND b.day <= ?"
            arguments += [day.description]
        }
        return try Int64.fetchOne(db, sql: sql, arguments: arguments) ?? 0
    }

    /// Of settlements that are younger than a day: their credits (negative postings), by account and currency.
    func unripe(after day: Day) throws -> [String: [Currency: Int64]] {
        try sums(
            """
            SELECT p.account, p.currency, SUM(p.minor) FROM booking b JOIN entry p ON p.booking = b.id
            WHERE b.day > ? AND b.kind = 'settlement' AND p.minor < 0 GROUP BY p.account, p.currency
            """, [day.description])
    }

    /// What was written off, by account and currency.
    func writtenOff() throws -> [String: [Currency: Int64]] {
        try sums(
            """
            SELECT p.account, p.currency, SUM(p.minor) FROM booking b JOIN entry p ON p.booking = b.id
            WHERE b.kind = 'writeOff' GROUP BY p.account, p.currency
            """, [])
    }

    private func sums(_ sql: String, _ arguments: StatementArguments) throws -> [String: [Currency: Int64]] {
        var result: [String: [Currency: Int64]] = [:]
        for row in try Row.fetchAll(db, sql: sql, arguments: arguments) {
            result[row[0], default: [:]][try currency(row[1])] = row[2]
        }
        return result
    }

    /// When an account was last posted to.
    func lastDay(of account: String, _ currency: Currency) throws -> Day? {
        try String.fetchOne(
            db,
            sql: """
                SELECT MAX(b.day) FROM entry p JOIN booking b ON b.id = p.booking
                WHERE p.account = ? AND p.currency = ?
                """, arguments: [account, currency.code]
        ).map { try day($0) }
    }

    /// The sums on all accounts that begin so.
    func balances(prefix: String) throws -> [String: [Currency: Int64]] {
        try sums(
            """
            SELECT a.name, p.currency, SUM(p.minor) FROM account a JOIN posting p ON p.account = a.id
            WHERE a.name >= ? AND a.name < ? GROUP BY a.id, p.currency
            """, [prefix, prefix + "\u{10FFFF}"])
    }

    /// The currencies in which an account was ever posted to, sorted.
    func currencies(of account: String) throws -> [Currency] {
        try String.fetchAll(
            db, sql: "SELECT DISTINCT currency FROM entry WHERE account = ? ORDER BY 1",
            arguments: [account]
        ).map { try currency($0) }
    }

    /// Accounts that begin so, sorted.
    func accounts(prefix: String) throws -> [String] {
        try String.fetchAll(
            db, sql: "SELECT name FROM account WHERE name >= ? AND name < ? ORDER BY 1",
            arguments: [prefix, prefix + "\u{10FFFF}"])
    }

    func day(_ text: String) throws -> Day {
        guard let day = Day(text) else { throw BillingError(.storage, "ledger", "no date: \(text)") }
        return day
    }

    func currency(_ code: String) throws -> Currency {
        guard let currency = Currency(code) else {
            throw BillingError(.storage, "ledger", "no currency: \(code)")
        }
        return currency
    }
}
