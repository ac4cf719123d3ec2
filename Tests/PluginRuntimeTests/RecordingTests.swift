import Foundation
import Marketplace
import Sandbox
import TestSupport
import Testing

@testable import PluginRuntime

private struct GivenFiles: BundleUnpacker {
    let files: [BundleFile]

    func unpack(_ bundle: [UInt8], digest: Digest) async throws(RuntimeError) -> [BundleFile] { files }
}

/// A plugin whose failure depends on everything that a replay has to give again: random numbers, the clock, timers,
/// the order in which answers to questions asked at once arrive, and what an earlier call left behind.
private let fickle = """
    let calls = 0;
    export default class Fickle {
      async initialize(context) { this.context = context; this.born = Math.random(); }
      async execute(request) {
        const { api, logger, secret, storage } = this.context;
        calls += 1;
        const order = [];
        const ask = (name, work) => work().then((value) => order.push([name, value]), (error) => order.push([name, error.code]));
        await Promise.all([
          ask("invoices", () => api.readData("invoices", [{ field: "status", op: "eq", value: "overdue" }])),
          ask("denied", () => api.readData("customers", [])),
          ask("store", () => storage.set("seen", { at: Date.now() })),
          ask("timer", () => new Promise((resolve) => setTimeout(() => resolve(Date.now()), 5))),
          ask("again", () => api.readData("invoices", [{ field: "id", op: "eq", value: "inv-00001" }])),
          ask("cleared", () => new Promise((resolve) => { clearTimeout(setTimeout(() => resolve("no"), 1)); setTimeout(() => resolve("yes"), 2); })),
          ask("ticks", () => new Promise((resolve) => { let count = 0; const id = setInterval(() => { if (++count === 3) { clearInterval(id); resolve(count); } }, 1); })),
        ]);
        logger.warn(`after ${calls} calls, with ${secret("TOKEN")}`, { id: crypto.randomUUID() });
        if (request.data.mode === "answer") return { success: false, error: `no: ${calls}` };
        if (request.data.mode === "spin") for (;;) {}
        throw new TypeError("failed: " + JSON.stringify([calls, this.born, Math.random(), Date.now(), new Date().toISOString(), order, request.time]));
      }
    }
    """

@Suite(.serialized) struct RecordingTests {
    static let permissions = TestNode.permissions
    static let isolations = Isolations.of(
        executable: Products.path("veroforge-runner"),
        seccompList: Products.file("rules/seccomp/runner.list"))

    private func node(_ source: String, _ body: (TestNode) async throws -> Void) async throws {
        let pools = SandboxPools(Self.isolations, spares: 0)
        let folder = NSTemporaryDirectory() + "recording-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: "\(folder)/bundles", withIntermediateDirectories: true)
        let bundles = BundleStore(
            catalogue: CatalogueSource(directory: folder),
            unpacker: GivenFiles(files: [BundleFile(path: "dist/index.js", bytes: Array(source.utf8))]))
        let node = try await TestNode.make(SandboxStarter(pools: pools, bundles: bundles))
        let digest = try node.list(
            TestNode.manifest(
                secrets: [["name": "TOKEN", "purpose": "to have one that must not get out"]],
                limits: ["cpuMs": 200, "wallMs": 4_000]))
        try FileManager.default.copyItem(
            atPath: "\(node.folder)/site/public/bundles/\(digest.hex).vfp",
            toPath: "\(folder)/bundles/\(digest.hex).vfp")
        #expect(try await node.install(secrets: ["TOKEN": "a-very-secret-value"]).status == 201)
        try await body(node)
        await node.end()
        await pools.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func replay(_ recording: JSONValue, _ source: String) async throws -> (TapePlayer, CallOutput) {
        let recorded = try CallRecording.read(recording).get()
        let runner = try await Self.isolations.isolation(.native).start(RunnerLimits(recorded.limits))
        let player = TapePlayer(recorded)
        let image = PluginImage(
            files: ["dist/index.js": Array(source.utf8)], main: "dist/index.js", config: recorded.config,
            seed: recorded.seed, clock: recorded.clock, timersAsk: true)
        _ = try await runner.load(image)
        _ = try await runner.initialize(player)
        let done = try await runner.execute(
            action: recorded.action, data: recorded.data, extra: recorded.extra, handler: player)
        player.finish()
        await runner.kill()
        return (player, CallOutput(done.outcome, logs: done.logs))
    }

    @Test func aFailedCallIsReplayedToTheByte() async throws {
        try await node(fickle) { node in
            let home = TestNode.home
            // Not asked for: nothing is kept.
            #expect(try await node.call().status == 502)
            #expect(try await node.ask("GET", home + "/calls").json["calls"] == [])
            #expect(try await node.ask("PUT", home + "/recording", ["keepFailed": true]).status == 200)
            for mode in ["throw", "answer", "spin", "throw"] {
                _ = try await node.call(["mode": .string(mode)])
            }
            let kept = try #require(try await node.ask("GET", home + "/calls").json["calls"]?.arrayValue)
            #expect(kept.count == 4)
            for row in kept {
                let call = try #require(row["call"]?.stringValue)
                let exported = try await node.ask("GET", home + "/calls/\(call)/replay")
                #expect(exported.status == 200)
                let text = String(decoding: exported.body, as: UTF8.self)
                #expect(!text.contains("a-very-secret-value"))
                #expect(!text.contains("credential-of-acme"))
                let (player, output) = try await replay(exported.json, fickle)
                #expect(player.differences.map { String($0.prefix(200)) } == [])
                let isSame = output.json.serializedBytes() == exported.json["output"]?.serializedBytes()
                #expect(isSame, "\(String(row.serialized().prefix(200)))")
            }
            // Each recorded call had a runner of its own: none saw another's traces.
            #expect(kept.allSatisfy { !$0["ending"]!.serialized().contains("failed: [2,") })
            // A repaired plugin goes another way, and is told so.
            // The calls of one moment have no order: the one is taken whose answer tells what it read.
            let thrown = try #require(
                kept.first { $0["ending"]?.serialized().contains("failed: [") == true })
            let call = thrown["call"]?.stringValue ?? ""
            let recording = try await node.ask("GET", home + "/calls/\(call)/replay").json
            let repaired = fickle.replacing(
                "\"denied\", () => api.readData(\"customers\", [])", with: "\"x\", async () => 1")
            let (player, output) = try await replay(recording, repaired)
            #expect(!player.differences.isEmpty)
            #expect(output.json != recording["output"])
        }
    }

