import Marketplace
import Provenance
import Registry
import TestSupport
import Testing

@Suite struct UpdateTests {
    static let tool = PluginID("acme.tool")!

    static func install(_ desk: Desk, _ version: String, _ permissions: [JSONValue] = []) throws {
        let manifest = try Manifest.parse(
            Desk.manifest("acme.tool", version, permissions: permissions).serializedBytes())
        try desk.registry.install(
            tool, for: Desk.tenant,
            InstallationRequest(version: Version(version)!, plan: "free", accepted: manifest.permissions),
            now: at(0))
    }

    static func decision(_ desk: Desk, now: Instant = at(0)) throws -> UpdateDecision? {
        try desk.registry.updates(for: Desk.tenant, now: now).first?.decision
    }

    static func policy(_ desk: Desk, _ updates: UpdatePolicy, ageMs: Int64 = 0, channel: Channel = .stable)
        throws
    {
        try desk.registry.setPolicy(
            of: Desk.tenant, updates: updates, minimumReleaseAgeMs: ageMs, channel: channel)
    }

    @Test func anUpdateThatAsksForNoMoreIsSilentUnderAutomatic() throws {
        let desk = try Desk()
        try desk.list("acme.tool", "1.0.0", permissions: [Desk.readPermission("invoices")])
        try Self.install(desk, "1.0.0", [Desk.readPermission("invoices")])
        #expect(try Self.decision(desk) == nil)
        try desk.list("acme.tool", "1.1.0", permissions: [Desk.readPermission("invoices")])
        #expect(try Self.decision(desk) == .leftToCustomer, "manual is what a new tenant has")
        try Self.policy(desk, .automatic)
        #expect(try Self.decision(desk) == .silent)
        #expect(try desk.registry.silentUpdates(now: at(0)).count == 1)
        try Self.policy(desk, .securityOnly)
        #expect(try Self.decision(desk) == .leftToCustomer)
        try desk.list("acme.tool", "1.1.1", permissions: [Desk.readPermission("invoices")], securityFix: true)
        #expect(try Self.decision(desk) == .silent)
    }

