// Findings that a reviewer has accepted once: the same finding in the same file is not raised again until the
// acceptance expires. An acceptance that matches nothing any more is itself reported.
import GRDB
public import Marketplace

/// A finding that somebody has looked at and let pass.
public struct Acceptance: Hashable, Sendable {
    public let fingerprint: String
    public let file: Marketplace.Digest
    public let plugin: PluginID
    public let rule: String
    public let reason: String
    public let acceptedBy: String
    public let acceptedAt: Instant
    public let expiresAt: Instant
    /// When a scan last raised the finding.
    public let matchedAt: Instant?

    init(_ row: Row) throws {
        fingerprint = row["fingerprint"]
        file = try row.value("fileDigest") { Marketplace.Digest(hex: $0) }
        plugin = try row.value("plugin", PluginID.init)
        rule = row["rule"]
        reason = row["reason"]
        acceptedBy = row["acceptedBy"]
        acceptedAt = row.instant("acceptedAt")
        expiresAt = row.instant("expiresAt")
        matchedAt = row.optionalInstant("matchedAt")
    }
}

/// A finding as acceptances know it.
public struct FindingKey: Hashable, Sendable {
    public let fingerprint: String
    public let file: Marketplace.Digest

    public init(fingerprint: String, file: Marketplace.Digest) {
        self.fingerprint = fingerprint
        self.file = file
    }
}

extension Registry {
    /// Accepts a finding until a moment; accepting it again renews it.
    public func accept(
        _ finding: FindingKey, of plugin: PluginID, rule: String, reason: String, by reviewer: String,
        expiresAt: Instant, now: Instant
    ) throws(RegistryError) {
        try write { database in
            guard !reason.isEmpty else {
                throw RegistryError(.invalid, "reason", "is needed to accept a finding")
            }
            guard now < expiresAt else { throw RegistryError(.invalid, "expiry", "lies in the past") }
            try database.execute(
                sql: """
                    INSERT INTO acceptances
                        (fingerprint, fileDigest, plugin, rule, reason, acceptedBy, acceptedAt, expiresAt)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT DO UPDATE SET reason = excluded.reason, acceptedBy = excluded.acceptedBy,
                        acceptedAt = excluded.acceptedAt, expiresAt = excluded.expiresAt
                    """,
                arguments: [
                    finding.fingerprint, finding.file.hex, plugin.text, rule, reason, reviewer, now.column,
                    expiresAt.column,
                ])
        }
    }

    /// Sorts the findings of a scan of a plugin: which are accepted, and which acceptances match none of them.
    public func matchAcceptances(
        of plugin: PluginID, findings: [FindingKey], now: Instant
    ) throws(RegistryError) -> (accepted: Set<FindingKey>, unmatched: [Acceptance]) {
        try write { database in
            let valid = try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM acceptances WHERE plugin = ? AND expiresAt > ? ORDER BY rule, fingerprint, fileDigest
                    """, arguments: [plugin.text, now.column]
            ).map(Acceptance.init)
            let raised = Set(findings)
            var accepted: Set<FindingKey> = []
            var unmatched: [Acceptance] = []
            for acceptance in valid {
                let key = FindingKey(fingerprint: acceptance.fingerprint, file: acceptance.file)
                guard raised.contains(key) else {
                    unmatched.append(acceptance)
                    continue
                }
                accepted.insert(key)
                try database.execute(
                    sql: "UPDATE acceptances SET matchedAt = ? WHERE fingerprint = ? AND fileDigest = ?",
                    arguments: [now.column, key.fingerprint, key.file.hex])
            }
            return (accepted, unmatched)
        }
    }

    public func acceptances(of plugin: PluginID) throws(RegistryError) -> [Acceptance] {
        try read {
            try Row.fetchAll(
                $0, sql: "SELECT * FROM acceptances WHERE plugin = ? ORDER BY rule, fingerprint, fileDigest",
                arguments: [plugin.text]
            ).map(Acceptance.init)
        }
    }
}
