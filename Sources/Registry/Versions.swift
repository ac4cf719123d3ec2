// Listed versions: channels, roll-out, deprecation, yank and the kill switch.
import GRDB
public import Marketplace

/// Where a version is offered.
public enum Channel: String, CaseIterable, Sendable {
    case stable, beta
}

/// How far a revocation has gone.
public enum RevocationStage: String, CaseIterable, Sendable, Comparable {
    case noNewInstalls = "no-new-installs"
    case suspended
    case removed

    public static func < (left: RevocationStage, right: RevocationStage) -> Bool {
        allCases.firstIndex(of: left)! < allCases.firstIndex(of: right)!
    }
}

/// The kill switch, thrown.
public struct Revocation: Hashable, Sendable {
    public let at: Instant
    public let reason: String
    /// A URL or a digest that shows why.
    public let evidence: String
    public let stage: RevocationStage
}

/// A version in the catalogue.
public struct ListedVersion: Hashable, Sendable {
    public let plugin: PluginID
    public let version: Version
    /// The submission's id, which is the bundle's digest.
    public let bundle: Marketplace.Digest
    public let manifest: JSONValue
    public let listedAt: Instant
    public let channel: Channel
    public let rolloutPercent: Int
    public let securityFix: Bool
    public let deprecated: String?
    public let yankedAt: Instant?
    public let yankReason: String?
    public let revocation: Revocation?

    /// The manifest, read. Throws what `Manifest.parse` throws.
    public func parsedManifest() throws -> Manifest {
        try ManifestShelf.shared.manifest(manifest, of: bundle)
    }

    /// Whether a customer may newly install it.
    public var isInstallable: Bool { yankedAt == nil && revocation == nil }

    init(_ row: Row) throws {
        plugin = try row.value("plugin", PluginID.init)
        version = try row.value("version", Version.init)
        bundle = try row.value("submission") { Marketplace.Digest(hex: $0) }
        manifest = try row.json("manifest")
        listedAt = row.instant("listedAt")
        channel = try row.value("channel", Channel.init)
        rolloutPercent = row["rolloutPercent"]
        securityFix = row["securityFix"]
        deprecated = row["deprecated"]
        yankedAt = row.optionalInstant("yankedAt")
        yankReason = row["yankReason"]
        revocation = try row.optionalInstant("revokedAt").map { at in
            Revocation(
                at: at, reason: row["revokeReason"] ?? "", evidence: row["revokeEvidence"] ?? "",
                stage: try row.optionalValue("revokeStage", RevocationStage.init) ?? .removed)
        }
    }
}

extension Registry {
    /// The listed versions of a plugin, newest first; yanked and revoked ones too, since their pages stay.
    public func versions(of plugin: PluginID) throws(RegistryError) -> [ListedVersion] {
        try read { try Registry.versions(of: plugin, $0) }
    }

    public func version(_ plugin: PluginID, _ version: Version) throws(RegistryError) -> ListedVersion {
        try read { try Registry.version(plugin, version, $0) }
    }

