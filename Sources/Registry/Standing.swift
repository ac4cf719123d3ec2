// What is known of a publisher when its submission is weighed.
import GRDB
public import Marketplace

/// A publisher's record.
public struct PublisherStanding: Hashable, Sendable {
    /// Since registration, milliseconds.
    public let ageMs: Int64
    public let isVerified: Bool
    /// Versions that are or were listed.
    public let listed: Int
    public let rejected: Int
    public let revoked: Int
}

extension Registry {
    public func standing(of id: PublisherID, now: Instant) throws(RegistryError) -> PublisherStanding {
        try read { database in
            let publisher = try Registry.publisher(id, database)
            var counts: [String: Int] = [:]
            let rows = try Row.fetchAll(
                database,
                sql: "SELECT state, COUNT(*) AS n FROM submissions WHERE publisher = ? GROUP BY state",
                arguments: [id.text])
            for row in rows { counts[row["state"]] = row["n"] }
            func count(_ states: SubmissionState...) -> Int {
                states.reduce(0) { $0 + (counts[$1.rawValue] ?? 0) }
            }
            return PublisherStanding(
                ageMs: now.milliseconds - publisher.registeredAt.milliseconds,
                isVerified: publisher.verifiedAt != nil, listed: count(.listed, .yanked, .revoked),
                rejected: count(.rejected), revoked: count(.revoked))
        }
    }

    /// The permissions of the newest version that was listed before: what a submission's are compared with.
    public func permissionsBefore(
        _ plugin: PluginID, _ version: Version
    ) throws(RegistryError) -> PermissionSet? {
        try read { database in
            let before = try Registry.versions(of: plugin, database).first {
                $0.version < version && $0.revocation == nil
            }
            return try before.map { try Registry.parse($0.manifest, $0.bundle).permissions }
        }
    }
}
