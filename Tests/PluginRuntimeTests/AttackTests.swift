import AsyncHTTPClient
import Foundation
import Glibc
import Marketplace
import Registry
import Sandbox
import SimulatedServers
import TestSupport
import Testing

@testable import PluginRuntime

/// Attacks on the runtime, by plugins and by callers. Each ends in its named error, and the neighbour's call is answered.
@Suite(.serialized) struct AttackTests {
    private static let hostile = """
        export default class Hostile {
          async initialize(context) { this.context = context; }
          async execute(request) {
            const { api, logger } = this.context;
            switch (request.data.mode) {
              case "flood": for (let i = 0; i < 200000; i++) logger.info("x".repeat(1000)); break;
              case "frame": return { success: true, data: { reminded: ["y".repeat(64 * 1024 * 1024)] } };
              case "argument":
                try { await api.readData("invoices", [{ field: "z".repeat(32 * 1024 * 1024), op: "eq", value: 1 }]); }
                catch (error) { return { success: false, error: error.code }; }
                break;
              case "slow": await new Promise((resolve) => setTimeout(resolve, 60000)); break;
              case "forge": {
                const seen = [];
                for (const entity of ["../rival/invoices", "invoices?tenant=rival", "invoices/../customers"]) {
                  try { await api.readData(entity, []); seen.push("leak"); } catch (error) { seen.push(error.code); }
                }
                return { success: false, error: seen.join(" ") };
              }
            }
            return { success: true, data: { reminded: [] } };
          }
        }
        """

    /// A real process with two tenants; `body` gets its address and asks for a neighbour's call.
    private func attack(_ body: (TestNode, String) async throws -> Void) async throws {
        let node = try await TestNode.make()
        let manifest = TestNode.manifest(limits: ["cpuMs": 1_000, "wallMs": 2_000, "memoryMiB": 64])
        try node.list(
            manifest,
            bundle: StoredZip.bytes([
                "plugin.json": manifest.serialized(), "dist/index.js": Self.hostile,
                "README.md": "# Hostile\n",
                "LICENSE": "MIT\n",
            ]))
        await node.service.close()
        let program = try RuntimeProgram([
            "serve", "--data", node.folder, "--port", "0", "--clock", "\(node.folder)/clock",
        ])
        let url = try await program.address()
        for (tenant, token) in [(acme, node.token), (rival, node.rivalToken)] {
            let answer = await ProcessTests.send(
                token, "PUT", url + "/v1/tenants/\(tenant)/plugins/samples.reminders",
                ["version": "1.0.0", "plan": "free", "permissions": TestNode.permissions], key: nil)
            #expect(answer?.status == 201, "\(String(describing: answer))")
        }
        try await body(node, url)
        let neighbour = await ProcessTests.send(
            node.rivalToken, "POST", url + "/v1/tenants/rival/plugins/samples.reminders/actions/remind", [:],
            key: nil)
        #expect(neighbour?.status == 200, "the neighbour is unharmed: \(String(describing: neighbour))")
        program.send(SIGTERM)
        #expect(await program.finish().code == 0)
        await node.application.stop()
        await node.rivalApplication.stop()
        try? FileManager.default.removeItem(atPath: node.folder)
    }

    static let plugins: [(mode: String, status: UInt, words: String)] = [
        ("flood", 200, ""), ("frame", 502, "\"limit\":"), ("argument", 502, ""), ("slow", 502, "wall"),
        ("forge", 200, "denied denied denied"),
    ]

