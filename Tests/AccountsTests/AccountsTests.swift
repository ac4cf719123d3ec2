import Billing
import Foundation
import Marketplace
import Metering
import Provenance
import Publishing
import Registry
import TestSupport
import Testing

@testable import Accounts

/// A month of one publisher's two versions with two customers; the nights have rated it.
final class SampleBooks {
    let folder: String
    let registry: Registry
    let now = Instant("2026-01-20T12:00:00Z")!
    static let publisher = PublisherID("sample")!
    static let pings = PluginID("sample.pings")!
    static let acme = TenantID("acme-field")!
    static let globex = TenantID("globex-sample")!

    static func manifest(_ version: String) -> JSONValue {
        [
            "id": "sample.pings", "name": "Pings", "version": .string(version), "description": "Pings.",
            "author": "Sample", "category": "utilities", "main": "dist/index.js", "license": "MIT",
            "apiSurface": ["readData"],
            "permissions": [["operation": "readData", "entity": "notes", "purpose": "ping"]],
            "actions": [["name": "ping", "description": "Pings.", "input": ["type": "object"]]],
            "pricing": [
                "model": "payPerUse", "currency": "EUR",
                "plans": [
                    [
                        "id": "metered", "amount": "9.00", "interval": "month", "included": ["calls": 100],
                        "charges": [["metric": "calls", "scheme": "perUnit", "unitAmount": "0.013"]],
                    ]
                ],
            ],
        ]
    }

    init() throws {
        folder = NSTemporaryDirectory() + "accounts-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        registry = try Registry.open(path: "\(folder)/registry.sqlite")
        try KeyStore(folder: "\(folder)/keys").createMissing()
        let sealed = try KeyStore(folder: "\(folder)/keys").sealedStore()
        let start = Instant("2026-01-02T09:00:00Z")!
        try registry.registerPublisher(
            Self.publisher, name: "Sample Plugins", email: "a@example.com", country: "DE",
            currency: Currency("EUR")!, key: SigningKey().verifyingKey, now: start)
        for tenant in [Self.acme, Self.globex] {
            try registry.createTenant(
                tenant, name: "\(tenant) (sample)", appURL: "http://127.0.0.1:1", credential: [1],
                country: "DE",
                currency: Currency("EUR")!, sealedBy: sealed, now: start)
        }
        for version in ["1.0.0", "1.1.0"] { try list(version, start) }
        try install(start)
        try use()
        try night()
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func list(_ version: String, _ now: Instant) throws {
        let id = Digest.sha256(of: "bundle \(version)")
        _ = try registry.receive(bundle: id, byteCount: 10, publisher: Self.publisher, now: now)
        let identity = StageRecord.identity(Self.pings, Version(version)!, manifest: Self.manifest(version))
        let approve = NewDecision(verdict: .approve, decidedBy: "policy", reason: "", rules: [])
        for (from, to, records) in [
            (SubmissionState.received, SubmissionState.ingested, [identity]), (.ingested, .unpacked, []),
            (.unpacked, .scanned, []), (.scanned, .tried, []), (.tried, .approved, [.decision(approve)]),
            (.approved, .listed, [.listing(channel: .stable, securityFix: false)]),
        ] {
            let lease = try registry.lease(in: from, id: id, owner: "test", now: now).first!
            try registry.advance(
                lease, to: to, reason: TransitionReason("t", "T."), records: records, actor: "t", now: now)
        }
    }

    private func install(_ now: Instant) throws {
        let permissions = try Manifest.parse(Self.manifest("1.0.0").serializedBytes()).permissions
        for (tenant, version) in [(Self.acme, "1.0.0"), (Self.globex, "1.1.0")] {
            try registry.install(
                Self.pings, for: tenant,
                InstallationRequest(version: Version(version)!, plan: "metered", accepted: permissions),
                now: now)
        }
    }

    /// Two nodes write; some calls fail and are not paid; one event stands twice.
    private func use() throws {
        var chance = SystemRandomNumberGenerator()
        for node in ["a", "b"] {
            let writer = try SegmentWriter(usage: "\(folder)/usage", node: node)
            for day in 2...20 {
                let date = "2026-01-" + (day < 10 ? "0\(day)" : "\(day)")
                try writer.tick(Instant("\(date)T00:00:00Z")!)
                if day == 2, node == "a" {
                    for tenant in [Self.acme, Self.globex] {
                        let price = Self.manifest("1.0.0")["pricing"]!
                        try writer.append(
                            .subscription(
                                SubscriptionEvent(
                                    id: "sub-\(tenant)", time: Instant("\(date)T09:00:00Z")!, tenant: tenant,
                                    plugin: Self.pings, version: "1.0.0", change: .install, plan: "metered",
                                    price: SubscriptionEvent.priceDigest(of: price), pricing: price,
                                    country: "DE", customer: "\(tenant)")))
                    }
                }
                for call in 0..<Int.random(in: 1...12, using: &chance) {
                    let isGood = call % 4 != 3
                    let isAcme = Bool.random(using: &chance)
                    var event = UsageEvent(
                        id: "\(node)-\(day)-\(call)", time: Instant("\(date)T10:\(10 + call):00Z")!,
                        tenant: isAcme ? Self.acme : Self.globex, plugin: Self.pings,
                        version: isAcme ? "1.0.0" : "1.1.0", action: "ping", plan: "metered",
                        outcome: isGood ? "ok" : "cpu", calls: isGood ? 1 : 0)
                    event.executionMs = Int64(call)
                    try writer.append(event)
                    if call == 0, day == 5 { try writer.append(event) }
                }
            }
            try writer.close()
        }
    }

    private func night() throws {
        let config = BillingConfig(
            issuer: .init(
                name: "Platform (sample)", address: "1 Example Street", country: "DE", vatID: "DE000000000",
                iban: "DE02120300000000202051", bic: "BYLADEM1001"),
            taxRates: [.init(category: "S", country: "DE", rate: "19", from: Day("2007-01-01")!)])
        let night = try BillingNight(
            data: folder, config: config, asOf: now, templates: BillingTemplates(invoice: "", statement: ""),
            publishers: [])
        for step in [night.seal, night.rollUp, night.rate] { _ = try step() }
        try night.close()
    }

    /// Every distinct call event, read line by line without the product's readers.
    func events() throws -> [JSONValue] {
        var byID: [String: JSONValue] = [:]
        let names = try FileManager.default.subpathsOfDirectory(atPath: "\(folder)/usage")
        for name in names where name.hasSuffix(".jsonl") {
            let text = try String(contentsOfFile: "\(folder)/usage/\(name)", encoding: .utf8)
            for line in text.split(separator: "\n") {
                let value = try JSONValue.parse(Array(line.utf8))
                if value["action"] != nil, let id = value["id"]?.stringValue { byID[id] = value }
            }
        }
        return Array(byID.values)
    }

    var books: AccountBooks { AccountBooks(data: folder) }
}

@Suite struct AccountsTests {
    private func sum(_ events: [JSONValue], _ field: String) -> Int {
        events.reduce(0) { $0 + Int($1[field]?.integerValue ?? 0) }
    }

