// What was done to listed versions, step by step: the source of the public log's entries after a listing.
import GRDB
public import Marketplace

/// A step in a listed version's life.
public struct VersionEvent: Hashable, Sendable {
    public enum Kind: String, Sendable {
        case yanked, restored, revoked
    }

    public let id: Int64
    public let plugin: PluginID
    public let version: Version
    public let bundle: Marketplace.Digest
    public let kind: Kind
    /// How far a revocation went with this step.
    public let stage: RevocationStage?
    public let reason: String
    public let evidence: String?
    public let actor: String
    public let at: Instant

    init(_ row: Row) throws {
        id = row["id"]
        plugin = try row.value("plugin", PluginID.init)
        version = try row.value("version", Version.init)
        bundle = try row.value("submission") { Marketplace.Digest(hex: $0) }
        kind = try row.value("kind", Kind.init)
        stage = try row.optionalValue("stage", RevocationStage.init)
        reason = row["reason"]
        evidence = row["evidence"]
        actor = row["actor"]
        at = row.instant("at")
    }
}

extension Registry {
    /// Every step, in order; of one plugin when asked for.
    public func versionEvents(of plugin: PluginID? = nil) throws(RegistryError) -> [VersionEvent] {
        try read {
            try Row.fetchAll(
                $0,
                sql: """
                    SELECT e.*, v.submission FROM versionEvents e JOIN versions v USING (plugin, version)
                    WHERE ?1 IS NULL OR plugin = ?1 ORDER BY e.id
                    """, arguments: [plugin?.text]
            ).map(VersionEvent.init)
        }
    }

    /// Says that a version mends a security hole, or that it does not: tenants that take security updates alone get
    /// it by itself, and nobody's minimum release age holds it back.
    public func setSecurityFix(_ plugin: PluginID, _ version: Version, _ isFix: Bool) throws(RegistryError) {
        try write { database in
            let row = try Registry.version(plugin, version, database)
            try database.execute(
                sql: "UPDATE versions SET securityFix = ? WHERE plugin = ? AND version = ?",
                arguments: [isFix, row.plugin.text, row.version.description])
        }
    }

    /// The dependents that no other installable version would satisfy if this one were taken away.
    public func stranded(
        byYanking plugin: PluginID, _ version: Version
    ) throws(RegistryError) -> [Dependent] {
        let others = try versions(of: plugin).filter { $0.isInstallable && $0.version != version }
        return try dependents(of: plugin).filter { dependent in
            dependent.range.contains(version) && !others.contains { dependent.range.contains($0.version) }
        }
    }

    static func noteEvent(
        _ kind: VersionEvent.Kind, of row: ListedVersion, stage: RevocationStage? = nil, reason: String,
        evidence: String? = nil, actor: String, now: Instant, _ database: Database
    ) throws {
        try database.execute(
            sql: """
                INSERT INTO versionEvents (plugin, version, kind, stage, reason, evidence, actor, at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                row.plugin.text, row.version.description, kind.rawValue, stage?.rawValue, reason, evidence,
                actor, now.column,
            ])
    }
}
