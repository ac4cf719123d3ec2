// What each tenant has installed. Every question names the tenant: there is no way to reach an installation by the
// plugin alone, or by its id without saying whose it is, save for the webhook's own look-up.
import GRDB
public import Marketplace

/// A plugin installed by a tenant.
public struct Installation: Hashable, Sendable {
    public enum State: String, Sendable {
        case active, suspended, removed
    }

    /// Random, unguessable: the address of vendors' webhooks.
    public let id: String
    public let tenant: TenantID
    public let plugin: PluginID
    public let version: Version
    public let plan: String
    /// What the customer consented to; the proxy allows this and nothing else.
    public let accepted: PermissionSet
    public let config: JSONValue
    /// The versions of the dependencies, fixed at installation.
    public let lock: [PluginID: Version]
    /// The isolation back end the customer chose, if any.
    public let backEnd: String?
    /// The most that the customer wants to spend on it in a billing period, in minor units.
    public let spendCapMinor: Int64?
    public let state: State
    public let stateReason: String?
    public let installedAt: Instant
    public let updatedAt: Instant

    init(_ row: Row) throws {
        id = row["id"]
        tenant = try row.value("tenant", TenantID.init)
        plugin = try row.value("plugin", PluginID.init)
        version = try row.value("version", Version.init)
        plan = row["plan"]
        accepted = try PermissionColumn.decode(row["accepted"])
        config = try row.json("config")
        var lock: [PluginID: Version] = [:]
        for (id, version) in try row.json("lock").objectValue ?? [:] {
            guard let id = PluginID(id), let version = version.stringValue.flatMap(Version.init) else {
                throw RegistryError(.database, "lock", "names \(id)")
            }
            lock[id] = version
        }
        self.lock = lock
        backEnd = row["backEnd"]
        spendCapMinor = row["spendCapMinor"]
        state = try row.value("state", State.init)
        stateReason = row["stateReason"]
        installedAt = row.instant("installedAt")
        updatedAt = row.instant("updatedAt")
    }
}

/// Something that happened to an installation: what the subscription's usage lines and the customer's feed are made of.
public struct InstallationEvent: Hashable, Sendable {
    public enum Kind: String, Sendable {
        case installed, updated, planChanged, configured, capped, suspended, resumed, removed, consented
    }

    public let id: Int64
    public let installation: String
    public let plugin: PluginID
    public let at: Instant
    public let kind: Kind
    public let detail: JSONValue

    init(_ row: Row) throws {
        id = row["id"]
        installation = row["installation"]
        plugin = try row.value("plugin", PluginID.init)
        at = row.instant("at")
        kind = try row.value("kind", Kind.init)
        detail = try row.json("detail")
    }
}

/// What a customer asks for when installing.
public struct InstallationRequest: Hashable, Sendable {
    public var version: Version
    public var plan: String
    public var accepted: PermissionSet
    public var config: JSONValue
    public var lock: [PluginID: Version]
    public var backEnd: String?

    public init(
        version: Version, plan: String, accepted: PermissionSet, config: JSONValue = .object([:]),
        lock: [PluginID: Version] = [:], backEnd: String? = nil
    ) {
        self.version = version
        self.plan = plan
        self.accepted = accepted
        self.config = config
        self.lock = lock
        self.backEnd = backEnd
    }
}

extension Registry {
    /// Installs a plugin for a tenant. The accepted permissions must cover everything the version asks for, and the
    /// version must be installable; doing the same again changes nothing.
    @discardableResult
    public func install(
        _ plugin: PluginID, for tenant: TenantID, _ request: InstallationRequest, now: Instant,
        using random: inout some RandomNumberGenerator
    ) throws(RegistryError) -> Installation {
        let id = "in_" + Hex.encode((0..<16).map { _ in UInt8.random(in: 0...255, using: &random) })
        return try write { database in
            _ = try Registry.tenant(tenant, database)
            if let present = try Registry.installation(of: plugin, for: tenant, database) {
                guard present.version == request.version, present.plan == request.plan,
                    present.accepted == request.accepted, present.config == request.config
                else {
                    throw RegistryError(
                        .conflict, "\(plugin)",
                        "is installed in \(present.version); update or remove it instead")
                }
                return present
            }
            let manifest = try Registry.installable(plugin, request.version, database)
            try Registry.check(request, against: manifest)
            try database.execute(
                sql: """
                    INSERT INTO installations (id, tenant, plugin, version, plan, accepted, config, lock, backEnd,
                        state, installedAt, updatedAt)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'active', ?, ?)
                    """,
                arguments: [
                    id, tenant.text, plugin.text, request.version.description, request.plan,
                    PermissionColumn.encode(request.accepted), request.config.serialized(),
                    Registry.lockText(request.lock), request.backEnd, now.column, now.column,
                ])
            let made = try Registry.require(of: plugin, for: tenant, database)
            try Registry.note(
                made, .installed, ["version": .string(made.version.description), "plan": .string(made.plan)],
                now,
                database)
            return made
        }
    }

    /// Installs with the system's randomness.
    @discardableResult
    public func install(
        _ plugin: PluginID, for tenant: TenantID, _ request: InstallationRequest, now: Instant
    ) throws(RegistryError) -> Installation {
        var random = SystemRandomNumberGenerator()
        return try install(plugin, for: tenant, request, now: now, using: &random)
    }

