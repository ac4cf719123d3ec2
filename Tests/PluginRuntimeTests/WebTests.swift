import Foundation
import Marketplace
import Provenance
import Publishing
import Registry
import Testing

@testable import PluginRuntime

/// A browser without script: follows no redirect by itself, keeps cookies, sends forms.
private final class Browser {
    let web: WebFace
    var cookies: [String: String] = [:]

    init(_ node: TestNode) throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        web = WebFace(
            node.configuration, api: node.service.api, registry: node.registry,
            clock: RuntimeClock { [clock = node.clock] in clock.now },
            templates: try Templates(folder: "/\(root)/site-templates"))
    }

    func get(_ target: String, headers: [String: String] = [:]) async throws -> APIResponse {
        try await send(APIRequest(method: "GET", target: target, headers: headers), target)
    }

    func post(_ target: String, _ form: [(String, String)], from site: String? = "same-origin") async throws
        -> APIResponse
    {
        let body = form.map { "\(PercentEncoding.encode($0.0))=\(PercentEncoding.encode($0.1))" }
        var headers = ["content-type": "application/x-www-form-urlencoded", "host": "127.0.0.1:1"]
        headers["sec-fetch-site"] = site
        let request = try APIRequest(
            method: "POST", target: target, headers: headers, body: Array(body.joined(separator: "&").utf8))
        return try await send(request, target)
    }

    func send(_ request: APIRequest, _ target: String) async throws -> APIResponse {
        var request = request
        if !cookies.isEmpty {
            request.headers["cookie"] = cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
        }
        let response = try #require(await web.respond(to: request, target: target))
        if let cookie = response.headers["set-cookie"] {
            let pair = cookie.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
            cookies[String(pair[0])] = pair.count > 1 ? String(pair[1]) : nil
        }
        return response
    }

    func signIn(_ token: String) async throws -> APIResponse {
        try await post("/v1/session", [("token", token)])
    }
}

extension APIResponse {
    fileprivate var text: String { String(decoding: body, as: UTF8.self) }
    fileprivate var location: String { headers["location"] ?? "" }
}

