import Foundation
import Marketplace
import Metering
import Testing

@testable import Billing

/// A marketplace's year 2026: every charge scheme, three currencies of 2, 0 and 3 decimals, plan changes, removals,
/// seats, a trial, a minimum, a maximum, a limit of a customer's own, coupons, partial payments, credit notes,
/// refunds and disputes.
struct SampleYear {
    var month: SampleMonth

    static let subjects: [(plugin: String, plan: String, price: JSONValue)] = [
        (
            "sample.eur", "all",
            [
                "model": "subscription", "currency": "EUR",
                "plans": [
                    [
                        "id": "all", "amount": "9.99", "interval": "month", "perSeat": true, "trialDays": 10,
                        "included": ["calls": 5], "minimum": "6.00", "maximum": "6.60",
                        "charges": [
                            ["metric": "calls", "scheme": "perUnit", "unitAmount": "0.0137"],
                            [
                                "metric": "executionMs", "scheme": "graduated",
                                "tiers": [
                                    ["upTo": 700, "unitAmount": "0.0021", "flatAmount": "0.50"],
                                    ["unitAmount": "0.00117"],
                                ],
                            ],
                        ],
                    ],
                    ["id": "big", "amount": "49.50", "interval": "month"],
                ],
            ]
        ),
        (
            "other.yen", "pack",
            [
                "model": "payPerUse", "currency": "JPY",
                "plans": [
                    [
                        "id": "pack", "amount": "0", "interval": "month",
                        "charges": [
                            [
                                "metric": "apiCalls", "scheme": "package", "unitAmount": "33",
                                "packageSize": 7,
                            ],
                            ["scheme": "percentage", "percent": "2.9", "reportedMax": "100000"],
                        ],
                    ]
                ],
            ]
        ),
        (
            "third.dinar", "vol",
            [
                "model": "payPerUse", "currency": "KWD",
                "plans": [
                    [
                        "id": "vol", "amount": "1.125", "interval": "month",
                        "charges": [
                            [
                                "metric": "bytes", "scheme": "volume",
                                "tiers": [
                                    ["upTo": 2000, "unitAmount": "0.00051"], ["unitAmount": "0.000333"],
                                ],
                            ]
                        ],
                    ]
                ],
            ]
        ),
        (
            "third.once", "buy",
            [
                "model": "oneTime", "currency": "EUR",
                "plans": [["id": "buy", "amount": "119.00", "interval": "once"]],
            ]
        ),
        (
            "other.yearly", "year",
            [
                "model": "subscription", "currency": "EUR",
                "plans": [["id": "year", "amount": "200.00", "interval": "year"]],
            ]
        ),
        (
            "sample.free", "free",
            [
                "model": "freemium", "currency": "EUR",
                "plans": [
                    ["id": "free", "amount": "0", "interval": "month", "included": ["calls": 1000]],
                    ["id": "pro", "amount": "12.34", "interval": "month"],
                ],
            ]
        ),
    ]

    static let tenants: [(id: String, country: String, vat: String?)] = [
        ("acme-field", "DE", nil), ("globex-sample", "FR", "FR00000000000"), ("nippon-sample", "JP", nil),
        ("gulf-sample", "KW", nil),
    ]

    init(_ data: String) {
        month = SampleMonth(data)
        month.config.taxRates.append(
            .init(category: "Z", country: "KW", rate: "0", from: Day("2007-01-01")!))
        month.config.coupons = [
            .init(
                id: "spring", tenant: TenantID("acme-field")!, percent: "12.5", from: Day("2026-03-01")!,
                until: Day("2026-06-01")!)
        ]
        month.config.payoutMinimums = ["EUR": "5.00"]
        month.config.payoutHoldDays = 5
        let third = PublisherAccount(
            id: PublisherID("third")!, name: "Third House (sample)", country: "AT",
            iban: "AT611904300234573201", bic: "RZTIAT22")
        month = SampleMonth(data, month.config, month.publishers + [third])
    }

    /// The usage of one month of the year, by one node.
    func writeUsage(_ number: Int, _ random: inout SplitMix) throws {
        let writer = try SegmentWriter(usage: "\(month.data)/usage", node: "node-a")
        let days = BillingPeriod("2026-" + two(number))!.dayCount
        for day in 1...days {
            let date = "2026-\(two(number))-\(two(day))"
            try writer.tick(Instant("\(date)T00:00:00Z")!)
            try changes(date, writer)
            for (index, tenant) in Self.tenants.enumerated() where day % 3 == index % 3 {
                for (plugin, plan, _) in Self.subjects.prefix(3) {
                    try writer.append(
                        UsageEvent(
                            id: "u-\(date)-\(tenant.id)-\(plugin)", time: Instant("\(date)T10:00:00Z")!,
                            tenant: TenantID(tenant.id)!, plugin: PluginID(plugin)!, version: "1.0.0",
                            action: "run", plan: plan, outcome: "ok", calls: 1,
                            apiCalls: Int64.random(in: 1...40, using: &random),
                            executionMs: Int64.random(in: 1...900, using: &random),
                            bytesIn: Int64.random(in: 1...300, using: &random), bytesOut: 17))
                }
                try writer.append(
                    .amount(
                        AmountEvent(
                            id: "a-\(date)-\(tenant.id)", time: Instant("\(date)T11:00:00Z")!,
                            tenant: TenantID(tenant.id)!, plugin: PluginID("other.yen")!, version: "1.0.0",
                            plan: "pack",
                            amount: Money(
                                minor: Int64.random(in: 1...9_999, using: &random), Currency("JPY")!))))
            }
        }
        try writer.close()
    }

