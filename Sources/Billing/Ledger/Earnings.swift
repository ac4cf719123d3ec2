internal import GRDB
internal import Marketplace

/// What invoices gave publishers. A payout asks for every publisher: what the answers have in common is read once.
struct Earnings {
    /// What one invoice gave one publisher so far, after credits.
    struct Row {
        var invoice: String
        var period: BillingPeriod
        var nets: Int64
        var share: Int64
    }

    private struct Mark {
        var ordinal: Int64
        var period: BillingPeriod
        var currency: Currency
    }

    private let books: LedgerTransaction
    /// Of every invoice by its number.
    private var marks: [String: Mark] = [:]
    /// The invoices and credit notes that were booked, by their bookings.
    private var invoices: [Int64: String] = [:]

    init(_ books: LedgerTransaction) throws {
        self.books = books
        var periods: [String: BillingPeriod] = [:]
        let heads = try GRDB.Row.fetchCursor(
            books.db, sql: "SELECT number, ordinal, period, currency FROM invoice WHERE kind = 'invoice'")
        while let row = try heads.next() {
            let (number, text): (String, String) = (row[0], row[2])
            guard let period = periods[text] ?? BillingPeriod(text) else {
                throw BillingError(.storage, number, "its period cannot be read")
            }
            periods[text] = period
            marks[number] = Mark(ordinal: row[1], period: period, currency: try books.currency(row[3]))
        }
        let bookings = try GRDB.Row.fetchCursor(
            books.db, sql: "SELECT id, invoice FROM booking WHERE kind IN ('invoice', 'credit')")
        while let row = try bookings.next() { invoices[row[0]] = row[1] }
    }

    /// In the order of the invoices' numbers.
    func of(_ publisher: PublisherID, _ currency: Currency) throws -> [Row] {
        let postings = try books.db.cachedStatement(
            sql: """
                SELECT booking, minor FROM posting
                WHERE account = (SELECT id FROM account WHERE name = ?) AND currency = ?
                """)
        var shares: [String: Int64] = [:]
        let entries = try GRDB.Row.fetchCursor(
            postings, arguments: [Account.accrued(publisher), currency.code])
        while let row = try entries.next() {
            if let invoice = invoices[row[0]] { shares[invoice, default: 0] -= row[1] as Int64 }
        }
        let own = try books.db.cachedStatement(
            sql: "SELECT invoice, nets FROM invoice_share WHERE publisher = ?")
        var earned: [(ordinal: Int64, row: Row)] = []
        let rows = try GRDB.Row.fetchCursor(own, arguments: [publisher.text])
        while let row = try rows.next() {
            let number: String = row[0]
            guard let mark = marks[number], mark.currency == currency else { continue }
            let made = Row(invoice: number, period: mark.period, nets: row[1], share: shares[number] ?? 0)
            earned.append((mark.ordinal, made))
        }
        return earned.sorted { $0.ordinal < $1.ordinal }.map(\.row)
    }
}
