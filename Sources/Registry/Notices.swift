// Notices to tenants: an update to approve, a version yanked or revoked under them. Written once for each thing to be
// said, shown in the tenant's feed, and delivered by webhook with retries where the tenant has one.
import GRDB
public import Marketplace
public import Provenance

/// Something that a tenant is told.
public struct Notice: Hashable, Sendable {
    public enum Kind: String, Sendable {
        case updateWaiting = "update.waiting"
        case updated = "update.done"
        case deprecated = "version.deprecated"
        case yanked = "version.yanked"
        case revoked = "version.revoked"
    }

    public let id: Int64
    public let tenant: TenantID
    public let kind: Kind
    public let body: JSONValue
    public let createdAt: Instant
    public let attempts: Int
    public let sentAt: Instant?
    public let lastError: String?

    /// The id that receivers see; equal for every attempt at delivery.
    public var deliveryID: String { "msg_\(tenant)_\(id)" }

    /// What is sent: type, time and data, as Standard Webhooks recommends.
    public var payload: [UInt8] {
        JSONValue.object([
            "type": .string(kind.rawValue), "timestamp": .string(createdAt.description), "data": body,
        ]).serializedBytes()
    }

    /// The headers of an attempt at `now`.
    public func headers(_ webhook: StandardWebhook, now: Instant) -> [(name: String, value: String)] {
        webhook.headers(id: deliveryID, time: now, body: payload)
    }

    init(_ row: Row) throws {
        id = row["id"]
        tenant = try row.value("tenant", TenantID.init)
        kind = try row.value("kind", Kind.init)
        body = try row.json("body")
        createdAt = row.instant("createdAt")
        attempts = row["attempts"]
        sentAt = row.optionalInstant("sentAt")
        lastError = row["lastError"]
    }
}

extension Registry {
    /// Looks over every installation and writes the notices that are due and were not written yet; returns how many.
    @discardableResult
    public func writeNotices(now: Instant) throws(RegistryError) -> Int {
        try write { database in
            var written = 0
            let tenants = try Row.fetchAll(database, sql: "SELECT * FROM tenants ORDER BY id").map(
                Tenant.init)
            for tenant in tenants {
                let rows = try Row.fetchAll(
                    database,
                    sql:
                        "SELECT * FROM installations WHERE tenant = ? AND state <> 'removed' ORDER BY plugin",
                    arguments: [tenant.id.text])
                for row in rows {
                    let installation = try Installation(row)
                    for (kind, subject, body) in try Registry.news(of: installation, tenant, now, database) {
                        try database.execute(
                            sql: """
                                INSERT INTO notices (tenant, subject, kind, body, createdAt) VALUES (?, ?, ?, ?, ?)
                                ON CONFLICT DO NOTHING
                                """,
                            arguments: [
                                tenant.id.text, subject, kind.rawValue, JSONValue.object(body).serialized(),
                                now.column,
                            ])
                        written += database.changesCount
                    }
                }
            }
            return written
        }
    }

    /// A tenant's notices, newest first.
    public func notices(for tenant: TenantID, limit: Int = 50) throws(RegistryError) -> [Notice] {
        try read {
            try Row.fetchAll(
                $0, sql: "SELECT * FROM notices WHERE tenant = ? ORDER BY id DESC LIMIT ?",
                arguments: [tenant.text, limit]
            ).map(Notice.init)
        }
    }

    /// The notices to be delivered by webhook now, oldest first.
    public func dueNotices(now: Instant, limit: Int = 100) throws(RegistryError) -> [Notice] {
        try read {
            try Row.fetchAll(
                $0,
                sql: """
                    SELECT notices.* FROM notices JOIN tenants ON tenants.id = notices.tenant
                    WHERE sentAt IS NULL AND notBefore <= ? AND webhookURL IS NOT NULL ORDER BY notices.id LIMIT ?
                    """, arguments: [now.column, limit]
            ).map(Notice.init)
        }
    }

    /// Notes how an attempt ended: `error` nil for a delivery, else it is tried again later, ten times at most.
    public func noteDelivery(
        of notice: Notice, error: String?, backOff: BackOff = BackOff(attemptsMax: 10), now: Instant
    ) throws(RegistryError) {
        try write { database in
            let attempts = notice.attempts + 1
            let isOver = error == nil || attempts >= backOff.attemptsMax
            try database.execute(
                sql: "UPDATE notices SET attempts = ?, notBefore = ?, sentAt = ?, lastError = ? WHERE id = ?",
                arguments: [
                    attempts, now.adding(milliseconds: backOff.delayMs(afterAttempt: attempts)).column,
                    isOver ? now.column : nil, error, notice.id,
                ])
        }
    }

    /// What there is to say of an installation, each with the subject under which it is said once.
    private static func news(
        of installation: Installation, _ tenant: Tenant, _ now: Instant, _ database: Database
    ) throws -> [(Notice.Kind, String, [String: JSONValue])] {
        var news: [(Notice.Kind, String, [String: JSONValue])] = []
        let name = "\(installation.plugin) \(installation.version)"
        func say(_ kind: Notice.Kind, _ version: Version, _ more: [String: JSONValue]) {
            let body: [String: JSONValue] = [
                "plugin": .string(installation.plugin.text),
                "installed": .string(installation.version.description),
                "version": .string(version.description),
            ]
            news.append(
                (kind, "\(kind.rawValue) \(name) \(version)", body.merging(more) { first, _ in first }))
        }
        let present = try version(installation.plugin, installation.version, database)
        if let message = present.deprecated {
            say(.deprecated, present.version, ["message": .string(message)])
        }
        if present.yankedAt != nil {
            say(.yanked, present.version, ["reason": .string(present.yankReason ?? "")])
        }
        if let revocation = present.revocation {
            say(
                .revoked, present.version,
                ["reason": .string(revocation.reason), "evidence": .string(revocation.evidence)])
        }
        guard let offer = try offer(for: installation, tenant, now, database) else { return news }
        switch offer.decision {
        case .needsApproval(let permissions, let priceChanges):
            say(
                .updateWaiting, offer.to,
                [
                    "newPermissions": .array(permissions.map { .string($0.plainWords) }),
                    "priceChanges": .bool(priceChanges), "securityFix": .bool(offer.securityFix),
                ])
        case .leftToCustomer:
            say(
                .updateWaiting, offer.to,
                ["newPermissions": [], "priceChanges": false, "securityFix": .bool(offer.securityFix)])
        case .silent, .tooYoung: break
        }
        return news
    }
}
