import Marketplace
import Provenance
import Registry
import Testing

@Suite struct CatalogueTests {
    static let tool = PluginID("acme.tool")!
    static func v(_ text: String) -> Version { Version(text)! }

    static func request(_ version: String, _ accepted: [JSONValue] = [], plan: String = "free") throws
        -> InstallationRequest
    {
        let manifest = try Manifest.parse(
            Desk.manifest("acme.tool", version, permissions: accepted).serializedBytes())
        return InstallationRequest(version: v(version), plan: plan, accepted: manifest.permissions)
    }

    @Test func theListingShowsTheNewestInstallableStableVersion() throws {
        let desk = try Desk()
        try desk.list("acme.tool", "1.9.0")
        try desk.list("acme.tool", "1.10.0")
        try desk.list("acme.tool", "2.0.0-beta.1", channel: .beta)
        #expect(try desk.registry.listing(Self.tool).latest == Self.v("1.10.0"))
        #expect(
            try desk.registry.versions(of: Self.tool).map(\.version.description) == [
                "2.0.0-beta.1", "1.10.0", "1.9.0",
            ])
        try desk.registry.yank(Self.tool, Self.v("1.10.0"), reason: "broken", actor: "acme", now: at(1))
        #expect(try desk.registry.listing(Self.tool).latest == Self.v("1.9.0"))
        try desk.registry.restore(Self.tool, Self.v("1.10.0"), reason: "was fine", actor: "acme", now: at(2))
        #expect(try desk.registry.listing(Self.tool).latest == Self.v("1.10.0"))
    }

    @Test func aYankedVersionRunsOnWhereItIsAndIsInstalledNowhereElse() throws {
        let desk = try Desk()
        try desk.list("acme.tool", "1.0.0")
        try desk.registry.install(Self.tool, for: Desk.tenant, Self.request("1.0.0"), now: at(0))
        try desk.registry.yank(Self.tool, Self.v("1.0.0"), reason: "broken", actor: "acme", now: at(1))
        #expect(try desk.registry.submission(digest("acme.tool 1.0.0")).state == .yanked)
        #expect(try desk.registry.installation(of: Self.tool, for: Desk.tenant).state == .active)
        #expect(throws: RegistryError.self) {
            try desk.registry.install(Self.tool, for: Desk.other, Self.request("1.0.0"), now: at(2))
        }
        // Installing again what is installed is a no-op, yanked or not.
        try desk.registry.install(Self.tool, for: Desk.tenant, Self.request("1.0.0"), now: at(2))
    }

    @Test func theKillSwitchGoesFromNoNewInstallsToRemovedAndNeverBack() throws {
        let desk = try Desk()
        try desk.list("acme.tool", "1.0.0")
        try desk.registry.install(Self.tool, for: Desk.tenant, Self.request("1.0.0"), now: at(0))
        func revoke(_ stage: RevocationStage) throws {
            try desk.registry.revoke(
                Self.tool, Self.v("1.0.0"), stage: stage, reason: "steals data", evidence: "finding 12",
                actor: "operator", now: at(1))
        }
        func states() throws -> [Installation.State] {
            try desk.registry.installations(for: Desk.tenant, includingRemoved: true).map(\.state)
        }
        try revoke(.noNewInstalls)
        #expect(try states() == [.active])
        #expect(throws: RegistryError.self) {
            try desk.registry.install(Self.tool, for: Desk.other, Self.request("1.0.0"), now: at(2))
        }
        try revoke(.suspended)
        #expect(try states() == [.suspended])
        #expect(throws: RegistryError.self) { try revoke(.noNewInstalls) }
        try revoke(.removed)
        #expect(try states() == [.removed])
        let row = try desk.registry.version(Self.tool, Self.v("1.0.0"))
        #expect(row.revocation?.evidence == "finding 12" && row.revocation?.at == at(1))
        #expect(try desk.registry.events(for: Desk.tenant).map(\.kind) == [.installed, .suspended, .removed])
    }

    @Test func installingNeedsConsentToEveryPermission() throws {
        let desk = try Desk()
        let (invoices, orders) = (Desk.readPermission("invoices"), Desk.readPermission("orders"))
        try desk.list("acme.tool", "1.0.0", permissions: [invoices, orders])
        #expect {
            try desk.registry.install(
                Self.tool, for: Desk.tenant, Self.request("1.0.0", [invoices]), now: at(0))
        } throws: { ($0 as? RegistryError)?.cause == "needs consent to: readData orders" }
        try desk.registry.install(
            Self.tool, for: Desk.tenant, Self.request("1.0.0", [invoices, orders]), now: at(0))
    }

    @Test func aPlanMustExistAndAChangeIsNoted() throws {
        let desk = try Desk()
        try desk.list("acme.tool", "1.0.0")
        #expect(throws: RegistryError.self) {
            try desk.registry.install(
                Self.tool, for: Desk.tenant, Self.request("1.0.0", plan: "gold"), now: at(0))
        }
        try desk.registry.install(Self.tool, for: Desk.tenant, Self.request("1.0.0"), now: at(0))
        #expect(try desk.registry.setPlan("pro", of: Self.tool, for: Desk.tenant, now: at(1)).plan == "pro")
        #expect(throws: RegistryError.self) {
            try desk.registry.setPlan("gold", of: Self.tool, for: Desk.tenant, now: at(1))
        }
        #expect(
            try desk.registry.setSpendCap(minor: 500, of: Self.tool, for: Desk.tenant, now: at(2))
                .spendCapMinor == 500)
        #expect(
            try desk.registry.events(for: Desk.tenant).map(\.kind) == [.installed, .planChanged, .capped])
    }

    @Test func noTenantReachesAnothersInstallation() throws {
        let desk = try Desk()
        try desk.list("acme.tool", "1.0.0", secrets: [["name": "TOKEN", "purpose": "calls"]])
        try desk.registry.install(Self.tool, for: Desk.tenant, Self.request("1.0.0"), now: at(0))
        try desk.registry.setSecret(
            "TOKEN", [1, 2], of: Self.tool, for: Desk.tenant, sealedBy: desk.sealed, now: at(0))
        try desk.registry.store([5], under: "k", of: Self.tool, for: Desk.tenant, quotaBytes: 10, now: at(0))
        #expect(try desk.registry.installations(for: Desk.other).isEmpty)
        #expect(throws: RegistryError.self) { try desk.registry.installation(of: Self.tool, for: Desk.other) }
        #expect(throws: RegistryError.self) {
            try desk.registry.secret("TOKEN", of: Self.tool, for: Desk.other, openedBy: desk.sealed)
        }
        try desk.registry.install(Self.tool, for: Desk.other, Self.request("1.0.0"), now: at(1))
        #expect(
            try desk.registry.secret("TOKEN", of: Self.tool, for: Desk.other, openedBy: desk.sealed) == nil)
        #expect(try desk.registry.stored("k", of: Self.tool, for: Desk.other) == nil)
        #expect(
            try desk.registry.secret("TOKEN", of: Self.tool, for: Desk.tenant, openedBy: desk.sealed) == [
                1, 2,
            ])
    }

    @Test func removalForgetsSecretsAndStorageAndKeepsTheHistory() throws {
        let desk = try Desk()
        try desk.list("acme.tool", "1.0.0", secrets: [["name": "TOKEN", "purpose": "calls"]])
        try desk.registry.install(Self.tool, for: Desk.tenant, Self.request("1.0.0"), now: at(0))
        #expect(throws: RegistryError.self) {
            try desk.registry.setSecret(
                "OTHER", [1], of: Self.tool, for: Desk.tenant, sealedBy: desk.sealed, now: at(0))
        }
        try desk.registry.setSecret(
            "TOKEN", [1], of: Self.tool, for: Desk.tenant, sealedBy: desk.sealed, now: at(0))
        #expect(try desk.registry.secretNames(of: Self.tool, for: Desk.tenant) == ["TOKEN"])
        try desk.registry.setState(
            .removed, of: Self.tool, for: Desk.tenant, reason: "no longer needed", now: at(1))
        try desk.registry.install(Self.tool, for: Desk.tenant, Self.request("1.0.0"), now: at(2))
        #expect(try desk.registry.secretNames(of: Self.tool, for: Desk.tenant).isEmpty)
        #expect(try desk.registry.installations(for: Desk.tenant, includingRemoved: true).count == 2)
    }

    @Test func theStoreHoldsItsQuotaToTheByte() throws {
        let desk = try Desk()
        try desk.list("acme.tool", "1.0.0")
        try desk.registry.install(Self.tool, for: Desk.tenant, Self.request("1.0.0"), now: at(0))
        func put(_ key: String, _ count: Int) throws -> Int64 {
            try desk.registry.store(
                [UInt8](repeating: 0, count: count), under: key, of: Self.tool, for: Desk.tenant,
                quotaBytes: 20,
                now: at(0))
        }
        #expect(try put("a", 9) == 10)
        #expect(try put("b", 9) == 20)
        #expect { try put("b", 10) } throws: { ($0 as? RegistryError)?.code == .limit }
        #expect(try desk.registry.storedBytes(of: Self.tool, for: Desk.tenant) == 20)
        #expect(try desk.registry.storedKeys(of: Self.tool, for: Desk.tenant, prefix: "b") == ["b"])
        try desk.registry.store(nil, under: "a", of: Self.tool, for: Desk.tenant, quotaBytes: 20, now: at(1))
        #expect(try desk.registry.storedBytes(of: Self.tool, for: Desk.tenant) == 10)
    }

    @Test func searchRanksExactIDsThenNames() throws {
        let desk = try Desk()
        try desk.list("acme.tool", "1.0.0", description: "Sends reminders.")
        try desk.list(
            "acme.reminders", "1.0.0", permissions: [Desk.readPermission("invoices")], category: "billing")
        func ids(_ query: SearchQuery) throws -> [String] {
            try desk.registry.search(query).map(\.listing.plugin.text)
        }
        #expect(try ids(SearchQuery(text: "reminders")) == ["acme.reminders", "acme.tool"])
        #expect(try ids(SearchQuery(text: "remind")) == ["acme.reminders", "acme.tool"])
        #expect(try ids(SearchQuery(text: "acme.tool")) == ["acme.tool"])
        #expect(try ids(SearchQuery(text: "nothing")) == [])
        #expect(try ids(SearchQuery(category: "billing")) == ["acme.reminders"])
        #expect(try ids(SearchQuery(permission: "readData invoices")) == ["acme.reminders"])
        #expect(try ids(SearchQuery(permission: "readData")) == ["acme.reminders"])
        #expect(try ids(SearchQuery(permission: "read")) == [])
        #expect(try ids(SearchQuery(pricingModel: .oneTime)) == [])
        #expect(try ids(SearchQuery(publisher: Desk.acme)).count == 2)
    }

    @Test func dependentsAreKnownBeforeAYank() throws {
        let desk = try Desk()
        try desk.list("acme.base", "1.0.0")
        try desk.list("acme.tool", "1.0.0", dependencies: ["acme.base@^1.0.0"])
        #expect(try desk.registry.dependents(of: PluginID("acme.base")!).map(\.plugin) == [Self.tool])
    }
}
