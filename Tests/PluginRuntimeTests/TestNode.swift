import Foundation
import Logging
import Marketplace
import Metering
import Provenance
import Registry
import Sandbox
import SimulatedApp
import SimulatedServers

@testable import PluginRuntime

let epoch = Instant("2026-01-05T08:00:00Z")!
let acme = TenantID("acme")!
let rival = TenantID("rival")!
let reminders = PluginID("samples.reminders")!

/// A data directory with two tenants and one listed plugin, and a service over it.
final class TestNode {
    let folder: String
    let registry: Registry
    let app = SimulatedApp(seed: 4)
    let application: LoopbackServer
    let rivalApp = SimulatedApp(seed: 5)
    let rivalApplication: LoopbackServer
    let sealed: SealedStore
    let clock = TestClock()
    var service: RuntimeService
    let token: String
    let rivalToken: String
    let publisherToken: String
    var configuration: RuntimeConfiguration

    static let publisher = PublisherID("samples")!

    /// - Parameters:
    ///   - starter: what runs plugins.
    ///   - configure: changes of the configuration.
    static func make(
        _ starter: any PluginStarter = ScriptedStarter(), resolver: HostResolver = .table([:]),
        configure: (inout RuntimeConfiguration) -> Void = { _ in }
    ) async throws -> TestNode {
        let app = SimulatedApp(seed: 4)
        let application = try await SimulatedServers.application(app, credential: "credential-of-acme")
        let rivalApp = SimulatedApp(seed: 5)
        let rivalApplication = try await SimulatedServers.application(
            rivalApp, credential: "credential-of-rival")
        return try TestNode(application, rivalApplication, starter, resolver, configure)
    }

    private init(
        _ application: LoopbackServer, _ rivalApplication: LoopbackServer, _ starter: any PluginStarter,
        _ resolver: HostResolver, _ configure: (inout RuntimeConfiguration) -> Void
    ) throws {
        self.application = application
        self.rivalApplication = rivalApplication
        folder = NSTemporaryDirectory() + "runtime-" + UUID().uuidString
        for name in ["inbox", "site/public/bundles"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
        }
        try Data("format: 1\ndemo: true\n".utf8).write(to: URL(filePath: "\(folder)/veroforge.yaml"))
        try Data("\(epoch)\n".utf8).write(to: URL(filePath: "\(folder)/clock"))
        try KeyStore(folder: "\(folder)/keys").createMissing()
        try KeyStore(folder: "\(folder)/keys").createRootMetadata(now: epoch)
        sealed = try KeyStore(folder: "\(folder)/keys").sealedStore()
        registry = try Registry.open(path: "\(folder)/registry.sqlite")
        for (tenant, server) in [(acme, application), (rival, rivalApplication)] {
            try registry.createTenant(
                tenant, name: "Sample Customer", appURL: server.url,
                credential: Array("credential-of-\(tenant)".utf8),
                country: "DE", currency: Currency("EUR")!, sealedBy: sealed, now: epoch)
        }
        try registry.registerPublisher(
            Self.publisher, name: "Samples", email: "dev@example.com", country: "DE",
            currency: Currency("EUR")!,
            key: SigningKey().verifyingKey, now: epoch)
        token = try registry.issueToken(for: .tenant(acme), now: epoch).token
        rivalToken = try registry.issueToken(for: .tenant(rival), now: epoch).token
        publisherToken = try registry.issueToken(for: .publisher(Self.publisher), now: epoch).token
        configuration = RuntimeConfiguration(data: folder)
        configuration.port = 0
        configuration.spareRunners = 0
        configure(&configuration)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        try Self.publish("\(folder)", now: epoch)
        let parts = try RuntimeParts(
            configuration, resolver: resolver, clock: RuntimeClock { [clock] in clock.now }, logger: logger
        ) { _ in starter }
        service = RuntimeService(
            configuration, parts,
            pools: SandboxPools(Isolations.of(executable: "", seccompList: ""), spares: 0), logger: logger)
    }

