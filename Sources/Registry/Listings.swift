// The catalogue's index of plugins: one row a plugin, drawn from its newest installable version.
import GRDB
public import Marketplace

/// A plugin in the catalogue.
public struct Listing: Hashable, Sendable {
    public let plugin: PluginID
    public let name: String
    public let description: String
    public let category: String
    public let pricingModel: Pricing.Model
    public let license: String
    /// The newest version of the stable channel that can be installed; where there is none, the newest of all.
    public let latest: Version
    public let firstListedAt: Instant
    public let updatedAt: Instant

    init(_ row: Row) throws {
        plugin = try row.value("plugin", PluginID.init)
        name = row["name"]
        description = row["description"]
        category = row["category"]
        pricingModel = try row.value("pricingModel", Pricing.Model.init)
        license = row["license"]
        latest = try row.value("latest", Version.init)
        firstListedAt = row.instant("firstListedAt")
        updatedAt = row.instant("updatedAt")
    }
}

extension Registry {
    public func listings() throws(RegistryError) -> [Listing] {
        try read { try Row.fetchAll($0, sql: "SELECT * FROM listings ORDER BY plugin").map(Listing.init) }
    }

    public func listing(_ plugin: PluginID) throws(RegistryError) -> Listing {
        try read { database in
            let row = try Row.fetchOne(
                database, sql: "SELECT * FROM listings WHERE plugin = ?", arguments: [plugin.text])
            guard let row else { throw RegistryError(.notFound, plugin.text, "is not listed") }
            return try Listing(row)
        }
    }

    static func list(
        _ item: Submission, channel: Channel, securityFix: Bool, now: Instant, _ database: Database
    ) throws {
        guard let plugin = item.plugin, let version = item.version, let manifest = item.manifest else {
            throw RegistryError(.conflict, item.id.hex, "has no manifest yet, so it cannot be listed")
        }
        let owner = try publisher(item.publisher, database)
        guard owner.state == .active else {
            throw RegistryError(.notAllowed, owner.id.text, "is quarantined: \(owner.stateReason ?? "")")
        }
        try database.execute(
            sql: """
                INSERT INTO versions (plugin, version, submission, manifest, listedAt, channel, securityFix)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                plugin.text, version.description, item.id.hex, manifest.serialized(), now.column,
                channel.rawValue,
                securityFix ? 1 : 0,
            ])
        for dependency in try parse(manifest, item.id).dependencies {
            try database.execute(
                sql: "INSERT INTO dependencies (plugin, version, dependency, range) VALUES (?, ?, ?, ?)",
                arguments: [
                    plugin.text, version.description, dependency.id.text, dependency.range.description,
                ])
        }
        try refreshListing(plugin, now: now, database)
    }

    /// Draws the listing of a plugin anew from its versions.
    static func refreshListing(_ plugin: PluginID, now: Instant, _ database: Database) throws {
        // Without their manifests, of which only one is wanted.
        let all = try Row.fetchAll(
            database,
            sql: """
                SELECT version, channel, listedAt, yankedAt IS NULL AND revokedAt IS NULL AS isInstallable
                FROM versions WHERE plugin = ?
                """, arguments: [plugin.text]
        ).map { row in
            (
                version: try row.value("version", Version.init),
                channel: try row.value("channel", Channel.init), listedAt: row.instant("listedAt"),
                isInstallable: row["isInstallable"] as Bool
            )
        }.sorted { $0.version > $1.version }
        let open = all.filter(\.isInstallable)
        guard
            let chosen = open.first(where: { $0.channel == .stable && !$0.version.isPrerelease }) ?? open
                .first ?? all.first
        else { return }
        let newest = try version(plugin, chosen.version, database)
        let manifest = try parse(newest.manifest, newest.bundle)
        let first = all.map(\.listedAt).min() ?? now
        try database.execute(
            sql: """
                INSERT INTO listings
                    (plugin, publisher, name, description, category, pricingModel, license, latest, firstListedAt,
                     updatedAt)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (plugin) DO UPDATE SET name = excluded.name, description = excluded.description,
                    category = excluded.category, pricingModel = excluded.pricingModel, license = excluded.license,
                    latest = excluded.latest, firstListedAt = excluded.firstListedAt, updatedAt = excluded.updatedAt
                """,
            arguments: [
                plugin.text, plugin.publisher.text, manifest.name, manifest.description, manifest.category,
                manifest.pricing.model.rawValue, manifest.license, newest.version.description, first.column,
                now.column,
            ])
        try database.execute(sql: "DELETE FROM listingWords WHERE plugin = ?", arguments: [plugin.text])
        for (word, weight) in SearchWords.weights(of: manifest) {
            try database.execute(
                sql: "INSERT INTO listingWords (word, plugin, weight) VALUES (?, ?, ?)",
                arguments: [word, plugin.text, weight])
        }
        try database.execute(sql: "DELETE FROM listingPermissions WHERE plugin = ?", arguments: [plugin.text])
        for permission in Set(
            manifest.permissions.permissions.map { "\($0.operation.rawValue) \($0.target)" })
        {
            try database.execute(
                sql: "INSERT INTO listingPermissions (permission, plugin) VALUES (?, ?)",
                arguments: [permission, plugin.text])
        }
    }

    static func parse(_ manifest: JSONValue, _ bundle: Marketplace.Digest) throws -> Manifest {
        do { return try ManifestShelf.shared.manifest(manifest, of: bundle) } catch {
            throw RegistryError(.invalid, bundle.hex, "has a manifest that breaks a rule: \(error)")
        }
    }
}