    private func failed(_ events: [JSONValue]) -> Int { events.count { $0["outcome"] != "ok" } }

    @Test func everyFigureOfADashboardComesFromTheSegments() throws {
        let sample = try SampleBooks()
        let events = try sample.events()
        let dashboard = try DashboardMaker(registry: sample.registry, books: sample.books)
            .dashboard(of: SampleBooks.publisher, now: sample.now)
        let plugin = try #require(dashboard.plugins.first)
        #expect(plugin.calls == sum(events, "calls"))
        #expect(plugin.errors == failed(events) && plugin.errors > 0)
        #expect(plugin.installs == 2)
        for version in plugin.versions {
            let own = events.filter { $0["version"]?.stringValue == version.version }
            #expect(version.calls == sum(own, "calls") && version.errors == failed(own))
            #expect(version.installs == 1)
        }
        let days = Dictionary(grouping: events) { String(($0["time"]?.stringValue ?? "").prefix(10)) }
        for row in dashboard.days {
            let own = days[row.day] ?? []
            #expect(row.calls == sum(own, "calls") && row.errors == failed(own), "\(row.day)")
        }
        #expect(dashboard.days.reduce(0) { $0 + $1.calls } == plugin.calls)
        // Money by hand: 9.00 a month for 30 of 31 days, 0.013 a call beyond 100, 70 % of it.
        var share = 0
        for tenant in [SampleBooks.acme, SampleBooks.globex] {
            let calls = sum(events.filter { $0["tenant"]?.stringValue == tenant.text }, "calls")
            let base = (900 * 30 * 2 + 31) / 62
            let use = (max(0, calls - 100) * 13 * 2 + 10) / 20
            share += ((base + use) * 7 * 2 + 10) / 20
        }
        #expect(plugin.earnedMinor == share)
        #expect(plugin.versions.reduce(0) { $0 + $1.earnedMinor } == share)
        #expect(dashboard.days.reduce(0) { $0 + $1.earnedMinor } == share)
        // And the page shows these figures.
        let page = try Self.page { try $0.publisher(dashboard) }
        #expect(page.contains("<dt>Calls</dt><dd>\(plugin.calls)</dd>"))
        #expect(page.contains("<dt>Errors</dt><dd>\(plugin.errors)</dd>"))
        let cents = share % 100
        #expect(
            page.contains("<dt>Your share</dt><dd>\(share / 100).\(cents < 10 ? "0" : "")\(cents) EUR</dd>"))
    }

