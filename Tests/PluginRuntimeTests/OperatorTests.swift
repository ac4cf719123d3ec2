import Foundation
import Glibc
import Marketplace
import Registry
import Sandbox
import TestSupport
import Testing

@testable import PluginRuntime
@testable import SimulatedServers

/// What an operator sets, and what callers and applications are told.
@Suite(.serialized) struct OperatorTests {
    /// The unit as it is handed out, read by systemd itself. Its word on exposure is between 0, nothing, and 10, all.
    @Test func systemdReadsTheUnitAndFindsItLittleExposed() throws {
        let scratch = try Scratch()
        let unit = try String(
            contentsOfFile: Products.file("docs/veroforge-runtime.service"), encoding: .utf8)
        let path = "\(scratch.path)/veroforge-runtime.service"
        try unit.replacing("/usr/local/bin/veroforge-runtime", with: Products.path("veroforge-runtime"))
            .write(toFile: path, atomically: true, encoding: .utf8)
        let read = try Tool.run("/usr/bin/systemd-analyze", ["verify", "--man=no", path])
        #expect(read.code == 0 && read.errors.isEmpty, "\(read)")
        let exposed = try Tool.run(
            "/usr/bin/systemd-analyze", ["security", "--offline=yes", "--threshold=29", path])
        #expect(exposed.code == 0, "\(exposed.output.suffix(200))")
    }

    @Test func everyProblemHasItsSectionInTheDocs() throws {
        let page = try String(contentsOfFile: Products.file("docs/api/problems.md"), encoding: .utf8)
        for code in RuntimeError.Code.allCases where ![.portInUse, .newerData, .configuration].contains(code)
        {
            #expect(
                page.contains("## \(code.rawValue)\n\nStatus \(code.status). **\(code.title).**"),
                "\(code.rawValue)")
        }
    }

    @Test func aTraceIsHandedBackOnlyWhereItIsOne() async throws {
        let node = try await TestNode.make()
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        for (given, back) in [(trace, trace), (trace.uppercased(), nil), ("00-0-0-01", nil)] {
            let answer = try await node.ask(
                "GET", "/v1/tenants/acme/plugins", headers: ["traceparent": given])
            #expect(answer.headers["traceparent"] == back)
        }
        await node.end()
    }

    @Test func aRunnerThatNobodyCallsIsEndedAndTheNextCallStartsOne() async throws {
        let starter = ScriptedStarter()
        let node = try await TestNode.make(starter)
        try node.list()
        _ = try await node.install()
        #expect(starter.started.value == 1)
        let host = try #require(
            node.service.hosts.present(Hosts.Key(tenant: acme, plugin: reminders)))
        #expect(await host.evictIdle(since: .now - .seconds(600)) == 1, "it was called a moment ago")
        #expect(await host.evictIdle(since: .now) == 0)
        #expect(await host.state == .installed)
        while starter.cleaned.value == 0 { try await Task.sleep(for: .milliseconds(1)) }
        #expect(try await node.call().status == 200)
        #expect(starter.started.value == 2)
        await node.end()
    }

    /// The application hears how long the plugin's call still waits, and never longer than its caller does.
    @Test func theDeadlineIsHandedOnToTheApplication() async throws {
        let heard = Locked<[Int]>([])
        let application = try await LoopbackServer.start(name: "slow-application", port: 0) { request in
            heard.change { $0.append(Int(request.headers["veroforge-timeout-ms"] ?? "") ?? -1) }
            return PlainResponse(status: 200, headers: ["content-type": "application/json"], body: "[]")
        }
        let starter = ScriptedStarter { _, _, operations in
            _ = await operations.perform(
                OperationRequest(name: "readData", arguments: ["entity": "invoices", "filters": []]))
            return .answer(["success": true, "data": ["reminded": []]])
        }
        let node = try await TestNode.make(starter)
        try node.list()
        try node.registry.createTenant(
            TenantID("waiting")!, name: "Sample Customer", appURL: application.url,
            credential: Array("c".utf8), country: "DE", currency: Currency("EUR")!, sealedBy: node.sealed,
            now: epoch)
        let token = try node.registry.issueToken(for: .tenant(TenantID("waiting")!), now: epoch).token
        let home = "/v1/tenants/waiting/plugins/samples.reminders"
        let made = try await node.ask(
            "PUT", home, ["version": "1.0.0", "plan": "free", "permissions": TestNode.permissions],
            token: token)
        #expect(made.status == 201, "\(made.json)")
        for timeout in ["700", "90000"] {
            let answer = try await node.ask(
                "POST", home + "/actions/remind", [:], token: token,
                headers: ["veroforge-timeout-ms": timeout])
            #expect(answer.status == 200, "\(answer.json)")
        }
        let refused = try await node.ask(
            "POST", home + "/actions/remind", [:], token: token, headers: ["veroforge-timeout-ms": "soon"])
        #expect(refused.status == 422)
        #expect(heard.value.count == 2)
        #expect((1...700).contains(heard.value[0]))
        #expect((700...10_000).contains(heard.value[1]), "the plugin's own limit of 10 seconds holds as well")
        await node.end()
        await application.stop()
    }

    /// A request whose head or body does not come is not waited for longer than the operator says.
    @Test func aRequestThatDoesNotArriveIsLetGo() async throws {
        let node = try await TestNode.make()
        await node.service.close()
        try Data("format: 1\ndemo: true\nruntime:\n  requestSeconds: 1\n".utf8).write(
            to: URL(filePath: "\(node.folder)/veroforge.yaml"))
        let program = try RuntimeProgram([
            "serve", "--data", node.folder, "--port", "0", "--clock", "\(node.folder)/clock",
        ])
        let port = try #require(try await program.address().split(separator: ":").last.flatMap { UInt16($0) })
        let halves = [
            "", "GET /healthz HTTP/1.1\r\nhost: a\r\n",
            "POST /v1/publishers HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
        ]
        for half in halves {
            let begin = ContinuousClock.now
            let rest = try await BlockingWork.run { try Self.sendAndReadToTheEnd(half, port) }
            let took = begin.duration(to: .now)
            #expect(took > .milliseconds(700) && took < .seconds(8), "\(half.prefix(20)): \(took)")
            #expect(!rest.contains(" 200 ") && !rest.contains(" 201 "))
        }
        program.send(SIGTERM)
        #expect(await program.finish().code == 0)
        await node.application.stop()
        await node.rivalApplication.stop()
        try? FileManager.default.removeItem(atPath: node.folder)
    }

    private static func sendAndReadToTheEnd(_ text: String, _ port: UInt16) throws -> String {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let joined = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard joined == 0 else { throw CocoaError(.fileReadUnknown) }
        let bytes = Array(text.utf8)
        _ = write(descriptor, bytes, bytes.count)
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var rest: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count <= 0 { return String(decoding: rest, as: UTF8.self) }
            rest += buffer.prefix(count)
        }
    }
}
