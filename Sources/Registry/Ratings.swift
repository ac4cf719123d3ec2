// Ratings and reviews: one a tenant that has, or had, the plugin installed; edits are kept; the publisher replies once;
// a moderator hides with a reason. The mean is drawn towards the middle while there are few: as if `priorCount` more
// tenants had given `priorMilliStars`.
import GRDB
public import Marketplace

/// A tenant's rating.
public struct Rating: Hashable, Sendable {
    public let tenant: TenantID
    public let plugin: PluginID
    public let stars: Int
    public let text: String
    /// The version that the tenant ran.
    public let version: Version
    public let createdAt: Instant
    public let updatedAt: Instant
    public let reply: String?
    public let repliedAt: Instant?
    public let hiddenReason: String?

    init(_ row: Row) throws {
        tenant = try row.value("tenant", TenantID.init)
        plugin = try row.value("plugin", PluginID.init)
        stars = row["stars"]
        text = row["text"]
        version = try row.value("version", Version.init)
        createdAt = row.instant("createdAt")
        updatedAt = row.instant("updatedAt")
        reply = row["reply"]
        repliedAt = row.optionalInstant("repliedAt")
        hiddenReason = row["hiddenReason"]
    }
}

/// How a plugin is rated.
public struct RatingSummary: Hashable, Sendable {
    /// The weight of the prior: so many imagined ratings.
    public static let priorCount: Int64 = 5
    /// What the imagined ratings give: 3.5 stars.
    public static let priorMilliStars: Int64 = 3_500

    /// Ratings that are not hidden.
    public let count: Int
    /// How many tenants gave 1, 2, 3, 4 and 5 stars.
    public let histogram: [Int]

    /// The Bayesian mean in thousandths of a star.
    public var milliStars: Int64 {
        let sum = zip(1..., histogram).reduce(Int64(0)) { $0 + Int64($1.0 * $1.1) } * 1_000
        let whole = RatingSummary.priorCount * RatingSummary.priorMilliStars + sum
        return Int64(
            Rounding.halfAwayFromZero(Int128(whole), over: Int128(RatingSummary.priorCount + Int64(count))))
    }
}

extension Registry {
    public static let ratingTextBytesMax = 4_000

    /// Rates a plugin, or changes the tenant's rating of it.
    @discardableResult
    public func rate(
        _ plugin: PluginID, by tenant: TenantID, stars: Int, text: String, now: Instant
    ) throws(RegistryError) -> Rating {
        try write { database in
            guard (1...5).contains(stars) else { throw RegistryError(.invalid, "stars", "are 1 to 5") }
            guard text.utf8.count <= Registry.ratingTextBytesMax else {
                throw RegistryError(.limit, "text", "is longer than \(Registry.ratingTextBytesMax) bytes")
            }
            let row = try Row.fetchOne(
                database,
                sql:
                    "SELECT * FROM installations WHERE tenant = ? AND plugin = ? ORDER BY updatedAt DESC LIMIT 1",
                arguments: [tenant.text, plugin.text])
            guard let row else {
                throw RegistryError(.notAllowed, plugin.text, "can be rated by those who have installed it")
            }
            let version = try Installation(row).version
            try database.execute(
                sql: """
                    INSERT INTO ratingHistory (tenant, plugin, at, stars, text, version)
                    SELECT tenant, plugin, updatedAt, stars, text, version FROM ratings
                    WHERE tenant = ? AND plugin = ?
                    """, arguments: [tenant.text, plugin.text])
            try database.execute(
                sql: """
                    INSERT INTO ratings (tenant, plugin, stars, text, version, createdAt, updatedAt)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT DO UPDATE SET stars = excluded.stars, text = excluded.text,
                        version = excluded.version, updatedAt = excluded.updatedAt
                    """,
                arguments: [
                    tenant.text, plugin.text, stars, text, version.description, now.column, now.column,
                ])
            return try Registry.rating(plugin, tenant, database)
        }
    }

    /// The publisher's answer to a rating; a later one takes its place.
    @discardableResult
    public func reply(
        to tenant: TenantID, about plugin: PluginID, by publisher: PublisherID, text: String, now: Instant
    ) throws(RegistryError) -> Rating {
        try write { database in
            guard plugin.publisher == publisher else {
                throw RegistryError(.notAllowed, plugin.text, "is not a plugin of \(publisher)")
            }
            _ = try Registry.rating(plugin, tenant, database)
            try database.execute(
                sql: "UPDATE ratings SET reply = ?, repliedAt = ? WHERE tenant = ? AND plugin = ?",
                arguments: [text, now.column, tenant.text, plugin.text])
            return try Registry.rating(plugin, tenant, database)
        }
    }

    /// Hides a rating with a reason, or shows it again with `nil`.
    public func moderate(
        _ plugin: PluginID, by tenant: TenantID, hiddenReason: String?
    ) throws(RegistryError) {
        try write { database in
            _ = try Registry.rating(plugin, tenant, database)
            try database.execute(
                sql: "UPDATE ratings SET hiddenReason = ? WHERE tenant = ? AND plugin = ?",
                arguments: [hiddenReason, tenant.text, plugin.text])
        }
    }

    /// The ratings that everybody sees, newest first; hidden ones when asked for.
    public func ratings(of plugin: PluginID, includingHidden: Bool = false) throws(RegistryError) -> [Rating]
    {
        try read {
            try Row.fetchAll(
                $0,
                sql: """
                    SELECT * FROM ratings WHERE plugin = ? AND (? OR hiddenReason IS NULL)
                    ORDER BY updatedAt DESC, tenant
                    """, arguments: [plugin.text, includingHidden]
            ).map(Rating.init)
        }
    }

    /// What a rating said before it was edited, oldest first.
    public func ratingHistory(
        of plugin: PluginID, by tenant: TenantID
    ) throws(RegistryError) -> [(at: Instant, stars: Int, text: String)] {
        try read {
            try Row.fetchAll(
                $0, sql: "SELECT * FROM ratingHistory WHERE plugin = ? AND tenant = ? ORDER BY id",
                arguments: [plugin.text, tenant.text]
            ).map { ($0.instant("at"), $0["stars"], $0["text"]) }
        }
    }

    public func ratingSummary(of plugin: PluginID) throws(RegistryError) -> RatingSummary {
        try read { database in
            var histogram = [0, 0, 0, 0, 0]
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT stars, COUNT(*) AS n FROM ratings WHERE plugin = ? AND hiddenReason IS NULL GROUP BY stars
                    """, arguments: [plugin.text])
            for row in rows { histogram[row["stars"] - 1] = row["n"] }
            return RatingSummary(count: histogram.reduce(0, +), histogram: histogram)
        }
    }

    private static func rating(_ plugin: PluginID, _ tenant: TenantID, _ database: Database) throws -> Rating
    {
        let row = try Row.fetchOne(
            database, sql: "SELECT * FROM ratings WHERE tenant = ? AND plugin = ?",
            arguments: [tenant.text, plugin.text])
        guard let row else { throw RegistryError(.notFound, plugin.text, "has no rating of \(tenant)") }
        return try Rating(row)
    }
}