@Suite struct WebTests {
    static let permissionFields = [
        ("permissions[]", #"{"entity":"invoices","operation":"readData"}"#),
        ("permissions[]", #"{"operation":"triggerWorkflow","workflow":"send-email"}"#),
    ]

    @Test func thePublicSiteIsServedAsFilesAndNothingBesides() async throws {
        let node = try await TestNode.make()
        let site = "\(node.folder)/site/public"
        for (name, text) in [
            ("index.html", "home"), ("404.html", "missing"), ("docs/index.html", "docs"), ("a b.txt", "x"),
            (".well-known/security.txt", "Contact: a"), (".hidden", "no"),
        ] {
            let path = URL(filePath: "\(site)/\(name)")
            try FileManager.default.createDirectory(
                at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: path)
        }
        let browser = try Browser(node)
        let home = try await browser.get("/")
        #expect(home.status == 200 && home.text == "home")
        #expect(home.headers["content-type"] == "text/html; charset=utf-8")
        #expect(home.headers["content-security-policy"] == "frame-ancestors 'none'")
        #expect(home.headers["x-content-type-options"] == "nosniff")
        let again = try await browser.get("/", headers: ["if-none-match": home.headers["etag"] ?? ""])
        #expect(again.status == 304 && again.body.isEmpty)
        #expect(try await browser.get("/docs").location == "/docs/")
        #expect(try await browser.get("/docs?q=a%26b").location == "/docs/?q=a%26b")
        #expect(try await browser.get("/docs/").text == "docs")
        #expect(try await browser.get("/a%20b.txt").text == "x")
        #expect(try await browser.get("/.well-known/security.txt").status == 200)
        for path in [
            "/nothing/", "/.hidden", "/../veroforge.yaml", "/%2e%2e/veroforge.yaml",
            "/docs/..%2f..%2fveroforge.yaml",
            "/%2fetc/passwd", "//etc/passwd",
        ] {
            let answer = try await browser.get(path)
            #expect(answer.status == 404 && answer.text == "missing", "\(path)")
        }
        let wrong = try await browser.send(try APIRequest(method: "PUT", target: "/docs/"), "/docs/")
        #expect(wrong.status == 405 && wrong.headers["allow"] == "GET, HEAD")
        await node.end()
    }

    @Test func signingInGivesACookieThatNoScriptReadsAndNoOtherSiteSends() async throws {
        let node = try await TestNode.make()
        let browser = try Browser(node)
        #expect(try await browser.get("/sign-in/").text.contains("action=\"/v1/session\""))
        let wrong = try await browser.signIn("vft_t_wrong")
        #expect(wrong.status == 401 && wrong.text.contains("unknown, has ended or was revoked"))
        let answer = try await browser.signIn(node.token)
        #expect(answer.status == 303 && answer.location == "/account/")
        let cookie = answer.headers["set-cookie"] ?? ""
        for part in ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
            #expect(cookie.split(separator: ";").contains { $0.trimmingSpaces == part }, "\(part)")
        }
        let out = try await browser.post("/v1/session", [("_method", "DELETE")])
        #expect(out.status == 303 && out.headers["set-cookie"]?.contains("Max-Age=0") == true)
        await node.end()
    }

    @Test(arguments: ["cross-site", "same-site", "none", ""])
    func aFormOfAnotherSiteChangesNothing(site: String) async throws {
        let node = try await TestNode.make()
        try node.list()
        _ = try await node.install()
        let browser = try Browser(node)
        _ = try await browser.signIn(node.token)
        let answer = try await browser.post(
            TestNode.home, [("_method", "DELETE")], from: site.isEmpty ? nil : site)
        #expect(answer.status == 403)
        #expect(try await browser.post("/v1/session", [("token", node.rivalToken)], from: site).status == 403)
        #expect(try await node.ask("GET", TestNode.home).status == 200)
        await node.end()
    }

    /// What a customer does, by forms alone: install, call, see usage, approve, review, cap, change plan, remove.
    @Test func aCustomersFormsDoWhatTheySayAndThePageShowsIt() async throws {
        let node = try await TestNode.make()
        try node.list()
        let browser = try Browser(node)
        let early = try await browser.get("/account/?install=samples.reminders")
        #expect(early.status == 303 && early.location == "/sign-in/")
        #expect(try await browser.signIn(node.token).location == "/account/?install=samples.reminders")
        let offer = try await browser.get("/account/?install=samples.reminders")
        #expect(offer.text.contains("what you consent to") && offer.text.contains("Install Reminders"))
        let home = TestNode.home
        let fields = [("_method", "PUT"), ("_lists", "permissions"), ("version", "1.0.0"), ("plan", "free")]
        let partly = try await browser.post(home, fields + Self.permissionFields.prefix(1))
        #expect(partly.status == 409 && partly.text.contains("asks for more than was accepted"))
        let installed = try await browser.post(home, fields + Self.permissionFields)
        #expect(installed.status == 303 && installed.location == "/account/#plugin-samples.reminders")
        let account = try await browser.get("/account/")
        #expect(account.text.contains("Installed. What it may touch"))
        #expect(account.text.contains("id=\"plugin-samples.reminders\""))
        #expect(try await !browser.get("/account/").text.contains("Installed. What it may touch"))

        let called = try await browser.post(home + "/actions/remind", [("_body", #"{"limit": 1}"#)])
        #expect(called.status == 200 && called.text.contains("The call succeeded."))
        let wrong = try await browser.post(home + "/actions/remind", [("_body", #"{"limit": 0}"#)])
        #expect(wrong.status == 422 && wrong.text.contains("/limit"))
        let csv = try await browser.get("/account/usage.csv")
        #expect(csv.text.contains("2026-01-05,samples.reminders,calls,1"))
        #expect(try await browser.get("/account/").text.contains("Calls a day"))

        var more = TestNode.permissions.arrayValue ?? []
        more.append(["operation": "fetch", "host": "api.example.com", "methods": ["POST"], "purpose": "tell"])
        try node.list(TestNode.manifest(version: "1.1.0", permissions: .array(more)))
        let waiting = try await browser.get("/account/")
        #expect(waiting.text.contains("Approve Reminders 1.1.0") && waiting.text.contains("api.example.com"))
        let approved = try await browser.post(
            home + "/updates/1.1.0/approve",
            [("_lists", "permissions")] + Self.permissionFields + [
                ("permissions[]", #"{"host":"api.example.com","methods":["POST"],"operation":"fetch"}"#)
            ])
        #expect(approved.status == 303)
        #expect(try await node.ask("GET", home).json["version"] == "1.1.0")

        for (path, form, sign) in [
            (
                "/review", [("_method", "PUT"), ("stars#", "4"), ("text", "Works & helps.")],
                "Works &amp; helps."
            ),
            ("/spend-cap", [("_method", "PUT"), ("amount?", "20.00")], "value=\"20.00\""),
            ("/plan", [("_method", "PUT"), ("plan", "pro")], "value=\"pro\" selected"),
            ("/config", [("_method", "PUT"), ("_body", #"{"graceDays":7}"#)], "graceDays&quot;: 7"),
        ] {
            let answer = try await browser.post(home + path, form)
            #expect(answer.status == 303, "\(path): \(answer.text.prefix(400))")
            #expect(try await browser.get("/account/").text.contains(sign), "\(path)")
        }
        let token = try await browser.post("/v1/tenants/acme/tokens", [])
        #expect(token.status == 200 && token.text.contains("vft_t_"))
        #expect(try node.registry.tokens(of: .tenant(acme)).count == 2)

        let removed = try await browser.post(home, [("_method", "DELETE")])
        #expect(removed.status == 303 && removed.location == "/account/#installed")
        #expect(try await browser.get("/account/").text.contains("Nothing is installed."))
        await node.end()
    }

    @Test func privatePagesAreForTheirOwnTokenOnly() async throws {
        let node = try await TestNode.make()
        try node.list()
        _ = try await node.install()
        let browser = try Browser(node)
        for path in ["/account/", "/publisher/", "/review/", "/account/invoices/VF-000001.html"] {
            #expect(try await browser.get(path).location == "/sign-in/", "\(path)")
        }
        _ = try await browser.signIn(node.rivalToken)
        #expect(try await !browser.get("/account/").text.contains("Reminders"))
        #expect(try await browser.get("/publisher/").location == "/account/")
        #expect(try await browser.get("/review/").location == "/account/")
        let other = try await browser.post(TestNode.home, [("_method", "DELETE")])
        #expect(other.status == 403)
        #expect(try await node.ask("GET", TestNode.home).status == 200)
        let page = try await browser.get("/account/")
        #expect(page.headers["cache-control"] == "no-store")
        await node.end()
    }

    @Test func aPublisherManagesVersionsAndSubmitsByForm() async throws {
        let node = try await TestNode.make()
        try node.list()
        let browser = try Browser(node)
        #expect(try await browser.signIn(node.publisherToken).location == "/publisher/")
        #expect(try await browser.get("/publisher/").text.contains("Versions of Reminders"))
        let fields = [("plugin", "samples.reminders"), ("version", "1.0.0")]
        let path = "/v1/publishers/samples/versions"
        let nameless = try await browser.post(path, fields + [("change", "yank"), ("reason", "")])
        #expect(nameless.status == 422)
        let yanked = try await browser.post(
            path, fields + [("change", "yank"), ("reason", "It loses mail.")])
        #expect(yanked.status == 303 && yanked.location == "/publisher/")
        #expect(try node.registry.version(reminders, Version("1.0.0")!).yankReason == "It loses mail.")
        let page = try await browser.get("/publisher/")
        #expect(page.text.contains("Changed.") && page.text.contains("Put back"))
        let back = try await browser.post(path, fields + [("change", "restore"), ("reason", "Fixed.")])
        #expect(back.status == 303)

        let bundle = Array("not a bundle yet, but bytes".utf8)
        let envelope = Envelope.sign([1], payloadType: "text/plain", with: [SigningKey()])
        let body = MultipartTests.body([
            ("name=\"bundle\"; filename=\"a.vfp\"", String(decoding: bundle, as: UTF8.self)),
            (
                "name=\"signature\"; filename=\"a.sig.json\"",
                String(decoding: envelope.serializedBytes, as: UTF8.self)
            ),
        ])
        let request = try APIRequest(
            method: "POST", target: "/v1/submissions",
            headers: ["content-type": MultipartTests.type, "sec-fetch-site": "same-origin"], body: body)
        let submitted = try await browser.send(request, "/v1/submissions")
        #expect(submitted.status == 303 && submitted.location == "/publisher/")
        #expect(try node.registry.submission(.sha256(of: bundle)).publisher == TestNode.publisher)
        #expect(try await browser.get("/publisher/").text.contains(Digest.sha256(of: bundle).hex))
        await node.end()
    }

    @Test func aDeveloperRegistersAndIsAPublisher() async throws {
        let node = try await TestNode.make()
        let browser = try Browser(node)
        #expect(try await browser.get("/register/").text.contains("action=\"/v1/publishers\""))
        let key = SigningKey().verifyingKey
        var form = [
            ("id", "northwind"), ("name", "Northwind (sample)"), ("email", "dev@northwind.example"),
            ("country", "US"), ("currency", "USD"),
            ("key", key.pem.split(separator: "\n").joined(separator: "\r\n")),
        ]
        let made = try await browser.post("/v1/publishers", form)
        #expect(made.status == 200 && made.text.contains("vft_p_"))
        #expect(try node.registry.publisher(PublisherID("northwind")!).name == "Northwind (sample)")
        #expect(try await browser.post("/v1/publishers", form).status == 409)
        form[5].1 = "no key"
        form[0].1 = "southwind"
        #expect(try await browser.post("/v1/publishers", form).status == 422)
        await node.end()
    }

    @Test func aReviewersFormIsTakenDownUnderTheReviewersName() async throws {
        let node = try await TestNode.make()
        let token = try node.registry.issueToken(for: .reviewer("ada"), now: epoch).token
        let id = Digest.sha256(of: "held")
        _ = try node.registry.receive(bundle: id, byteCount: 4, publisher: TestNode.publisher, now: epoch)
        let browser = try Browser(node)
        #expect(try await browser.signIn(token).location == "/review/")
        let early = try await browser.post(
            "/v1/reviews/\(id.hex)", [("decision", "approve"), ("reason", "")])
        #expect(early.status == 409)
        let path = "\(node.folder)/site/private/review/\(id.hex)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Data("the report".utf8).write(to: URL(filePath: "\(path)/index.html"))
        #expect(try await browser.get("/review/\(id.hex)/").text == "the report")
        #expect(try await browser.get("/review/../tenants/acme/").status == 404)
        try node.hold(id)
        let nameless = try await browser.post(
            "/v1/reviews/\(id.hex)", [("decision", "reject"), ("reason", "")])
        #expect(nameless.status == 422)
        let taken = try await browser.post(
            "/v1/reviews/\(id.hex)", [("decision", "reject"), ("reason", "It sends mail to strangers.")])
        #expect(taken.status == 303 && taken.location == "/review/decided/")
        #expect(try await browser.get("/review/decided/").text.contains("taken down under your name"))
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(node.folder)/reviews")
        let request = try JSONValue.parse(
            Array(try Data(contentsOf: URL(filePath: "\(node.folder)/reviews/\(files[0])"))))
        #expect(request["by"] == "ada" && request["decision"] == "reject")
        // A customer's token is no reviewer's.
        #expect(try await node.ask("POST", "/v1/reviews/\(id.hex)", ["decision": "approve"]).status == 403)
        await node.end()
    }

    @Test func webhooksThatAreFormsReachThePlugin() throws {
        let request = try APIRequest(
            method: "POST", target: "/v1/hooks/in_1/hook",
            headers: ["content-type": "application/x-www-form-urlencoded"])
        #expect(WebFace.formType(request) == nil)
    }
}

extension TestNode {
    /// Takes a submission to `held`.
    fileprivate func hold(_ id: Digest) throws {
        let manifest = TestNode.manifest(version: "7.0.0")
        for (from, to, records) in [
            (
                SubmissionState.received, SubmissionState.ingested,
                [StageRecord.identity(reminders, Version("7.0.0")!, manifest: manifest)]
            ), (.ingested, .unpacked, []), (.unpacked, .scanned, []), (.scanned, .tried, []),
            (.tried, .held, []),
        ] {
            let lease = try registry.lease(in: from, id: id, owner: "test", now: epoch).first!
            try registry.advance(
                lease, to: to, reason: TransitionReason("test", "Test."), records: records, actor: "test",
                now: epoch)
        }
    }
}
