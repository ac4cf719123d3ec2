import AsyncHTTPClient
import Foundation
import Marketplace
import Pipeline
import Provenance
import Registry
import SimulatedApp
import SimulatedServers

/// The demo's second act: a customer installs what is listed and works with it for a month; then come the nights.
struct DemoMonth {
    let stage: DemoStage

    /// The launch plugins of the demo by folder; the last is the hostile one.
    static let plugins = ["slack", "overdue-reminders", "hostile"]
    static let tenant = "acme-field-services"
    static let callsPerDay = 12

    private var month: BillingPeriod { stage.calendar.month }
    private var clockFile: String { "\(stage.data.root)/clock" }

    func play() async throws {
        stage.say("Starting the sample application, Slack's stand-in and the runtime, on loopback")
        let credential = "sample-application-credential"
        let application = SimulatedApp(seed: 7, now: month.firstDay.start, entities: ["notes", "documents"])
        let app = try await SimulatedServers.application(application, credential: credential)
        let vendors = try await SimulatedServers.vendors(of: application)
        try setClock(month.firstDay.start.adding(seconds: 3_600))
        let port = try FreePort.find()
        let token = try addTenant(app: app.url, credential: credential)
        let runtime = try DemoProcess(
            stage.programs.runtime,
            [
                "serve", "--data", stage.data.root, "--port", "\(port)", "--clock", clockFile,
            ], environment: ["VEROFORGE_RUNTIME_ALLOW_LOOPBACK_HOSTS": "slack.com=127.0.0.1:\(vendors.port)"],
            log: "\(stage.data.root)/runtime.log")
        defer { runtime.stop() }
        let client = DemoClient(base: "http://127.0.0.1:\(port)", token: token)
        try await waitUntilReady(client, runtime)
        try await install(client)
        let calls = try await work(client)
        stage.say("\(calls) calls were answered; the runtime finishes and seals its segment")
        runtime.stop()
        await vendors.stop()
        await app.stop()
        try? await HTTPClient.shared.shutdown()
        try await nights()
    }

    private func setClock(_ now: Instant) throws(PipelineError) {
        try Files.write(Array((now.description + "\n").utf8), to: clockFile)
    }

    private func addTenant(app: String, credential: String) throws -> String {
        let now = month.firstDay.start
        let context = try stage.context(now)
        let tenant = TenantID(Self.tenant)!
        try context.registry.createTenant(
            tenant, name: "Acme Field Services (sample)", appURL: app, credential: Array(credential.utf8),
            country: "DE", currency: Currency("USD")!, taxID: nil, email: "accounts@acme.example",
            sealedBy: try context.keys.sealedStore(), now: now)
        return try context.registry.issueToken(for: .tenant(tenant), now: now).token
    }

    private func waitUntilReady(_ client: DemoClient, _ runtime: DemoProcess) async throws {
        for _ in 0..<200 {
            guard runtime.isRunning else { break }
            if let answer = try? await client.send("GET", "/readyz"), answer.status == 200 { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        let log = String(decoding: (try? Files.read("\(stage.data.root)/runtime.log")) ?? [], as: UTF8.self)
        throw PipelineError(.tryLater, "the runtime did not come up:\n\(log.suffix(2_000))")
    }

    private func install(_ client: DemoClient) async throws {
        stage.say("Installing, with consent to each listed permission")
        let context = try stage.context(month.firstDay.start)
        for (id, plan, secrets) in [
            (
                "veroforge.slack", "team",
                ["SLACK_BOT_TOKEN": "xoxb-sample-token", "SLACK_SIGNING_SECRET": "sample-signing-secret"]
            ),
            ("northwind-samples.overdue-reminders", "metered", [:]),
        ] {
            guard let version = try context.registry.versions(of: PluginID(id)!).first,
                let permissions = version.manifest["permissions"]
            else { throw PipelineError(.notFound, "\(id) is not listed") }
            _ = try await client.expect(
                "PUT", "/v1/tenants/\(Self.tenant)/plugins/\(id)",
                [
                    "version": .string(version.version.description), "plan": .string(plan),
                    "permissions": permissions,
                    "secrets": .object(secrets.mapValues { .string($0) }),
                ])
        }
    }

    /// Some hundred calls, spread over the month's days.
    private func work(_ client: DemoClient) async throws -> Int {
        stage.say("Calling the plugins over the month \(month)")
        var answered = 0
        var day = month.firstDay
        while day < month.endDay {
            for hour in 0..<Self.callsPerDay {
                try setClock(day.start.adding(seconds: Int64(8 * 3_600 + hour * 2_400)))
                let order = 1 + (day.number * Self.callsPerDay + hour) % 20
                let slack: JSONValue = [
                    "orderId": .string(
                        "ord-" + String(repeating: "0", count: order < 10 ? 4 : 3) + "\(order)"),
                    "event": hour % 2 == 0 ? "created" : "completed",
                ]
                let (plugin, action, data): (String, String, JSONValue) =
                    hour % 4 == 3
                    ? ("northwind-samples.overdue-reminders", "overview", ["asOf": .string(day.description)])
                    : ("veroforge.slack", "notify-order", slack)
                let answer = try await client.expect(
                    "POST", "/v1/tenants/\(Self.tenant)/plugins/\(plugin)/actions/\(action)", data)
                guard answer["success"]?.boolValue == true else {
                    throw PipelineError(.findings, "\(plugin) \(action) answered \(answer.serialized())")
                }
                answered += 1
            }
            day = day.adding(days: 1)
        }
        try setClock(month.endDay.start.adding(seconds: 60))
        return answered
    }

    /// Every night of the month, then those after it until the shares are paid out.
    private func nights() async throws {
        stage.say(
            "Running the nights: seal, roll-up, rate, invoice, collect, settle, pay-out, reconcile, report")
        var day = month.firstDay.adding(days: 1)
        let last = month.endDay.adding(days: stage.data.configuration.holdDays + 8)
        while day <= last {
            if day == month.endDay.adding(days: 5) { try DemoBank.pay(stage, on: day) }
            try await stage.pipeline("nightly", at: day.start.adding(seconds: 900))
            day = day.adding(days: 1)
        }
    }
}

/// A port of the loopback interface that nobody listens on.
enum FreePort {
    static func find() throws(PipelineError) -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(descriptor, raw, length) == 0 && getsockname(descriptor, raw, &length) == 0
            }
        }
        guard bound else { throw PipelineError(.tryLater, "no free port on loopback") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
