import AsyncHTTPClient
import Foundation
import Hummingbird
import Marketplace
import NIOCore
import Provenance
import Registry
import Synchronization
import Testing

@testable import PluginRuntime

/// A plugin's life at a customer: what it needs is locked, updates come as the customer has said, it is told, it rates.
@Suite(.serialized) struct LifeTests {
    static func needing(_ id: String, _ range: String) -> JSONValue {
        var manifest = TestNode.manifest().objectValue!
        manifest["dependencies"] = [.string("\(id)@\(range)")]
        return .object(manifest)
    }

    static func other(_ id: String, _ version: String) -> JSONValue {
        var manifest = TestNode.manifest(version: version).objectValue!
        manifest["id"] = .string(id)
        return .object(manifest)
    }

    @Test func installingWritesTheLock() async throws {
        let node = try await TestNode.make()
        try node.list(Self.other("samples.base", "1.0.0"), bundle: Array("base 1.0.0".utf8))
        try node.list(Self.other("samples.base", "1.2.0"), bundle: Array("base 1.2.0".utf8))
        try node.list(Self.other("samples.base", "2.0.0"), bundle: Array("base 2.0.0".utf8))
        try node.list(Self.needing("samples.base", "^1.0.0"))
        let made = try await node.install()
        #expect(made.status == 201, "\(made.json)")
        #expect(made.json["lock"]?["samples.base"] == "1.2.0")
        #expect(
            try node.registry.installation(of: reminders, for: acme).lock
                == [PluginID("samples.base")!: Version("1.2.0")!])
        await node.end()
    }

    @Test func whatCannotBeResolvedIsRefusedInWords() async throws {
        let node = try await TestNode.make()
        try node.list(Self.other("samples.base", "2.0.0"), bundle: Array("base 2.0.0".utf8))
        try node.list(Self.needing("samples.base", "^1.0.0"))
        let refused = try await node.install()
        #expect(refused.status == 409)
        #expect(refused.json["detail"]?.stringValue?.contains("no version of samples.base fits") == true)
        #expect(try await node.ask("GET", TestNode.home).status == 404)
        await node.end()
    }

    @Test func aSilentUpdateHappensAndTheTenantIsTold() async throws {
        let node = try await TestNode.make()
        try node.list()
        _ = try await node.install()
        try node.registry.setPolicy(of: acme, updates: .automatic, minimumReleaseAgeMs: 0, channel: .stable)
        try node.list(TestNode.manifest(version: "1.1.0"))
        await node.service.deliverNotices()
        #expect(try await node.ask("GET", TestNode.home).json["version"] == "1.1.0")
        let feed = try await node.ask("GET", "/v1/tenants/acme/feed.atom")
        let text = String(decoding: feed.body, as: UTF8.self)
        #expect(feed.status == 200 && text.contains("updated to 1.1.0"), "\(text)")
        // What grows waits for the customer while the version before runs on.
        let more: JSONValue = .array(
            (TestNode.permissions.arrayValue ?? [])
                + [["operation": "readData", "entity": "customers", "purpose": "address them"]])
        try node.list(TestNode.manifest(version: "1.2.0", permissions: more))
        await node.service.deliverNotices()
        #expect(try await node.ask("GET", TestNode.home).json["version"] == "1.1.0")
        #expect(try await node.call().status == 200)
        let waiting = try await node.ask("GET", "/v1/tenants/acme/feed.atom")
        #expect(String(decoding: waiting.body, as: UTF8.self).contains("version 1.2.0 waits for you"))
        #expect(try await node.ask("GET", "/v1/tenants/acme/feed.atom", token: node.rivalToken).status == 403)
        await node.end()
    }

    @Test func aNoticeIsDeliveredSignedAndOnce() async throws {
        let taken = Mutex<[(headers: [String: String], body: [UInt8])]>([])
        let router = Router()
        router.post("/hook") { request, _ -> HTTPResponse.Status in
            var headers: [String: String] = [:]
            for field in request.headers { headers[field.name.canonicalName] = field.value }
            let body = try await request.body.collect(upTo: 1 << 20)
            let isFirst = taken.withLock { list in
                list.append((headers, Array(body.readableBytesView)))
                return list.count == 1
            }
            // The first attempt fails, so that there is a second.
            return isFirst ? .internalServerError : .ok
        }
        let (ports, port) = AsyncStream<Int>.makeStream()
        let server = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { port.yield($0.localAddress?.port ?? 0) })
        let serving = Task { try await server.runService(gracefulShutdownSignals: []) }
        var iterator = ports.makeAsyncIterator()
        let number = await iterator.next() ?? 0
        let node = try await TestNode.make {
            $0.loopbackHosts = ["customer.example.com": "127.0.0.1:\(number)"]
        }
        try node.list()
        _ = try await node.install()
        let set = try await node.ask(
            "PUT", "/v1/tenants/acme/webhook", ["url": "https://customer.example.com/hook"])
        let webhook = try StandardWebhook(secret: set.json["secret"]?.stringValue ?? "")
        try node.registry.yank(reminders, Version("1.0.0")!, reason: "broken", actor: "samples", now: epoch)
        await node.service.deliverNotices()
        await node.service.deliverNotices()
        #expect(taken.withLock { $0.count } == 1, "it backs off first")
        node.clock.advance(days: 1)
        await node.service.deliverNotices()
        await node.service.deliverNotices()
        let all = taken.withLock { $0 }
        #expect(all.count == 2)
        #expect(all.first?.headers["webhook-id"] == all.last?.headers["webhook-id"])
        let last = try #require(all.last)
        #expect(
            webhook.isValid(
                id: last.headers["webhook-id"] ?? "", timestamp: last.headers["webhook-timestamp"] ?? "",
                signatures: last.headers["webhook-signature"] ?? "", body: last.body, now: node.clock.now))
        #expect(try JSONValue.parse(last.body)["type"] == "version.yanked")
        await node.end()
        serving.cancel()
        _ = await serving.result
    }

    @Test func aTenantRatesThePublisherRepliesAModeratorHides() async throws {
        let node = try await TestNode.make()
        try node.list()
        let path = TestNode.home + "/review"
        #expect(try await node.ask("PUT", path, ["stars": 5]).status == 403, "nobody rates what it has not")
        _ = try await node.install()
        #expect(try await node.ask("PUT", path, ["stars": 6]).status == 422)
        let rated = try await node.ask("PUT", path, ["stars": 2, "text": "slow"])
        #expect(rated.status == 200)
        _ = try await node.ask("PUT", path, ["stars": 4, "text": "better"])
        let id = rated.json["id"]?.stringValue ?? ""
        let list = "/v1/catalogue/samples.reminders/reviews"
        let shown = try await node.ask("GET", list)
        #expect(shown.json["count"] == 1 && shown.json["reviews"]?[0]?["edits"] == 1)
        // (5 × 3.5 + 4) ÷ 6
        #expect(shown.json["stars"] == "3.583")
        #expect(!String(decoding: shown.body, as: UTF8.self).contains("acme"))
        let reply = "/v1/publishers/samples/plugins/samples.reminders/reviews/\(id)/reply"
        #expect(try await node.ask("PUT", reply, ["text": "thank you"]).status == 403)
        let answered = try await node.ask("PUT", reply, ["text": "thank you"], token: node.publisherToken)
        #expect(answered.json["reply"] == "thank you")
        let reviewer = try node.registry.issueToken(for: .reviewer("reader"), now: epoch).token
        let moderation = "/v1/catalogue/samples.reminders/reviews/\(id)/moderation"
        #expect(
            try await node.ask("PUT", moderation, ["hidden": "insults"], token: node.publisherToken).status
                == 403)
        #expect(
            try await node.ask("PUT", moderation, ["hidden": "insults"], token: reviewer).status == 204)
        #expect(try await node.ask("GET", list).json["count"] == 0)
        await node.end()
    }

    @Test func theCatalogueIsSearchedAndAPublisherKeepsItsVersions() async throws {
        let node = try await TestNode.make()
        try node.list()
        let found = try await node.ask("GET", "/v1/catalogue?q=overdue&permission=readData")
        #expect(found.json["plugins"]?[0]?["id"] == "samples.reminders")
        #expect(try await node.ask("GET", "/v1/catalogue?q=teapot").json["plugins"] == [])
        let path = "/v1/publishers/samples/versions/samples.reminders/1.0.0"
        let token = node.publisherToken
        let moved = try await node.ask(
            "PATCH", path, ["channel": "beta", "rolloutPercent": 20], token: token)
        #expect(moved.json["channel"] == "beta" && moved.json["rolloutPercent"] == 20)
        #expect(try await node.ask("PATCH", path, ["deprecate": "use 2"], token: token).status == 200)
        #expect(try await node.ask("PATCH", path, ["yank": "broken"], token: token).status == 200)
        #expect(try await node.install().status == 403)
        #expect(try await node.ask("PATCH", path, ["restore": "mended"], token: token).status == 200)
        #expect(try await node.install().status == 201)
        let rows = try await node.ask("GET", "/v1/publishers/samples/versions", token: token)
        #expect(rows.json["versions"]?[0]?["installations"] == 1)
        await node.end()
    }

    @Test func aRemovalByRevocationEndsTheSubscriptionOnce() async throws {
        let node = try await TestNode.make()
        // A node's first look is where it begins to follow the registry's events.
        await node.service.reconcile()
        try node.list()
        _ = try await node.install()
        try node.registry.revoke(
            reminders, Version("1.0.0")!, stage: .removed, reason: "steals",
            evidence: "https://example.com/1",
            actor: "operator", now: epoch)
        for _ in 0..<2 {
            await node.service.reconcile()
            await node.service.deliverNotices()
        }
        #expect(try await node.call().status == 404)
        #expect(try node.events().filter { $0["change"] == "remove" }.count == 1)
        await node.end()
    }
}