    private func changes(_ date: String, _ writer: SegmentWriter) throws {
        func event(
            _ tenant: Int, _ subject: Int, _ change: SubscriptionEvent.Change, plan: String? = nil,
            seats: Int64 = 1, cap: Money? = nil
        ) throws {
            let (id, country, vat) = Self.tenants[tenant]
            let (plugin, first, price) = Self.subjects[subject]
            try writer.append(
                .subscription(
                    SubscriptionEvent(
                        id: "s-\(date)-\(tenant)-\(subject)-\(change)", time: Instant("\(date)T08:00:00Z")!,
                        tenant: TenantID(id)!, plugin: PluginID(plugin)!, version: "1.0.0", change: change,
                        plan: plan ?? first, seats: seats, price: SubscriptionEvent.priceDigest(of: price),
                        pricing: price, country: country, customer: "\(id) (sample)", vatID: vat, cap: cap)))
        }
        switch date {
        case "2026-01-05":
            for tenant in Self.tenants.indices {
                for subject in 0..<3 { try event(tenant, subject, .install) }
            }
            for tenant in 0..<2 { for subject in 3..<6 { try event(tenant, subject, .install) } }
        case "2026-02-11": try event(0, 0, .plan, seats: 3)
        case "2026-03-31": try event(0, 0, .plan, plan: "big")
        case "2026-04-10": try event(1, 0, .cap, cap: Money("15.00", Currency("EUR")!))
        case "2026-05-17": try event(2, 0, .remove)
        case "2026-06-20": try event(0, 5, .plan, plan: "pro")
        case "2026-07-09": try event(2, 0, .install)
        case "2026-08-15": try event(0, 0, .plan, seats: 2)
        case "2026-10-01": try event(3, 2, .remove)
        default: break
        }
    }

    private func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// The whole year: usage, the night that closes each month, payments of all kinds, corrections.
    func run() throws {
        var random = SplitMix(2026)
        for number in 1...12 {
            try writeUsage(number, &random)
            let next = number == 12 ? "2027-01" : "2026-\(two(number + 1))"
            try month.run("\(next)-03T01:00:00Z")
            try pay(next, &random)
            try correct(number, next, &random)
            try month.run("\(next)-14T01:00:00Z")
            try month.run("\(next)-26T01:00:00Z")
        }
    }

    /// Most invoices of the month in full, some in two parts, some not at all, some too much.
    private func pay(_ next: String, _ random: inout SplitMix) throws {
        let night = try month.night("\(next)-04T01:00:00Z")
        var text = BankTransferProcessor.csvHeader + "\n"
        for head in try night.ledger.read({ try $0.heads() }) where head.issued.description.hasPrefix(next) {
            let open = try night.ledger.read {
                try $0.sums(invoice: head.number).sum(Account.receivable(head.tenant))
            }
            guard open > 0 else { continue }
            let parts: [(day: String, minor: Int64)] =
                switch Int.random(in: 0..<10, using: &random) {
                case 0: []
                case 1: [("05", open + 500)]
                case 2, 3: [("05", open / 3), ("20", open - open / 3)]
                default: [("06", open)]
                }
            for (day, minor) in parts where minor > 0 {
                let money = Money(minor: minor, head.currency)
                text +=
                    "\(head.number)-\(day),\(next)-\(day),\(money.amount),\(head.currency.code),\(head.number),x\n"
            }
        }
        try night.close()
        try Disk().replace("\(month.data)/billing/bank/\(next).csv", with: Array(text.utf8))
    }

    /// Credit notes, refunds and disputes on what was issued in the month before, in seeded order.
    private func correct(_ number: Int, _ next: String, _ random: inout SplitMix) throws {
        let night = try month.night("\(next)-08T01:00:00Z")
        _ = try night.collect()
        _ = try night.settle()
        let heads = try night.ledger.read { try $0.heads() }.filter { $0.issued.description.hasPrefix(next) }
        for (index, head) in heads.enumerated() {
            let invoice = try night.issued(head.number)
            switch (index + number) % 5 {
            case 0 where invoice.net.minor > 3:
                let part = Money(
                    minor: Int64.random(in: 1...(invoice.net.minor / 3), using: &random), invoice.currency)
                _ = try night.credit(head.number, amount: part.amount, reason: "part", key: "a\(head.number)")
                _ = try night.credit(head.number, amount: part.amount, reason: "part", key: "b\(head.number)")
            case 1 where invoice.net.minor > 0:
                try night.openDispute(head.number, amount: nil, reason: "not as described")
                if number % 3 == 0 { _ = try night.closeDispute(head.number, .lost) }
                if number % 3 == 1 { _ = try night.closeDispute(head.number, .won) }
            case 2 where invoice.net.minor > 0:
                _ = try night.credit(head.number, amount: nil, reason: "all of it", key: "c\(head.number)")
            default: break
            }
            let owed = try night.ledger.read {
                -(try $0.balance(Account.credit(head.tenant), head.currency))
            }
            if owed > 0, index % 2 == 0 {
                _ = try night.refund(
                    head.number, amount: nil, iban: "DE89370400440532013000", reason: "given back")
            }
        }
        try night.close()
    }
}