    @Test func everyFigureOfAnAccountComesFromTheSegments() throws {
        let sample = try SampleBooks()
        let events = try sample.events().filter { $0["tenant"]?.stringValue == SampleBooks.acme.text }
        let account = try TenantAccountMaker(registry: sample.registry, books: sample.books)
            .account(of: SampleBooks.acme, now: sample.now)
        let calls = sum(events, "calls")
        #expect(account.usage.filter { $0.metric == "calls" }.reduce(0) { $0 + $1.quantity } == calls)
        for row in account.usage where row.metric == "calls" {
            let own = events.filter { $0["time"]?.stringValue?.hasPrefix(row.day) == true }
            #expect(row.quantity == sum(own, "calls"), "\(row.day)")
        }
        let quota = try #require(account.installed.first?.quotas.first)
        #expect(quota.used == calls && quota.included == 100)
        #expect(account.installed[0].update?.version == "1.1.0")
        #expect(account.installed[0].update?.note.contains("your policy leaves updates to you") == true)
        let base = (900 * 30 * 2 + 31) / 62
        let net = base + (max(0, calls - 100) * 13 * 2 + 10) / 20
        #expect(account.costSoFar == Money(minor: Int64(net), Currency("EUR")!).description)
        #expect(account.installed[0].costSoFar == account.costSoFar)
        let page = try Self.page { try $0.account(account) }
        #expect(page.contains("<dt>Cost so far</dt><dd>\(account.costSoFar)</dd>"))
        #expect(page.contains("\(calls) calls of 100 included"))
    }

    @Test func aMonthGoesOnAsItBegan() throws {
        let sample = try SampleBooks()
        let draft = try #require(try sample.books.drafts(of: sample.now.day.period).first)
        let atEnd = try TenantAccountMaker.forecast(draft, draft.period, draft.period.endDay.start)
        #expect(atEnd == draft.net)
        let later = try TenantAccountMaker.forecast(draft, draft.period, sample.now)
        #expect(later.minor >= draft.net.minor)
    }

    @Test(arguments: [
        (
            #"{"id":"a","amount":"0","interval":"month","charges":[{"metric":"calls","scheme":"graduated","tiers":[{"upTo":100,"unitAmount":"0.02"},{"unitAmount":"0.01"}]}]}"#,
            "2.50 USD"
        ),
        (
            #"{"id":"a","amount":"29.00","interval":"month","included":{"calls":1000},"charges":[{"metric":"calls","scheme":"perUnit","unitAmount":"0.002"}]}"#,
            "34.00 USD"
        ),
        (
            #"{"id":"a","amount":"0","interval":"month","charges":[{"metric":"calls","scheme":"package","packageSize":1000,"unitAmount":"1.50"}]}"#,
            "4.50 USD"
        ),
        (
            #"{"id":"a","amount":"0","interval":"month","charges":[{"scheme":"percentage","percent":"2.9","reportedMax":"100"}]}"#,
            "29.00 USD"
        ), (#"{"id":"a","amount":"49.00","interval":"once"}"#, "49.00 USD"),
    ])
    func anExampleIsWorkedOutByTheRater(plan: String, total: String) throws {
        let plan = try JSONDecoder().decode(Plan.self, from: Data(plan.utf8))
        let pricing = Pricing(model: .payPerUse, currency: Currency("USD")!, plans: [plan])
        let example = try #require(PriceExample.of(pricing))
        #expect(example.total == total)
        let sum = example.lines.reduce(Int64(0)) { sum, line in
            sum + (Money(String(line.amount.dropLast(4)), Currency("USD")!)?.minor ?? 0)
        }
        #expect(Money(minor: sum, Currency("USD")!).description == total)
    }

    @Test func whatIsFreeHasNoExample() {
        let free = Plan(id: "free", amount: "0", interval: .month)
        #expect(PriceExample.of(Pricing(model: .freemium, currency: Currency("USD")!, plans: [free])) == nil)
    }

    private static func page(_ make: (PrivatePages) throws -> [SiteFile]) throws -> String {
        let templates = try Templates(folder: Products.file("site-templates"))
        let pages = PrivatePages(templates: templates, settings: PrivateSettings(site: SiteSettings()))
        let file = try #require(try make(pages).first { $0.path == "index.html" })
        return String(decoding: file.content, as: UTF8.self)
    }
}
