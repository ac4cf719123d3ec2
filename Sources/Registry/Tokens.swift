// Bearer tokens: random, shown once, stored as SHA-256. A token is for exactly one tenant, publisher or reviewer.
import Foundation
import GRDB
public import Marketplace
import Provenance

/// Whom a token speaks for.
public enum TokenHolder: Hashable, Sendable, CustomStringConvertible {
    case tenant(TenantID)
    case publisher(PublisherID)
    case reviewer(String)

    public var kind: String {
        switch self {
        case .tenant: "tenant"
        case .publisher: "publisher"
        case .reviewer: "reviewer"
        }
    }

    public var subject: String {
        switch self {
        case .tenant(let id): id.text
        case .publisher(let id): id.text
        case .reviewer(let name): name
        }
    }

    public var description: String { "\(kind) \(subject)" }

    init?(kind: String, subject: String) {
        switch kind {
        case "tenant":
            guard let id = TenantID(subject) else { return nil }
            self = .tenant(id)
        case "publisher":
            guard let id = PublisherID(subject) else { return nil }
            self = .publisher(id)
        case "reviewer": self = .reviewer(subject)
        default: return nil
        }
    }
}

/// A stored token, without its secret.
public struct TokenRecord: Hashable, Sendable {
    /// A short public name, for listing and revoking.
    public let id: String
    public let holder: TokenHolder
    public let issuedAt: Instant
    public let expiresAt: Instant?
    public let revokedAt: Instant?

    init(_ row: Row) throws {
        id = row["id"]
        guard let holder = TokenHolder(kind: row["kind"], subject: row["subject"]) else {
            throw RegistryError(.database, "tokens", "holds a token of \(row["subject"] as String)")
        }
        self.holder = holder
        issuedAt = row.instant("issuedAt")
        expiresAt = row.optionalInstant("expiresAt")
        revokedAt = row.optionalInstant("revokedAt")
    }
}

extension Registry {
    /// Issues a token. The text that comes back is the only copy of it: 32 random bytes after a prefix that secret
    /// scanners can find.
    public func issueToken(
        for holder: TokenHolder, expiresAt: Instant? = nil, now: Instant,
        using random: inout some RandomNumberGenerator
    ) throws(RegistryError) -> (token: String, record: TokenRecord) {
        let secret = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
        let token = "vft_\(holder.kind.prefix(1))_\(Hex.encode(secret))"
        let digest = Marketplace.Digest.sha256(of: token)
        let id = String(digest.hex.prefix(12))
        let record: TokenRecord = try write { database in
            switch holder {
            case .tenant(let tenant): _ = try Registry.tenant(tenant, database)
            case .publisher(let publisher): _ = try Registry.publisher(publisher, database)
            case .reviewer(let name):
                guard !name.isEmpty, name.utf8.count <= 128 else {
                    throw RegistryError(.invalid, "reviewer", "needs a name of at most 128 bytes")
                }
            }
            try database.execute(
                sql:
                    "INSERT INTO tokens (digest, id, kind, subject, issuedAt, expiresAt) VALUES (?, ?, ?, ?, ?, ?)",
                arguments: [digest.hex, id, holder.kind, holder.subject, now.column, expiresAt?.column])
            let row = try Row.fetchOne(database, sql: "SELECT * FROM tokens WHERE id = ?", arguments: [id])
            return try TokenRecord(row!)
        }
        return (token, record)
    }

    /// Issues a token from the system's randomness.
    public func issueToken(
        for holder: TokenHolder, expiresAt: Instant? = nil, now: Instant
    ) throws(RegistryError) -> (token: String, record: TokenRecord) {
        var random = SystemRandomNumberGenerator()
        return try issueToken(for: holder, expiresAt: expiresAt, now: now, using: &random)
    }

    /// Whom a presented token speaks for; `nil` for one that is unknown, revoked or expired. Only the token's digest
    /// is looked up and compared, so the time taken says nothing about any stored token.
    public func authenticate(_ token: String, now: Instant) throws(RegistryError) -> TokenRecord? {
        guard token.utf8.count <= 256 else { return nil }
        let presented = Marketplace.Digest.sha256(of: token)
        return try read { database in
            guard
                let row = try Row.fetchOne(
                    database, sql: "SELECT * FROM tokens WHERE digest = ?", arguments: [presented.hex]),
                let stored = Marketplace.Digest(hex: row["digest"] as String),
                Marketplace.Digest.constantTimeEqual(stored, presented)
            else { return nil }
            let record = try TokenRecord(row)
            guard record.revokedAt == nil, record.expiresAt.map({ now < $0 }) ?? true else { return nil }
            return record
        }
    }

    /// Revokes a token by its short id.
    public func revokeToken(_ id: String, now: Instant) throws(RegistryError) {
        try write { database in
            try database.execute(
                sql: "UPDATE tokens SET revokedAt = ? WHERE id = ? AND revokedAt IS NULL",
                arguments: [now.column, id])
            guard database.changesCount == 1 else { throw RegistryError(.notFound, id, "is no valid token") }
        }
    }

    public func tokens(of holder: TokenHolder) throws(RegistryError) -> [TokenRecord] {
        try read {
            try Row.fetchAll(
                $0, sql: "SELECT * FROM tokens WHERE kind = ? AND subject = ? ORDER BY issuedAt, id",
                arguments: [holder.kind, holder.subject]
            ).map(TokenRecord.init)
        }
    }
}
