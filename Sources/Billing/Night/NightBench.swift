internal import Glibc
internal import Marketplace
public import Metering

/// A whole night on generated usage: 1,000 tenants that use 200 plugins of 200 publishers, so 1,000 invoices of 200
/// lines, all paid in the same night, and 200 statements. Says how long each stage took.
public struct NightBench: Sendable {
    public struct Figures: Sendable {
        public var stages: [(name: String, seconds: Double, cpuSeconds: Double, counts: [String: Int64])]
        public var seconds: Double
        public var cpuSeconds: Double
    }

    let data: String
    let templates: BillingTemplates

    public init(data: String, templates: BillingTemplates) {
        self.data = data
        self.templates = templates
    }

    static let price: JSONValue = [
        "model": "payPerUse", "currency": "EUR",
        "plans": [
            [
                "id": "metered", "amount": "0", "interval": "month",
                "charges": [["metric": "calls", "scheme": "perUnit", "unitAmount": "0.0137"]],
            ]
        ],
    ]

    /// Writes the segments, the subscriptions, and a bank statement that pays every invoice.
    public func prepare(events: Int) throws(MeteringError) {
        let generator = UsageGenerator(days: 5)
        _ = try generator.writeSegments(events: events, to: "\(data)/usage")
        let writer = try SegmentWriter(usage: "\(data)/usage", node: "desk")
        let time = Instant("2026-01-01T00:00:00Z")!
        let digest = SubscriptionEvent.priceDigest(of: Self.price)
        var isFirst = true
        for tenant in 0..<1_000 {
            for plugin in 0..<200 {
                try writer.append(
                    .subscription(
                        SubscriptionEvent(
                            id: "sub-\(tenant)-\(plugin)", time: time,
                            tenant: TenantID("tenant-\(Self.digits(tenant, 4))")!,
                            plugin: PluginID("house-\(Self.digits(plugin, 3)).sample")!, version: "1.0.0",
                            change: .install, plan: "metered", price: digest,
                            pricing: isFirst ? .some(Self.price) : .none, country: "DE",
                            customer: "tenant \(tenant)"))
                )
                isFirst = false
            }
        }
        try writer.close()
        var bank = Array((BankTransferProcessor.csvHeader + "\n").utf8)
        for number in 1...1_000 {
            let invoice = "VF-\(Self.digits(number, 6))"
            CSV.append(&bank, ["r-\(number)", "2026-02-03", "1000000.00", "EUR", invoice, "sample"])
        }
        _ = try Disk().replace("\(data)/billing/bank/all.csv", with: bank)
    }

    private static func digits(_ number: Int, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }

    public func run() throws(BillingError) -> Figures {
        let config = BillingConfig(
            issuer: .init(
                name: "VeroForge Platform (sample)", address: "1 Example Street\n10115 Berlin", country: "DE",
                vatID: "DE000000000", iban: "DE02120300000000202051", bic: "BYLADEM1001"),
            taxRates: [.init(category: "S", country: "DE", rate: "19", from: Day("2007-01-01")!)],
            payoutHoldDays: 0)
        let publishers = (0..<200).map { number in
            PublisherAccount(
                id: PublisherID("house-\(Self.digits(number, 3))")!, name: "House \(number) (sample)",
                country: "DE", iban: "DE75512108001245126199", bic: "SOLADEST600")
        }
        let (wall, cpu) = (Self.clock(CLOCK_MONOTONIC), Self.clock(CLOCK_PROCESS_CPUTIME_ID))
        let night = try BillingNight(
            data: data, config: config, asOf: Instant("2026-02-03T01:00:00Z")!, templates: templates,
            publishers: publishers)
        var figures = Figures(stages: [], seconds: 0, cpuSeconds: 0)
        let stages: [(String, (BillingNight) throws(BillingError) -> StageSummary)] = [
            ("seal", { (night) throws(BillingError) in try night.seal() }),
            ("roll-up", { (night) throws(BillingError) in try night.rollUp() }),
            ("rate", { (night) throws(BillingError) in try night.rate() }),
            ("invoice", { (night) throws(BillingError) in try night.invoice() }),
            ("collect", { (night) throws(BillingError) in try night.collect() }),
            ("settle", { (night) throws(BillingError) in try night.settle() }),
            ("pay-out", { (night) throws(BillingError) in try night.payOut() }),
            ("reconcile", { (night) throws(BillingError) in try night.reconcile() }),
            ("report", { (night) throws(BillingError) in try night.report() }),
        ]
        for (name, stage) in stages {
            let start = (Self.clock(CLOCK_MONOTONIC), Self.clock(CLOCK_PROCESS_CPUTIME_ID))
            let summary = try stage(night)
            figures.stages.append(
                (
                    name, Self.clock(CLOCK_MONOTONIC) - start.0,
                    Self.clock(CLOCK_PROCESS_CPUTIME_ID) - start.1, summary.counts
                ))
        }
        try night.close()
        for (stage, name, count) in [
            ("roll-up", "quarantined", Int64(0)), ("invoice", "issued", 1_000),
            ("reconcile", "invoices", 1_000),
            ("pay-out", "payouts", 200),
        ] {
            let found = figures.stages.first { $0.name == stage }?.counts[name]
            guard found == count else {
                throw BillingError(
                    .conservation, stage, "\(found ?? -1) \(name), not \(count): this night measures nothing")
            }
        }
        figures.seconds = Self.clock(CLOCK_MONOTONIC) - wall
        figures.cpuSeconds = Self.clock(CLOCK_PROCESS_CPUTIME_ID) - cpu
        return figures
    }

    private static func clock(_ id: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(id, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
