import Foundation
import Marketplace
import Provenance
import Registry

let epoch = Instant("2026-01-01T00:00:00Z")!

func at(_ seconds: Int64) -> Instant { epoch.adding(seconds: seconds) }

func fixedKey(_ number: UInt8) -> SigningKey { try! SigningKey(seed: [UInt8](repeating: number, count: 32)) }

func digest(_ text: String) -> Digest { .sha256(of: text) }

/// A registry of its own for one test.
final class Desk {
    let folder: String
    let registry: Registry
    let sealed = try! SealedStore(key: [UInt8](repeating: 3, count: 32))

    static let acme = PublisherID("acme")!
    static let tenant = TenantID("field-service")!
    static let other = TenantID("other-tenant")!

    init() throws {
        folder = NSTemporaryDirectory() + "registry-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        registry = try Registry.open(path: folder + "/registry.sqlite")
        try registry.registerPublisher(
            Desk.acme, name: "Acme Field Services (sample)", email: "dev@example.com", country: "DE",
            currency: Currency("EUR")!, key: fixedKey(1).verifyingKey, now: epoch)
        for tenant in [Desk.tenant, Desk.other] {
            try registry.createTenant(
                tenant, name: "Sample", appURL: "https://app.example.com",
                credential: Array("credential of \(tenant)".utf8), country: "US", currency: Currency("USD")!,
                sealedBy: sealed, now: epoch)
        }
    }

    deinit {
        try? registry.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    static func manifest(
        _ id: String, _ version: String, permissions: [JSONValue] = [], dependencies: [JSONValue] = [],
        description: String = "Does a thing.", category: String = "utilities", secrets: [JSONValue] = []
    ) -> JSONValue {
        let surface = Set(permissions.compactMap { $0["operation"]?.stringValue }).sorted()
        return .object([
            "id": .string(id), "name": "Example", "version": .string(version),
            "description": .string(description),
            "author": "Acme", "category": .string(category), "main": "dist/index.js", "license": "MIT",
            "apiSurface": .array(surface.map { .string($0) }), "permissions": .array(permissions),
            "dependencies": .array(dependencies), "secrets": .array(secrets),
            "actions": [["name": "run", "description": "Runs.", "input": ["type": "object"]]],
            "pricing": [
                "model": "freemium", "currency": "USD",
                "plans": [
                    ["id": "free", "amount": "0", "interval": "month"],
                    ["id": "pro", "amount": "9.00", "interval": "month"],
                ],
            ],
        ])
    }

    static func readPermission(_ entity: String) -> JSONValue {
        ["operation": "readData", "entity": .string(entity), "purpose": "needs it"]
    }

    /// Takes a version the whole way into the catalogue.
    @discardableResult
    func list(
        _ id: String, _ version: String, permissions: [JSONValue] = [], dependencies: [JSONValue] = [],
        description: String = "Does a thing.", category: String = "utilities", secrets: [JSONValue] = [],
        channel: Channel = .stable, securityFix: Bool = false, now: Instant = epoch
    ) throws -> Submission {
        let plugin = PluginID(id)!
        let manifest = Desk.manifest(
            id, version, permissions: permissions, dependencies: dependencies, description: description,
            category: category, secrets: secrets)
        let bundle = digest("\(id) \(version)")
        _ = try registry.receive(bundle: bundle, byteCount: 10, publisher: plugin.publisher, now: now)
        try step(
            bundle, .received, .ingested, [.identity(plugin, Version(version)!, manifest: manifest)], now)
        try step(bundle, .ingested, .unpacked, [], now)
        try step(bundle, .unpacked, .scanned, [], now)
        try step(bundle, .scanned, .tried, [], now)
        let decision = NewDecision(verdict: .approve, decidedBy: "policy", reason: "", rules: ["low-risk"])
        try step(bundle, .tried, .approved, [.decision(decision)], now)
        return try step(
            bundle, .approved, .listed, [.listing(channel: channel, securityFix: securityFix)], now)
    }

    @discardableResult
    func step(
        _ id: Digest, _ from: SubmissionState, _ to: SubmissionState, _ records: [StageRecord] = [],
        _ now: Instant = epoch
    ) throws -> Submission {
        let lease = try registry.lease(in: from, id: id, owner: "test", now: now).first!
        return try registry.advance(
            lease, to: to, reason: TransitionReason("test", "Test."), records: records, actor: "test",
            now: now)
    }
}
