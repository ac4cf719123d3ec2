import Foundation
import Marketplace
import Testing

@testable import Metering

@Suite struct RollUpTests {
    /// A line of random content: keys in any order, sometimes spaces, escapes, or zeros left out.
    static func randomLine(_ random: inout SplitMix, id: String) -> String {
        var fields: [(String, String)] = [
            ("id", "\"\(id)\""),
            (
                "time",
                "\"2026-01-0\(Int.random(in: 1...5, using: &random))T1\(Int.random(in: 0...9, using: &random)):00:0\(Int.random(in: 0...9, using: &random))\(Bool.random(using: &random) ? ".250" : "")Z\""
            ),
            ("tenant", "\"tenant-\(Int.random(in: 1...6, using: &random))\""),
            ("plugin", "\"sample.plugin-\(Int.random(in: 1...3, using: &random))\""),
            ("plan", "\"\(["free", "pro"].randomElement(using: &random)!)\""),
            ("calls", "1"),
            ("executionMs", String(Int.random(in: 0...900, using: &random))),
            ("bytesIn", String(Int.random(in: 0...50_000, using: &random))),
            ("bytesOut", String(Int.random(in: 0...50_000, using: &random))),
        ]
        if Bool.random(using: &random) { fields.append(("apiCalls", "0")) }
        if Bool.random(using: &random) { fields.append(("action", "\"send\\u002Dmail\"")) }
        fields.shuffle(using: &random)
        let space = Bool.random(using: &random) ? " " : ""
        return "{" + fields.map { "\"\($0)\":\(space)\($1)" }.joined(separator: "," + space) + "}"
    }

    /// What the rows must be, counted in the simplest way there is.
    static func reference(_ lines: [String]) throws -> String {
        var sums: [String: Int64] = [:]
        var seen: Set<String> = []
        for line in lines {
            let value = try JSONValue.parse(line)
            guard seen.insert(value["id"]!.stringValue!).inserted else { continue }
            let head =
                "\(value["time"]!.stringValue!.prefix(10)),\(value["tenant"]!.stringValue!),\(value["plugin"]!.stringValue!)"
            for metric in ["calls", "apiCalls", "executionMs"] {
                sums["\(head),\(metric)", default: 0] += value[metric]?.integerValue ?? 0
            }
            sums["\(head),bytes", default: 0] +=
                (value["bytesIn"]?.integerValue ?? 0) + (value["bytesOut"]?.integerValue ?? 0)
        }
        let rows = sums.filter { $0.value != 0 }.map { "\($0.key),\($0.value)\n" }
        return "day,tenant,plugin,metric,quantity\n" + rows.sorted().joined()
    }

    @Test func theResultIsTheReferenceWhateverTheOrderSplitDuplicationAndThreads() throws {
        try Samples.withFolder { folder in
            for seed in 0..<20 as Range<UInt64> {
                var random = SplitMix(seed)
                let lines = (0..<300).map { index in
                    Self.randomLine(
                        &random,
                        id: index % 2 == 0
                            ? "node-\(index)" : "00000000-0000-4000-8000-0000000\(10000 + index)")
                }
                let expected = try Self.reference(lines)
                for variant in 0..<4 {
                    var shuffled = lines.shuffled(using: &random)
                    shuffled += shuffled.prefix(variant * 20)
                    let cut = Int.random(in: 0...shuffled.count, using: &random)
                    let parts = [shuffled[..<cut], shuffled[cut...]]
                    var sources: [RollUp.Source] = []
                    for (index, part) in parts.enumerated() {
                        let path = "\(folder)/\(seed)-\(variant)-\(index).jsonl"
                        try Disk().replace(path, with: Array(part.joined(separator: "\n").utf8))
                        sources.append(.init(path))
                    }
                    if variant == 3 { sources.append(sources[0]) }
                    let options = RollUp.Options(threads: variant % 2 + 1, generalPathOnly: variant == 2)
                    let result = try RollUp(options: options).run(sources.shuffled(using: &random))
                    #expect(String(decoding: result.csv(), as: UTF8.self) == expected)
                    #expect(result.account.duplicates == Int64(variant * 20))
                    #expect(result.quarantined.isEmpty)
                }
            }
        }
    }

