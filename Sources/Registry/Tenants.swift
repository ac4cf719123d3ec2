// Tenants: the customers' applications. The credential for an application is sealed before it reaches the database.
import Foundation
import GRDB
public import Marketplace
public import Provenance

/// How a tenant takes updates whose permissions do not grow.
public enum UpdatePolicy: String, CaseIterable, Sendable {
    case automatic
    case securityOnly = "security-only"
    case manual
}

/// A customer with one generated application.
public struct Tenant: Hashable, Sendable {
    public let id: TenantID
    public let name: String
    public let appURL: String
    public let country: String
    public let currency: Currency
    public let taxID: String?
    public let email: String?
    public let updatePolicy: UpdatePolicy
    /// A version younger than this is not offered.
    public let minimumReleaseAgeMs: Int64
    public let channel: Channel
    public let webhookURL: String?
    public let createdAt: Instant

    init(_ row: Row) throws {
        id = try row.value("id", TenantID.init)
        name = row["name"]
        appURL = row["appURL"]
        country = row["country"]
        currency = try row.value("currency", Currency.init)
        taxID = row["taxID"]
        email = row["email"]
        updatePolicy = try row.value("updatePolicy", UpdatePolicy.init)
        minimumReleaseAgeMs = row["minimumReleaseAgeMs"]
        channel = try row.value("channel", Channel.init)
        webhookURL = row["webhookURL"]
        createdAt = row.instant("createdAt")
    }
}

extension Registry {
    /// Creates a tenant; `credential` is what the proxy presents to the tenant's application.
    @discardableResult
    public func createTenant(
        _ id: TenantID, name: String, appURL: String, credential: [UInt8], country: String,
        currency: Currency,
        taxID: String? = nil, email: String? = nil, sealedBy store: SealedStore, now: Instant
    ) throws(RegistryError) -> Tenant {
        let sealed = try Registry.seal(credential, Registry.credentialName(id), store)
        return try write { database in
            try Registry.checkCountry(country)
            guard appURL.hasPrefix("https://") || appURL.hasPrefix("http://") else {
                throw RegistryError(.invalid, appURL, "is no http or https URL")
            }
            if try Row.fetchOne(database, sql: "SELECT 1 FROM tenants WHERE id = ?", arguments: [id.text])
                != nil
            {
                throw RegistryError(.conflict, id.text, "is taken")
            }
            try database.execute(
                sql: """
                    INSERT INTO tenants (id, name, appURL, credential, country, currency, taxID, email, createdAt)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    id.text, name, appURL, Registry.blob(sealed), country, currency.code, taxID, email,
                    now.column,
                ])
            return try Registry.tenant(id, database)
        }
    }

    public func tenant(_ id: TenantID) throws(RegistryError) -> Tenant {
        try read { try Registry.tenant(id, $0) }
    }

    public func tenants() throws(RegistryError) -> [Tenant] {
        try read { try Row.fetchAll($0, sql: "SELECT * FROM tenants ORDER BY id").map(Tenant.init) }
    }

    /// The credential for the tenant's application, opened.
    public func credential(of id: TenantID, openedBy store: SealedStore) throws(RegistryError) -> [UInt8] {
        let sealed: [UInt8] = try read { database in
            guard
                let row = try Row.fetchOne(
                    database, sql: "SELECT credential FROM tenants WHERE id = ?", arguments: [id.text])
            else { throw RegistryError(.notFound, id.text, "is no tenant") }
            return Registry.bytes(row["credential"])
        }
        return try Registry.unseal(sealed, Registry.credentialName(id), store)
    }

    /// Replaces the application's address and credential.
    public func setApplication(
        of id: TenantID, appURL: String, credential: [UInt8], sealedBy store: SealedStore
    ) throws(RegistryError) {
        let sealed = try Registry.seal(credential, Registry.credentialName(id), store)
        try write { database in
            _ = try Registry.tenant(id, database)
            try database.execute(
                sql: "UPDATE tenants SET appURL = ?, credential = ? WHERE id = ?",
                arguments: [appURL, Registry.blob(sealed), id.text])
        }
    }

    /// How the tenant takes updates.
    public func setPolicy(
        of id: TenantID, updates: UpdatePolicy, minimumReleaseAgeMs: Int64, channel: Channel
    ) throws(RegistryError) {
        try write { database in
            _ = try Registry.tenant(id, database)
            guard minimumReleaseAgeMs >= 0 else {
                throw RegistryError(.invalid, "minimumReleaseAge", "cannot be negative")
            }
            try database.execute(
                sql: "UPDATE tenants SET updatePolicy = ?, minimumReleaseAgeMs = ?, channel = ? WHERE id = ?",
                arguments: [updates.rawValue, minimumReleaseAgeMs, channel.rawValue, id.text])
        }
    }

    /// Where notices go by webhook, and the secret they are signed with; `nil` stops them.
    public func setWebhook(
        of id: TenantID, url: String?, secret: [UInt8], sealedBy store: SealedStore
    ) throws(RegistryError) {
        let sealed = try Registry.seal(secret, "tenant/\(id)/webhook", store)
        try write { database in
            _ = try Registry.tenant(id, database)
            try database.execute(
                sql: "UPDATE tenants SET webhookURL = ?, webhookSecret = ? WHERE id = ?",
                arguments: [url, url == nil ? nil : Registry.blob(sealed), id.text])
        }
    }

    /// The secret that webhooks to the tenant are signed with.
    public func webhookSecret(of id: TenantID, openedBy store: SealedStore) throws(RegistryError) -> [UInt8]?
    {
        let sealed: [UInt8]? = try read { database in
            let row = try Row.fetchOne(
                database, sql: "SELECT webhookSecret FROM tenants WHERE id = ?", arguments: [id.text])
            return (row?["webhookSecret"] as Data?).map(Registry.bytes)
        }
        guard let sealed else { return nil }
        return try Registry.unseal(sealed, "tenant/\(id)/webhook", store)
    }

    static func tenant(_ id: TenantID, _ database: Database) throws -> Tenant {
        let row = try Row.fetchOne(database, sql: "SELECT * FROM tenants WHERE id = ?", arguments: [id.text])
        guard let row else { throw RegistryError(.notFound, id.text, "is no tenant") }
        return try Tenant(row)
    }

    private static func credentialName(_ id: TenantID) -> String { "tenant/\(id)/credential" }
}
