// Publishers, their keys and roles, and quarantine of a whole publisher.
import GRDB
public import Marketplace
public import Provenance

/// Someone who publishes plugins and is paid for them.
public struct Publisher: Hashable, Sendable {
    public enum State: String, Sendable {
        case active
        /// Nothing of it may be submitted, listed or newly installed.
        case quarantined
    }

    public let id: PublisherID
    public let name: String
    public let email: String
    /// ISO 3166-1 alpha-2.
    public let country: String
    /// The currency that payouts are made in.
    public let currency: Currency
    public let state: State
    public let stateReason: String?
    public let verifiedDomain: String?
    public let verifiedAt: Instant?
    public let registeredAt: Instant

    init(_ row: Row) throws {
        id = try row.value("id", PublisherID.init)
        name = row["name"]
        email = row["email"]
        country = row["country"]
        currency = try row.value("currency", Currency.init)
        state = try row.value("state", State.init)
        stateReason = row["stateReason"]
        verifiedDomain = row["verifiedDomain"]
        verifiedAt = row.optionalInstant("verifiedAt")
        registeredAt = row.instant("registeredAt")
    }
}

/// A publisher's key and what it is for.
public struct PublisherKey: Hashable, Sendable {
    public enum Role: String, Sendable {
        /// May add and revoke keys, and submit.
        case owner
        /// May submit.
        case submit
    }

    public let publisher: PublisherID
    public let key: VerifyingKey
    public let role: Role
    public let addedAt: Instant
    public let revokedAt: Instant?
    public let revokedReason: String?

    init(_ row: Row) throws {
        publisher = try row.value("publisher", PublisherID.init)
        key = try VerifyingKey(text: row["publicKey"])
        role = try row.value("role", Role.init)
        addedAt = row.instant("addedAt")
        revokedAt = row.optionalInstant("revokedAt")
        revokedReason = row["revokedReason"]
    }
}

extension Registry {
    /// Registers a publisher with its first key, which owns the account.
    @discardableResult
    public func registerPublisher(
        _ id: PublisherID, name: String, email: String, country: String, currency: Currency,
        key: VerifyingKey,
        now: Instant
    ) throws(RegistryError) -> Publisher {
        try write { database in
            try Registry.checkCountry(country)
            let taken = try String.fetchAll(database, sql: "SELECT id FROM publishers ORDER BY id")
            guard !taken.contains(id.text) else {
                throw RegistryError(.conflict, id.text, "is taken; a publisher's id is never given twice")
            }
            if let problem = NameCheck.problem(withPublisher: id, among: taken.compactMap(PublisherID.init)) {
                throw RegistryError(.conflict, id.text, problem)
            }
            try database.execute(
                sql: """
                    INSERT INTO publishers (id, name, email, country, currency, state, registeredAt)
                    VALUES (?, ?, ?, ?, ?, 'active', ?)
                    """, arguments: [id.text, name, email, country, currency.code, now.column])
            try Registry.insertKey(key, of: id, role: .owner, now: now, database)
            return try Registry.publisher(id, database)
        }
    }

    public func publisher(_ id: PublisherID) throws(RegistryError) -> Publisher {
        try read { try Registry.publisher(id, $0) }
    }

    public func publishers() throws(RegistryError) -> [Publisher] {
        try read { try Row.fetchAll($0, sql: "SELECT * FROM publishers ORDER BY id").map(Publisher.init) }
    }

    /// A publisher's keys, oldest first; revoked ones as well when asked for.
    public func keys(of id: PublisherID, includingRevoked: Bool = false) throws(RegistryError)
        -> [PublisherKey]
    {
        try read { try Registry.keys(of: id, includingRevoked: includingRevoked, $0) }
    }

    /// Adds a key. The request is signed by an owner's key over `PublisherKeyChange.add`.
    public func addKey(
        _ key: VerifyingKey, of id: PublisherID, role: PublisherKey.Role, authorisedBy envelope: Envelope,
        now: Instant
    ) throws(RegistryError) {
        try write { database in
            try Registry.authorise(.add(key, role), of: id, envelope, database)
            try Registry.insertKey(key, of: id, role: role, now: now, database)
        }
    }

    /// Puts a new owner's key in the place of an old one in one step; the request is signed by the old key.
    public func rotateKey(
        of id: PublisherID, from old: VerifyingKey, to new: VerifyingKey, authorisedBy envelope: Envelope,
        now: Instant
    ) throws(RegistryError) {
        try write { database in
            let row = try Registry.authorise(.rotate(from: old, to: new), of: id, envelope, by: old, database)
            try Registry.insertKey(new, of: id, role: row.role, now: now, database)
            try Registry.revoke(old, of: id, reason: "rotated", now: now, database)
        }
    }

