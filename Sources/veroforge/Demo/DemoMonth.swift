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

    static let tenant = "acme-field-services"

    private var month: BillingPeriod { stage.calendar.month }
    private var clockFile: String { "\(stage.data.root)/clock" }

    func play() async throws {
        stage.say("Starting the sample application, the vendors' stand-ins and the runtime, on loopback")
        let credential = "sample-application-credential"
        let application = SimulatedApp(
            seed: 7, now: month.firstDay.start, entities: ["notes", "documents"],
            vendors: LaunchStandIns.all())
        let app = try await SimulatedServers.application(application, credential: credential)
        let vendors = try await SimulatedServers.vendors(of: application)
        try setClock(month.firstDay.start.adding(seconds: 3_600))
        let port = try FreePort.find()
        let token = try addTenant(app: app.url, credential: credential)
        let runtime = try DemoProcess(
            stage.programs.runtime,
            [
                "serve", "--data", stage.data.root, "--port", "\(port)", "--clock", clockFile,
            ],
            environment: [
                "VEROFORGE_RUNTIME_ALLOW_LOOPBACK_HOSTS": DemoPlugins.hosts.map {
                    "\($0)=127.0.0.1:\(vendors.port)"
                }.joined(separator: ",")
            ],
            log: "\(stage.data.root)/runtime.log")
        defer { runtime.stop() }
        let client = DemoClient(base: "http://127.0.0.1:\(port)", token: token)
        try await waitUntilReady(client, runtime)
        let hooks = try await install(client)
        let calls =
            try await work(client, DemoPlugins(application))
            + hear(client, hooks["veroforge.stripe-billing"] ?? "")
        guard application.violations.isEmpty else {
            throw PipelineError(
                .findings,
                "a vendor would have refused:\n  \(application.violations.joined(separator: "\n  "))")
        }
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

    /// Installs; answers the addresses for vendors' webhooks by plugin.
    private func install(_ client: DemoClient) async throws -> [String: String] {
        stage.say("Installing six plugins, with consent to each listed permission")
        let context = try stage.context(month.firstDay.start)
        var hooks: [String: String] = [:]
        for plugin in DemoPlugins.installed {
            guard let version = try context.registry.versions(of: PluginID(plugin.id)!).first,
                let permissions = version.manifest["permissions"]
            else { throw PipelineError(.notFound, "\(plugin.id) is not listed") }
            let installed = try await client.expect(
                "PUT", "/v1/tenants/\(Self.tenant)/plugins/\(plugin.id)",
                [
                    "version": .string(version.version.description), "plan": .string(plugin.plan),
                    "permissions": permissions, "config": plugin.config,
                    "secrets": .object(plugin.secrets.mapValues { .string($0) }),
                ])
            hooks[plugin.id] = installed["hook"]?.stringValue
        }
        return hooks
    }

    /// Some hundred calls, spread over the month's days.
    private func work(_ client: DemoClient, _ plugins: DemoPlugins) async throws -> Int {
        stage.say("Calling the plugins over the month \(month)")
        var answered = 0
        var day = month.firstDay
        while day < month.endDay {
            let calls = plugins.calls(day.number - month.firstDay.number, day)
            for (hour, call) in calls.enumerated() {
                try setClock(day.start.adding(seconds: Int64(8 * 3_600 + hour * 2_400)))
                let answer = try await client.expect(
                    "POST", "/v1/tenants/\(Self.tenant)/plugins/\(call.plugin)/actions/\(call.action)",
                    call.data)
                guard answer["success"]?.boolValue == true else {
                    throw PipelineError(
                        .findings, "\(call.plugin) \(call.action) answered \(answer.serialized())")
                }
                answered += 1
            }
            day = day.adding(days: 1)
        }
        return answered
    }

    /// Vendors' webhooks: signed events that are believed, and a forged one that is not.
    private func hear(_ client: DemoClient, _ hook: String) async throws -> Int {
        try setClock(month.endDay.start.adding(seconds: -1_800))
        let path = hook.replacing("{action}", with: "stripe-event")
        for number in 1...3 {
            let event = DemoPlugins.paidEvent(number, at: Clock.wall())
            let answer = try await client.deliver(path, event.body, ["stripe-signature": event.signature])
            guard answer.status == 200 else {
                throw PipelineError(.findings, "the event was answered with \(answer.status): \(answer.body)")
            }
        }
        let event = DemoPlugins.paidEvent(4, at: Clock.wall())
        let forged = try await client.deliver(
            path, event.body, ["stripe-signature": event.signature.replacing("v1=", with: "v1=00")])
        guard forged.status == 400 else {
            throw PipelineError(.findings, "a forged event was answered with \(forged.status)")
        }
        try setClock(month.endDay.start.adding(seconds: 60))
        return 3
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