    @Test(arguments: plugins)
    func aHostilePluginEndsInItsNamedError(mode: String, status: UInt, words: String) async throws {
        try await attack { node, url in
            let answer = await ProcessTests.send(
                node.token, "POST", url + TestNode.home + "/actions/remind", ["mode": .string(mode)], key: nil
            )
            let (code, body) = (answer?.status ?? 0, answer?.body ?? "")
            if mode == "flood" || mode == "argument" {
                // Either the logs are cut and the call goes on, or the limit on output ends it by name.
                #expect(
                    code == 200 || (code == 502 && body.contains("\"limit\"")), "\(code) \(body.prefix(300))")
            } else {
                #expect(code == status && body.contains(words), "\(code) \(body.prefix(300))")
            }
        }
    }

    /// A connection on which `text` has been sent.
    private func connection(_ url: String, sending text: String) -> Int32 {
        let port = UInt16(url.split(separator: ":").last ?? "") ?? 0
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var patience = timeval(tv_sec: 3, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        let bytes = Array(text.utf8)
        _ = write(descriptor, bytes, bytes.count)
        return descriptor
    }

    /// Everything that comes back on a connection.
    private func raw(_ url: String, _ text: String) -> String {
        let descriptor = connection(url, sending: text)
        defer { close(descriptor) }
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count <= 0 { break }
            result += buffer.prefix(count)
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// A request that two readers could cut in two places is refused, and nothing behind it is answered.
    @Test func smuggledRequestsAreNotAnswered() async throws {
        try await attack { node, url in
            let path = "/v1/tenants/rival/plugins"
            let hidden = "GET \(path) HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \(node.token)\r\n\r\n"
            let heads = [
                "content-length: 5\r\ntransfer-encoding: chunked\r\n",
                "transfer-encoding: chunked, identity\r\n",
                "content-length: 5\r\ncontent-length: 6\r\n", "transfer-encoding:\u{0b}chunked\r\n",
                "content-length: +5\r\n",
            ]
            for head in heads {
                let answer = raw(
                    url, "POST /v1/session HTTP/1.1\r\nhost: x\r\n\(head)\r\n0\r\n\r\n\(hidden)")
                #expect(!answer.contains("installations"), "\(head)\(answer)")
                #expect(
                    answer.components(separatedBy: "HTTP/1.1 ").count <= 2 || !answer.contains(" 200 "),
                    "\(answer)")
            }
            // Two values of a header that says who asks.
            let both = raw(
                url,
                "GET \(path) HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \(node.token)\r\nauthorization: Bearer \(node.rivalToken)\r\nconnection: close\r\n\r\n"
            )
            #expect(both.hasPrefix("HTTP/1.1 400"), "\(both)")
        }
    }

    @Test func forgedIdsOfOthersAreRefusedByName() async throws {
        try await attack { node, url in
            for (method, path, body) in [
                ("GET", "/v1/tenants/rival/plugins", nil), ("GET", "/v1/tenants/rival/usage", nil),
                ("POST", "/v1/tenants/rival/plugins/samples.reminders/actions/remind", [:]),
                ("PUT", "/v1/tenants/rival/plugins/samples.reminders/secrets/x", ["value": "v"]),
                ("DELETE", "/v1/tenants/rival/plugins/samples.reminders", nil),
                ("GET", "/v1/tenants/acme%2f..%2frival/plugins", nil),
            ] as [(String, String, JSONValue?)] {
                let answer = await ProcessTests.send(node.token, method, url + path, body ?? .null, key: nil)
                #expect(
                    answer?.status == 403 && answer?.body.contains("\"forbidden\"") == true,
                    "\(path) \(String(describing: answer))")
            }
        }
    }

    /// A name that is public at the first look and private at the next: each fetch connects to the address that it has
    /// checked, and the second is refused.
    @Test func aNameThatIsBoundAnewIsRefused() async throws {
        let looks = Locked(0)
        let resolver = HostResolver { _ in
            looks.change { $0 += 1 }
            return [IPAddress(looks.value == 1 ? "203.0.114.7" : "169.254.169.254")!]
        }
        let client = FetchClient(
            resolver: resolver, loopbackHosts: [:], loopbackClient: Upstream.client(),
            pinned: PinnedClients(),
            answerBytesMax: 1_000)
        #expect(try await client.checkedAddress(of: "api.example.com").description == "203.0.114.7")
        await #expect { _ = try await client.checkedAddress(of: "api.example.com") } throws: {
            ($0 as? OperationError)?.code == "denied"
        }
        try await client.loopbackClient.shutdown()
    }

    /// A caller that goes away takes its call with it, and is not billed.
    @Test func aCallEndsWithItsCaller() async throws {
        try await attack { node, url in
            let begin = ContinuousClock.now
            let text = "{\"mode\":\"slow\"}"
            let request =
                "POST \(TestNode.home)/actions/remind HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \(node.token)\r\n"
                + "content-type: application/json\r\ncontent-length: \(text.utf8.count)\r\n\r\n\(text)"
            let descriptor = connection(url, sending: request)
            try await Task.sleep(for: .milliseconds(300))
            close(descriptor)
            var events: [JSONValue] = []
            for _ in 0..<40 where events.isEmpty {
                try await Task.sleep(for: .milliseconds(25))
                events = try node.events().filter { $0["outcome"] != nil }
            }
            #expect(events.first?["outcome"] == "failed" && events.first?["calls"] == 0, "\(events)")
            #expect(begin.duration(to: .now) < .milliseconds(1_800), "the plugin's own limit is 2 s")
        }
    }
}
