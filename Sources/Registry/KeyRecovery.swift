// Keys that their holder cannot change any more: the operator's way back in, which needs a domain that was proven.
import GRDB
public import Marketplace
public import Provenance

extension Registry {
    /// Puts a new owner's key on an account whose owners' keys are all lost or revoked. The publisher proves that it
    /// still owns the domain that it was verified with: `file` is what the operator's command fetched from it, and
    /// holds a line with the new key.
    public func recover(
        _ id: PublisherID, with key: VerifyingKey, file: String, now: Instant
    ) throws(RegistryError) {
        try write { database in
            let publisher = try Registry.publisher(id, database)
            guard publisher.verifiedDomain != nil else {
                throw RegistryError(
                    .notAllowed, id.text, "has no verified domain to prove a new key with")
            }
            let owners = try Registry.keys(of: id, includingRevoked: false, database).filter {
                $0.role == .owner
            }
            guard owners.isEmpty else {
                throw RegistryError(
                    .notAllowed, id.text, "still has an owner's key; revoke it first, or rotate it")
            }
            let line = Registry.recoveryLine(id, key)
            guard file.split(whereSeparator: \.isNewline).contains(where: { $0.drop { $0 == " " } == line })
            else {
                throw RegistryError(
                    .notAllowed, publisher.verifiedDomain ?? "", "does not hold the line: \(line)")
            }
            try Registry.insertKey(key, of: id, role: .owner, now: now, database)
        }
    }

    /// The line that the publisher puts under `PublisherChallenge.path`.
    public static func recoveryLine(_ id: PublisherID, _ key: VerifyingKey) -> String {
        "veroforge-publisher-key=\(id) \(key.hex)"
    }

    /// Every key that was revoked, with its publisher, oldest first.
    public func revokedKeys() throws(RegistryError) -> [PublisherKey] {
        try read {
            try Row.fetchAll(
                $0,
                sql:
                    "SELECT * FROM publisherKeys WHERE revokedAt IS NOT NULL ORDER BY revokedAt, publisher, keyID"
            ).map(PublisherKey.init)
        }
    }
}