    func end() async {
        await service.close()
        await application.stop()
        await rivalApplication.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    // MARK: The catalogue

    static let permissions: JSONValue = [
        ["operation": "readData", "entity": "invoices", "purpose": "find overdue invoices"],
        ["operation": "triggerWorkflow", "workflow": "send-email", "purpose": "remind the customer"],
    ]

    static func manifest(
        version: String = "1.0.0", permissions: JSONValue = TestNode.permissions, secrets: [JSONValue] = [],
        limits: JSONValue = [:], pricing: JSONValue? = nil
    ) -> JSONValue {
        let surface = Set((permissions.arrayValue ?? []).compactMap { $0["operation"]?.stringValue }).sorted()
        return [
            "id": .string(reminders.text), "name": "Reminders", "version": .string(version),
            "description": "Reminds customers of overdue invoices.", "author": "Samples",
            "category": "billing",
            "main": "dist/index.js", "license": "MIT", "apiSurface": .array(surface.map(JSONValue.string)),
            "permissions": permissions, "secrets": .array(secrets), "limits": limits,
            "config": [
                "type": "object", "additionalProperties": false,
                "properties": ["graceDays": ["type": "integer", "minimum": 0, "default": 3]],
            ],
            "actions": [
                [
                    "name": "remind", "description": "Reminds.",
                    "input": [
                        "type": "object", "additionalProperties": false,
                        "properties": [
                            "limit": ["type": "integer", "minimum": 1], "mode": ["type": "string"],
                        ],
                    ],
                    "output": ["type": "object", "required": ["reminded"]],
                ],
                ["name": "hook", "description": "Takes webhooks.", "input": ["type": "object"]],
            ],
            "pricing": pricing ?? [
                "model": "freemium", "currency": "EUR",
                "plans": [
                    ["id": "free", "amount": "0", "interval": "month"],
                    ["id": "pro", "amount": "9.00", "interval": "month"],
                ],
            ],
        ]
    }

    /// Takes a version the whole way into the catalogue; the bundle is bytes that a scripted starter never reads.
    @discardableResult
    func list(_ manifest: JSONValue = TestNode.manifest(), bundle: [UInt8]? = nil) throws -> Digest {
        let version = Version(manifest["version"]?.stringValue ?? "")!
        let bytes = bundle ?? Array("bundle of \(version)".utf8)
        let id = Digest.sha256(of: bytes)
        try Data(bytes).write(to: URL(filePath: "\(folder)/site/public/bundles/\(id.hex).vfp"))
        _ = try registry.receive(bundle: id, byteCount: bytes.count, publisher: Self.publisher, now: epoch)
        let plugin = PluginID(manifest["id"]?.stringValue ?? "")!
        try step(id, .received, .ingested, [.identity(plugin, version, manifest: manifest)])
        try step(id, .ingested, .unpacked)
        try step(id, .unpacked, .scanned)
        try step(id, .scanned, .tried)
        let decision = NewDecision(verdict: .approve, decidedBy: "policy", reason: "", rules: ["low-risk"])
        try step(id, .tried, .approved, [.decision(decision)])
        try step(id, .approved, .listed, [.listing(channel: .stable, securityFix: false)])
        try publish()
        return id
    }

    /// Signs the public directory as it stands.
    func publish(revocations: [JSONValue] = [], now: Instant? = nil) throws {
        let list: JSONValue = ["schema": "veroforge.revocations/1", "revocations": .array(revocations)]
        try Disk().replace("\(folder)/site/public/revocations.json", with: list.serializedBytes())
        try Self.publish(folder, now: now ?? clock.now)
    }

    private static func publish(_ folder: String, now: Instant) throws {
        let site = "\(folder)/site/public"
        let disk = Disk()
        var files = try disk.list("\(site)/bundles").map { "bundles/\($0)" }
        if disk.exists("\(site)/revocations.json") { files.append("revocations.json") }
        let signer = try CatalogueSigner(store: KeyStore(folder: "\(folder)/keys"))
        let made = try signer.metadataFiles(
            for: try files.map { PublishedFile(path: $0, bytes: try disk.read("\(site)/\($0)")) }, now: now,
            previous: { try? disk.readIfPresent("\(site)/\($0)") })
        for file in made { try disk.replace("\(site)/\(file.path)", with: file.bytes) }
    }

    private func step(
        _ id: Digest, _ from: SubmissionState, _ to: SubmissionState, _ records: [StageRecord] = []
    ) throws {
        let lease = try registry.lease(in: from, id: id, owner: "test", now: epoch).first!
        try registry.advance(
            lease, to: to, reason: TransitionReason("test", "Test."), records: records, actor: "test",
            now: epoch)
    }

    // MARK: Asking

    func ask(
        _ method: String, _ target: String, _ body: JSONValue? = nil, token: String? = nil,
        headers: [String: String] = [:]
    ) async throws -> APIResponse {
        var headers = headers
        headers["authorization"] = "Bearer \(token ?? self.token)"
        return await service.api.respond(
            to: try APIRequest(
                method: method, target: target, headers: headers, body: body?.serializedBytes() ?? []))
    }

    static let home = "/v1/tenants/acme/plugins/samples.reminders"

    func install(
        version: String = "1.0.0", plan: String = "free", permissions: JSONValue = TestNode.permissions,
        secrets: JSONValue = [:], tenant: TenantID = acme, headers: [String: String] = [:]
    ) async throws -> APIResponse {
        try await ask(
            "PUT", "/v1/tenants/\(tenant)/plugins/samples.reminders",
            [
                "version": .string(version), "plan": .string(plan), "permissions": permissions,
                "secrets": secrets,
            ],
            token: tenant == acme ? token : rivalToken, headers: headers)
    }

    func call(_ data: JSONValue = [:], headers: [String: String] = [:]) async throws -> APIResponse {
        try await ask("POST", Self.home + "/actions/remind", data, headers: headers)
    }

    // MARK: Looking

    /// The events in this node's segments, as JSON lines.
    func events(in data: String? = nil) throws -> [JSONValue] {
        let folder = SegmentFolder("\(data ?? self.folder)/usage")
        return try folder.segments().flatMap { name -> [JSONValue] in
            let contents = try SegmentReader.read(folder.path(of: name))
            return contents.bytes[contents.events].split(separator: 0x0A).map {
                try! JSONValue.parse(Array($0))
            }
        }
    }

    func auditFiles() throws -> [(name: String, bytes: [UInt8])] {
        try Disk().list("\(folder)/audit").map { ($0, try Disk().read("\(folder)/audit/\($0)")) }
    }

    func auditLines() throws -> [JSONValue] {
        try auditFiles().flatMap { $0.bytes.split(separator: 0x0A).map { try! JSONValue.parse(Array($0)) } }
    }
}

/// A clock that a test moves.
final class TestClock: Sendable {
    private let time = Locked(epoch)

    var now: Instant { time.value }
    func advance(days: Int) { time.change { $0 = $0.adding(days: days) } }
}
