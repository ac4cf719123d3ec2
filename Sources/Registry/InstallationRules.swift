// The rules behind installations: what may be installed, with which consent, and what a change of state entails.
import Foundation
import GRDB
import Marketplace

enum PermissionColumn {
    static func encode(_ permissions: PermissionSet) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(permissions), as: UTF8.self)
    }

    static func decode(_ text: String) throws -> PermissionSet {
        try JSONDecoder().decode(PermissionSet.self, from: Data(text.utf8))
    }
}

extension Registry {
    static func installation(
        of plugin: PluginID, for tenant: TenantID, _ database: Database
    ) throws -> Installation? {
        try Row.fetchOne(
            database,
            sql: "SELECT * FROM installations WHERE tenant = ? AND plugin = ? AND state <> 'removed'",
            arguments: [tenant.text, plugin.text]
        ).map(Installation.init)
    }

    static func require(of plugin: PluginID, for tenant: TenantID, _ database: Database) throws
        -> Installation
    {
        guard let found = try installation(of: plugin, for: tenant, database) else {
            throw RegistryError(.notFound, plugin.text, "is not installed for \(tenant)")
        }
        return found
    }

    /// The manifest of a version that may be installed now.
    static func installable(_ plugin: PluginID, _ version: Version, _ database: Database) throws -> Manifest {
        let row = try Registry.version(plugin, version, database)
        if let revocation = row.revocation {
            throw RegistryError(.notAllowed, "\(plugin) \(version)", "is revoked: \(revocation.reason)")
        }
        if row.yankedAt != nil {
            throw RegistryError(.notAllowed, "\(plugin) \(version)", "is yanked: \(row.yankReason ?? "")")
        }
        let owner = try publisher(plugin.publisher, database)
        guard owner.state == .active else {
            throw RegistryError(.notAllowed, owner.id.text, "is quarantined: \(owner.stateReason ?? "")")
        }
        return try parse(row.manifest, row.bundle)
    }

    static func manifest(of installation: Installation, _ database: Database) throws -> Manifest {
        let row = try version(installation.plugin, installation.version, database)
        return try parse(row.manifest, row.bundle)
    }

    static func check(_ request: InstallationRequest, against manifest: Manifest) throws {
        guard manifest.pricing.plan(request.plan) != nil else {
            throw RegistryError(.notFound, request.plan, "is no plan of \(manifest.id) \(manifest.version)")
        }
        let missing = manifest.permissions.exceeding(request.accepted)
        guard missing.isEmpty else {
            let names = missing.map(\.description).joined(separator: ", ")
            throw RegistryError(.notAllowed, manifest.id.text, "needs consent to: \(names)")
        }
        try check(request.config, against: manifest)
    }

    static func check(_ config: JSONValue, against manifest: Manifest) throws {
        guard let schema = manifest.config else { return }
        let violations = JSONSchema(schema).validate(config)
        guard violations.isEmpty else {
            let text = violations.map { "\($0)" }.joined(separator: "; ")
            throw RegistryError(.invalid, "config", text)
        }
    }

    static func setState(
        _ state: Installation.State, of present: Installation, reason: String, now: Instant,
        _ database: Database
    ) throws {
        guard present.state != state else { return }
        try database.execute(
            sql: "UPDATE installations SET state = ?, stateReason = ?, updatedAt = ? WHERE id = ?",
            arguments: [state.rawValue, state == .active ? nil : reason, now.column, present.id])
        if state == .removed {
            for table in ["installationSecrets", "installationStorage"] {
                try database.execute(
                    sql: "DELETE FROM \(table) WHERE installation = ?", arguments: [present.id])
            }
        }
        let kind: InstallationEvent.Kind =
            switch state {
            case .active: .resumed
            case .suspended: .suspended
            case .removed: .removed
            }
        try note(present, kind, ["reason": .string(reason)], now, database)
    }

    static func stopInstallations(
        of plugin: PluginID, _ version: Version, state: Installation.State, reason: String, now: Instant,
        _ database: Database
    ) throws {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT * FROM installations WHERE plugin = ? AND version = ? AND state <> 'removed' ORDER BY tenant
                """, arguments: [plugin.text, version.description])
        for row in rows { try setState(state, of: try Installation(row), reason: reason, now: now, database) }
    }

    static func note(
        _ installation: Installation, _ kind: InstallationEvent.Kind, _ detail: [String: JSONValue],
        _ now: Instant,
        _ database: Database
    ) throws {
        try database.execute(
            sql: """
                INSERT INTO installationEvents (installation, tenant, plugin, at, kind, detail)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                installation.id, installation.tenant.text, installation.plugin.text, now.column,
                kind.rawValue,
                JSONValue.object(detail).serialized(),
            ])
    }

    static func lockText(_ lock: [PluginID: Version]) -> String {
        JSONValue.object(
            Dictionary(uniqueKeysWithValues: lock.map { ($0.key.text, .string($0.value.description)) })
        ).serialized()
    }

    /// One column of an installation changed, with its event.
    func change(
        _ plugin: PluginID, _ tenant: TenantID, _ now: Instant,
        _ body: (Installation, Database) throws -> (
            InstallationEvent.Kind, String, (any DatabaseValueConvertible)?, [String: JSONValue]
        )
    ) throws(RegistryError) -> Installation {
        try write { database in
            let present = try Registry.require(of: plugin, for: tenant, database)
            let (kind, column, value, detail) = try body(present, database)
            try database.execute(
                sql: "UPDATE installations SET \(column), updatedAt = ? WHERE id = ?",
                arguments: [value, now.column, present.id])
            try Registry.note(present, kind, detail, now, database)
            return try Registry.require(of: plugin, for: tenant, database)
        }
    }
}