    @Test func piecesOfALargeFileMeetWithoutLossOrRepetition() throws {
        try Samples.withFolder { folder in
            let path = "\(folder)/large.jsonl"
            var bytes: [UInt8] = []
            let count = 150_000
            for index in 0..<count {
                let pad = String(repeating: "x", count: index % 97)
                bytes += Array(
                    "{\"id\":\"n-\(index)\",\"time\":\"2026-01-01T00:00:00Z\",\"tenant\":\"acme\",\"plugin\":\"a.b\",\"action\":\"\(pad)\",\"calls\":1}\n"
                        .utf8)
            }
            #expect(bytes.count > RollUp.pieceBytes)
            try Disk().replace(path, with: bytes)
            let result = try RollUp().run([.init(path)])
            #expect(result.account.counted == Int64(count) && result.account.lines == Int64(count))
            #expect(String(decoding: result.csv(), as: UTF8.self).hasSuffix("acme,a.b,calls,\(count)\n"))
        }
    }

    @Test func oneIdWithTwoBodiesIsCountedNowhereAndListed() throws {
        try Samples.withFolder { folder in
            func line(_ id: String, _ calls: Int) -> String {
                "{\"id\":\"\(id)\",\"time\":\"2026-01-01T00:00:00Z\",\"tenant\":\"acme\",\"plugin\":\"a.b\",\"calls\":\(calls)}"
            }
            let lines = [line("x", 1), line("y", 5), line("x", 1), line("x", 2)]
            for seed in 0..<12 as Range<UInt64> {
                var random = SplitMix(seed)
                let path = "\(folder)/\(seed).jsonl"
                try Disk().replace(
                    path, with: Array(lines.shuffled(using: &random).joined(separator: "\n").utf8))
                let result = try RollUp().run([.init(path)])
                #expect(result.rows().map(\.quantity) == [5])
                #expect(result.quarantined.count == 3)
                #expect(result.account == .init(lines: 4, counted: 1, quarantined: 3))
                #expect(result.disputedTenants == ["acme"])
            }
        }
    }

