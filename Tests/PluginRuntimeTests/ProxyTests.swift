import Foundation
import Marketplace
import Provenance
import Registry
import SimulatedApp
import SimulatedServers
import Testing

@testable import PluginRuntime

private func operation(_ name: String, _ arguments: JSONValue) -> OperationRequest {
    OperationRequest(name: name, arguments: arguments)
}

private func code(_ outcome: OperationOutcome) -> String {
    if case .failure(let error) = outcome { error.code } else { "ok" }
}

private func value(_ outcome: OperationOutcome) -> JSONValue {
    if case .success(let value) = outcome { value } else { .null }
}

/// Installs a plugin whose action performs the given operations one after the other, and gives their outcomes.
private func perform(
    _ requests: [OperationRequest], permissions: JSONValue = TestNode.permissions, secrets: JSONValue = [:],
    resolver: HostResolver = .table([:]), limits: JSONValue = [:], pricing: JSONValue? = nil,
    loopback: [String: String] = [:],
    check: (TestNode, [OperationOutcome]) async throws -> Void
) async throws {
    let outcomes = Locked<[OperationOutcome]>([])
    let starter = ScriptedStarter { _, _, operations in
        for request in requests {
            let outcome = await operations.perform(request)
            outcomes.change { $0.append(outcome) }
        }
        return .answer(["success": true, "data": ["reminded": []]])
    }
    let node = try await TestNode.make(starter, resolver: resolver) { $0.loopbackHosts = loopback }
    let declared = (secrets.objectValue ?? [:]).keys.sorted().map { name -> JSONValue in
        ["name": .string(name), "purpose": "test"]
    }
    try node.list(
        TestNode.manifest(permissions: permissions, secrets: declared, limits: limits, pricing: pricing))
    let installed = try await node.install(
        plan: pricing?["plans"]?[0]?["id"]?.stringValue ?? "free", permissions: permissions, secrets: secrets)
    #expect(installed.status == 201, "\(String(decoding: installed.body, as: UTF8.self))")
    #expect(try await node.call().status == 200)
    try await check(node, outcomes.value)
    await node.end()
}

private func fetchPermission(_ host: String, _ methods: JSONValue = ["GET", "POST"]) -> JSONValue {
    ["operation": "fetch", "host": .string(host), "methods": methods, "purpose": "test"]
}

@Suite struct ProxyTests {
    @Test func whatWasNotAcceptedIsDeniedAndAudited() async throws {
        try await perform([
            operation("readData", ["entity": "invoices", "filters": []]),
            operation("readData", ["entity": "customers", "filters": []]),
            operation("writeData", ["entity": "invoices", "data": [:]]),
            operation("triggerWorkflow", ["workflow": "collect-payment"]),
            operation("fetch", ["url": "https://slack.com/api/auth.test"]),
            operation("dropTables", [:]),
            operation("readData", ["entity": "*"]),
        ]) { node, outcomes in
            #expect(outcomes.map(code) == ["ok", "denied", "denied", "denied", "denied", "denied", "denied"])
            let lines = try node.auditLines().filter { $0["actor"] == "plugin" }
            #expect(lines.map { $0["outcome"] } == outcomes.map { .string(code($0)) })
            #expect(lines[1]["subject"] == "customers")
            #expect(AuditChain.verify(try node.auditFiles()).breaks.isEmpty)
            #expect(try node.events().last?["apiCalls"] == 1)
        }
    }

    @Test func readAndWorkflowReachTheTenantsOwnApplication() async throws {
        let filters: JSONValue = [["field": "status", "op": "eq", "value": "overdue"]]
        try await perform([
            operation("readData", ["entity": "invoices", "filters": filters, "tenant": "rival"]),
            operation("triggerWorkflow", ["workflow": "send-email", "data": ["to": "a@example.com"]]),
        ]) { node, outcomes in
            let records = value(outcomes[0]).arrayValue ?? []
            #expect(!records.isEmpty && records.allSatisfy { $0["status"] == "overdue" })
            #expect(outcomes.map(code) == ["ok", "ok"])
        }
    }

    static let wrongFilters: [(JSONValue, String)] = [
        (["entity": "invoices", "filters": "status=open"], "invalid"),
        (["entity": "invoices", "filters": [["field": "status", "op": "like", "value": "x"]]], "invalid"),
        (["entity": "invoices", "filters": [["field": "status", "op": "eq", "value": ["a"]]]], "invalid"),
        (["entity": "invoices", "filters": [["field": "nothing", "op": "eq", "value": 1]]], "invalid"),
    ]

