// Idempotency keys of the HTTP API: the answer to a write is kept, and given again to the same request.
import GRDB
public import Marketplace

/// What a request with an idempotency key meets.
public enum IdempotencyOutcome: Hashable, Sendable {
    /// Nobody has used the key.
    case new
    /// The same request was answered before.
    case answered(status: Int, body: [UInt8])
    /// The key was used for a different request.
    case different
}

extension Registry {
    /// Looks up a key within its scope (the token's holder).
    public func idempotency(
        scope: String, key: String, request: Marketplace.Digest
    ) throws(RegistryError) -> IdempotencyOutcome {
        try read { database in
            let row = try Row.fetchOne(
                database, sql: "SELECT * FROM idempotency WHERE scope = ? AND key = ?",
                arguments: [scope, key])
            guard let row else { return .new }
            guard row["requestDigest"] == request.hex else { return .different }
            return .answered(status: row["status"], body: Registry.bytes(row["response"]))
        }
    }

    /// Keeps an answer; the first one kept for a key stands.
    public func keepAnswer(
        scope: String, key: String, request: Marketplace.Digest, status: Int, body: [UInt8], now: Instant
    ) throws(RegistryError) {
        try write { database in
            try database.execute(
                sql: """
                    INSERT INTO idempotency (scope, key, requestDigest, status, response, at) VALUES (?, ?, ?, ?, ?, ?)
                    ON CONFLICT DO NOTHING
                    """, arguments: [scope, key, request.hex, status, Registry.blob(body), now.column])
        }
    }

    /// Takes a key for the caller alone: true for the first who asks, whichever process it is, until the key is forgotten.
    public func claim(scope: String, key: String, now: Instant) throws(RegistryError) -> Bool {
        try write { database in
            try database.execute(
                sql: """
                    INSERT INTO idempotency (scope, key, requestDigest, status, response, at) VALUES (?, ?, '', 204, x'', ?)
                    ON CONFLICT DO NOTHING
                    """, arguments: [scope, key, now.column])
            return database.changesCount == 1
        }
    }

    /// Forgets answers kept before a moment; returns how many.
    @discardableResult
    public func forgetAnswers(before: Instant) throws(RegistryError) -> Int {
        try write { database in
            try database.execute(sql: "DELETE FROM idempotency WHERE at < ?", arguments: [before.column])
            return database.changesCount
        }
    }
}
