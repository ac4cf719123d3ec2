internal import GRDB
internal import Marketplace

/// Payment intents and receipts in the books.
extension LedgerTransaction {
    struct Intent: Hashable {
        var id: String
        var invoice: String
        var processor: String
        var money: Money
        var state: PaymentState
    }

    /// Writes an intent before anything is asked of the outside; nothing where it stands already.
    func addIntent(_ id: String, invoice: String, processor: String, money: Money, day: Day) throws {
        if try Int.fetchOne(db, sql: "SELECT 1 FROM intent WHERE id = ?", arguments: [id]) != nil { return }
        try db.execute(
            sql:
                "INSERT INTO intent (id, invoice, processor, currency, minor, day) VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [id, invoice, processor, money.currency.code, money.minor, day.description])
        try addState(id, .requested, day: day, detail: "")
    }

    /// Appends a state; the same one twice in a row is written once.
    func addState(_ intent: String, _ state: PaymentState, day: Day, detail: String) throws {
        let last = try Row.fetchOne(
            db, sql: "SELECT step, state FROM intent_state WHERE intent = ? ORDER BY step DESC LIMIT 1",
            arguments: [intent])
        if let last, last["state"] as String == state.rawValue { return }
        let step: Int = last.map { $0["step"] as Int + 1 } ?? 0
        try db.execute(
            sql: "INSERT INTO intent_state (intent, step, state, day, detail) VALUES (?, ?, ?, ?, ?)",
            arguments: [intent, step, state.rawValue, day.description, detail])
    }

    func intents(processor: String) throws -> [Intent] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT i.id, i.invoice, i.processor, i.currency, i.minor,
                    (SELECT s.state FROM intent_state s WHERE s.intent = i.id ORDER BY s.step DESC LIMIT 1) AS state
                FROM intent i WHERE i.processor = ? ORDER BY i.id
                """, arguments: [processor]
        ).map { row in
            Intent(
                id: row["id"], invoice: row["invoice"], processor: row["processor"],
                money: Money(minor: row["minor"], try currency(row["currency"])),
                state: PaymentState(rawValue: row["state"] as String) ?? .unknown)
        }
    }

    /// Invoices of which every intent so far has failed.
    func declinedInvoices(processor: String) throws -> Set<String> {
        let byInvoice = Dictionary(grouping: try intents(processor: processor), by: \.invoice)
        return Set(byInvoice.filter { $0.value.allSatisfy { $0.state == .failed } }.keys)
    }

    /// True where it is new; a receipt with the same id and another content is refused.
    func addReceipt(_ receipt: PaymentReceipt, processor: String) throws -> Bool {
        let held = try Row.fetchOne(
            db, sql: "SELECT day, currency, minor, reference FROM receipt WHERE id = ?",
            arguments: [receipt.id])
        if let held {
            guard held["day"] as String == receipt.day.description,
                held["currency"] as String == receipt.money.currency.code,
                held["minor"] as Int64 == receipt.money.minor,
                held["reference"] as String == receipt.reference
            else {
                throw BillingError(.input, receipt.id, "this receipt was booked before with another content")
            }
            return false
        }
        try db.execute(
            sql:
                "INSERT INTO receipt (id, processor, day, currency, minor, reference) VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [
                receipt.id, processor, receipt.day.description, receipt.money.currency.code,
                receipt.money.minor,
                receipt.reference,
            ])
        return true
    }
}