    /// The tenant's installation of a plugin.
    public func installation(of plugin: PluginID, for tenant: TenantID) throws(RegistryError) -> Installation
    {
        try read { try Registry.require(of: plugin, for: tenant, $0) }
    }

    /// The tenant's installations by plugin; removed ones only when asked for.
    public func installations(
        for tenant: TenantID, includingRemoved: Bool = false
    ) throws(RegistryError) -> [Installation] {
        try read {
            try Row.fetchAll(
                $0,
                sql: """
                    SELECT * FROM installations WHERE tenant = ? AND (? OR state <> 'removed')
                    ORDER BY plugin, installedAt, id
                    """, arguments: [tenant.text, includingRemoved]
            ).map(Installation.init)
        }
    }

    /// The installation behind a webhook's address. The caller acts for the tenant that comes back, for no other.
    public func installation(withHook id: String) throws(RegistryError) -> Installation {
        try read { database in
            let row = try Row.fetchOne(
                database, sql: "SELECT * FROM installations WHERE id = ? AND state <> 'removed'",
                arguments: [id])
            guard let row else { throw RegistryError(.notFound, "installation", "is not known") }
            return try Installation(row)
        }
    }

    /// Moves an installation to another version with the permissions that the customer has accepted for it.
    @discardableResult
    public func update(
        _ plugin: PluginID, for tenant: TenantID, to version: Version, accepted: PermissionSet,
        lock: [PluginID: Version]? = nil, now: Instant
    ) throws(RegistryError) -> Installation {
        try write { database in
            let present = try Registry.require(of: plugin, for: tenant, database)
            let manifest = try Registry.installable(plugin, version, database)
            let request = InstallationRequest(
                version: version, plan: present.plan, accepted: accepted, config: present.config)
            try Registry.check(request, against: manifest)
            try database.execute(
                sql: """
                    UPDATE installations SET version = ?, accepted = ?, lock = ?, state = 'active', stateReason = NULL,
                        updatedAt = ? WHERE id = ?
                    """,
                arguments: [
                    version.description, PermissionColumn.encode(accepted),
                    Registry.lockText(lock ?? present.lock), now.column, present.id,
                ])
            try Registry.note(
                present, .updated,
                ["from": .string(present.version.description), "to": .string(version.description)], now,
                database)
            return try Registry.require(of: plugin, for: tenant, database)
        }
    }

    /// Moves an installation to another plan of its version.
    @discardableResult
    public func setPlan(
        _ plan: String, of plugin: PluginID, for tenant: TenantID, now: Instant
    ) throws(RegistryError) -> Installation {
        try change(plugin, tenant, now) { present, database in
            let manifest = try Registry.manifest(of: present, database)
            guard manifest.pricing.plan(plan) != nil else {
                throw RegistryError(.notFound, plan, "is no plan of \(plugin) \(present.version)")
            }
            return (.planChanged, "plan = ?", plan, ["from": .string(present.plan), "to": .string(plan)])
        }
    }

    @discardableResult
    public func setConfig(
        _ config: JSONValue, of plugin: PluginID, for tenant: TenantID, now: Instant
    ) throws(RegistryError) -> Installation {
        try change(plugin, tenant, now) { present, database in
            try Registry.check(config, against: try Registry.manifest(of: present, database))
            return (.configured, "config = ?", config.serialized(), [:])
        }
    }

    /// The most to spend on a plugin in a billing period; `nil` lifts the cap.
    @discardableResult
    public func setSpendCap(
        minor: Int64?, of plugin: PluginID, for tenant: TenantID, now: Instant
    ) throws(RegistryError) -> Installation {
        try change(plugin, tenant, now) { _, _ in
            if let minor, minor < 0 { throw RegistryError(.invalid, "spend cap", "cannot be negative") }
            return (.capped, "spendCapMinor = ?", minor, ["minor": minor.map { .integer($0) } ?? .null])
        }
    }

    /// Suspends, resumes or removes an installation. A removed one keeps its history; its secrets and storage go.
    @discardableResult
    public func setState(
        _ state: Installation.State, of plugin: PluginID, for tenant: TenantID, reason: String, now: Instant
    ) throws(RegistryError) -> Installation {
        try write { database in
            let present = try Registry.require(of: plugin, for: tenant, database)
            try Registry.setState(state, of: present, reason: reason, now: now, database)
            let row = try Row.fetchOne(
                database, sql: "SELECT * FROM installations WHERE id = ?", arguments: [present.id])
            return try Installation(row!)
        }
    }

    /// What happened to a tenant's installations after an event, in order.
    public func events(
        for tenant: TenantID, after id: Int64 = 0, limit: Int = 1000
    ) throws(RegistryError) -> [InstallationEvent] {
        try read {
            try Row.fetchAll(
                $0, sql: "SELECT * FROM installationEvents WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?",
                arguments: [tenant.text, id, limit]
            ).map(InstallationEvent.init)
        }
    }

    /// How many tenants run each version of a plugin.
    public func installationCounts(of plugin: PluginID) throws(RegistryError) -> [Version: Int] {
        try read { database in
            var counts: [Version: Int] = [:]
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT version, COUNT(*) AS n FROM installations WHERE plugin = ? AND state = 'active'
                    GROUP BY version
                    """, arguments: [plugin.text])
            for row in rows { counts[try row.value("version", Version.init)] = row["n"] }
            return counts
        }
    }
}
