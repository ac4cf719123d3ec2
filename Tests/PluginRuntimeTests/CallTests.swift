import Foundation
import Marketplace
import Provenance
import Registry
import Testing

@testable import PluginRuntime

@Suite struct CallTests {
    @Test func answeredCallHasItsUsageEvent() async throws {
        let node = try await TestNode.make()
        try node.list()
        _ = try await node.install()
        let answer = try await node.call(["limit": 2])
        #expect(answer.status == 200)
        #expect(answer.json["success"] == true)
        #expect(answer.json["data"]?["given"] == ["limit": 2])
        #expect(answer.headers["ratelimit"]?.hasPrefix("\"calls\";r=") == true)
        let event = try #require(try node.events().last)
        #expect(event["id"] == answer.json["call"])
        #expect(event["calls"] == 1 && event["outcome"] == "ok")
        #expect(event["bytesIn"] == 40 && event["bytesOut"] == 60 && event["executionMs"] == 3)
        #expect(event["time"] == .string(epoch.description))
        await node.end()
    }

    static let endings: [(PluginRun.Ending, UInt, String, Int64)] = [
        (.answer(["success": false, "error": "not-found: no invoice"]), 200, "failed", 0),
        (.answer("text"), 502, "invalid", 0),
        (.answer(["success": true, "data": ["other": 1]]), 502, "invalid", 0),
        (.failed(code: "threw", name: "TypeError", message: "x is undefined"), 502, "failed", 0),
        (.limit("cpu", detail: nil), 502, "cpu", 0),
    ]

    @Test(arguments: endings)
    func onlyWhatSucceededIsBilled(ending: PluginRun.Ending, status: UInt, outcome: String, calls: Int64)
        async throws
    {
        let node = try await TestNode.make(ScriptedStarter { _, _, _ in ending })
        try node.list()
        _ = try await node.install()
        #expect(try await node.call().status == Int(status))
        let event = try #require(try node.events().last)
        #expect(event["outcome"] == .string(outcome))
        #expect(event["calls"] == .integer(calls))
        await node.end()
    }

    @Test func aRunnerThatDiedBetweenCallsCostsNoCall() async throws {
        let starter = ScriptedStarter()
        let node = try await TestNode.make(starter)
        try node.list()
        _ = try await node.install()
        #expect(try await node.call().status == 200)
        let before = starter.started.value
        starter.gone.change { $0 = before }
        #expect(try await node.call().status == 200)
        #expect(starter.started.value == before + 1)
        #expect(try node.events().filter { $0["outcome"] == "failed" }.isEmpty)
        await node.end()
    }

    @Test func runnerEndedByALimitIsReplaced() async throws {
        let runs = Locked(0)
        let starter = ScriptedStarter { _, _, _ in
            runs.change { $0 += 1 }
            return runs.value == 1
                ? .limit("memory", detail: nil) : .answer(["success": true, "data": ["reminded": []]])
        }
        let node = try await TestNode.make(starter)
        try node.list()
        _ = try await node.install()
        let first = try await node.call()
        #expect(first.json["limit"] == "memory")
        #expect(try await node.call().status == 200)
        #expect(starter.started.value == 2)
        await node.end()
    }

    @Test func inputOutsideItsSchemaIsRefusedBeforeTheCall() async throws {
        let node = try await TestNode.make()
        try node.list()
        _ = try await node.install()
        let refused = try await node.call(["limit": 0, "color": "red"])
        #expect(refused.status == 422)
        #expect(refused.json["violations"]?.arrayValue?.count == 2)
        #expect(try await node.ask("POST", TestNode.home + "/actions/fly", [:]).status == 404)
        #expect(try node.events().count == 1)
        await node.end()
    }

