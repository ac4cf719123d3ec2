import Foundation
import Marketplace
import Metering
import TestSupport
import Testing

@testable import Billing

/// A small marketplace's January 2026: three tenants, three plugins of two publishers.
struct SampleMonth {
    let data: String
    var config: BillingConfig
    let publishers: [PublisherAccount]

    static let acme = TenantID("acme-field")!
    static let globex = TenantID("globex-sample")!
    static let nippon = TenantID("nippon-sample")!
    static let pings = PluginID("sample.pings")!
    static let sync = PluginID("sample.sync")!
    static let checkout = PluginID("other.checkout")!

    static let pingPrice: JSONValue = [
        "model": "payPerUse", "currency": "EUR",
        "plans": [
            [
                "id": "metered", "amount": "0", "interval": "month", "included": ["calls": 100],
                "charges": [["metric": "calls", "scheme": "perUnit", "unitAmount": "0.01"]],
            ]
        ],
    ]
    static let syncPrice: JSONValue = [
        "model": "subscription", "currency": "EUR",
        "plans": [
            ["id": "basic", "amount": "10.00", "interval": "month"],
            [
                "id": "pro", "amount": "29.00", "interval": "month",
                "charges": [
                    [
                        "metric": "executionMs", "scheme": "graduated",
                        "tiers": [["upTo": 1000, "unitAmount": "0.002"], ["unitAmount": "0.0015"]],
                    ]
                ],
            ],
        ],
    ]
    static let checkoutPrice: JSONValue = [
        "model": "payPerUse", "currency": "JPY",
        "plans": [
            [
                "id": "share", "amount": "0", "interval": "month",
                "charges": [["scheme": "percentage", "percent": "2.9", "reportedMax": "100000"]],
            ]
        ],
    ]

    init(_ data: String) {
        self.data = data
        config = BillingConfig(
            issuer: .init(
                name: "VeroForge Platform (sample)", address: "1 Example Street\n10115 Berlin", country: "DE",
                vatID: "DE000000000", iban: "DE02120300000000202051", bic: "BYLADEM1001"),
            taxRates: [
                .init(category: "S", country: "DE", rate: "19", from: Day("2007-01-01")!),
                .init(category: "AE", country: "FR", withVATID: true, rate: "0", from: Day("2007-01-01")!),
                .init(category: "O", country: "JP", rate: "0", from: Day("2007-01-01")!),
            ], payoutHoldDays: 7)
        publishers = [
            .init(
                id: PublisherID("sample")!, name: "Sample Plugins (sample)", country: "DE",
                iban: "DE75512108001245126199", bic: "SOLADEST600"),
            .init(
                id: PublisherID("other")!, name: "Other Works (sample)", country: "NL",
                iban: "NL91ABNA0417164300", bic: "ABNANL2A"),
        ]
    }

    init(_ data: String, _ config: BillingConfig, _ publishers: [PublisherAccount]) {
        self.data = data
        self.config = config
        self.publishers = publishers
    }

    static let templates = BillingTemplates(
        invoice: (try? String(
            contentsOfFile: Products.file("site-templates/billing/invoice.mustache"), encoding: .utf8))!,
        statement: (try? String(
            contentsOfFile: Products.file("site-templates/billing/statement.mustache"), encoding: .utf8))!,
        credit: (try? String(
            contentsOfFile: Products.file("site-templates/billing/credit.mustache"), encoding: .utf8))!,
        finance: (try? String(
            contentsOfFile: Products.file("site-templates/billing/finance.mustache"), encoding: .utf8))!)

    func night(_ asOf: String, disk: Disk = Disk()) throws -> BillingNight {
        try BillingNight(
            data: data, config: config, asOf: Instant(asOf)!, templates: Self.templates,
            publishers: publishers,
            disk: disk)
    }

    /// Runs a night and gives its summaries.
    @discardableResult
    func run(_ asOf: String, disk: Disk = Disk()) throws -> [StageSummary] {
        let night = try night(asOf, disk: disk)
        let summaries = try night.runAll()
        try night.close()
        return summaries
    }

    func install(
        _ writer: SegmentWriter, _ tenant: TenantID, _ plugin: PluginID, _ plan: String, _ price: JSONValue,
        _ time: String, change: SubscriptionEvent.Change = .install, country: String, vatID: String? = nil
    ) throws {
        try writer.append(
            .subscription(
                SubscriptionEvent(
                    id: "sub-\(tenant.text)-\(plugin.text)-\(time)", time: Instant(time)!, tenant: tenant,
                    plugin: plugin,
                    version: "1.0.0", change: change, plan: plan,
                    price: SubscriptionEvent.priceDigest(of: price),
                    pricing: price, country: country, customer: "\(tenant.text) (sample)", vatID: vatID)))
    }

