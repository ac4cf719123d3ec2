import AsyncHTTPClient
import Foundation
import Logging
import Marketplace
import NIOCore
import NIOHTTP1
import Sandbox
import SimulatedServers
import TestSupport
import Testing

@testable import PluginRuntime

/// Hands out files without a worker: these tests are about the runner and the socket.
private struct GivenFiles: BundleUnpacker {
    let files: [BundleFile]

    func unpack(_ bundle: [UInt8], digest: Digest) async throws(RuntimeError) -> [BundleFile] { files }
}

extension TestNode {
    /// A folder that the real program can serve: its catalogue holds `livePlugin`, and nothing runs on it.
    static func withLivePlugin() async throws -> TestNode {
        let node = try await TestNode.make()
        try node.list(
            manifest(),
            bundle: StoredZip.bytes([
                "plugin.json": manifest().serialized(), "dist/index.js": livePlugin,
                "README.md": "# Reminders\n", "LICENSE": "MIT\n",
            ]))
        await node.service.close()
        return node
    }
}

/// A plugin that reads, triggers, spins, exhausts memory or throws, as its input says.
let livePlugin = """
    export default class Reminders {
      async initialize(context) { this.context = context; }
      async execute(request) {
        const { api, config, logger } = this.context;
        switch (request.data.mode) {
          case "spin": for (;;) {}
          case "throw": throw new TypeError("on purpose");
          case "denied":
            try { await api.readData("customers", []); return { success: true, data: { reminded: ["leak"] } }; }
            catch (error) { return { success: false, error: error.code }; }
          case "echo": return { success: true, data: { reminded: [], config, id: request.id } };
        }
        const invoices = await api.readData("invoices", [{ field: "status", op: "eq", value: "overdue" }]);
        await api.triggerWorkflow("send-email", { count: invoices.length });
        logger.info("reminded");
        return { success: true, data: { reminded: invoices.map((invoice) => invoice.id) } };
      }
    }
    """

@Suite(.serialized) struct LiveTests {
    /// A node whose plugin runs in the native sandbox, answering on a socket.
    private func serve(_ body: (TestNode, String) async throws -> Void) async throws {
        let pools = SandboxPools(
            Isolations.of(
                executable: Products.path("veroforge-runner"),
                seccompList: Products.file("rules/seccomp/runner.list")), spares: 0)
        let folder = NSTemporaryDirectory() + "catalogue-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: "\(folder)/bundles", withIntermediateDirectories: true)
        let bundles = BundleStore(
            catalogue: CatalogueSource(directory: folder),
            unpacker: GivenFiles(files: [BundleFile(path: "dist/index.js", bytes: Array(livePlugin.utf8))]))
        let node = try await TestNode.make(SandboxStarter(pools: pools, bundles: bundles))
        let digest = try node.list(TestNode.manifest(limits: ["cpuMs": 100, "wallMs": 4_000]))
        try FileManager.default.copyItem(
            atPath: "\(node.folder)/site/public/bundles/\(digest.hex).vfp",
            toPath: "\(folder)/bundles/\(digest.hex).vfp")
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        let service = node.service
        let serving = Task {
            try await service.serve(handlesSignals: false) { port in
                continuation.yield(port)
                continuation.finish()
            }
        }
        var port = 0
        for await value in ports { port = value }
        try await body(node, "http://127.0.0.1:\(port)")
        await service.stop()
        try await serving.value
        await pools.close()
        await node.application.stop()
        await node.rivalApplication.stop()
        try? FileManager.default.removeItem(atPath: node.folder)
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func ask(
        _ node: TestNode, _ method: String, _ url: String, _ body: JSONValue? = nil
    ) async throws -> (status: UInt, json: JSONValue) {
        var request = HTTPClientRequest(url: url)
        request.method = HTTPMethod(rawValue: method)
        request.headers.replaceOrAdd(name: "authorization", value: "Bearer \(node.token)")
        if let body { request.body = .bytes(ByteBuffer(bytes: body.serializedBytes())) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
        let bytes = try await response.body.collect(upTo: 4_194_304)
        return (response.status.code, (try? JSONValue.parse(Array(bytes.readableBytesView))) ?? .null)
    }

    @Test func pluginInTheSandboxAnswersOverHTTPAndIsMetered() async throws {
        try await serve { node, url in
            let home = url + TestNode.home
            let installed = try await ask(
                node, "PUT", home, ["version": "1.0.0", "plan": "free", "permissions": TestNode.permissions])
            #expect(installed.status == 201, "\(installed.json)")
            #expect(installed.json["backEnd"] == "native")
            let call = try await ask(node, "POST", home + "/actions/remind", [:])
            #expect(call.status == 200, "\(call.json)")
            #expect(call.json["data"]?["reminded"]?.arrayValue?.isEmpty == false)
            let event = try #require(try node.events().last)
            #expect(event["calls"] == 1 && event["apiCalls"] == 2)
            #expect((event["bytesIn"]?.integerValue ?? 0) > 100)
            let lines = try node.auditLines().filter { $0["actor"] == "plugin" }
            #expect(lines.map { $0["act"] } == ["readData", "triggerWorkflow"])
            let echo = try await ask(node, "POST", home + "/actions/remind", ["mode": "echo"])
            #expect(echo.json["data"]?["config"]?["graceDays"] == 3)
            #expect(echo.json["data"]?["id"] == echo.json["call"])
        }
    }

    @Test func limitsThrowsAndDenialsKeepTheirNamesAndTheNextCallRuns() async throws {
        try await serve { node, url in
            let home = url + TestNode.home
            _ = try await ask(
                node, "PUT", home, ["version": "1.0.0", "plan": "free", "permissions": TestNode.permissions])
            let spin = try await ask(node, "POST", home + "/actions/remind", ["mode": "spin"])
            #expect(spin.status == 502 && spin.json["limit"] == "cpu", "\(spin.json)")
            let threw = try await ask(node, "POST", home + "/actions/remind", ["mode": "throw"])
            #expect(threw.status == 502 && threw.json["code"] == "plugin-failed")
            let denied = try await ask(node, "POST", home + "/actions/remind", ["mode": "denied"])
            #expect(denied.json["success"] == false && denied.json["error"] == "denied")
            #expect(try await ask(node, "POST", home + "/actions/remind", [:]).status == 200)
            #expect(try node.events().compactMap { $0["calls"]?.integerValue }.reduce(0, +) == 1)
        }
    }

    @Test func stoppingSealsTheSegment() async throws {
        try await serve { node, url in
            let home = url + TestNode.home
            _ = try await ask(
                node, "PUT", home, ["version": "1.0.0", "plan": "free", "permissions": TestNode.permissions])
            _ = try await ask(node, "POST", home + "/actions/remind", [:])
            await node.service.stop()
            try await Task.sleep(for: .milliseconds(600))
            let usage = SegmentFolderReader(folder: "\(node.folder)/usage")
            #expect(try usage.allSealed())
        }
    }
}
