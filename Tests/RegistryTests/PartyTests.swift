import Foundation
import GRDB
import Marketplace
import Provenance
import TestSupport
import Testing

@testable import Registry

@Suite struct PartyTests {
    @Test func aDatabaseOfANewerVersionIsRefusedAndLeftAlone() throws {
        let path = NSTemporaryDirectory() + "registry-newer-\(UUID().uuidString).sqlite"
        defer {
            for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
        }
        try Registry.open(path: path).close()
        let queue = try DatabaseQueue(path: path)
        try queue.write {
            try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('2099-01 from the future')")
        }
        try queue.close()
        #expect {
            _ = try Registry.open(path: path)
        } throws: { ($0 as? RegistryError)?.code == .newerDatabase }
    }

    @Test func everyTableIsStrict() throws {
        let desk = try Desk()
        let loose = try desk.registry.read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
                        AND name NOT LIKE 'grdb_%' AND sql NOT LIKE '%STRICT%'
                    """)
        }
        #expect(loose.isEmpty)
    }

    @Test func anIDIsNeverGivenTwice() throws {
        let desk = try Desk()
        #expect {
            try desk.registry.registerPublisher(
                Desk.acme, name: "x", email: "x@example.com", country: "DE", currency: Currency("EUR")!,
                key: fixedKey(9).verifyingKey, now: at(0))
        } throws: { ($0 as? RegistryError)?.code == .conflict }
    }

    @Test(arguments: ["admin", "acrne", "acme-", "veroforqe", "ver0forge", "verofoge"])
    func namesThatPassForOthersAreRefused(_ name: String) throws {
        let desk = try Desk()
        guard let id = PublisherID(name) else { return }
        #expect(throws: RegistryError.self) {
            try desk.registry.registerPublisher(
                id, name: "x", email: "x@example.com", country: "DE", currency: Currency("EUR")!,
                key: fixedKey(9).verifyingKey, now: at(0))
        }
    }

    @Test func aKeyBelongsToOnePublisher() throws {
        let desk = try Desk()
        #expect(throws: RegistryError.self) {
            try desk.registry.registerPublisher(
                PublisherID("bluebird")!, name: "x", email: "x@example.com", country: "DE",
                currency: Currency("EUR")!, key: fixedKey(1).verifyingKey, now: at(0))
        }
    }

    @Test func onlyAnOwnersSignatureChangesKeys() throws {
        let desk = try Desk()
        let change = PublisherKeyChange.add(fixedKey(2).verifyingKey, .submit)
        #expect(throws: RegistryError.self) {
            try desk.registry.addKey(
                fixedKey(2).verifyingKey, of: Desk.acme, role: .submit,
                authorisedBy: change.signed(by: fixedKey(2), for: Desk.acme), now: at(1))
        }
        try desk.registry.addKey(
            fixedKey(2).verifyingKey, of: Desk.acme, role: .submit,
            authorisedBy: change.signed(by: fixedKey(1), for: Desk.acme), now: at(1))
        // A submit key may not add keys, and a signed request may not be stretched to another role.
        let owner = PublisherKeyChange.add(fixedKey(3).verifyingKey, .owner)
        #expect(throws: RegistryError.self) {
            try desk.registry.addKey(
                fixedKey(3).verifyingKey, of: Desk.acme, role: .owner,
                authorisedBy: owner.signed(by: fixedKey(2), for: Desk.acme), now: at(2))
        }
        #expect(throws: RegistryError.self) {
            try desk.registry.addKey(
                fixedKey(3).verifyingKey, of: Desk.acme, role: .submit,
                authorisedBy: owner.signed(by: fixedKey(1), for: Desk.acme), now: at(2))
        }
    }

    @Test func aRotatedKeyIsRevokedInTheSameStep() throws {
        let desk = try Desk()
        let (old, new) = (fixedKey(1).verifyingKey, fixedKey(2).verifyingKey)
        let signed = PublisherKeyChange.rotate(from: old, to: new).signed(by: fixedKey(1), for: Desk.acme)
        try desk.registry.rotateKey(of: Desk.acme, from: old, to: new, authorisedBy: signed, now: at(1))
        #expect(try desk.registry.keys(of: Desk.acme).map(\.key) == [new])
        #expect(try desk.registry.keys(of: Desk.acme, includingRevoked: true).count == 2)
        #expect(throws: RegistryError.self) {
            try desk.registry.revokeKey(new, of: Desk.acme, reason: "lost", now: at(2))
        }
        try desk.registry.revokeKey(new, of: Desk.acme, reason: "stolen", byOperator: true, now: at(2))
        #expect(try desk.registry.keys(of: Desk.acme).isEmpty)
    }

    @Test func aQuarantinedPublisherCannotSubmitNorBeInstalled() throws {
        let desk = try Desk()
        try desk.list("acme.tool", "1.0.0")
        try desk.registry.setQuarantine(Desk.acme, reason: "stolen key")
        #expect(throws: RegistryError.self) {
            try desk.registry.receive(bundle: digest("b"), byteCount: 1, publisher: Desk.acme, now: at(1))
        }
        #expect(throws: RegistryError.self) {
            try desk.registry.install(
                PluginID("acme.tool")!, for: Desk.tenant,
                InstallationRequest(version: Version("1.0.0")!, plan: "free", accepted: PermissionSet([])),
                now: at(1))
        }
        try desk.registry.setQuarantine(Desk.acme, reason: nil)
        _ = try desk.registry.receive(bundle: digest("b"), byteCount: 1, publisher: Desk.acme, now: at(2))
    }

    @Test func aTokenIsStoredAsItsDigestAndSpeaksForOneHolder() throws {
        let desk = try Desk()
        var random = SeededRandom(1)
        let (token, record) = try desk.registry.issueToken(
            for: .tenant(Desk.tenant), now: at(0), using: &random)
        #expect(try desk.registry.authenticate(token, now: at(1))?.holder == .tenant(Desk.tenant))
        #expect(try desk.registry.authenticate(token + "0", now: at(1)) == nil)
        let file = try Data(contentsOf: URL(fileURLWithPath: desk.folder + "/registry.sqlite-wal"))
        #expect(file.range(of: Data(token.utf8)) == nil)
        try desk.registry.revokeToken(record.id, now: at(2))
        #expect(try desk.registry.authenticate(token, now: at(3)) == nil)
        #expect(throws: RegistryError.self) {
            try desk.registry.issueToken(for: .tenant(TenantID("nobody")!), now: at(0))
        }
    }

    @Test func anExpiredTokenIsNoToken() throws {
        let desk = try Desk()
        let (token, _) = try desk.registry.issueToken(for: .reviewer("ada"), expiresAt: at(10), now: at(0))
        #expect(try desk.registry.authenticate(token, now: at(9)) != nil)
        #expect(try desk.registry.authenticate(token, now: at(10)) == nil)
    }

    @Test func aCredentialLiesSealedInTheDatabase() throws {
        let desk = try Desk()
        #expect(
            try desk.registry.credential(of: Desk.tenant, openedBy: desk.sealed)
                == Array("credential of field-service".utf8))
        let file = try Data(contentsOf: URL(fileURLWithPath: desk.folder + "/registry.sqlite-wal"))
        #expect(file.range(of: Data("credential of".utf8)) == nil)
        // A sealed value moved to another tenant's row does not open there.
        try desk.registry.write { database in
            try database.execute(
                sql:
                    "UPDATE tenants SET credential = (SELECT credential FROM tenants WHERE id = 'field-service')"
            )
        }
        #expect(throws: RegistryError.self) {
            try desk.registry.credential(of: Desk.other, openedBy: desk.sealed)
        }
    }

    @Test func anIdempotencyKeyAnswersTheSameRequestAlike() throws {
        let desk = try Desk()
        let (one, two) = (digest("request 1"), digest("request 2"))
        #expect(try desk.registry.idempotency(scope: "t", key: "k", request: one) == .new)
        try desk.registry.keepAnswer(scope: "t", key: "k", request: one, status: 201, body: [1], now: at(0))
        #expect(
            try desk.registry.idempotency(scope: "t", key: "k", request: one)
                == .answered(status: 201, body: [1]))
        #expect(try desk.registry.idempotency(scope: "t", key: "k", request: two) == .different)
        #expect(try desk.registry.idempotency(scope: "u", key: "k", request: two) == .new)
        #expect(try desk.registry.forgetAnswers(before: at(1)) == 1)
    }

    @Test func aBackupIsAWholeRegistry() throws {
        let desk = try Desk()
        try desk.list("acme.tool", "1.0.0")
        try desk.registry.backup(to: desk.folder + "/copy.sqlite")
        let copy = try Registry.open(path: desk.folder + "/copy.sqlite")
        #expect(try copy.listings() == desk.registry.listings())
        try copy.close()
        #expect(throws: RegistryError.self) { try desk.registry.backup(to: desk.folder + "/copy.sqlite") }
    }
}