    /// Every listed version, by plugin and then newest first.
    public func allVersions() throws(RegistryError) -> [ListedVersion] {
        try read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM versions").map(ListedVersion.init).sorted {
                $0.plugin == $1.plugin ? $0.version > $1.version : $0.plugin < $1.plugin
            }
        }
    }

    /// Takes a version out of new installations; installed copies run on, its page becomes a tombstone.
    public func yank(
        _ plugin: PluginID, _ version: Version, reason: String, actor: String, now: Instant
    ) throws(RegistryError) {
        try write { database in
            let row = try Registry.version(plugin, version, database)
            try Registry.moveVersion(
                row, to: .yanked, TransitionReason("yanked", reason), actor, now, database)
            try Registry.update(
                row, "yankedAt = ?, yankReason = ?", [now.column, reason], now, database)
            try Registry.noteEvent(.yanked, of: row, reason: reason, actor: actor, now: now, database)
        }
    }

    /// Puts a yanked version back.
    public func restore(
        _ plugin: PluginID, _ version: Version, reason: String, actor: String, now: Instant
    ) throws(RegistryError) {
        try write { database in
            let row = try Registry.version(plugin, version, database)
            try Registry.moveVersion(
                row, to: .listed, TransitionReason("restored", reason), actor, now, database)
            try Registry.update(row, "yankedAt = NULL, yankReason = NULL", [], now, database)
            try Registry.noteEvent(.restored, of: row, reason: reason, actor: actor, now: now, database)
        }
    }

    /// Throws the kill switch, or takes it a stage further; a stage is never taken back. From `suspended` on, the
    /// plugin's installations of this version are suspended, at `removed` removed.
    public func revoke(
        _ plugin: PluginID, _ version: Version, stage: RevocationStage, reason: String, evidence: String,
        actor: String, now: Instant
    ) throws(RegistryError) {
        try write { database in
            let row = try Registry.version(plugin, version, database)
            if let before = row.revocation {
                guard before.stage < stage else {
                    throw RegistryError(
                        .illegalTransition, "\(plugin) \(version)",
                        "is revoked already (\(before.stage.rawValue))")
                }
            } else {
                try Registry.moveVersion(
                    row, to: .revoked, TransitionReason("revoked", reason), actor, now, database)
            }
            let first = row.revocation?.at ?? now
            try Registry.update(
                row, "revokedAt = ?, revokeReason = ?, revokeEvidence = ?, revokeStage = ?",
                [first.column, reason, evidence, stage.rawValue], now, database)
            try Registry.noteEvent(
                .revoked, of: row, stage: stage, reason: reason, evidence: evidence, actor: actor, now: now,
                database)
            if stage >= .suspended {
                try Registry.stopInstallations(
                    of: plugin, version, state: stage == .removed ? .removed : .suspended,
                    reason: "revoked: \(reason)", now: now, database)
            }
        }
    }

    /// Sets or clears the message that customers of a version see.
    public func deprecate(_ plugin: PluginID, _ version: Version, message: String?) throws(RegistryError) {
        try write { database in
            let row = try Registry.version(plugin, version, database)
            try database.execute(
                sql: "UPDATE versions SET deprecated = ? WHERE plugin = ? AND version = ?",
                arguments: [message, row.plugin.text, row.version.description])
        }
    }

    /// Moves a version to a channel, and to a share of the tenants in it.
    public func setChannel(
        _ plugin: PluginID, _ version: Version, channel: Channel, rolloutPercent: Int = 100, now: Instant
    ) throws(RegistryError) {
        try write { database in
            guard (0...100).contains(rolloutPercent) else {
                throw RegistryError(.invalid, "rolloutPercent", "is not between 0 and 100")
            }
            let row = try Registry.version(plugin, version, database)
            try Registry.update(
                row, "channel = ?, rolloutPercent = ?", [channel.rawValue, rolloutPercent], now, database)
        }
    }

    /// The plugins whose listed versions depend on a plugin: shown before a yank.
    public func dependents(of plugin: PluginID) throws(RegistryError) -> [Dependent] {
        try read { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT d.plugin, d.version, d.range FROM dependencies d JOIN versions v USING (plugin, version)
                    WHERE d.dependency = ? AND v.yankedAt IS NULL AND v.revokedAt IS NULL
                    """, arguments: [plugin.text])
            return try rows.map { row in
                Dependent(
                    plugin: try row.value("plugin", PluginID.init),
                    version: try row.value("version", Version.init),
                    range: try row.value("range", VersionRange.init))
            }.sorted { $0.plugin == $1.plugin ? $0.version > $1.version : $0.plugin < $1.plugin }
        }
    }

    static func versions(of plugin: PluginID, _ database: Database) throws -> [ListedVersion] {
        try Row.fetchAll(database, sql: "SELECT * FROM versions WHERE plugin = ?", arguments: [plugin.text])
            .map(ListedVersion.init).sorted { $0.version > $1.version }
    }

    static func version(_ plugin: PluginID, _ version: Version, _ database: Database) throws -> ListedVersion
    {
        let row = try Row.fetchOne(
            database, sql: "SELECT * FROM versions WHERE plugin = ? AND version = ?",
            arguments: [plugin.text, version.description])
        guard let row else { throw RegistryError(.notFound, "\(plugin) \(version)", "is not listed") }
        return try ListedVersion(row)
    }

    private static func moveVersion(
        _ row: ListedVersion, to state: SubmissionState, _ reason: TransitionReason, _ actor: String,
        _ now: Instant,
        _ database: Database
    ) throws {
        let item = try requireSubmission(row.bundle, database)
        try move(item, to: state, reason, actor: actor, now: now, database)
    }

    private static func update(
        _ row: ListedVersion, _ columns: String, _ values: [(any DatabaseValueConvertible)?], _ now: Instant,
        _ database: Database
    ) throws {
        try database.execute(
            sql: "UPDATE versions SET \(columns) WHERE plugin = ? AND version = ?",
            arguments: StatementArguments(values + [row.plugin.text, row.version.description]))
        try refreshListing(row.plugin, now: now, database)
    }
}

/// A version that depends on the plugin asked about.
public struct Dependent: Hashable, Sendable {
    public let plugin: PluginID
    public let version: Version
    public let range: VersionRange
}
