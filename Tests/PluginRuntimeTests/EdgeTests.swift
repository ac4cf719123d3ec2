import AsyncHTTPClient
import Foundation
import Marketplace
import Metering
import Provenance
import SimulatedServers
import TestSupport
import Testing

@testable import PluginRuntime

/// What stands before and beside the runtime: TLS, HTTP/2, nginx, Prometheus. The programs are real.
@Suite(.serialized) struct EdgeTests {
    private func shell(_ script: String, _ arguments: [String] = []) throws -> ToolResult {
        try Tool.run("/bin/bash", ["-euc", script, "bash"] + arguments)
    }

    /// A certificate authority and a certificate for `name`, as `ca.pem`, `cert.pem`, `key.pem`.
    private func certificate(_ folder: String, _ name: String, serial: Int) throws {
        let made = try shell(
            """
            cd "$1"
            [ -e ca.pem ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
                -subj /CN=test -days 2 -addext basicConstraints=critical,CA:true 2>/dev/null
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout new.key -out new.csr -subj "/CN=$2" 2>/dev/null
            printf 'subjectAltName=%s\\n' "$2" > ext
            openssl x509 -req -in new.csr -CA ca.pem -CAkey ca.key -set_serial "$3" -days 2 -extfile ext -out new.pem 2>/dev/null
            mv new.key key.pem; mv new.pem cert.pem
            """, [folder, name, "\(serial)"])
        #expect(made.code == 0, "\(made.errors)")
    }

    private func serve(
        _ node: TestNode, _ more: [String] = [], _ body: (String) async throws -> Void
    ) async throws {
        let program = try RuntimeProgram(
            ["serve", "--data", node.folder, "--port", "0", "--clock", "\(node.folder)/clock"] + more)
        let url = try await program.address()
        try await body(url)
        program.send(SIGTERM)
        let end = await program.finish()
        #expect(end.code == 0, "\(end.error.suffix(500))")
    }

    private func node(_ configuration: String = "") async throws -> TestNode {
        let node = try await TestNode.withLivePlugin()
        try Data("format: 1\ndemo: true\n\(configuration)".utf8).write(
            to: URL(filePath: "\(node.folder)/veroforge.yaml"))
        return node
    }

    private func end(_ node: TestNode) async {
        await node.application.stop()
        await node.rivalApplication.stop()
        try? FileManager.default.removeItem(atPath: node.folder)
    }

    @Test func bothVersionsOfHTTPAreSpokenOverTLSAndACertificateIsTakenUpWithoutARestart() async throws {
        let node = try await node("runtime:\n  certificate: cert.pem\n  privateKey: key.pem\n")
        try certificate(node.folder, "IP:127.0.0.1", serial: 4_097)
        try await serve(node) { url in
            #expect(url.hasPrefix("https://"))
            let curl = "curl -sS --cacert \"$1/ca.pem\" -o /dev/null -w '%{http_version} %{http_code}' "
            #expect(try shell(curl + "--http2 \"$2/healthz\"", [node.folder, url]).output == "2 200")
            #expect(try shell(curl + "--http1.1 \"$2/healthz\"", [node.folder, url]).output == "1.1 200")
            #expect(try shell(curl + "--tls-max 1.1 \"$2/healthz\"", [node.folder, url]).code != 0)
            func serial() throws -> String {
                try shell(
                    "openssl s_client -connect \"${1#https://}\" </dev/null 2>/dev/null | openssl x509 -noout -serial",
                    [url]
                ).output
            }
            #expect(try serial() == "serial=1001\n")
            try certificate(node.folder, "IP:127.0.0.1", serial: 8_193)
            try await Task.sleep(for: .milliseconds(1_100))
            #expect(try serial() == "serial=2001\n")
            // A certificate that does not belong to the key leaves the one before in use.
            try Data("not a certificate".utf8).write(to: URL(filePath: "\(node.folder)/cert.pem"))
            try await Task.sleep(for: .milliseconds(1_100))
            #expect(try serial() == "serial=2001\n")
        }
        await end(node)
    }