    @Test func keepingEndsWithEverythingThatWasKept() async throws {
        try await node(fickle) { node in
            let home = TestNode.home
            _ = try await node.ask("PUT", home + "/recording", ["keepFailed": true])
            for _ in 0..<(RecordingShelf.countMax + 3) { _ = try await node.call(["mode": "answer"]) }
            let kept = try #require(try await node.ask("GET", home + "/calls").json["calls"]?.arrayValue)
            #expect(kept.count == RecordingShelf.countMax)
            let path = home + "/calls/\(kept[0]["call"]?.stringValue ?? "")/replay"
            #expect(try await node.ask("GET", path, token: node.rivalToken).status == 403)
            #expect(try await node.ask("DELETE", path).status == 204)
            #expect(try await node.ask("GET", path).status == 404)
            #expect(try await node.ask("GET", home + "/calls/..%2F..%2Fkept/replay").status == 404)
            _ = try await node.ask("PUT", home + "/recording", ["keepFailed": false])
            #expect(try await node.ask("GET", home + "/calls").json["calls"] == [])
            _ = try await node.ask("PUT", home + "/recording", ["keepFailed": true])
            _ = try await node.call(["mode": "answer"])
            #expect(try await node.ask("DELETE", home).status == 204)
            let left = FileManager.default.enumerator(atPath: "\(node.folder)/replays")?
                .compactMap { $0 as? String }.filter { $0.hasSuffix(".json") }
            #expect(left == [])
        }
    }

    @Test func whatAPluginLogsIsReadByItsCustomerAndItsPublisher() async throws {
        try await node(fickle) { node in
            let home = TestNode.home
            let call = try await node.call(["mode": "answer"])
            let lines = try await node.ask("GET", home + "/logs").json["lines"]?.arrayValue ?? []
            #expect(lines.map { $0["level"] } == ["warn", "error"])
            #expect(lines[0]["text"]?.stringValue?.hasPrefix("after 1 calls, with {{secret:TOKEN}}") == true)
            #expect(lines[1]["text"] == "answered: no: 1")
            #expect(lines.allSatisfy { $0["call"] == call.json["call"] })
            let errors = try await node.ask("GET", home + "/logs?level=error&limit=1").json["lines"]
            #expect(errors?.arrayValue?.count == 1)
            let publisher = try await node.ask(
                "GET", "/v1/publishers/samples/logs?plugin=samples.reminders", token: node.publisherToken)
            #expect(publisher.json["lines"]?.arrayValue?.count == 2)
            #expect(try await node.ask("GET", "/v1/publishers/samples/logs").status == 403)
            #expect(try await node.ask("GET", home + "/logs", token: node.rivalToken).status == 403)
            #expect(try await node.ask("GET", home + "/logs?level=loud").status == 422)
        }
    }
}
