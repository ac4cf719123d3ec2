internal import GRDB

/// The accounts by their numbers. A posting names its account by number: one account has many postings, and two numbers
/// are compared sooner than two names of which the first thirty letters are the same.
///
/// It lives as long as a transaction: what that adds and takes back, the next one must not know.
final class ChartOfAccounts {
    private var numbers: [String: Int64] = [:]
    private var names: [Int64: String] = [:]

    /// The number of an account, which is opened where it is not.
    func number(of name: String, _ db: Database) throws -> Int64 {
        if let known = numbers[name] { return known }
        let number: Int64
        if let stored = try Int64.fetchOne(
            db, sql: "SELECT id FROM account WHERE name = ?", arguments: [name])
        {
            number = stored
        } else {
            try db.execute(sql: "INSERT INTO account (name) VALUES (?)", arguments: [name])
            number = db.lastInsertedRowID
        }
        numbers[name] = number
        return number
    }

    func name(of number: Int64, _ db: Database) throws -> String {
        if let known = names[number] { return known }
        guard
            let name = try String.fetchOne(
                db, sql: "SELECT name FROM account WHERE id = ?", arguments: [number])
        else { throw BillingError(.storage, "ledger", "there is no account \(number)") }
        names[number] = name
        return name
    }
}
