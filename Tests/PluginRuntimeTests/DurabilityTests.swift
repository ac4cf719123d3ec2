import Foundation
import Logging
import Marketplace
import Metering
import Registry
import Sandbox
import SimulatedServers
import TestSupport
import Testing

@testable import PluginRuntime

/// What is recorded, and what is not recorded twice, when things go wrong.
@Suite(.serialized) struct DurabilityTests {
    /// Fails the first attempt of each key by a limit.
    private static func failsOnce() -> ScriptedStarter {
        let seen = Locked(0)
        return ScriptedStarter { _, _, _ in
            seen.change { $0 += 1 }
            return seen.value == 1
                ? .limit("wall", detail: nil) : .answer(["success": true, "data": ["reminded": []]])
        }
    }

    @Test func anAttemptThatFailedAndItsRepetitionAreTwoEvents() async throws {
        let node = try await TestNode.make(Self.failsOnce())
        try node.list()
        _ = try await node.install()
        #expect(try await node.call(headers: ["idempotency-key": "a"]).status == 502)
        let second = try await node.call(headers: ["idempotency-key": "a"])
        #expect(second.status == 200)
        let events = try node.events().filter { $0["outcome"] != nil }
        #expect(events.map { $0["outcome"]?.stringValue } == ["wall", "ok"])
        #expect(events.map { $0["calls"]?.integerValue } == [0, 1])
        #expect(events[1]["id"] == second.json["call"] && events[0]["id"] != events[1]["id"])
        await node.end()
    }

