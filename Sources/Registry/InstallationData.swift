// What belongs to one installation: sealed secrets, and the small key-value store that its plugin keeps.
import Foundation
import GRDB
public import Marketplace
public import Provenance

extension Registry {
    /// Seals and stores a secret of the tenant's installation; the plugin's manifest must declare its name.
    public func setSecret(
        _ name: String, _ value: [UInt8], of plugin: PluginID, for tenant: TenantID,
        sealedBy store: SealedStore,
        now: Instant
    ) throws(RegistryError) {
        let present = try installation(of: plugin, for: tenant)
        let sealed = try Registry.seal(value, Registry.secretName(present, name), store)
        try write { database in
            let manifest = try Registry.manifest(of: present, database)
            // OAuth tokens and other values that the host keeps for itself begin with a dot.
            guard name.hasPrefix(".") || manifest.secrets.contains(where: { $0.name == name }) else {
                throw RegistryError(.notFound, name, "is no secret that \(plugin) declares")
            }
            try database.execute(
                sql: """
                    INSERT INTO installationSecrets (installation, name, sealed, updatedAt) VALUES (?, ?, ?, ?)
                    ON CONFLICT DO UPDATE SET sealed = excluded.sealed, updatedAt = excluded.updatedAt
                    """, arguments: [present.id, name, Registry.blob(sealed), now.column])
        }
    }

    /// Opens a secret; `nil` where none is set.
    public func secret(
        _ name: String, of plugin: PluginID, for tenant: TenantID, openedBy store: SealedStore
    ) throws(RegistryError) -> [UInt8]? {
        let present = try installation(of: plugin, for: tenant)
        let sealed: [UInt8]? = try read { database in
            try Row.fetchOne(
                database, sql: "SELECT sealed FROM installationSecrets WHERE installation = ? AND name = ?",
                arguments: [present.id, name]
            ).map { Registry.bytes($0["sealed"]) }
        }
        guard let sealed else { return nil }
        return try Registry.unseal(sealed, Registry.secretName(present, name), store)
    }

    /// The names of the secrets that are set, sorted; never their values.
    public func secretNames(of plugin: PluginID, for tenant: TenantID) throws(RegistryError) -> [String] {
        try read { database in
            let present = try Registry.require(of: plugin, for: tenant, database)
            return try String.fetchAll(
                database, sql: "SELECT name FROM installationSecrets WHERE installation = ? ORDER BY name",
                arguments: [present.id])
        }
    }

    /// A value of the plugin's own store.
    public func stored(_ key: String, of plugin: PluginID, for tenant: TenantID) throws(RegistryError)
        -> [UInt8]?
    {
        try read { database in
            let present = try Registry.require(of: plugin, for: tenant, database)
            return try Row.fetchOne(
                database, sql: "SELECT value FROM installationStorage WHERE installation = ? AND key = ?",
                arguments: [present.id, key]
            ).map { Registry.bytes($0["value"]) }
        }
    }

    /// Stores a value, within the quota over all keys and values; `nil` deletes it. Returns the bytes stored now.
    @discardableResult
    public func store(
        _ value: [UInt8]?, under key: String, of plugin: PluginID, for tenant: TenantID, quotaBytes: Int64,
        now: Instant
    ) throws(RegistryError) -> Int64 {
        try write { database in
            let present = try Registry.require(of: plugin, for: tenant, database)
            guard !key.isEmpty, key.utf8.count <= 512 else {
                throw RegistryError(.invalid, "storage key", "needs 1 to 512 bytes")
            }
            if let value {
                try database.execute(
                    sql: """
                        INSERT INTO installationStorage (installation, key, value, updatedAt) VALUES (?, ?, ?, ?)
                        ON CONFLICT DO UPDATE SET value = excluded.value, updatedAt = excluded.updatedAt
                        """, arguments: [present.id, key, Registry.blob(value), now.column])
            } else {
                try database.execute(
                    sql: "DELETE FROM installationStorage WHERE installation = ? AND key = ?",
                    arguments: [present.id, key])
            }
            let bytes = try Registry.storageBytes(present.id, database)
            guard value == nil || bytes <= quotaBytes else {
                throw RegistryError(
                    .limit, "storage", "would hold \(bytes) bytes; the quota is \(quotaBytes)")
            }
            return bytes
        }
    }

    /// The store's keys with a beginning, sorted.
    public func storedKeys(
        of plugin: PluginID, for tenant: TenantID, prefix: String = "", limit: Int = 1000
    ) throws(RegistryError) -> [String] {
        try read { database in
            let present = try Registry.require(of: plugin, for: tenant, database)
            return try String.fetchAll(
                database,
                sql: """
                    SELECT key FROM installationStorage WHERE installation = ?1 AND substr(key, 1, length(?2)) = ?2
                    ORDER BY key LIMIT ?3
                    """, arguments: [present.id, prefix, limit])
        }
    }

    /// The bytes of keys and values that an installation keeps.
    public func storedBytes(of plugin: PluginID, for tenant: TenantID) throws(RegistryError) -> Int64 {
        try read { database in
            try Registry.storageBytes(try Registry.require(of: plugin, for: tenant, database).id, database)
        }
    }

    private static func storageBytes(_ installation: String, _ database: Database) throws -> Int64 {
        try Int64.fetchOne(
            database,
            sql: """
                SELECT COALESCE(SUM(length(CAST(key AS BLOB)) + length(value)), 0) FROM installationStorage
                WHERE installation = ?
                """, arguments: [installation]) ?? 0
    }

    private static func secretName(_ installation: Installation, _ name: String) -> String {
        "installation/\(installation.id)/\(name)"
    }
}