    @Test func whatWasBilledIsNotCountedAgainAndALateEventIs() throws {
        try Samples.withFolder { folder in
            func line(_ id: String, _ time: String, calls: Int = 1) -> String {
                "{\"id\":\"\(id)\",\"time\":\"\(time)\",\"tenant\":\"acme\",\"plugin\":\"a.b\",\"calls\":\(calls)}\n"
            }
            let border = Instant("2026-02-01T00:00:00Z")!
            let old = "\(folder)/old.jsonl"
            let new = "\(folder)/new.jsonl"
            try Disk().replace(
                old, with: Array((line("a", "2026-01-31T23:59:59Z") + line("b", "2026-02-01T00:00:00Z")).utf8)
            )
            let lines = [
                line("a", "2026-01-31T23:59:59Z"),  // sent again
                line("c", "2026-01-30T00:00:00Z"),  // late
                line("d", "2026-02-02T00:00:00Z"),
                line("e", "2026-03-01T00:00:00Z"),  // not due
                line("a", "2026-01-31T23:59:59Z", calls: 9),  // the id of a billed one, another body
            ]
            try Disk().replace(new, with: Array(lines.joined().utf8))
            let options = RollUp.Options(until: Instant("2026-03-01T00:00:00Z"), lateBefore: border)
            let result = try RollUp(options: options).run([.init(old, billedBefore: border), .init(new)])
            #expect(
                result.account
                    == .init(
                        lines: 7, counted: 3, duplicates: 1, quarantined: 1, billed: 1, pending: 1, late: 1))
            #expect(result.rows().map(\.day.description) == ["2026-01-30", "2026-02-01", "2026-02-02"])
        }
    }

    @Test(arguments: [
        ("{\"id\":\"a\"", "is no JSON"), ("[]", "is no object"),
        (
            "{\"id\":\"a\",\"id\":\"a\",\"time\":\"2026-01-01T00:00:00Z\",\"tenant\":\"acme\",\"plugin\":\"a.b\"}",
            "stands twice"
        ),
        ("{\"id\":\"a\",\"time\":\"2026-02-30T00:00:00Z\",\"tenant\":\"acme\",\"plugin\":\"a.b\"}", "`time`"),
        ("{\"id\":\"a\",\"time\":\"2026-01-01T00:00:00Z\",\"plugin\":\"a.b\"}", "`tenant` is missing"),
        (
            "{\"id\":\"a\",\"time\":\"2026-01-01T00:00:00Z\",\"tenant\":\"acme\",\"plugin\":\"a.b\",\"calls\":-1}",
            "`calls`"
        ),
        (
            "{\"id\":\"a\",\"time\":\"2026-01-01T00:00:00Z\",\"tenant\":\"acme\",\"plugin\":\"a.b\",\"calls\":1.5}",
            "`calls`"
        ),
        (
            "{\"id\":\"a\",\"time\":\"2026-01-01T00:00:00Z\",\"tenant\":\"acme\",\"plugin\":\"a.b\",\"calls\":\"1\"}",
            "`calls`"
        ),
        (
            "{\"id\":\"a\",\"time\":\"2026-01-01T00:00:00Z\",\"tenant\":\"acme\",\"plugin\":\"a.b\",\"cals\":1}",
            "`cals`"
        ),
        (
            "{\"id\":\"a\",\"time\":\"2026-01-01T00:00:00Z\",\"tenant\":\"acme\",\"plugin\":\"a.b\",\"calls\":1} ,",
            "is no JSON"
        ),
        (
            "{\"kind\":\"refund\",\"id\":\"a\",\"time\":\"2026-01-01T00:00:00Z\",\"tenant\":\"acme\",\"plugin\":\"a.b\"}",
            "no such kind"
        ),
    ])
    func aLineThatIsNoEventIsQuarantinedWithItsPlace(line: String, why: String) throws {
        try Samples.withFolder { folder in
            let path = "\(folder)/a.jsonl"
            let good =
                "{\"id\":\"g\",\"time\":\"2026-01-01T00:00:00Z\",\"tenant\":\"acme\",\"plugin\":\"a.b\",\"calls\":1}\n"
            try Disk().replace(path, with: Array((good + line + "\n").utf8))
            let result = try RollUp().run([.init(path)])
            #expect(result.account.counted == 1)
            #expect(result.quarantined.count == 1)
            #expect(result.quarantined.first?.offset == good.utf8.count)
            #expect(result.quarantined.first?.why.contains(why) == true, "\(result.quarantined)")
        }
    }

    @Test func aPriceListThatIsLeftOutAsNullIsLeftOutOfTheLine() throws {
        let event = SubscriptionEvent(
            id: "s-1", time: Samples.start, tenant: TenantID("acme")!, plugin: PluginID("sample.pings")!,
            version: "1.0.0", change: .install, plan: "metered",
            price: SubscriptionEvent.priceDigest(of: ["plans": []]), pricing: .some(.null), country: "DE",
            customer: "Acme")
        #expect(event.pricing == nil)
        let line = MeterEvent.subscription(event).line
        #expect(try MeterEvent.all(in: line[...], subject: "line") == [.subscription(event)])
    }

    @Test func theFourKindsOfLinesAreReadBackAsTheyWereWritten() throws {
        try Samples.withFolder { folder in
            let pricing: JSONValue = ["model": "payPerUse", "currency": "USD", "plans": []]
            let tenant = TenantID("acme")!
            let plugin = PluginID("sample.pings")!
            let usd = Currency("USD")!
            let install = SubscriptionEvent(
                id: "s-1", time: Samples.start, tenant: tenant, plugin: plugin, version: "1.0.0",
                change: .install,
                plan: "metered", seats: 3, price: SubscriptionEvent.priceDigest(of: pricing),
                pricing: pricing,
                country: "DE", customer: "Acme \"Field\" Services (sample)", vatID: "DE123456789",
                cap: Money("100.00", usd))
            let amount = AmountEvent(
                id: "m-1", time: Samples.start, tenant: tenant, plugin: plugin, version: "1.0.0",
                plan: "metered",
                amount: Money("12.34", usd)!)
            let storage = StorageSample(
                id: "d-1", time: Samples.start, tenant: tenant, plugin: plugin, version: "1.0.0",
                plan: "metered",
                storageBytes: 1_000)
            let writer = try SegmentWriter(usage: folder, node: "a")
            try writer.append(Samples.call(7))
            try writer.append(.subscription(install))
            try writer.append(.amount(amount))
            try writer.append(.storage(storage))
            try writer.close()
            let result = try RollUp().run([.init("\(folder)/2026-01-05/a-00000001.jsonl")])
            #expect(result.quarantined.isEmpty)
            #expect(
                result.subscriptions == [
                    {
                        var e = install
                        (e.node, e.seq) = ("a", 2)
                        return e
                    }()
                ])
            #expect(
                result.amounts == [
                    {
                        var e = amount
                        (e.node, e.seq) = ("a", 3)
                        return e
                    }()
                ])
            let rows = result.rows().map { "\($0.metric)=\($0.quantity)" }
            #expect(
                rows == [
                    "amount.USD=1234", "apiCalls=2", "bytes=30", "calls=1", "executionMs=7",
                    "storageByteHours=24000",
                ])
        }
    }
}
