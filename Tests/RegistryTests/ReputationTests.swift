import Foundation
import GRDB
import Marketplace
import Provenance
import TestSupport
import Testing

@testable import Registry

/// What the environment asks of the tests.
enum ProcessFlags {
    static let isFull = ProcessInfo.processInfo.environment["VEROFORGE_TEST_FULL"] != nil
}

@Suite struct ReputationTests {
    static let tool = PluginID("acme.tool")!

    static func installed(_ desk: Desk, for tenants: [TenantID]) throws {
        try desk.list("acme.tool", "1.0.0")
        for tenant in tenants {
            try desk.registry.install(
                tool, for: tenant,
                InstallationRequest(version: Version("1.0.0")!, plan: "free", accepted: PermissionSet([])),
                now: at(0))
        }
    }

    @Test func onlyATenantThatInstalledItRatesAndOnce() throws {
        let desk = try Desk()
        try Self.installed(desk, for: [Desk.tenant])
        #expect(throws: RegistryError.self) {
            try desk.registry.rate(Self.tool, by: Desk.other, stars: 5, text: "", now: at(1))
        }
        for stars in [0, 6] {
            #expect(throws: RegistryError.self) {
                try desk.registry.rate(Self.tool, by: Desk.tenant, stars: stars, text: "", now: at(1))
            }
        }
        try desk.registry.rate(Self.tool, by: Desk.tenant, stars: 2, text: "Slow.", now: at(1))
        let edited = try desk.registry.rate(Self.tool, by: Desk.tenant, stars: 4, text: "Mended.", now: at(2))
        #expect(edited.createdAt == at(1) && edited.updatedAt == at(2))
        #expect(try desk.registry.ratings(of: Self.tool).count == 1)
        #expect(try desk.registry.ratingHistory(of: Self.tool, by: Desk.tenant).map(\.text) == ["Slow."])
    }

    @Test func thePublisherRepliesAndAModeratorHides() throws {
        let desk = try Desk()
        try Self.installed(desk, for: [Desk.tenant])
        try desk.registry.rate(Self.tool, by: Desk.tenant, stars: 1, text: "x", now: at(1))
        #expect(throws: RegistryError.self) {
            try desk.registry.reply(
                to: Desk.tenant, about: Self.tool, by: PublisherID("someone")!, text: "hi", now: at(2))
        }
        #expect(
            try desk.registry.reply(
                to: Desk.tenant, about: Self.tool, by: Desk.acme, text: "Sorry.", now: at(2)
            ).reply
                == "Sorry.")
        try desk.registry.moderate(Self.tool, by: Desk.tenant, hiddenReason: "abuse")
        #expect(try desk.registry.ratings(of: Self.tool).isEmpty)
        #expect(try desk.registry.ratings(of: Self.tool, includingHidden: true).count == 1)
        #expect(try desk.registry.ratingSummary(of: Self.tool).count == 0)
    }

    @Test func fewRatingsAreDrawnTowardsTheMiddle() {
        func mean(_ histogram: [Int]) -> Int64 {
            RatingSummary(count: histogram.reduce(0, +), histogram: histogram).milliStars
        }
        #expect(mean([0, 0, 0, 0, 0]) == 3_500)
        #expect(mean([0, 0, 0, 0, 1]) == 3_750)
        #expect(mean([0, 0, 0, 0, 995]) == 4_993)
        #expect(mean([1, 0, 0, 0, 0]) == 3_083)
        #expect(mean([0, 0, 0, 0, 20]) > mean([0, 0, 0, 0, 2]), "many good ratings stand above few")
    }

    @Test func anAcceptedFindingIsNotRaisedAgainUntilItExpires() throws {
        let desk = try Desk()
        let known = FindingKey(fingerprint: "f1", file: digest("file"))
        let new = FindingKey(fingerprint: "f2", file: digest("file"))
        try desk.registry.accept(
            known, of: Self.tool, rule: "eval", reason: "a template engine", by: "ada", expiresAt: at(100),
            now: at(0))
        let first = try desk.registry.matchAcceptances(of: Self.tool, findings: [known, new], now: at(1))
        #expect(first.accepted == [known] && first.unmatched.isEmpty)
        // The file changed: the finding is a new one, and the acceptance matches nothing any more.
        let changed = FindingKey(fingerprint: "f1", file: digest("file, changed"))
        let second = try desk.registry.matchAcceptances(of: Self.tool, findings: [changed], now: at(2))
        #expect(second.accepted.isEmpty && second.unmatched.map(\.fingerprint) == ["f1"])
        #expect(
            try desk.registry.matchAcceptances(of: Self.tool, findings: [known], now: at(100)).accepted
                .isEmpty)
        #expect(
            try desk.registry.matchAcceptances(of: PluginID("acme.else")!, findings: [known], now: at(1))
                .accepted.isEmpty)
        #expect(throws: RegistryError.self) {
            try desk.registry.accept(
                known, of: Self.tool, rule: "eval", reason: "", by: "ada", expiresAt: at(100), now: at(0))
        }
    }

    @Test func aPublisherIsVerifiedByItsKeyAndItsDomain() throws {
        let desk = try Desk()
        var random = SeededRandom(3)
        #expect(throws: RegistryError.self) {
            try desk.registry.challengePublisher(Desk.acme, domain: "localhost", now: at(0), using: &random)
        }
        let challenge = try desk.registry.challengePublisher(
            Desk.acme, domain: "acme.example.com", now: at(0), using: &random)
        #expect(challenge.url == "https://acme.example.com/.well-known/veroforge-publisher.txt")
        #expect(throws: RegistryError.self) {
            try desk.registry.provePublisherDomain(Desk.acme, file: challenge.line, now: at(1))
        }
        #expect(throws: RegistryError.self) {
            try desk.registry.provePublisherKey(
                Desk.acme, signed: challenge.signed(by: fixedKey(9)), now: at(1))
        }
        try desk.registry.provePublisherKey(Desk.acme, signed: challenge.signed(by: fixedKey(1)), now: at(1))
        #expect(throws: RegistryError.self) {
            try desk.registry.provePublisherDomain(Desk.acme, file: "something else", now: at(1))
        }
        let publisher = try desk.registry.provePublisherDomain(
            Desk.acme, file: "# for the marketplace\r\n\(challenge.line)\r\n", now: at(2))
        #expect(publisher.verifiedDomain == "acme.example.com" && publisher.verifiedAt == at(2))
        #expect(try desk.registry.openChallenge(of: Desk.acme, now: at(3)) == nil)
    }

    @Test func anOldChallengeCannotBeAnswered() throws {
        let desk = try Desk()
        let first = try desk.registry.challengePublisher(Desk.acme, domain: "acme.example.com", now: at(0))
        _ = try desk.registry.challengePublisher(Desk.acme, domain: "acme.example.com", now: at(1))
        #expect(throws: RegistryError.self) {
            try desk.registry.provePublisherKey(Desk.acme, signed: first.signed(by: fixedKey(1)), now: at(2))
        }
        let late = at(1).adding(milliseconds: PublisherChallenge.lifeMs)
        #expect(try desk.registry.openChallenge(of: Desk.acme, now: late) == nil)
    }

    /// The questions asked for every request or item must be answered by an index, not by reading a table through.
    @Test(arguments: [
        "SELECT * FROM tokens WHERE digest = 'x'",
        "SELECT * FROM submissions WHERE state = 'received' ORDER BY attempts, receivedAt, id LIMIT 10",
        "SELECT * FROM installations WHERE tenant = 't' AND plugin = 'p' AND state <> 'removed'",
        "SELECT * FROM installations WHERE plugin = 'p' AND version = '1' AND state <> 'removed'",
        "SELECT * FROM versions WHERE plugin = 'p'",
        "SELECT * FROM transitions WHERE submission = 's' ORDER BY id",
        "SELECT * FROM decisions WHERE submission = 's' ORDER BY id",
        "SELECT * FROM installationEvents WHERE tenant = 't' AND id > 1 ORDER BY id LIMIT 5",
        "SELECT * FROM dependencies WHERE dependency = 'p'",
        "SELECT * FROM idempotency WHERE scope = 's' AND key = 'k'",
    ])
    func questionsOfEveryRequestUseAnIndex(_ sql: String) throws {
        let desk = try Desk()
        let plan = try desk.registry.read { database in
            try Row.fetchAll(database, sql: "EXPLAIN QUERY PLAN \(sql)").map { $0["detail"] as String }
        }
        #expect(plan.allSatisfy { $0.hasPrefix("SEARCH") }, "\(plan)")
    }
}
