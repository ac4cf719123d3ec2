import Foundation
import Marketplace
import Metering
import TestSupport
import Testing

/// `veroforge bill …` on the books of one small month: what each verb says, and with what code it ends.
@Suite struct BillVerbTests {
    private static let pricing: JSONValue = [
        "model": "payPerUse", "currency": "EUR",
        "plans": [
            [
                "id": "metered", "amount": "10.00", "interval": "month",
                "charges": [["metric": "calls", "scheme": "perUnit", "unitAmount": "0.01"]],
            ]
        ],
    ]

    /// A month with one subscription and fifty calls, and the night that bills it.
    private func billedMonth() throws -> SampleMarketplace {
        let market = try SampleMarketplace()
        let (tenant, plugin) = (TenantID("acme-field")!, PluginID("northwind-samples.pings")!)
        let writer = try SegmentWriter(usage: market.data + "/usage", node: "one")
        try writer.append(
            .subscription(
                SubscriptionEvent(
                    id: "subscription", time: Instant("2026-01-01T00:00:00Z")!, tenant: tenant,
                    plugin: plugin, version: "1.0.0", change: .install, plan: "metered",
                    price: SubscriptionEvent.priceDigest(of: Self.pricing), pricing: Self.pricing,
                    country: "DE", customer: "Acme Field (sample)")))
        for number in 1...50 {
            try writer.append(
                UsageEvent(
                    id: "call-\(number)", time: Instant("2026-01-05T10:00:00Z")!, tenant: tenant,
                    plugin: plugin, version: "1.0.0", action: "ping", plan: "metered", outcome: "ok",
                    calls: 1))
        }
        try writer.close()
        try market.expect(0, ["run", "nightly"] + Self.asOf)
        return market
    }

    private static let asOf = ["--as-of", "2026-02-03T01:00:00Z"]

    @Test func everyVerbTellsTheTruthWithItsExitCode() throws {
        let market = try billedMonth()
        func check(_ code: Int32, _ arguments: String..., says words: String = "") throws {
            let result = try market.expect(code, ["bill"] + arguments + Self.asOf)
            let said = result.output + result.errors
            #expect(words.isEmpty || said.contains(words), "\(arguments): \(said)")
        }
        try check(0, "explain", "VF-000001/2", says: "0.50 EUR")
        try check(3, "explain", "VF-000001/99", says: "it has 1 to 2")
        try check(3, "explain", "VF-000009", says: "no invoice has this number")
        try check(0, "preview", "acme-field", says: "11.90 EUR")
        try check(2, "preview", "A B", says: "is no tenant's id")
        try check(3, "preview", "acme-feild", says: "has no subscription")
        try check(2, "preview", "acme-field", "--what-if", "x", says: "publisher.name=plan")
        try check(3, "preview", "acme-field", "--what-if", "northwind-samples.pings=none")

        try check(2, "credit", "VF-000001/1", "--amount", "1.999", "--reason", "r", says: "2 decimals")
        try check(2, "credit", "VF-000001/1", "--amount", "10.01", "--reason", "r", says: "10.00 EUR can")
        try check(3, "credit", "VF-000009", "--reason", "r")
        for _ in 1...2 {
            try check(0, "credit", "VF-000001/2", "--reason", "r", "--key", "k", says: "VF-000002 takes 0.50")
        }

        try check(2, "pay", "VF-000001", "--date", "2026-13-01", says: "is no date")
        try check(2, "pay", "VF-000001", "--amount", "x", says: "is no amount of EUR")
        try check(3, "pay", "VF-000009")
        try check(0, "pay", "VF-000001", says: "11.90 EUR received")
        try check(2, "pay", "VF-000001", says: "nothing is open")

        try check(2, "refund", "VF-000001", "--reason", "r", says: "0.00 EUR to get back")
        try check(3, "refund", "VF-000009", "--reason", "r")
        try check(2, "dispute", "VF-000001", "open", says: "--reason")
        try check(3, "dispute", "VF-000001", "won", says: "no open dispute")
        try check(0, "dispute", "VF-000001", "open", "--reason", "r", says: "held")
        try check(2, "dispute", "VF-000001", "open", "--reason", "r", says: "open already")
        try check(0, "dispute", "VF-000001", "won", says: "let go")
        try check(0, "credit", "VF-000001", "--amount", "2.00", "--reason", "r", says: "VF-000003 takes 2.00")
        try check(0, "refund", "VF-000001", "--iban", "DE89370400440532013000", "--reason", "r", says: "2.38")

        try check(0, "plan", "acme-field", says: "plan metered, 1 seats")
        try check(3, "plan", "acme-field", "northwind-samples.pings", "none", says: "no plan of the price")
        try check(3, "plan", "acme-field", "other.none", "metered", says: "no subscription")
        try check(2, "plan", "acme-field", "northwind-samples.pings", "metered", "--seats", "0")
        try check(0, "plan", "acme-field", "northwind-samples.pings", "metered", "--seats", "3")

        try check(2, "rebuild", "2026-13", says: "is no month")
        try check(3, "rebuild", "2026-02", says: "not a closed period")
        try check(0, "rebuild", "2026-01", says: "are the same")
        // One byte of a closed month's sums.
        let sums = "\(market.data)/billing/2026-01/usage.csv"
        let text = try String(contentsOfFile: sums, encoding: .utf8)
        try text.replacing(",50\n", with: ",51\n").write(toFile: sums, atomically: true, encoding: .utf8)
        try check(5, "rebuild", "2026-01", says: "usage.csv")
    }
}
