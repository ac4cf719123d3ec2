// A publisher proves two things: that it holds its key, by signing a challenge, and that it owns a domain, by putting
// a line with the same challenge under `/.well-known/` there. The operator's command fetches the file; this module
// never opens a connection.
import GRDB
public import Marketplace
public import Provenance

/// A challenge that a publisher is to answer.
public struct PublisherChallenge: Hashable, Sendable {
    public static let payloadType = "application/vnd.veroforge.publisher-challenge+json"
    public static let path = "/.well-known/veroforge-publisher.txt"
    /// How long a challenge can be answered.
    public static let lifeMs: Int64 = 7 * 86_400_000

    public let publisher: PublisherID
    public let domain: String
    /// 64 hexadecimal digits.
    public let nonce: String
    public let until: Instant

    /// The line that the file must hold, by itself.
    public var line: String { "veroforge-publisher=\(publisher) \(nonce)" }
    public var url: String { "https://\(domain)\(PublisherChallenge.path)" }

    /// What the publisher signs.
    public var payload: [UInt8] {
        JSONValue.object([
            "publisher": .string(publisher.text), "domain": .string(domain), "nonce": .string(nonce),
        ]).serializedBytes()
    }

    public func signed(by key: SigningKey) -> Envelope {
        Envelope.sign(payload, payloadType: PublisherChallenge.payloadType, with: [key])
    }
}

extension Registry {
    /// Issues a new challenge; an earlier one can no longer be answered.
    public func challengePublisher(
        _ id: PublisherID, domain: String, now: Instant, using random: inout some RandomNumberGenerator
    ) throws(RegistryError) -> PublisherChallenge {
        guard Registry.isDomain(domain) else {
            throw RegistryError(.invalid, domain, "is no domain name in lower case with at least one dot")
        }
        let challenge = PublisherChallenge(
            publisher: id, domain: domain,
            nonce: Hex.encode((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }),
            until: now.adding(milliseconds: PublisherChallenge.lifeMs))
        try write { database in
            _ = try Registry.publisher(id, database)
            try database.execute(
                sql:
                    "UPDATE publishers SET challenge = ?, challengeDomain = ?, challengeUntil = ? WHERE id = ?",
                arguments: [challenge.nonce, domain, challenge.until.column, id.text])
        }
        return challenge
    }

    public func challengePublisher(
        _ id: PublisherID, domain: String, now: Instant
    ) throws(RegistryError) -> PublisherChallenge {
        var random = SystemRandomNumberGenerator()
        return try challengePublisher(id, domain: domain, now: now, using: &random)
    }

    /// The challenge that a publisher has not answered yet.
    public func openChallenge(of id: PublisherID, now: Instant) throws(RegistryError) -> PublisherChallenge? {
        try read { try Registry.openChallenge(of: id, now: now, $0) }
    }

    /// Takes the signed challenge: the publisher holds one of its keys.
    public func provePublisherKey(_ id: PublisherID, signed envelope: Envelope, now: Instant)
        throws(RegistryError)
    {
        try write { database in
            let challenge = try Registry.requireChallenge(of: id, now: now, database)
            let keys = try Registry.keys(of: id, includingRevoked: false, database).map(\.key)
            let payload: [UInt8]
            do {
                payload = try envelope.verify(payloadType: PublisherChallenge.payloadType, keys: keys)
            } catch let error as ProvenanceError {
                throw RegistryError(.notAllowed, id.text, "the challenge \(error.cause)")
            }
            guard payload == challenge.payload else {
                throw RegistryError(.notAllowed, id.text, "signed another challenge than the open one")
            }
            try database.execute(
                sql: "UPDATE publishers SET keyProvenAt = ? WHERE id = ?", arguments: [now.column, id.text])
        }
    }

    /// Takes the file that the operator's command fetched from `challenge.url`. Key and domain proven, the publisher
    /// is verified.
    @discardableResult
    public func provePublisherDomain(
        _ id: PublisherID, file: String, now: Instant
    ) throws(RegistryError) -> Publisher {
        try write { database in
            let challenge = try Registry.requireChallenge(of: id, now: now, database)
            let proven = try Int64.fetchOne(
                database, sql: "SELECT keyProvenAt FROM publishers WHERE id = ?", arguments: [id.text])
            guard proven != nil else {
                throw RegistryError(.notAllowed, id.text, "must sign the challenge with its key first")
            }
            let lines = file.split(whereSeparator: \.isNewline).map { String($0.drop { $0 == " " }) }
            guard lines.contains(challenge.line) else {
                throw RegistryError(.notAllowed, challenge.url, "does not hold the line: \(challenge.line)")
            }
            try database.execute(
                sql: """
                    UPDATE publishers SET verifiedDomain = challengeDomain, verifiedAt = ?, challenge = NULL,
                        challengeDomain = NULL, challengeUntil = NULL WHERE id = ?
                    """, arguments: [now.column, id.text])
            return try Registry.publisher(id, database)
        }
    }

    private static func openChallenge(
        of id: PublisherID, now: Instant, _ database: Database
    ) throws -> PublisherChallenge? {
        let row = try Row.fetchOne(
            database, sql: "SELECT * FROM publishers WHERE id = ?", arguments: [id.text])
        guard let row, let nonce: String = row["challenge"], let domain: String = row["challengeDomain"],
            let until = row.optionalInstant("challengeUntil"), now < until
        else { return nil }
        return PublisherChallenge(publisher: id, domain: domain, nonce: nonce, until: until)
    }

    private static func requireChallenge(
        of id: PublisherID, now: Instant, _ database: Database
    ) throws -> PublisherChallenge {
        guard let challenge = try openChallenge(of: id, now: now, database) else {
            throw RegistryError(.notFound, id.text, "has no open challenge; ask for a new one")
        }
        return challenge
    }

    static func isDomain(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count >= 2, text.utf8.count <= 253, labels.last?.first?.isLetter == true else {
            return false
        }
        return labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy {
                    (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d
                }
        }
    }
}