    @Test func aCallWhoseAnswerWasLostIsRecordedOnceHoweverLateItComesAgain() async throws {
        let folder = NSTemporaryDirectory() + "unanswered-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let day = epoch.day
        let path = "\(folder)/runtime/unanswered.json"
        func record(_ id: String, _ calls: UnansweredCalls, _ writer: SegmentWriter, on day: Day) throws
            -> Bool
        {
            guard calls.begin(id, on: day) else { return false }
            let event = StorageSample(
                id: id, time: day.start, tenant: acme, plugin: reminders, version: "1.0.0", plan: "free",
                storageBytes: 1)
            calls.recorded(try writer.append(.storage(event)))
            return true
        }
        var calls = UnansweredCalls(path: path, usage: folder, node: "a")
        var writer = try SegmentWriter(usage: folder, node: "a")
        #expect(try record("k1", calls, writer, on: day))
        #expect(try record("k1-amount-1", calls, writer, on: day))
        #expect(try record("k2", calls, writer, on: day))
        calls.answered("k2")
        try calls.checkpoint(day, keptDays: 30)
        #expect(try record("k3", calls, writer, on: day))
        #expect(try record("x", calls, writer, on: day))
        #expect(try record("x", calls, writer, on: day), "ids without a key are not remembered")
        // A crash, and a start 20 days later: k1 from the checkpoint, k3 from the segment.
        try writer.close()
        calls = UnansweredCalls(path: path, usage: folder, node: "a")
        writer = try SegmentWriter(usage: folder, node: "a")
        let later = day.adding(days: 20)
        #expect(calls.count == 2)
        #expect(try !record("k1", calls, writer, on: later))
        #expect(try !record("k1-amount-1", calls, writer, on: later))
        #expect(try !record("k3", calls, writer, on: later))
        #expect(
            try record("k2", calls, writer, on: later),
            "its answer is kept, so it is the registry's to refuse")
        // A key that is forgotten is forgotten here as well.
        calls.answered("k2")
        try calls.checkpoint(day.adding(days: 32), keptDays: 30)
        #expect(calls.count == 0)
        try writer.close()
    }

    /// The disk of the usage segments is a tmpfs of 64 KiB: billable calls stop with 503, and go on once there is room.
    @Test func aFullDiskStopsCallsInsteadOfLosingThem() async throws {
        let node = try await TestNode.make()
        try node.list()
        await node.service.close()
        let usage = "\(node.folder)/usage"
        #expect(try Tool.run("/bin/mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", usage]).code == 0)
        defer { _ = try? Tool.run("/bin/umount", ["-l", usage]) }
        let parts = try RuntimeParts(
            node.configuration, resolver: .table([:]),
            clock: RuntimeClock { [clock = node.clock] in clock.now },
            logger: .init(label: "full")
        ) { _ in ScriptedStarter() }
        node.service = RuntimeService(
            node.configuration, parts,
            pools: SandboxPools(Isolations.of(executable: "", seccompList: ""), spares: 0),
            logger: .init(label: "full"))
        #expect(try await node.install().status == 201)
        var acknowledged = 0
        var refused: APIResponse?
        for _ in 0..<2_000 {
            let answer = try await node.call()
            guard answer.status == 200 else {
                refused = answer
                break
            }
            acknowledged += 1
        }
        let problem = try #require(refused)
        #expect(problem.status == 503 && problem.json["code"] == "usage-not-recorded", "\(problem.json)")
        #expect(problem.headers["retry-after"] != nil)
        #expect(acknowledged > 20)
        #expect(try node.events().filter { $0["calls"] == 1 }.count == acknowledged)
        let ready = await node.service.api.respond(to: try APIRequest(method: "GET", target: "/readyz"))
        #expect(ready.status == 503 && ready.json["checks"]?["usage"] != "ok")
        #expect(try Tool.run("/bin/mount", ["-o", "remount,size=1m", usage]).code == 0)
        try await Task.sleep(for: .milliseconds(1_100))
        #expect(try await node.call().status == 200)
        #expect(try node.events().filter { $0["calls"] == 1 }.count == acknowledged + 1)
        // A new day's segment begins on a full disk, and again once there is room.
        let filler = "\(usage)/filler"
        _ = try Tool.run("/bin/dd", ["if=/dev/zero", "of=\(filler)", "bs=4k"])
        node.clock.advance(days: 1)
        #expect(try await node.call().status == 503)
        try? FileManager.default.removeItem(atPath: filler)
        try await Task.sleep(for: .milliseconds(1_100))
        #expect(try await node.call().status == 200)
        await node.service.close()
        #expect(try SegmentFolderReader(folder: usage).allSealed())
        await node.application.stop()
        await node.rivalApplication.stop()
    }

    /// A version that is revoked to the last stage goes without anybody calling the API: billing must hear of it once.
    @Test func aRemovalThatOthersMakeIsASubscriptionEventOnce() async throws {
        let node = try await TestNode.make()
        try node.list()
        _ = try await node.install()
        await node.service.reconcile()
        try node.registry.revoke(
            reminders, Version("1.0.0")!, stage: .removed, reason: "leaks", evidence: "report 7",
            actor: "operator",
            now: epoch)
        await node.service.reconcile()
        await node.service.reconcile()
        func removals() throws -> [JSONValue] {
            try node.events().filter { $0["kind"] == "subscription" && $0["change"] == "remove" }
        }
        #expect(try removals().count == 1)
        #expect(try await node.call().status == 404)
        await node.end()
    }

    @Test func aRemovalThroughTheAPIIsASubscriptionEventOnce() async throws {
        let node = try await TestNode.make()
        try node.list()
        await node.service.reconcile()
        _ = try await node.install()
        #expect(try await node.ask("DELETE", TestNode.home).status == 204)
        await node.service.reconcile()
        #expect(try node.events().filter { $0["change"] == "remove" }.count == 1)
        await node.end()
    }

    /// A node that is started again on the same day looks again, and finds other bytes.
    @Test func storageIsSampledOnceADayHoweverOftenItIsLookedAt() async throws {
        let node = try await TestNode.make()
        try node.list()
        _ = try await node.install()
        func store(_ bytes: Int) throws {
            _ = try node.registry.store(
                [UInt8](repeating: 1, count: bytes), under: "key", of: reminders, for: acme,
                quotaBytes: 1 << 20, now: node.clock.now)
        }
        func samples() throws -> [Int64?] {
            try node.events().filter { $0["kind"] == "storage" }.map { $0["storageBytes"]?.integerValue }
        }
        try store(100)
        await node.service.upkeep.sampleStorage(node.clock.now)
        let first = try samples()
        #expect(first.count == 1)
        try store(5_000)
        await node.service.upkeep.sampleStorage(node.clock.now.adding(seconds: 3_600))
        #expect(try samples() == first)
        node.clock.advance(days: 1)
        await node.service.upkeep.sampleStorage(node.clock.now)
        #expect(try samples().count == 2)
        await node.end()
    }

    @Test func aPluginThatBreaksAtEveryCallWaitsBetweenCalls() async throws {
        let starter = ScriptedStarter { _, data, _ in
            data["mode"] == "break"
                ? .limit("memory", detail: nil) : .answer(["success": true, "data": ["reminded": []]])
        }
        let node = try await TestNode.make(starter)
        try node.list()
        _ = try await node.install()
        for _ in 0..<8 { #expect(try await node.call(["mode": "break"]).status == 502) }
        let waiting = try await node.call()
        #expect(waiting.status == 503 && waiting.headers["retry-after"] == "1", "\(waiting.json)")
        try await Task.sleep(for: .milliseconds(600))
        #expect(try await node.call().status == 200)
        #expect(try await node.call(["mode": "break"]).status == 502)
        #expect(try await node.call().status == 200, "one break among good calls costs no wait")
        await node.end()
    }
}