    /// Revokes a key: nothing signed with it is taken any more. The last owner's key of an account cannot be revoked
    /// by its holder; `byOperator` can.
    public func revokeKey(
        _ key: VerifyingKey, of id: PublisherID, reason: String, byOperator: Bool = false, now: Instant
    ) throws(RegistryError) {
        try write { database in
            let owners = try Registry.keys(of: id, includingRevoked: false, database).filter {
                $0.role == .owner
            }
            if owners.map(\.key) == [key], !byOperator {
                throw RegistryError(
                    .notAllowed, id.text, "would be left without an owner's key; rotate it instead")
            }
            try Registry.revoke(key, of: id, reason: reason, now: now, database)
        }
    }

    /// Quarantines a publisher, or lifts the quarantine with `reason` nil.
    public func setQuarantine(_ id: PublisherID, reason: String?) throws(RegistryError) {
        try write { database in
            _ = try Registry.publisher(id, database)
            try database.execute(
                sql: "UPDATE publishers SET state = ?, stateReason = ? WHERE id = ?",
                arguments: [reason == nil ? "active" : "quarantined", reason, id.text])
        }
    }

    static func publisher(_ id: PublisherID, _ database: Database) throws -> Publisher {
        let row = try Row.fetchOne(
            database, sql: "SELECT * FROM publishers WHERE id = ?", arguments: [id.text])
        guard let row else { throw RegistryError(.notFound, id.text, "is no publisher") }
        return try Publisher(row)
    }

    static func keys(of id: PublisherID, includingRevoked: Bool, _ database: Database) throws
        -> [PublisherKey]
    {
        try Row.fetchAll(
            database,
            sql: """
                SELECT * FROM publisherKeys WHERE publisher = ? AND (? OR revokedAt IS NULL) ORDER BY addedAt, keyID
                """, arguments: [id.text, includingRevoked]
        ).map(PublisherKey.init)
    }

    static func checkCountry(_ country: String) throws {
        guard country.utf8.count == 2, country.utf8.allSatisfy({ (0x41...0x5a).contains($0) }) else {
            throw RegistryError(.invalid, country, "is no ISO 3166-1 country code of two capital letters")
        }
    }

    static func insertKey(
        _ key: VerifyingKey, of id: PublisherID, role: PublisherKey.Role, now: Instant, _ database: Database
    ) throws {
        let owner = try String.fetchOne(
            database, sql: "SELECT publisher FROM publisherKeys WHERE keyID = ?", arguments: [key.keyID])
        guard owner == nil else {
            throw RegistryError(
                .conflict, key.keyID, "is known already; a key belongs to one publisher, once")
        }
        try database.execute(
            sql: """
                INSERT INTO publisherKeys (publisher, keyID, publicKey, role, addedAt) VALUES (?, ?, ?, ?, ?)
                """, arguments: [id.text, key.keyID, key.hex, role.rawValue, now.column])
    }

    private static func revoke(
        _ key: VerifyingKey, of id: PublisherID, reason: String, now: Instant, _ database: Database
    ) throws {
        try database.execute(
            sql: """
                UPDATE publisherKeys SET revokedAt = ?, revokedReason = ?
                WHERE publisher = ? AND keyID = ? AND revokedAt IS NULL
                """, arguments: [now.column, reason, id.text, key.keyID])
        guard database.changesCount == 1 else {
            throw RegistryError(.notFound, key.keyID, "is no valid key of \(id)")
        }
    }

    /// The owner's key that signed a change of keys; throws when none did.
    @discardableResult
    private static func authorise(
        _ change: PublisherKeyChange, of id: PublisherID, _ envelope: Envelope,
        by required: VerifyingKey? = nil,
        _ database: Database
    ) throws -> PublisherKey {
        let owners = try keys(of: id, includingRevoked: false, database).filter { $0.role == .owner }
        for owner in owners where required == nil || owner.key == required {
            let payload = try? envelope.verify(payloadType: PublisherKeyChange.payloadType, keys: [owner.key])
            if payload == change.payload(of: id) { return owner }
        }
        throw RegistryError(.notAllowed, id.text, "the change of keys is not signed by a valid owner's key")
    }
}

/// What an owner signs to change the account's keys.
public enum PublisherKeyChange: Hashable, Sendable {
    case add(VerifyingKey, PublisherKey.Role)
    case rotate(from: VerifyingKey, to: VerifyingKey)

    public static let payloadType = "application/vnd.veroforge.key-change+json"

    public func payload(of publisher: PublisherID) -> [UInt8] {
        var members: [String: JSONValue] = ["publisher": .string(publisher.text)]
        switch self {
        case .add(let key, let role):
            members["add"] = .string(key.hex)
            members["role"] = .string(role.rawValue)
        case .rotate(let old, let new):
            members["from"] = .string(old.hex)
            members["to"] = .string(new.hex)
        }
        return JSONValue.object(members).serializedBytes()
    }

    public func signed(by key: SigningKey, for publisher: PublisherID) -> Envelope {
        Envelope.sign(payload(of: publisher), payloadType: PublisherKeyChange.payloadType, with: [key])
    }
}
