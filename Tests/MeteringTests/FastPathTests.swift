import Foundation
import Marketplace
import Testing

@testable import Metering

/// The fast paths beside their slow twins.
@Suite struct FastPathTests {
    private static func subscription(_ random: inout SplitMix) -> SubscriptionEvent {
        func maybe<T>(_ value: T) -> T? { Bool.random(using: &random) ? value : nil }
        func text() -> String {
            ["", "pro", "Field & Co.", "Grüße", "a \"b\""].randomElement(using: &random)!
        }
        let pricing: JSONValue = ["model": "payPerUse", "currency": "EUR", "plans": []]
        return SubscriptionEvent(
            id: Bool.random(using: &random)
                ? "desk-\(Int.random(in: 1...9, using: &random))" : "00000000-0000-4000-8000-000000000001",
            time: Instant(milliseconds: Int64.random(in: 0...3, using: &random) * 250 + 1_767_225_600_000),
            node: text(), seq: Int64.random(in: 0...20, using: &random),
            tenant: TenantID("tenant-\(Int.random(in: 1...3, using: &random))")!,
            plugin: PluginID("sample.plugin-\(Int.random(in: 1...3, using: &random))")!, version: text(),
            change: SubscriptionEvent.Change.allCases.randomElement(using: &random)!, plan: text(),
            seats: Int64.random(in: 1...3, using: &random), price: SubscriptionEvent.priceDigest(of: pricing),
            pricing: Int.random(in: 0...9, using: &random) == 0 ? .some(pricing) : nil,
            country: maybe("DE") ?? "", customer: text(), vatID: maybe("DE123"),
            cap: Int.random(in: 0...9, using: &random) == 0 ? Money("5.00", Currency("EUR")!) : nil)
    }

    @Test func aSubscriptionsLineSaysTheSameOnBothPaths() throws {
        var random = SplitMix(71)
        var taken = 0
        for _ in 0..<2_000 {
            var line = EventLine.bytes(.subscription(Self.subscription(&random)))
            line.removeLast()
            // Sometimes one byte is another: both paths must agree on that too, or the fast one leaves it alone.
            if Bool.random(using: &random) {
                line[Int.random(in: 0..<line.count, using: &random)] = UInt8.random(
                    in: 0x20...0x7E, using: &random)
            }
            var (fastNames, slowNames) = (LineScanner(), LineScanner())
            guard let (reading, event) = SubscriptionLine.read(line[...], names: &fastNames) else { continue }
            taken += 1
            guard
                case .subscription(let slowReading, let slowEvent) = GeneralLine.read(line, names: &slowNames)
            else {
                Issue.record("only the fast path takes \(String(decoding: line, as: UTF8.self))")
                continue
            }
            #expect(event == slowEvent)
            #expect(reading.id == slowReading.id && reading.body == slowReading.body)
            #expect(reading.timeMs == slowReading.timeMs && reading.day == slowReading.day)
            #expect(
                fastNames.tenants.text(reading.tenant) == event.tenant.text
                    && fastNames.plugins.text(reading.plugin) == event.plugin.text
                    && fastNames.plans.text(reading.plan) == event.plan)
        }
        #expect(taken > 100)
    }

    @Test func aCopyOfASubscriptionIsOneWhoeverStampedIt() throws {
        var random = SplitMix(72)
        var event = Self.subscription(&random)
        (event.node, event.seq, event.customer, event.plan, event.version) = ("a", 1, "x", "pro", "1.0.0")
        (event.pricing, event.cap) = (nil, nil)
        var names = LineScanner()
        let stamps: [(String, Int64)] = [("a", 1), ("", 0), ("longer-name", 1_234)]
        let bodies = stamps.map { node, seq in
            (event.node, event.seq) = (node, seq)
            return SubscriptionLine.read(EventLine.bytes(.subscription(event)).dropLast(), names: &names)!.0
                .body
        }
        #expect(Set(bodies).count == 1)
        event.seats += 1
        let other = SubscriptionLine.read(EventLine.bytes(.subscription(event)).dropLast(), names: &names)!.0
        #expect(other.body != bodies[0])
    }

    @Test func aSegmentsFactsAreThoseOfReadingItWhole() throws {
        try Samples.withFolder { folder in
            // Long enough to be read in pieces.
            let writer = try SegmentWriter(usage: "\(folder)/usage", node: "node-a")
            for number in 0..<1_200 { try writer.append(Samples.call(number)) }
            try writer.close()
            let segments = SegmentFolder("\(folder)/usage")
            let path = segments.path(of: try #require(try segments.segments().first))
            let bytes = try Disk().read(path)
            #expect(bytes.count > 4 << 16)
            func compare(_ path: String) throws {
                let (whole, facts) = (try SegmentReader.read(path), try SegmentReader.facts(path))
                #expect(facts.header == whole.header && facts.seal == whole.seal)
                #expect(facts.span == whole.span && facts.tornBytes == whole.tornBytes)
                #expect(facts.bytes.isEmpty)
            }
            try compare(path)
            let end = try #require(bytes.dropLast().lastIndex(of: 0x0A))
            let samples: [(String, [UInt8])] = [
                ("torn", Array(bytes[...end]) + Array("{\"id\":".utf8)), ("open", Array(bytes[...end])),
                ("plain", Array(bytes[(bytes.firstIndex(of: 0x0A)! + 1)...end]) + Array("{}".utf8)),
                ("one-line", [UInt8](repeating: 0x61, count: 300_000)), ("empty", []),
            ]
            for (name, content) in samples {
                try Disk().replace("\(folder)/\(name).jsonl", with: content)
                try compare("\(folder)/\(name).jsonl")
            }
            for place in [bytes.count / 2, end - 20] {
                var changed = bytes
                changed[place] = changed[place] == 0x31 ? 0x32 : 0x31
                try Disk().replace("\(folder)/changed.jsonl", with: changed)
                #expect((try? SegmentReader.read("\(folder)/changed.jsonl")) == nil)
                #expect(throws: MeteringError.self) { try SegmentReader.facts("\(folder)/changed.jsonl") }
            }
            try Disk().replace("\(folder)/more.jsonl", with: bytes + Array("{}\n".utf8))
            try compare("\(folder)/more.jsonl")
            try Disk().replace("\(folder)/more.jsonl", with: bytes + Array("{}".utf8))
            #expect(throws: MeteringError.self) { try SegmentReader.facts("\(folder)/more.jsonl") }
        }
    }

    /// A node's wrong clock costs its own lines, not the night.
    @Test func callsFromBefore1970AreQuarantinedOnBothPaths() throws {
        try Samples.withFolder { folder in
            let line = #"{"id":"a","time":"1969-12-31T23:59:59Z","tenant":"acme","plugin":"a.bee","calls":1}"#
            try Disk().replace("\(folder)/old.jsonl", with: Array((line + "\n").utf8))
            for isGeneral in [false, true] {
                let result = try RollUp(options: .init(generalPathOnly: isGeneral)).run([
                    .init("\(folder)/old.jsonl")
                ])
                #expect(result.account.quarantined == 1 && result.account.counted == 0)
            }
        }
    }

    @Test func namesAreToldApartByEveryByte() {
        var names = Interner()
        let texts = (0...40).flatMap { length in
            ["a", "b"].map { String(repeating: "x", count: length) + $0 } + [
                String(repeating: "x", count: length)
            ]
        }
        let numbers = texts.map { names.intern($0).index }
        #expect(Set(numbers).count == Set(texts).count)
        #expect(zip(numbers, texts).allSatisfy { names.text($0) == $1 })
    }
}
