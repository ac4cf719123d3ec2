// Erasing a tenant: what is personal or secret goes, what the books need stays under the tenant's id.
import GRDB
public import Marketplace

/// What an erasure took away, in rows.
public struct ErasedTenant: Hashable, Sendable {
    public var rows: [String: Int]

    public var total: Int { rows.values.reduce(0, +) }
}

extension Registry {
    /// Erases what is held of a tenant: name, addresses, credential, tokens, settings, secrets, storage, reviews, notices
    /// and kept answers. The id stays: usage segments, invoices and the ledger name it, and the law wants those kept.
    ///
    /// - Throws: `conflict` while something is installed: removing it first ends its plugin and its subscription.
    public func erase(_ tenant: TenantID) throws(RegistryError) -> ErasedTenant {
        let erased = try eraseRows(tenant)
        // What was deleted still stands in free pages and in the log; a new file without them takes their place.
        do {
            try pool.writeWithoutTransaction { database in
                try database.execute(sql: "VACUUM")
                try database.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            }
        } catch {
            throw RegistryError(
                .database, tenant.text, "is erased, but the file was not rewritten; erase it again: \(error)")
        }
        return erased
    }

    private func eraseRows(_ tenant: TenantID) throws(RegistryError) -> ErasedTenant {
        try write { database in
            _ = try Registry.tenant(tenant, database)
            let left = try Row.fetchAll(
                database,
                sql:
                    "SELECT plugin FROM installations WHERE tenant = ? AND state <> 'removed' ORDER BY plugin",
                arguments: [tenant.text]
            ).map { row -> String in row["plugin"] }
            guard left.isEmpty else {
                throw RegistryError(
                    .conflict, tenant.text, "still has \(left.joined(separator: ", ")): remove them first")
            }
            var rows: [String: Int] = [:]
            func run(_ name: String, _ sql: String, _ arguments: StatementArguments) throws {
                try database.execute(sql: sql, arguments: arguments)
                rows[name] = database.changesCount
            }
            let id: StatementArguments = [tenant.text]
            try run("tokens", "DELETE FROM tokens WHERE kind = 'tenant' AND subject = ?", id)
            try run("reviews", "DELETE FROM ratings WHERE tenant = ?", id)
            try run("earlier reviews", "DELETE FROM ratingHistory WHERE tenant = ?", id)
            try run("notices", "DELETE FROM notices WHERE tenant = ?", id)
            let own = "SELECT id FROM installations WHERE tenant = ?"
            try run("secrets", "DELETE FROM installationSecrets WHERE installation IN (\(own))", id)
            try run("stored values", "DELETE FROM installationStorage WHERE installation IN (\(own))", id)
            try run(
                "installations",
                "UPDATE installations SET config = '{}', stateReason = 'erased' WHERE tenant = ?", id)
            try run("events", "UPDATE installationEvents SET detail = '{}' WHERE tenant = ?", id)
            try run(
                "kept answers", "DELETE FROM idempotency WHERE scope = ?", ["\(TokenHolder.tenant(tenant))"])
            try run(
                "tenants",
                """
                UPDATE tenants SET name = 'erased', appURL = '', credential = x'', taxID = NULL, email = NULL,
                    webhookURL = NULL, webhookSecret = NULL WHERE id = ?
                """, id)
            return ErasedTenant(rows: rows.filter { $0.value > 0 })
        }
    }

    /// The events of every tenant's installations after one, in order: what a follower has not seen yet.
    public func allEvents(after id: Int64, limit: Int = 1000) throws(RegistryError) -> [InstallationEvent] {
        try read {
            try Row.fetchAll(
                $0, sql: "SELECT * FROM installationEvents WHERE id > ? ORDER BY id LIMIT ?",
                arguments: [id, limit]
            ).map(InstallationEvent.init)
        }
    }

    /// The id of the latest event; 0 where there is none.
    public func lastEvent() throws(RegistryError) -> Int64 {
        try read { try Int64.fetchOne($0, sql: "SELECT MAX(id) FROM installationEvents") ?? 0 }
    }

    /// An installation by its id, also a removed one.
    public func installation(id: String) throws(RegistryError) -> Installation {
        try read { database in
            let row = try Row.fetchOne(
                database, sql: "SELECT * FROM installations WHERE id = ?", arguments: [id])
            guard let row else { throw RegistryError(.notFound, id, "is no installation") }
            return try Installation(row)
        }
    }
}