    @Test func anUpdateThatAsksForMoreWaitsWhileTheOldVersionRunsOn() throws {
        let desk = try Desk()
        try desk.list("acme.tool", "1.0.0", permissions: [Desk.readPermission("invoices")])
        try Self.install(desk, "1.0.0", [Desk.readPermission("invoices")])
        try Self.policy(desk, .automatic)
        try desk.list(
            "acme.tool", "1.1.0",
            permissions: [Desk.readPermission("invoices"), Desk.readPermission("orders")])
        guard case .needsApproval(let grown, false) = try Self.decision(desk) else {
            Issue.record("the update does not wait")
            return
        }
        #expect(grown.map(\.description) == ["readData orders"])
        #expect(try desk.registry.installation(of: Self.tool, for: Desk.tenant).version == Version("1.0.0"))
        // Approving with less than the version asks for is refused.
        #expect(throws: RegistryError.self) {
            try desk.registry.update(
                Self.tool, for: Desk.tenant, to: Version("1.1.0")!, accepted: PermissionSet([]), now: at(1))
        }
        let accepted = try Manifest.parse(
            desk.registry.version(Self.tool, Version("1.1.0")!).manifest.serializedBytes()
        ).permissions
        try desk.registry.update(
            Self.tool, for: Desk.tenant, to: Version("1.1.0")!, accepted: accepted, now: at(1))
        #expect(try Self.decision(desk) == nil)
        #expect(try desk.registry.events(for: Desk.tenant).map(\.kind) == [.installed, .updated])
    }

    /// The rule of silent updates: silent exactly where every request that the new version may make was allowed
    /// before. Checked by trying requests, not by comparing sets.
    @Test func silentExactlyWhereNothingNewIsAllowed() throws {
        var random = SeededRandom(5)
        let full = ProcessFlags.isFull
        let targets = ["*", "invoices", "orders"]
        let hosts = ["api.example.com", "*.example.com", "a.b.example.com", "*.b.example.com", "example.org"]
        func permissions() -> PermissionSet {
            PermissionSet(
                (0..<Int.random(in: 0...3, using: &random)).map { _ in
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0:
                        Permission(
                            operation: .readData, entity: targets.randomElement(using: &random)!, purpose: "x"
                        )
                    case 1:
                        Permission(
                            operation: .writeData, entity: targets.randomElement(using: &random)!,
                            purpose: "x")
                    case 2:
                        Permission(
                            operation: .triggerWorkflow, workflow: targets.randomElement(using: &random)!,
                            purpose: "x")
                    default:
                        Permission(
                            operation: .fetch, host: hosts.randomElement(using: &random)!,
                            methods: [["GET"], ["POST"], ["GET", "POST"]].randomElement(using: &random)!,
                            purpose: "x")
                    }
                })
        }
        var requests: [OperationRequest] = []
        for entity in ["invoices", "orders", "other"] {
            requests.append(OperationRequest(name: "readData", arguments: ["entity": .string(entity)]))
            requests.append(OperationRequest(name: "writeData", arguments: ["entity": .string(entity)]))
            requests.append(
                OperationRequest(name: "triggerWorkflow", arguments: ["workflow": .string(entity)]))
        }
        for host in [
            "api.example.com", "x.example.com", "a.b.example.com", "x.b.example.com", "x.y.b.example.com",
            "example.com", "example.org",
        ] {
            for method in ["GET", "POST"] {
                requests.append(
                    OperationRequest(
                        name: "fetch",
                        arguments: ["url": .string("https://\(host)/"), "method": .string(method)]))
            }
        }
        for _ in 0..<(full ? 100_000 : 10_000) {
            let (old, new) = (permissions(), permissions())
            let growsNothing = requests.allSatisfy { !new.allows($0) || old.allows($0) }
            #expect(new.isSubset(of: old) == growsNothing, "\(old.permissions) → \(new.permissions)")
        }
    }

    @Test func anotherPriceOfThePlanNeedsConsent() throws {
        let manifest = try Manifest.parse(Desk.manifest("acme.tool", "1.0.0").serializedBytes())
        guard case .object(var members) = Desk.manifest("acme.tool", "1.1.0") else { return }
        members["pricing"] = [
            "model": "freemium", "currency": "USD",
            "plans": [
                ["id": "free", "amount": "0", "interval": "month"],
                ["id": "pro", "amount": "19.00", "interval": "month"],
            ],
        ]
        let dearer = try Manifest.parse(JSONValue.object(members).serializedBytes())
        func decide(_ plan: String) -> UpdateDecision {
            UpdateRule.decide(
                accepted: PermissionSet([]), plan: plan, from: manifest, to: dearer, securityFix: false,
                listedAt: at(0), policy: .automatic, minimumReleaseAgeMs: 0, now: at(0))
        }
        #expect(decide("pro") == .needsApproval(newPermissions: [], priceChanges: true))
        #expect(decide("free") == .silent)
    }

    @Test func aPlansIDStandsForItsPrice() throws {
        let desk = try Desk()
        try desk.list("acme.tool", "1.0.0")
        guard case .object(var members) = Desk.manifest("acme.tool", "1.1.0") else { return }
        let same = try Manifest.parse(JSONValue.object(members).serializedBytes())
        #expect(try desk.registry.changedPlans(in: same) == [])
        members["pricing"] = [
            "model": "freemium", "currency": "USD",
            "plans": [
                ["id": "free", "amount": "0", "interval": "month"],
                ["id": "pro", "amount": "19.00", "interval": "month"],
                ["id": "team", "amount": "49.00", "interval": "month"],
            ],
        ]
        #expect(
            try desk.registry.changedPlans(in: Manifest.parse(JSONValue.object(members).serializedBytes()))
                == ["pro"])
    }

    @Test func aYoungVersionWaitsUnlessItMendsAHole() throws {
        let desk = try Desk()
        try desk.list("acme.tool", "1.0.0")
        try Self.install(desk, "1.0.0")
        try Self.policy(desk, .automatic, ageMs: 86_400_000)
        try desk.list("acme.tool", "1.1.0", now: at(100))
        #expect(try Self.decision(desk, now: at(200)) == .tooYoung(until: at(86_500)))
        #expect(try Self.decision(desk, now: at(86_500)) == .silent)
        try desk.list("acme.tool", "1.1.1", securityFix: true, now: at(300))
        #expect(try Self.decision(desk, now: at(300)) == .silent)
    }

    @Test func channelsAndRollOutDecideWhoSeesAVersion() throws {
        let desk = try Desk()
        try desk.list("acme.tool", "1.0.0")
        try Self.install(desk, "1.0.0")
        try desk.list("acme.tool", "2.0.0-beta.1", channel: .beta)
        #expect(try Self.decision(desk) == nil)
        try Self.policy(desk, .automatic, channel: .beta)
        #expect(try Self.decision(desk) == .silent)
        try desk.registry.setChannel(
            Self.tool, Version("2.0.0-beta.1")!, channel: .beta, rolloutPercent: 0, now: at(1))
        #expect(try Self.decision(desk) == nil)
    }

    @Test func aRollOutOnlyGrows() {
        let tenants = (0..<400).map { TenantID("tenant-\($0)")! }
        var inside: Set<TenantID> = []
        for percent in [0, 1, 10, 50, 90, 100] {
            let now = Set(
                tenants.filter {
                    UpdateRule.isInRollOut(
                        tenant: $0, plugin: Self.tool, version: Version(1, 0, 0), percent: percent)
                })
            #expect(inside.isSubset(of: now))
            #expect(abs(now.count - percent * 4) <= 40)
            inside = now
        }
        #expect(inside.count == 400)
    }

    @Test func theTableShowsDeclaredDetectedObservedAndChange() {
        func read(_ entity: String) -> Permission {
            Permission(operation: .readData, entity: entity, purpose: "see them")
        }
        let rows = PermissionTable.rows(
            declared: PermissionSet([read("invoices"), read("orders")]),
            previous: PermissionSet([read("invoices"), read("customers")]),
            detected: [
                (read("invoices"), ["dist/index.js:9", "dist/index.js:3"]),
                (read("secrets"), ["dist/x.js:1"]),
            ],
            observed: [(read("invoices"), 4)])
        #expect(
            rows.map { "\($0.permission) \($0.declared) \($0.detected.count) \($0.observed) \($0.change)" }
                == [
                    "readData invoices true 2 4 unchanged", "readData orders true 0 0 added",
                    "readData secrets false 1 0 unchanged", "readData customers false 0 0 removed",
                ])
        #expect(
            rows[1].words
                == "Read your orders to see them. Declared, but neither found in the code nor seen in the trial. New in this version."
        )
        #expect(rows[2].words == "Read your secrets. Not declared: the sandbox refuses it.")
        #expect(rows[3].words == "Read your customers. No longer asked for.")
    }

    @Test func noticesAreWrittenOnceAndDeliveredWithRetries() throws {
        let desk = try Desk()
        try desk.list("acme.tool", "1.0.0")
        try Self.install(desk, "1.0.0")
        try desk.list("acme.tool", "1.1.0", permissions: [Desk.readPermission("orders")])
        #expect(try desk.registry.writeNotices(now: at(1)) == 1)
        #expect(try desk.registry.writeNotices(now: at(2)) == 0)
        #expect(try desk.registry.dueNotices(now: at(2)).isEmpty, "nobody asked for a webhook")
        let webhook = try StandardWebhook(key: [UInt8](repeating: 7, count: 32))
        try desk.registry.setWebhook(
            of: Desk.tenant, url: "https://app.example.com/hook", secret: [UInt8](repeating: 7, count: 32),
            sealedBy: desk.sealed)
        let notice = try desk.registry.dueNotices(now: at(2)).first!
        #expect(notice.kind == .updateWaiting)
        #expect(notice.body["newPermissions"] == ["Read your orders"])
        let headers = Dictionary(
            uniqueKeysWithValues: notice.headers(webhook, now: at(2)).map { ($0.name, $0.value) })
        #expect(
            webhook.isValid(
                id: headers["webhook-id"]!, timestamp: headers["webhook-timestamp"]!,
                signatures: headers["webhook-signature"]!, body: notice.payload, now: at(3)))
        try desk.registry.noteDelivery(of: notice, error: "connection refused", now: at(2))
        #expect(try desk.registry.dueNotices(now: at(3)).isEmpty)
        let again = try desk.registry.dueNotices(now: at(62)).first!
        #expect(again.deliveryID == notice.deliveryID && again.attempts == 1)
        try desk.registry.noteDelivery(of: again, error: nil, now: at(62))
        #expect(try desk.registry.dueNotices(now: at(9_999)).isEmpty)
        try desk.registry.yank(Self.tool, Version("1.0.0")!, reason: "broken", actor: "acme", now: at(70))
        #expect(try desk.registry.writeNotices(now: at(71)) == 1)
        #expect(try desk.registry.notices(for: Desk.tenant).map(\.kind) == [.yanked, .updateWaiting])
        #expect(try desk.registry.notices(for: Desk.other).isEmpty)
    }
}