    @Test(arguments: wrongFilters)
    func filtersAreChecked(arguments: JSONValue, expected: String) async throws {
        try await perform([operation("readData", arguments)]) { _, outcomes in
            #expect(outcomes.map(code) == [expected])
        }
    }

    @Test func fetchReachesItsStandInWithTheSecretOnlyOutside() async throws {
        let slack = SlackStandIn(token: "xoxb-very-secret-token")
        let vendors = try await SimulatedServers.vendors(of: SimulatedApp(vendors: [slack]))
        let request: JSONValue = [
            "url": "https://slack.com/api/chat.postMessage", "method": "POST", "auth": ["bearer": "SLACK"],
            "headers": ["Content-Type": "application/json"],
            "body": "{\"channel\":\"#general\",\"text\":\"hello {{secret:SLACK}}\"}",
        ]
        try await perform(
            [operation("fetch", request), operation("secret", ["name": "SLACK"])],
            permissions: [fetchPermission("slack.com")], secrets: ["SLACK": "xoxb-very-secret-token"],
            loopback: ["slack.com": "127.0.0.1:\(vendors.port)"]
        ) { node, outcomes in
            #expect(slack.messages.map(\.text) == ["hello xoxb-very-secret-token"])
            #expect(slack.violations == [])
            let answer = value(outcomes[0])
            #expect(answer["status"] == 200)
            // The vendor echoes the text: the secret must not come back with it.
            #expect(answer["body"]?.stringValue?.contains("hello ***") == true)
            #expect(outcomes[1] == .success("{{secret:SLACK}}"))
            let audit = try node.auditFiles().map { String(decoding: $0.bytes, as: UTF8.self) }.joined()
            #expect(!audit.contains("xoxb-very-secret-token") && !audit.contains("hello"))
            #expect(audit.contains("POST slack.com"))
        }
        await vendors.stop()
    }

    static let privateNames: [(String, [String])] = [
        ("loopback.example.com", ["127.0.0.1"]), ("metadata.example.com", ["169.254.169.254"]),
        ("office.example.com", ["10.1.2.3"]), ("mixed.example.com", ["93.184.215.14", "192.168.1.1"]),
        ("six.example.com", ["::1"]), ("mapped.example.com", ["::ffff:127.0.0.1"]),
        ("nat.example.com", ["64:ff9b::7f00:1"]), ("unique.example.com", ["fd00::1"]),
    ]

    @Test(arguments: privateNames)
    func nameThatLeadsInsideIsRefused(host: String, addresses: [String]) async throws {
        try await perform(
            [operation("fetch", ["url": .string("https://\(host)/latest/meta-data/")])],
            permissions: [fetchPermission(host)], resolver: .table([host: addresses])
        ) { _, outcomes in
            #expect(outcomes.map(code) == ["denied"])
        }
    }

    static let wrongAddresses: [(String, String)] = [
        ("http://api.example.com/", "invalid"), ("https://api.example.com:8443/", "denied"),
        ("https://api.example.com@127.0.0.1/", "denied"), ("https://user@api.example.com/", "denied"),
        ("https://127.0.0.1/", "denied"), ("https://API.EXAMPLE.COM.evil.example.net/", "denied"),
        ("https://api.example.com/a b", "invalid"), ("https://api.example.com/\r\nHost: x", "invalid"),
        ("https://other.example.com/", "denied"), ("ftp://api.example.com/", "denied"),
    ]

    @Test(arguments: wrongAddresses)
    func addressOutsideTheRulesIsRefused(url: String, expected: String) async throws {
        try await perform(
            [operation("fetch", ["url": .string(url)])], permissions: [fetchPermission("api.example.com")],
            resolver: .table(["api.example.com": ["93.184.215.14"]])
        ) { _, outcomes in
            #expect(outcomes.map(code) == [expected])
        }
    }

    @Test(arguments: [
        "Host", "Connection", "Transfer-Encoding", "Cookie", "Proxy-Authorization", "X-Forwarded-For",
    ])
    func headerThatSteersTheConnectionIsRefused(name: String) async throws {
        try await perform(
            [operation("fetch", ["url": "https://api.example.com/", "headers": .object([name: "x"])])],
            permissions: [fetchPermission("api.example.com")]
        ) { _, outcomes in
            #expect(outcomes.map(code) == ["denied"])
        }
    }

