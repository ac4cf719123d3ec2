import Bundles
import Foundation
import Marketplace
import Metering
import Pipeline
import Provenance
import Registry

/// A data directory with many listed plugins and tenants, for benches of the runtime.
struct BenchMarket {
    let root: String
    let registry: Registry
    let tokens: [String: String]
    let plugins: [String]

    /// What each plugin does: one read from the application, or a piece of work without any.
    static let source = """
        export default class Bench {
          async initialize(context) { this.api = context.api; }
          async execute(request) {
            if (request.data.rounds) {
              let sum = 0;
              for (let i = 0; i < request.data.rounds; i++) sum = (sum + i * i) % 1000003;
              return { success: true, data: { sum } };
            }
            const rows = await this.api.readData("invoices", [{ field: "status", op: "eq", value: "overdue" }]);
            return { success: true, data: { count: rows.length } };
          }
        }
        """
    static let permissions: JSONValue = [
        ["operation": "readData", "entity": "invoices", "purpose": "count overdue invoices"]
    ]
    private static let publisher = PublisherID("bench")!

    static func manifest(_ id: String) -> JSONValue {
        [
            "id": .string(id), "name": "Bench", "version": "1.0.0", "description": "Counts overdue invoices.",
            "author": "Bench", "category": "billing", "main": "dist/index.js", "license": "MIT",
            "apiSurface": ["readData"], "permissions": permissions, "secrets": [],
            "limits": ["cpuMs": 10_000, "wallMs": 20_000],
            "actions": [["name": "count", "description": "Counts.", "input": ["type": "object"]]],
            "pricing": [
                "model": "freemium", "currency": "EUR",
                "plans": [
                    ["id": "free", "amount": "0", "interval": "month"],
                    ["id": "pro", "amount": "9.00", "interval": "month"],
                ],
            ],
        ]
    }

    static func make(
        root: String, plugins count: Int, tenants: [String], app: (_ tenant: String) -> String,
        credential: String
    ) throws -> BenchMarket {
        let now = Clock.wall()
        let data = try DataDirectory.create(root, configuration: Configuration.template(demo: true))
        try DataSetUp.keys(data, now: now)
        let registry = try Registry.open(path: data.registry)
        let keys = KeyStore(folder: data.keys)
        let sealed = try keys.sealedStore()
        try registry.registerPublisher(
            publisher, name: "Bench", email: "bench@example.com", country: "DE", currency: Currency("EUR")!,
            key: SigningKey().verifyingKey, now: now)
        var tokens: [String: String] = [:]
        for name in tenants {
            let tenant = TenantID(name)!
            try registry.createTenant(
                tenant, name: name, appURL: app(name), credential: Array(credential.utf8), country: "DE",
                currency: Currency("EUR")!, sealedBy: sealed, now: now)
            tokens[name] = try registry.issueToken(for: .tenant(tenant), now: now).token
        }
        let site = "\(root)/site/public"
        let disk = Disk()
        var files: [PublishedFile] = []
        var ids: [String] = []
        for number in 0..<count {
            let id = "bench.p\(number)"
            let bytes = try BundleWriter.pack(files: [
                (path: "plugin.json", bytes: manifest(id).serializedBytes()),
                (path: "dist/index.js", bytes: Array(source.utf8)),
                (path: "README.md", bytes: Array("# Bench\n".utf8)),
                (path: "LICENSE", bytes: Array("MIT\n".utf8)),
            ])
            let path = "bundles/\(Digest.sha256(of: bytes).hex).vfp"
            try disk.replace("\(site)/\(path)", with: bytes)
            files.append(PublishedFile(path: path, bytes: bytes))
            try list(bytes, id, registry, now)
            ids.append(id)
        }
        let signed = try CatalogueSigner(store: keys).metadataFiles(
            for: files, now: now, previous: { _ in nil })
        for file in signed { try disk.replace("\(site)/\(file.path)", with: file.bytes) }
        return BenchMarket(root: root, registry: registry, tokens: tokens, plugins: ids)
    }

    private static func list(_ bytes: [UInt8], _ id: String, _ registry: Registry, _ now: Instant) throws {
        let digest = Digest.sha256(of: bytes)
        _ = try registry.receive(bundle: digest, byteCount: bytes.count, publisher: publisher, now: now)
        func step(_ from: SubmissionState, _ to: SubmissionState, _ records: [StageRecord] = []) throws {
            guard let lease = try registry.lease(in: from, id: digest, owner: "bench", now: now).first else {
                throw PipelineError(.incomplete, "\(id) could not be listed")
            }
            try registry.advance(
                lease, to: to, reason: TransitionReason("bench", "Bench."), records: records, actor: "bench",
                now: now)
        }
        try step(
            .received, .ingested, [.identity(PluginID(id)!, Version("1.0.0")!, manifest: manifest(id))])
        try step(.ingested, .unpacked)
        try step(.unpacked, .scanned)
        try step(.scanned, .tried)
        let decision = NewDecision(verdict: .approve, decidedBy: "policy", reason: "", rules: ["low-risk"])
        try step(.tried, .approved, [.decision(decision)])
        try step(.approved, .listed, [.listing(channel: .stable, securityFix: false)])
    }
}
