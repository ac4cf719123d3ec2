import Foundation
import Marketplace
import Testing

@testable import Metering

@Suite struct GeneratorTests {
    @Test func theFastPathTheGeneralPathAndTheCopiesAgreeOnGeneratedUsage() throws {
        try Samples.withFolder { folder in
            let path = "\(folder)/usage.jsonl"
            let copies = try UsageGenerator(tenants: 20, plugins: 5, duplicateEvery: 50).write(
                events: 40_000, to: path)
            #expect(copies > 500)
            let fast = try RollUp().run([.init(path)])
            let general = try RollUp(options: .init(threads: 1, generalPathOnly: true)).run([.init(path)])
            #expect(fast.csv() == general.csv())
            #expect(fast.account == general.account)
            #expect(fast.account.duplicates == Int64(copies) && fast.account.quarantined == 0)
        }
    }

    /// Prints the figures where a number of events is asked for; `docs/scale.md` has its numbers from here.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["VEROFORGE_BENCH_EVENTS"] != nil))
    func benchOfTheRollUp() throws {
        let events = Int(ProcessInfo.processInfo.environment["VEROFORGE_BENCH_EVENTS"]!)!
        let file = ProcessInfo.processInfo.environment["VEROFORGE_BENCH_FILE"] ?? "/tmp/veroforge-bench.jsonl"
        print(try RollUpBench.run(events: events, file: file))
    }
}
