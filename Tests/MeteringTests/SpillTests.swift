import Foundation
import Marketplace
import TestSupport
import Testing

@testable import Metering

/// Bounded memory and parts by tenant: the same result by another road.
@Suite struct SpillTests {
    /// Generated usage with copies, ids that say two things, lines that are none, amounts and subscriptions twice.
    private func write(_ folder: String) throws -> [RollUp.Source] {
        let path = "\(folder)/a.jsonl"
        _ = try UsageGenerator(tenants: 30, plugins: 7, duplicateEvery: 20, days: 9).write(
            events: 30_000, to: path)
        var bytes = try Disk().read(path)
        let lines = bytes.split(separator: 0x0A).map(Array.init)
        for index in stride(from: 5, to: 3_000, by: 501) {
            let text = String(decoding: lines[index], as: UTF8.self)
            bytes += Array(text.replacingOccurrences(of: "\"calls\":1", with: "\"calls\":0").utf8) + [0x0A]
        }
        bytes += Array("{\"no\":\"event\"}\n".utf8)
        let amount = MeterEvent.amount(
            AmountEvent(
                id: "amount-1", time: Instant("2026-01-03T10:00:00Z")!, tenant: TenantID("tenant-0001")!,
                plugin: PluginID("house-001.sample")!, version: "1.0.0", plan: "metered",
                amount: Money(minor: 500, Currency("EUR")!)))
        let change = MeterEvent.subscription(
            SubscriptionEvent(
                id: "sub-1", time: Instant("2026-01-02T10:00:00Z")!, tenant: TenantID("tenant-0002")!,
                plugin: PluginID("house-001.sample")!, version: "1.0.0", change: .install, plan: "metered",
                price: SubscriptionEvent.priceDigest(of: [:]), country: "DE", customer: "x"))
        for event in [amount, amount, change, change] { bytes += event.line }
        try Disk().replace(path, with: bytes)
        // The same file again under another name, and one that was billed before.
        try Disk().replace("\(folder)/b.jsonl", with: Array(bytes.prefix(bytes.count / 3)))
        try Disk().replace("\(folder)/c.jsonl", with: lines[7_000..<7_100].flatMap { $0 + [0x0A] })
        return [.init(path), .init("\(folder)/b.jsonl"), .init("\(folder)/c.jsonl", role: .known)]
    }

    @Test(arguments: [nil, "2026-01-06T00:00:00Z"], [1, 2])
    func whatIsSpilledGivesTheSameAsWhatIsHeld(until: String?, threads: Int) throws {
        try Samples.withFolder { folder in
            let sources = try write(folder)
            var options = RollUp.Options(
                until: until.flatMap { Instant($0) }, lateBefore: Instant("2026-01-02T00:00:00Z")!,
                threads: threads)
            let held = try RollUp(options: options).run(sources)
            options.spill = folder
            let spilled = try RollUp(options: options).run(sources)
            #expect(spilled.account == held.account)
            #expect(held.account.duplicates > 5_000 && held.account.quarantined > 10)
            #expect(spilled.csv() == held.csv())
            #expect(spilled.csvByPlan() == held.csvByPlan())
            #expect(Set(spilled.quarantined) == Set(held.quarantined))
            #expect(spilled.amounts == held.amounts && spilled.subscriptions == held.subscriptions)
            #expect(spilled.disputedTenants == held.disputedTenants)
            // Nothing is left in the folder.
            #expect(try Disk().list(folder) == ["a.jsonl", "b.jsonl", "c.jsonl"])
        }
    }

    @Test func thePartsByTenantAddUpToTheWhole() throws {
        try Samples.withFolder { folder in
            let sources = try write(folder)
            let whole = try RollUp().run(sources)
            var rows: [RollUpRow] = []
            var lines: Int64 = 0
            for index in 0..<4 {
                var options = RollUp.Options()
                options.shard = RollUp.Shard(index: index, count: 4)
                let part = try RollUp(options: options).run(sources)
                rows += part.rows()
                lines += part.account.lines
            }
            #expect(lines == whole.account.lines)
            #expect(Set(rows) == Set(whole.rows()) && rows.count == whole.rows().count)
        }
    }
}
