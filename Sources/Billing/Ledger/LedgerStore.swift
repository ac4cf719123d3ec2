internal import GRDB
internal import Metering

/// The double-entry store: append-only tables in SQLite, each change in one transaction.
/// With its neighbours in this folder the only place of Billing that sees the database.
final class LedgerStore: Sendable {
    private static let cacheBytes = 128 << 20
    private let queue: DatabaseQueue
    private let disk: Disk

    init(path: String, disk: Disk) throws(BillingError) {
        self.disk = disk
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { db in
            // For books that are begun anew: a document is some hundred KiB, and small pages cost a write each.
            try db.execute(sql: "PRAGMA page_size = 16384")
            try db.execute(sql: "PRAGMA journal_mode = WAL")
            try db.execute(sql: "PRAGMA synchronous = FULL")
            // What undoes one statement of a transaction; in files it would be half of what a night writes.
            try db.execute(sql: "PRAGMA temp_store = MEMORY")
            // A month of a large marketplace is some 100 MiB of postings, and a night asks for them many times.
            try db.execute(sql: "PRAGMA cache_size = -\(Self.cacheBytes >> 10)")
        }
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
            try LedgerSchema.migrator.migrate(queue)
        } catch {
            throw BillingError(.storage, path, "\(error)")
        }
    }

    func close() throws(BillingError) {
        do {
            try queue.close()
        } catch {
            throw BillingError(.storage, "ledger", "\(error)")
        }
    }

    /// One transaction: everything in `body`, or nothing.
    func write<T>(_ body: (LedgerTransaction) throws -> T) throws(BillingError) -> T {
        disk.faultPoint()
        do {
            let value = try queue.write { db in
                let value = try body(LedgerTransaction(db: db))
                self.disk.faultPoint()
                return value
            }
            disk.faultPoint()
            return value
        } catch let error as BillingError {
            throw error
        } catch {
            throw BillingError(.storage, "ledger", "\(error)")
        }
    }

    func read<T>(_ body: (LedgerTransaction) throws -> T) throws(BillingError) -> T {
        do {
            return try queue.read { db in try body(LedgerTransaction(db: db)) }
        } catch let error as BillingError {
            throw error
        } catch {
            throw BillingError(.storage, "ledger", "\(error)")
        }
    }
}