    /// January's segments of one node, a day each.
    func writeUsage(node: String = "node-a") throws {
        let writer = try SegmentWriter(usage: "\(data)/usage", node: node)
        for day in 1...31 {
            let date = "2026-01-" + (day < 10 ? "0\(day)" : "\(day)")
            try writer.tick(Instant("\(date)T00:00:00Z")!)
            if day == 5 {
                try install(
                    writer, Self.acme, Self.pings, "metered", Self.pingPrice, "\(date)T09:00:00Z",
                    country: "DE")
            }
            if day == 11 {
                try install(
                    writer, Self.acme, Self.sync, "basic", Self.syncPrice, "\(date)T09:00:00Z", country: "DE")
            }
            if day == 21 {
                try install(
                    writer, Self.acme, Self.sync, "pro", Self.syncPrice, "\(date)T12:00:00Z", change: .plan,
                    country: "DE")
                try install(
                    writer, Self.globex, Self.pings, "metered", Self.pingPrice, "\(date)T09:00:00Z",
                    country: "FR", vatID: "FR00000000000")
                try install(
                    writer, Self.nippon, Self.checkout, "share", Self.checkoutPrice, "\(date)T09:00:00Z",
                    country: "JP")
            }
            if day >= 5 {
                for call in 0..<10 {
                    try writer.append(sampleCall(day, call, date, Self.acme, Self.pings, "metered"))
                }
            }
            if day >= 22 {
                try writer.append(sampleCall(day, 100, date, Self.acme, Self.sync, "pro"))
                for call in 0..<20 {
                    try writer.append(sampleCall(day, 200 + call, date, Self.globex, Self.pings, "metered"))
                }
                try writer.append(
                    .amount(
                        AmountEvent(
                            id: "amount-\(node)-\(day)", time: Instant("\(date)T15:00:00Z")!,
                            tenant: Self.nippon,
                            plugin: Self.checkout, version: "1.0.0", plan: "share",
                            amount: Money(minor: 1_234, Currency("JPY")!))))
            }
        }
        try writer.close()
    }

    private func sampleCall(
        _ day: Int, _ number: Int, _ date: String, _ tenant: TenantID, _ plugin: PluginID, _ plan: String
    ) -> UsageEvent {
        UsageEvent(
            id: "call-\(day)-\(number)", time: Instant("\(date)T10:00:00Z")!.adding(seconds: Int64(number)),
            tenant: tenant, plugin: plugin, version: "1.0.0", action: "run", plan: plan, outcome: "ok",
            calls: 1,
            apiCalls: 1, executionMs: 150, bytesIn: 100, bytesOut: 200)
    }

    /// A bank statement that pays the invoices, in full or by a percentage.
    func pay(_ name: String, date: String, percent: Int64 = 100) throws {
        var text = BankTransferProcessor.csvHeader + "\n"
        let night = try night("2026-03-01T00:00:00Z")
        for head in try night.ledger.read({ try $0.heads() }) {
            let part = Money(minor: head.total.minor * percent / 100, head.currency)
            text +=
                "\(name)-\(head.number),\(date),\(part.amount),\(head.currency.code),\"invoice \(head.number), thank you\",\(head.tenant.text)\n"
        }
        try night.close()
        try Disk().replace("\(data)/billing/bank/\(name).csv", with: Array(text.utf8))
    }

    /// Every regular file of the data directory but the database, with its bytes.
    func files() throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        let all = FileManager.default.enumerator(atPath: data)!
        for case let path as String in all where !path.hasPrefix("ledger.sqlite") && !path.hasSuffix(".lock")
        {
            if Disk().isFile("\(data)/\(path)") { files[path] = try Disk().read("\(data)/\(path)") }
        }
        return files
    }

    static func with<T>(_ body: (SampleMonth) throws -> T) throws -> T {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "billing-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(SampleMonth(folder.path))
    }
}

/// Runs a program that the Debian packages bring; its exit status and what it printed.
func runProgram(_ name: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [name] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: bytes, as: UTF8.self))
}

/// A seeded source of numbers: the same test on every machine.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
