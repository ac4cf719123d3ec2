import Marketplace
import Registry
import SimulatedServers
import Testing

@testable import PluginRuntime

/// The pages that a plugin brings.
@Suite struct InterfaceTests {
    private func node() async throws -> (TestNode, String) {
        var starter = ScriptedStarter()
        starter.interface = [
            "ui/board.html": "<script type=module src=board.js></script>", "ui/board.js": "export {}",
            "ui/tool.exe": "MZ", "dist/index.js": "secret source",
        ]
        let node = try await TestNode.make(starter)
        try node.list()
        let installed = try await node.install()
        return (node, installed.json["id"]?.stringValue ?? "")
    }

    private func get(_ node: TestNode, _ path: String) async throws -> APIResponse {
        await node.service.api.respond(to: try APIRequest(method: "GET", target: path))
    }

    @Test func aPageIsServedInASandboxForTheTenantsApplicationAlone() async throws {
        let (node, id) = try await node()
        let page = try await get(node, "/v1/ui/\(id)/board.html")
        #expect(page.status == 200 && page.headers["content-type"] == "text/html; charset=utf-8")
        let policy = page.headers["content-security-policy"] ?? ""
        #expect(policy.hasPrefix("sandbox allow-scripts allow-forms; default-src 'none'"))
        #expect(
            policy.contains("connect-src 'none'") && !policy.contains("unsafe")
                && !policy.contains("same-origin"))
        #expect(policy.hasSuffix("frame-ancestors \(node.application.url)"))
        #expect(page.headers["x-content-type-options"] == "nosniff" && page.headers["set-cookie"] == nil)
        let script = try await get(node, "/v1/ui/\(id)/board.js")
        #expect(script.headers["content-type"]?.hasPrefix("text/javascript") == true)
        await node.end()
    }

    @Test func nothingButTheInterfaceIsServed() async throws {
        let (node, id) = try await node()
        for path in [
            "tool.exe", "../dist/index.js", "%2e%2e/dist/index.js", "dist/index.js", "none.html", "",
        ] {
            #expect(try await get(node, "/v1/ui/\(id)/\(path)").status == 404, "\(path)")
        }
        #expect(try await get(node, "/v1/ui/in_00000000000000000000000000000000/board.html").status == 404)
        try node.registry.setState(.suspended, of: reminders, for: acme, reason: "test", now: epoch)
        #expect(try await get(node, "/v1/ui/\(id)/board.html").status == 403)
        _ = try node.registry.setState(.removed, of: reminders, for: acme, reason: "test", now: epoch)
        #expect(try await get(node, "/v1/ui/\(id)/board.html").status == 404)
        await node.end()
    }

    @Test func onlyAnOriginComesIntoThePolicy() {
        #expect(
            InterfaceEndpoints.origin(of: "https://app.example.com:8443/x?y")
                == "https://app.example.com:8443")
        #expect(InterfaceEndpoints.origin(of: "https://a.example; script-src *") == nil)
        #expect(InterfaceEndpoints.policy("javascript:alert(1)").hasSuffix("frame-ancestors 'none'"))
    }
}
