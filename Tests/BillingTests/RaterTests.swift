import Foundation
import Marketplace
import Metering
import TestSupport
import Testing

@testable import Billing

@Suite struct RaterTests {
    @Test func aTinyPriceTimesAHugeQuantityIsExact() throws {
        let result = try Rater.perUnit(50_000_000_000 * Exact.unit, at: UnitPrice("0.0000012")!)
        #expect(try result.amount.rounded(Currency("USD")!).amount == "60000.00")
    }

    @Test(
        arguments: [(1, 1, 0), (5, 4, 1), (1_001, 701, 300), (0, 0, 0), (-5, -4, -1)]
            as [(Int64, Int64, Int64)])
    func theShareIsRoundedOnceAndThePlatformHasTheRest(net: Int64, developer: Int64, platform: Int64) {
        let part = RevenueShare.developerTarget(netMinor: net, basisPoints: 7_000)
        #expect(part == developer && net - part == platform)
    }

    @Test func allocationsAddUpWhateverTheWeights() throws {
        var random = SplitMix(7)
        for _ in 0..<Rounds.count(full: 1_000_000) {
            let total = Int64.random(in: -10_000_000...10_000_000, using: &random)
            let weights = (0..<Int.random(in: 1...12, using: &random)).map { _ in
                Int128(Int.random(in: 0...1_000, using: &random))
            }
            let parts = try Allocation.largestRemainder(total, weights: weights)
            #expect(parts.reduce(0, +) == total)
            let mirrored = try Allocation.largestRemainder(-total, weights: weights)
            #expect(mirrored == parts.map { -$0 })
        }
    }

    @Test func segmentsOfAMonthAddUpToThePrice() throws {
        var random = SplitMix(11)
        let usd = Currency("USD")!
        for _ in 0..<Rounds.count(full: 1_000_000) {
            let days = Int.random(in: 28...31, using: &random)
            let price = Money(minor: Int64.random(in: 1...1_000_000, using: &random), usd)
            var cuts = Set(
                (0..<Int.random(in: 0...4, using: &random)).map { _ in
                    Int.random(in: 1..<days, using: &random)
                })
            cuts.formUnion([0, days])
            let sorted = cuts.sorted()
            let segments = zip(sorted, sorted.dropFirst()).map { (from: $0, to: $1) }
            let parts = try Proration.segments(ExactAmount(price), usd, periodDays: days, segments)
            #expect(parts.reduce(.zero(usd), +) == price)
        }
        let thirds = try Proration.segments(
            ExactAmount(Money("10.00", usd)!), usd, periodDays: 30, [(0, 10), (10, 20), (20, 30)])
        #expect(thirds.map(\.amount) == ["3.33", "3.34", "3.33"])
    }

    @Test func partialPaymentsInAnyOrderEndAtTheShareExactly() {
        var random = SplitMix(13)
        for _ in 0..<Rounds.count(full: 1_000_000) {
            let whole = Int64.random(in: 1...1_000_000, using: &random)
            let target = RevenueShare.developerTarget(netMinor: whole, basisPoints: 7_000)
            var paid: Int64 = 0
            var moved: Int64 = 0
            while paid < whole {
                paid += Int64.random(in: 1...(whole - paid), using: &random)
                let due = RevenueShare.due(target: target, part: paid, whole: whole)
                #expect(due >= moved)
                moved += due - moved
            }
            #expect(moved == target)
        }
    }

    /// The worked cases of public projects, where the file is there: answered by the night's own rater, each as
    /// expected but for the models and rules that the price book does not have.
    @Test func theWorkedCasesOfOthersComeOutTheSame() throws {
        let shared = ProcessInfo.processInfo.environment["VEROFORGE_SHARED"] ?? Products.file("../shared")
        guard let bytes = try Disk().readIfPresent("\(shared)/billing-cases.json") else { return }
        let cases = try JSONValue.parse(bytes).arrayValue!
        let answers = try JSONValue.parse(BillingCases.rate(bytes)).arrayValue!
        #expect(cases.count == answers.count)
        let foreign = ["blocks_", "dynamic", "multiplier", "proration_factor"]
        for (item, answer) in zip(cases, answers) {
            let id = item["id"]!.stringValue!
            let model = item["model"]!.stringValue!
            #expect(answer["id"]!.stringValue == id)
            if foreign.contains(where: model.hasPrefix) {
                #expect(answer["unsupported"] != nil, "\(id)")
                continue
            }
            if item["conflicts_with_recommended_rule"]?.boolValue == true { continue }
            let expected = Decimal(string: item["expected_amount"]!.stringValue!)
            #expect(
                answer["amount"]?.stringValue.flatMap { Decimal(string: $0) } == expected, "\(id): \(answer)")
            if let parts = item["expected_parts"] {
                #expect(
                    answer["parts"].map { Self.same($0, parts) } == true, "\(id): \(answer), not \(parts)")
            }
        }
    }

    private static func same(_ a: JSONValue, _ b: JSONValue) -> Bool {
        switch (a, b) {
        case (.string(let x), .string(let y)): Decimal(string: x) == Decimal(string: y)
        case (.array(let x), .array(let y)): x.count == y.count && zip(x, y).allSatisfy(same)
        case (.object(let x), .object(let y)):
            Set(x.keys) == Set(y.keys) && x.allSatisfy { same($0.value, y[$0.key]!) }
        default: a == b
        }
    }

    @Test func aCaseThatCannotBeReadIsAnsweredAndDoesNotStopTheOthers() throws {
        let text = """
            [{"id":"a","model":"per_unit","config":{"unit_amount":"1e9"},"units":"1","currency":"USD"},
             {"id":"b","model":"tarot","config":{},"units":"1","currency":"USD"},
             {"id":"c","model":"per_unit","config":{"unit_amount":"999999999999999999"},"units":"999999999999999999","currency":"USD"},
             {"id":"d","model":"per_unit","config":{"unit_amount":"0.5"},"units":"3","currency":"USD"}]
            """
        let answers = try JSONValue.parse(BillingCases.rate(Array(text.utf8))).arrayValue!
        #expect(answers.map { $0["unsupported"] != nil } == [true, true, true, false])
        #expect(answers[3]["amount"] == "1.5")
    }
}