    /// The application's certificate must be of an authority that is trusted, and for its name.
    @Test func anApplicationIsVerified() async throws {
        let scratch = try Scratch()
        try certificate(scratch.path, "IP:127.0.0.1", serial: 1)
        let script = """
            import http.server, ssl, sys
            class Face(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    self.send_response(200); self.send_header("content-length", "2"); self.end_headers(); self.wfile.write(b"[]")
                def log_message(self, *rest): pass
            server = http.server.HTTPServer(("127.0.0.1", 0), Face)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(sys.argv[1] + "/cert.pem", sys.argv[1] + "/key.pem")
            server.socket = context.wrap_socket(server.socket, server_side=True)
            print(server.server_port, flush=True)
            server.serve_forever()
            """
        func start(_ folder: String) throws -> (Process, String) {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/python3")
            process.arguments = ["-c", script, folder]
            let pipe = Pipe()
            process.standardOutput = pipe
            try process.runHearingSignals()
            let port = String(decoding: pipe.fileHandleForReading.availableData, as: UTF8.self)
            return (process, port.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        let other = try Scratch()
        try certificate(other.path, "DNS:other.example", serial: 2)
        let (process, port) = try start(scratch.path)
        let (second, otherPort) = try start(other.path)
        defer { for server in [process, second] { server.terminate() } }
        func read(_ port: String, roots: String?) async throws -> String {
            let client = try Upstream.client(trusting: roots)
            var outcome = "ok"
            do throws(OperationError) {
                _ = try await ApplicationClient(client: client, answerBytesMax: 1_000).perform(
                    .readData(entity: "invoices", filters: []),
                    on: ApplicationTarget(baseURL: "https://127.0.0.1:\(port)", credential: "c"), key: "k",
                    deadline: .now + .seconds(5))
            } catch {
                outcome = error.code
            }
            try await client.shutdown()
            return outcome
        }
        #expect(try await read(port, roots: nil) == "unavailable", "nobody vouches for it")
        #expect(try await read(port, roots: "\(scratch.path)/ca.pem") == "ok")
        #expect(try await read(otherPort, roots: "\(other.path)/ca.pem") == "unavailable", "another name")
    }

    @Test func prometheusReadsTheMetrics() async throws {
        let node = try await node()
        try await serve(node) { url in
            _ = await ProcessTests.send(
                node.token, "PUT", url + TestNode.home,
                ["version": "1.0.0", "plan": "free", "permissions": TestNode.permissions], key: nil)
            _ = await ProcessTests.send(
                node.token, "POST", url + TestNode.home + "/actions/remind", [:], key: nil)
            let checked = try shell("curl -sS \"$1/metrics\" | promtool check metrics", [url])
            #expect(checked.code == 0 && checked.errors.isEmpty && checked.output.isEmpty, "\(checked)")
            let text = try shell("curl -sS \"$1/metrics\"", [url]).output
            #expect(text.contains("veroforge_calls_total{plugin=\"samples.reminders\",outcome=\"ok\"} 1"))
            #expect(text.contains("veroforge_catalogue_age_seconds"))
            #expect(!text.contains("acme"), "no tenant stands in the metrics")
        }
        await end(node)
    }

    /// nginx splits the tenants over two runtimes; when one goes, its tenants go to the other and come back.
    @Test func nginxSplitsTenantsOverTwoRuntimes() async throws {
        let node = try await node()
        let scratch = try Scratch()
        let folder = node.folder
        let first = try RuntimeProgram([
            "serve", "--data", folder, "--port", "0", "--clock", "\(folder)/clock", "--node", "a",
        ])
        let second = try RuntimeProgram([
            "serve", "--data", folder, "--port", "0", "--clock", "\(folder)/clock", "--node", "b",
        ])
        let servers = [try await first.address(), try await second.address()].map {
            $0.replacing("http://", with: "")
        }
        // The part of the runbook that operators copy is what is tried here.
        let runbook = try String(contentsOfFile: Products.file("docs/runbook.md"), encoding: .utf8)
        let start = try #require(runbook.range(of: "```nginx\n")).upperBound
        var http = String(
            runbook[
                start..<(try #require(runbook.range(of: "```", range: start..<runbook.endIndex))).lowerBound])
        let port = Int.random(in: 20_000..<30_000)
        http = http.replacing("10.0.0.11:8460", with: servers[0]).replacing(
            "10.0.0.12:8460", with: servers[1]
        )
        .replacing("listen 443 ssl", with: "listen 127.0.0.1:\(port)")
        try """
        pid \(scratch.path)/pid; error_log \(scratch.path)/error.log; daemon off;
        events {}
        http { access_log off; client_body_temp_path \(scratch.path)/b; proxy_temp_path \(scratch.path)/p;
        fastcgi_temp_path \(scratch.path)/f; uwsgi_temp_path \(scratch.path)/u; scgi_temp_path \(scratch.path)/s;
        \(http) }
        """.write(toFile: "\(scratch.path)/nginx.conf", atomically: true, encoding: .utf8)
        let nginx = Process()
        nginx.executableURL = URL(filePath: "/usr/sbin/nginx")
        nginx.arguments = ["-c", "\(scratch.path)/nginx.conf", "-e", "\(scratch.path)/error.log"]
        try nginx.runHearingSignals()
        defer { nginx.terminate() }
        #expect(
            try shell(
                "for i in $(seq 100); do curl -s -o /dev/null \"$1/healthz\" && exit 0; sleep 0.05; done; exit 1",
                ["http://127.0.0.1:\(port)"]
            ).code == 0)
        let url = "http://127.0.0.1:\(port)"
        func home(_ tenant: TenantID) -> String { "\(url)/v1/tenants/\(tenant)/plugins/samples.reminders" }
        func call(_ tenant: TenantID, _ token: String) async -> UInt? {
            await ProcessTests.send(
                token, "POST", home(tenant) + "/actions/remind", [:], key: UUID().uuidString)?.status
        }
        func nodes(_ tenant: TenantID) throws -> [String] {
            try node.events().filter { $0["tenant"] == .string(tenant.text) && $0["calls"] == 1 }
                .compactMap { $0["node"]?.stringValue }
        }
        for (tenant, token) in [(acme, node.token), (rival, node.rivalToken)] {
            let made = await ProcessTests.send(
                token, "PUT", home(tenant),
                ["version": "1.0.0", "plan": "free", "permissions": TestNode.permissions], key: nil)
            #expect(made?.status == 201, "\(String(describing: made))")
            for _ in 0..<10 { #expect(await call(tenant, token) == 200) }
            let seen = try nodes(tenant)
            #expect(seen.count == 10 && Set(seen).count == 1, "\(seen)")
        }
        let home = try nodes(acme)[0]
        let (gone, stays) = home == "a" ? (first, second) : (second, first)
        gone.send(SIGTERM)
        #expect(await gone.finish().code == 0)
        for _ in 0..<5 { #expect(await call(acme, node.token) == 200) }
        #expect(try nodes(acme).filter { $0 != home }.count == 5)
        stays.send(SIGTERM)
        #expect(await stays.finish().code == 0)
        let files = try SegmentFolder("\(folder)/usage").segments()
        #expect(Set(files.map(\.node)) == ["a", "b"])
        let audit = AuditChain.verify(try node.auditFiles())
        #expect(audit.breaks.isEmpty && audit.last.keys.sorted() == ["a", "b"], "\(audit)")
        await end(node)
    }
}