    @Test func repetitionKeyGivesTheSameAnswerAndOneEvent() async throws {
        let runs = Locked(0)
        let starter = ScriptedStarter { _, _, _ in
            runs.change { $0 += 1 }
            return .answer(["success": true, "data": ["reminded": [], "run": .integer(Int64(runs.value))]])
        }
        let node = try await TestNode.make(starter)
        try node.list()
        _ = try await node.install()
        let key = ["idempotency-key": "order-1042"]
        let first = try await node.call(["limit": 1], headers: key)
        let second = try await node.call(["limit": 1], headers: key)
        #expect(first.body == second.body)
        #expect(second.headers["idempotency-replayed"] == "true")
        #expect(runs.value == 1)
        #expect(try node.events().filter { $0["action"] == "remind" }.count == 1)
        #expect(try await node.call(["limit": 2], headers: key).status == 409)
        await node.end()
    }

    @Test func tokenIsForOneTenantOnly() async throws {
        let node = try await TestNode.make()
        try node.list()
        _ = try await node.install()
        #expect(try await node.ask("GET", TestNode.home, token: node.rivalToken).status == 403)
        #expect(try await node.ask("GET", TestNode.home, token: node.publisherToken).status == 403)
        #expect(
            try await node.ask("GET", TestNode.home, token: "vft_t_" + String(repeating: "0", count: 64))
                .status == 401)
        let without = await node.service.api.respond(to: try APIRequest(method: "GET", target: TestNode.home))
        #expect(without.status == 401)
        #expect(without.headers["www-authenticate"]?.hasPrefix("Bearer") == true)
        #expect(without.headers["content-type"] == "application/problem+json")
        await node.end()
    }

    @Test func revokedTokenIsRefusedWithinSeconds() async throws {
        let node = try await TestNode.make()
        let issued = try node.registry.issueToken(for: .tenant(acme), now: epoch)
        #expect(try await node.ask("GET", "/v1/tenants/acme/plugins", token: issued.token).status == 200)
        try node.registry.revokeToken(issued.record.id, now: epoch)
        try await Task.sleep(for: .seconds(TokenCache.keptSeconds) + .milliseconds(200))
        #expect(try await node.ask("GET", "/v1/tenants/acme/plugins", token: issued.token).status == 401)
        await node.end()
    }

    @Test func callsBeyondTheRateWait() async throws {
        let node = try await TestNode.make { $0.callsPerSecond = 1 }
        try node.list()
        _ = try await node.install()
        var answers: [APIResponse] = []
        for _ in 0..<40 { answers.append(try await node.call()) }
        #expect(answers.prefix(2).map(\.status) == [200, 200])
        let refused = try #require(answers.first { $0.status == 429 })
        #expect(refused.headers["retry-after"] == "1")
        await node.end()
    }

    @Test func webhookReachesItsActionWithBodyAndHeaders() async throws {
        let starter = ScriptedStarter { _, data, _ in
            data["headers"]?["x-signature"] == "good"
                ? .answer(["success": true, "data": ["challenge": data["body"] ?? .null]])
                : .answer(["success": false, "error": "denied: wrong signature"])
        }
        let node = try await TestNode.make(starter)
        try node.list()
        let id = try await node.install().json["id"]?.stringValue ?? ""
        func deliver(_ signature: String, to id: String) async throws -> APIResponse {
            await node.service.api.respond(
                to: try APIRequest(
                    method: "POST", target: "/v1/hooks/\(id)/hook", headers: ["x-signature": signature],
                    body: Array("raw body".utf8)))
        }
        #expect(try await deliver("good", to: id).json["challenge"] == "raw body")
        #expect(try await deliver("bad", to: id).status == 400)
        #expect(try await deliver("good", to: "in_00000000000000000000000000000000").status == 404)
        await node.end()
    }

    @Test func unknownPathsAndMethodsAreProblems() async throws {
        let node = try await TestNode.make()
        let path = try await node.ask("GET", "/v2/nothing")
        #expect(path.status == 404 && path.json["code"] == "not-found")
        let method = try await node.ask("PATCH", "/v1/tenants/acme/plugins")
        #expect(method.status == 405 && method.headers["allow"] == "GET, HEAD")
        #expect(throws: RuntimeError.self) { try APIRequest(method: "GET", target: "/v1/%zz") }
        await node.end()
    }

    @Test func usageIsWhatTheSegmentsHold() async throws {
        let node = try await TestNode.make()
        try node.list()
        _ = try await node.install()
        for _ in 0..<3 { _ = try await node.call() }
        let usage = try await node.ask("GET", "/v1/tenants/acme/usage?from=2026-01-01&to=2026-01-31")
        let calls = usage.json["rows"]?.arrayValue?.first { $0["metric"] == "calls" }
        #expect(calls?["quantity"] == 3)
        #expect(calls?["day"] == "2026-01-05")
        let other = try await node.ask("GET", "/v1/tenants/rival/usage", token: node.rivalToken)
        #expect(other.json["rows"] == [])
        let publisher = try await node.ask("GET", "/v1/publishers/samples/usage", token: node.publisherToken)
        let counted = publisher.json["rows"]?.arrayValue?.first { $0["metric"] == "calls" }
        #expect(counted?["quantity"] == 3)
        await node.end()
    }

    @Test func submissionLiesInTheInboxUnparsed() async throws {
        let node = try await TestNode.make()
        let bundle = Array("not even an archive".utf8)
        let envelope = Envelope.sign(bundle, payloadType: "text/plain", with: [SigningKey()])
        let signature = Data(envelope.serializedBytes).base64EncodedString()
        func submit(_ headers: [String: String]) async throws -> APIResponse {
            await node.service.api.respond(
                to: try APIRequest(
                    method: "POST", target: "/v1/submissions",
                    headers: headers.merging(["authorization": "Bearer \(node.publisherToken)"]) { a, _ in a
                    },
                    body: bundle))
        }
        #expect(try await submit([:]).status == 422)
        let taken = try await submit(["veroforge-signature": signature])
        #expect(taken.status == 202)
        let id = Digest.sha256(of: bundle).hex
        #expect(taken.json["id"] == .string(id) && taken.json["state"] == "received")
        #expect(try Data(contentsOf: URL(filePath: "\(node.folder)/inbox/\(id).vfp")) == Data(bundle))
        #expect(FileManager.default.fileExists(atPath: "\(node.folder)/inbox/\(id).sig.json"))
        let shown = try await node.ask("GET", "/v1/submissions/\(id)", token: node.publisherToken)
        #expect(shown.json["state"] == "received")
        await node.end()
    }

    @Test func nodeTellsItsStateToMonitors() async throws {
        let node = try await TestNode.make()
        try node.list()
        _ = try await node.install()
        _ = try await node.call()
        func get(_ path: String) async throws -> APIResponse {
            await node.service.api.respond(to: try APIRequest(method: "GET", target: path))
        }
        #expect(try await get("/healthz").status == 200)
        #expect(try await get("/readyz").json["status"] == "ready")
        let metrics = String(decoding: try await get("/metrics").body, as: UTF8.self)
        #expect(metrics.contains("veroforge_calls_total{plugin=\"samples.reminders\",outcome=\"ok\"} 1\n"))
        #expect(metrics.contains("# TYPE veroforge_call_duration_seconds histogram\n"))
        try FileManager.default.removeItem(atPath: "\(node.folder)/site/public")
        await node.service.reconcile()
        #expect(try await get("/readyz").status == 503)
        await node.end()
    }

    @Test func demoClockTimesEventsAndSealsDays() async throws {
        let node = try await TestNode.make()
        try node.list()
        _ = try await node.install()
        _ = try await node.call()
        node.clock.advance(days: 2)
        _ = try await node.call()
        let days = try node.events().compactMap { $0["time"]?.stringValue?.prefix(10) }
        #expect(days == ["2026-01-05", "2026-01-05", "2026-01-07"])
        await node.end()
    }
}
