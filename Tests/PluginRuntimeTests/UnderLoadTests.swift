import Foundation
import Glibc
import Marketplace
import Metering
import SimulatedServers
import TestSupport
import Testing

@testable import PluginRuntime

/// What holds while calls come in without a pause: kills, and copies of the data directory.
@Suite(
    .serialized,
    .enabled(if: StoredZip.workerUnpacks, "this build's veroforge-worker does not unpack bundles"))
struct UnderLoadTests {
    /// A client that sees no answer asks again with the same key. Whatever moment the process dies at, the calls that
    /// were acknowledged in the end are the usage events, one each. Three kills a seed.
    @Test(arguments: (0..<Rounds.count(full: 10)).map { UInt64(11 + $0) })
    func acknowledgedCallsAreTheUsageEventsAfterKills(seed: UInt64) async throws {
        var random = SeededRandom(seed)
        let node = try await TestNode.withLivePlugin()
        let calls = Calls(node.token)
        for round in 0..<3 {
            let program = try await start(node.folder)
            if round == 0 { try await install(node, program.url) }
            let before = calls.acknowledged.value.count
            let load = calls.begin(program.url)
            // Some of the calls have to be on their way: a kill that meets nobody shows nothing.
            while calls.acknowledged.value.count < before + 10 { try await Task.sleep(for: .milliseconds(5)) }
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...300, using: &random)))
            program.send(SIGKILL)
            await load.value
            #expect(await program.finish().code == -SIGKILL)
            #expect(calls.unanswered.count > 0, "the kill met a call")
            #expect(
                Set(try node.events().filter { $0["calls"] == 1 }.compactMap { $0["id"]?.stringValue })
                    .isSuperset(of: calls.acknowledged.value.values), "an acknowledged call has its event")
        }
        let program = try await start(node.folder)
        await calls.askAgain(program.url)
        program.send(SIGTERM)
        #expect(await program.finish().code == 0)
        #expect(calls.unanswered.isEmpty)
        try expectOneEventEach(node.folder, calls)
        await end(node)
    }

    /// A copy that is taken while calls come in holds every call that was acknowledged before it began, and a runtime
    /// over it goes on as after a crash: what is asked again is answered, and nothing counts twice.
    @Test func aBackupUnderLoadHoldsWhatWasAcknowledgedBeforeIt() async throws {
        let node = try await TestNode.withLivePlugin()
        // The copy is taken by the program that wants the whole configuration.
        let fresh = try Scratch()
        let made = try Tool.run("veroforge", ["init", "--demo", "--data", "\(fresh.path)/data"])
        #expect(made.code == 0, "\(made)")
        try FileManager.default.removeItem(atPath: "\(node.folder)/veroforge.yaml")
        try FileManager.default.copyItem(
            atPath: "\(fresh.path)/data/veroforge.yaml", toPath: "\(node.folder)/veroforge.yaml")
        let calls = Calls(node.token)
        let program = try await start(node.folder)
        try await install(node, program.url)
        let load = calls.begin(program.url, pauseMs: 20)
        while calls.acknowledged.value.count < 50 { try await Task.sleep(for: .milliseconds(5)) }
        let before = calls.acknowledged.value
        let copy = node.folder + "-copy"
        let taken = try Tool.run("veroforge", ["backup", copy, "--data", node.folder])
        #expect(taken.code == 0, "\(taken)")
        #expect(calls.acknowledged.value.count > before.count, "calls went on meanwhile")
        program.send(SIGTERM)
        await load.value
        #expect(await program.finish().code == 0)
        let restored = node.folder + "-restored"
        let put = try Tool.run("veroforge", ["restore", copy, "--data", restored])
        #expect(put.code == 0, "\(put)")
        #expect(try Tool.run("veroforge", ["audit", "verify", "--data", restored]).code == 0)
        let second = try await start(restored, clock: "\(node.folder)/clock")
        let held = Set(try node.events(in: restored).compactMap { $0["id"]?.stringValue })
        #expect(held.isSuperset(of: before.values))
        let again = Calls(node.token, asked: Set(before.keys))
        await again.askAgain(second.url)
        second.send(SIGTERM)
        #expect(await second.finish().code == 0)
        #expect(again.acknowledged.value == before, "the same answers")
        let counted = try node.events(in: restored).filter { $0["calls"] == 1 }
            .compactMap { $0["id"]?.stringValue }
        #expect(counted.count == Set(counted).count && Set(counted).isSuperset(of: before.values))
        for folder in [copy, restored] { try? FileManager.default.removeItem(atPath: folder) }
        await end(node)
    }

    // MARK: Parts

    private struct Started {
        let program: RuntimeProgram
        let url: String

        func send(_ signal: Int32) { program.send(signal) }
        func finish() async -> (code: Int32, error: String) { await program.finish() }
    }

    private func start(_ folder: String, clock: String? = nil) async throws -> Started {
        let program = try RuntimeProgram([
            "serve", "--data", folder, "--port", "0", "--clock", clock ?? "\(folder)/clock",
        ])
        return Started(program: program, url: try await program.address())
    }

    private func install(_ node: TestNode, _ url: String) async throws {
        let answer = await ProcessTests.send(
            node.token, "PUT", url + TestNode.home,
            ["version": "1.0.0", "plan": "free", "permissions": TestNode.permissions], key: nil)
        #expect(answer?.status == 201, "\(String(describing: answer))")
    }

    /// The acknowledged calls are the billed events, by id, by number and after the roll-up.
    private func expectOneEventEach(_ folder: String, _ calls: Calls) throws {
        let ids = calls.acknowledged.value.values
        let segments = SegmentFolder("\(folder)/usage")
        let sources = try segments.segments().map { RollUp.Source(segments.path(of: $0)) }
        let billed = try RollUp().run(sources).rows().filter { $0.metric == "calls" }
        #expect(billed.reduce(0) { $0 + $1.quantity } == Int64(ids.count))
        #expect(Set(ids).count == ids.count)
    }

    private func end(_ node: TestNode) async {
        await node.application.stop()
        await node.rivalApplication.stop()
        try? FileManager.default.removeItem(atPath: node.folder)
    }
}

/// Calls with a key each, by four callers, one after the other until one is not answered.
private final class Calls: Sendable {
    private let token: String
    private let asked: Locked<Set<String>>
    /// By key, the id that the answer named.
    let acknowledged = Locked<[String: String]>([:])

    init(_ token: String, asked: Set<String> = []) {
        self.token = token
        self.asked = Locked(asked)
    }

    var unanswered: Set<String> { asked.value.subtracting(acknowledged.value.keys) }

    func begin(_ url: String, pauseMs: Int = 0) -> Task<Void, Never> {
        Task {
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask { [self] in
                        while await ask(UUID().uuidString, url) {
                            if pauseMs > 0 { try? await Task.sleep(for: .milliseconds(pauseMs)) }
                        }
                    }
                }
            }
        }
    }

    func askAgain(_ url: String) async {
        for key in asked.value.sorted() { _ = await ask(key, url) }
    }

    private func ask(_ key: String, _ url: String) async -> Bool {
        asked.change { $0.insert(key) }
        let answer = await ProcessTests.send(
            token, "POST", url + TestNode.home + "/actions/remind", [:], key: key)
        guard answer?.status == 200, let body = answer?.body,
            let id = (try? JSONValue.parse(Array(body.utf8)))?["call"]?.stringValue
        else { return false }
        acknowledged.change { $0[key] = id }
        return true
    }
}