    @Test func redirectIsAnAnswerAndNotFollowed() async throws {
        let vendor = ScriptedVendor { request in
            VendorAnswer(
                status: 302, headers: ["location": "http://169.254.169.254/", "set-cookie": "a=b"],
                body: request.path)
        }
        let server = try await SimulatedServers.vendors(of: SimulatedApp(vendors: [vendor]))
        try await perform(
            [
                operation("fetch", ["url": "https://api.example.com/go"]),
                operation("fetch", ["url": "http://169.254.169.254/"]),
            ], permissions: [fetchPermission("api.example.com")],
            loopback: ["api.example.com": "127.0.0.1:\(server.port)"]
        ) { _, outcomes in
            let answer = value(outcomes[0])
            #expect(answer["status"] == 302)
            #expect(answer["headers"]?["location"] == "http://169.254.169.254/")
            #expect(answer["headers"]?["set-cookie"] == nil)
            #expect(code(outcomes[1]) == "denied")
            #expect(vendor.paths.value == ["/go"])
        }
        await server.stop()
    }

    @Test func secretIsScrubbedInEveryEncoding() {
        let vault = SecretVault(["KEY": "s3cret/Val+ue:pass word"])
        let plain = "s3cret/Val+ue:pass word"
        let forms = [
            plain, Data(plain.utf8).base64EncodedString(), Hex.encode(Array(plain.utf8)),
            PercentEncoding.encode(plain), "pass word",
        ]
        for form in forms { #expect(vault.scrub("a \(form) b") == "a *** b", "\(form)") }
        #expect(vault.scrub([0xFF] + Array(plain.utf8) + [0xFE]) == [0xFF] + Array("***".utf8) + [0xFE])
        #expect(vault.scrub("nothing here") == "nothing here")
    }

    @Test func signaturesAreMadeOutsideTheSandbox() async throws {
        // RFC 4231, test case 2.
        let data = Data("what do ya want for nothing?".utf8).base64EncodedString()
        let known = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        func verify(_ signature: String) -> OperationRequest {
            operation(
                "crypto.verifyHmac",
                [
                    "secret": "KEY", "algorithm": "sha256", "data": .string(data),
                    "signature": .string(signature),
                ])
        }
        try await perform(
            [
                operation("crypto.sign", ["secret": "KEY", "algorithm": "sha256", "data": .string(data)]),
                verify(known), verify("00" + known.dropFirst(2)), verify("no hex"),
                operation("crypto.sign", ["secret": "OTHER", "algorithm": "sha256", "data": .string(data)]),
            ], secrets: ["KEY": "Jefe"]
        ) { _, outcomes in
            #expect(value(outcomes[0])["signature"] == .string(known))
            #expect(outcomes[1...3].map { value($0)["valid"] } == [true, false, false])
            #expect(code(outcomes[4]) == "denied")
        }
    }

    @Test func storageHoldsItsQuotaAndSurvives() async throws {
        let large = String(repeating: "x", count: 700_000)
        try await perform(
            [
                operation("storage.set", ["key": "a", "value": ["n": 1]]),
                operation("storage.get", ["key": "a"]), operation("storage.get", ["key": "b"]),
                operation("storage.set", ["key": "l1", "value": .string(large)]),
                operation("storage.set", ["key": "l2", "value": .string(large)]),
                operation("storage.list", ["prefix": ""]), operation("storage.delete", ["key": "l1"]),
                operation("storage.list", ["prefix": ""]),
            ], limits: ["storageMiB": 1]
        ) { _, outcomes in
            #expect(outcomes.map(code) == ["ok", "ok", "ok", "ok", "limit", "ok", "ok", "ok"])
            #expect(value(outcomes[1]) == ["value": ["n": 1]])
            #expect(outcomes[2] == .success(.null))
            #expect(value(outcomes[5])["keys"] == ["a", "l1"])
            #expect(value(outcomes[7])["keys"] == ["a"])
        }
    }

    @Test func oauthTokenIsRefreshedRotatedAndNeverShown() async throws {
        let refreshes = Locked<[String]>([])
        let vendor = ScriptedVendor { request in
            if request.path == "/token" {
                let refresh = request.body.split(separator: "=").last.map(String.init) ?? ""
                refreshes.change { $0.append(refresh) }
                let number = refreshes.value.count
                return VendorAnswer(
                    status: 200, headers: ["content-type": "application/json"],
                    body:
                        "{\"access_token\":\"access-\(number)-secret\",\"refresh_token\":\"refresh-\(number)\","
                        + "\"expires_in\":3600}")
            }
            let expected = "Bearer access-\(refreshes.value.count)-secret"
            let isRight = request.headers["authorization"] == expected
            return VendorAnswer(
                status: isRight ? 200 : 401, body: "you sent \(request.headers["authorization"] ?? "")")
        }
        let server = try await SimulatedServers.vendors(of: SimulatedApp(vendors: [vendor]))
        let credential: JSONValue = [
            "tokenEndpoint": "https://api.example.com/token", "clientId": "id",
            "clientSecret": "client-secret",
            "refreshToken": "refresh-0",
        ]
        let request = operation("fetch", ["url": "https://api.example.com/data", "auth": ["oauth": "GRANT"]])
        try await perform(
            [request, request], permissions: [fetchPermission("api.example.com")],
            secrets: ["GRANT": .string(credential.serialized())],
            loopback: ["api.example.com": "127.0.0.1:\(server.port)"]
        ) { node, outcomes in
            #expect(outcomes.map { value($0)["status"] } == [200, 200])
            #expect(refreshes.value == ["refresh-0"])
            #expect(value(outcomes[0])["body"] == "you sent Bearer ***")
            let kept = try node.registry.secret(
                ".oauth.GRANT", of: reminders, for: acme, openedBy: node.sealed)
            #expect(String(decoding: kept ?? [], as: UTF8.self).contains("refresh-1"))
        }
        await server.stop()
    }

    @Test func reportedAmountsCountOnceTheCallSucceeded() async throws {
        let pricing: JSONValue = [
            "model": "payPerUse", "currency": "EUR",
            "plans": [
                [
                    "id": "share", "amount": "0", "interval": "month",
                    "charges": [["scheme": "percentage", "percent": "1.5", "reportedMax": "1000.00"]],
                ]
            ],
        ]
        try await perform(
            [
                operation("usage.report", ["amount": "129.00", "currency": "EUR"]),
                operation("usage.report", ["amount": "5000.00", "currency": "EUR"]),
                operation("usage.report", ["amount": "1.00", "currency": "USD"]),
            ], pricing: pricing
        ) { node, outcomes in
            #expect(outcomes.map(code) == ["ok", "limit", "invalid"])
            let amounts = try node.events().filter { $0["kind"] == "amount" }
            #expect(amounts.map { $0["amount"] } == ["129.00"])
        }
    }

    @Test func egressIsBounded() async throws {
        let vendor = ScriptedVendor { _ in VendorAnswer(status: 200, body: "ok") }
        let server = try await SimulatedServers.vendors(of: SimulatedApp(vendors: [vendor]))
        let body = String(repeating: "x", count: 6_000)
        let request = operation(
            "fetch", ["url": "https://api.example.com/", "method": "POST", "body": .string(body)])
        try await perform(
            [request, request], permissions: [fetchPermission("api.example.com")],
            limits: ["egressBytes": 8_000],
            loopback: ["api.example.com": "127.0.0.1:\(server.port)"]
        ) { _, outcomes in
            #expect(outcomes.map(code) == ["ok", "limit"])
            guard case .failure(let error) = outcomes[1] else { return }
            #expect(error.message.hasPrefix("egress:"))
        }
        await server.stop()
    }

    @Test func faultsOfTheApplicationKeepTheirNames() async throws {
        let outcomes = Locked<[OperationOutcome]>([])
        let starter = ScriptedStarter { _, _, operations in
            let outcome = await operations.perform(
                operation("readData", ["entity": "invoices", "filters": []]))
            outcomes.change { $0.append(outcome) }
            return .answer(["success": true, "data": ["reminded": []]])
        }
        let app = SimulatedApp(seed: 9)
        let server = try await SimulatedServers.application(app, credential: "credential-of-acme")
        let node = try await TestNode.make(starter) { $0.answerBytesMax = 200_000 }
        try node.registry.setApplication(
            of: acme, appURL: server.url, credential: Array("credential-of-acme".utf8), sealedBy: node.sealed)
        try node.list(TestNode.manifest(limits: ["wallMs": 1_500]))
        _ = try await node.install()
        for fault in [
            Fault.Kind.serverError, .rateLimited(retryAfterSeconds: 1), .malformed,
            .slow(milliseconds: 4_000),
        ] {
            app.inject(Fault(fault))
            _ = try await node.call()
        }
        #expect(outcomes.value.map(code) == ["upstream", "rateLimited", "upstream", "timeout"])
        await node.end()
        await server.stop()
    }
}

/// A vendor that answers by a closure.
private struct ScriptedVendor: VendorStandIn {
    let name = "scripted"
    let hosts = ["api.example.com"]
    let violations: [String] = []
    let paths = Locked<[String]>([])
    let script: @Sendable (VendorRequest) -> VendorAnswer

    init(_ script: @escaping @Sendable (VendorRequest) -> VendorAnswer) { self.script = script }

    func answer(_ request: VendorRequest) -> VendorAnswer {
        paths.change { $0.append(request.path) }
        return script(request)
    }
}
