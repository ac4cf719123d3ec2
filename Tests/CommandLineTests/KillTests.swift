import Foundation
import Marketplace
import Provenance
import TestSupport
import Testing

/// The real process is killed at seeded moments, wherever it happens to be; running it again loses nothing and lists
/// nothing twice.
@Suite struct KillTests {
    @Test func killsAtAnyMomentLoseNothingAndListNothingTwice() throws {
        let market = try SampleMarketplace()
        var random = SeededRandom(2026)
        let rounds = Rounds.count(full: 200)
        var submitted: [String] = []
        func submit() throws {
            let version = "1.\(submitted.count).0"
            let folder = try market.plugin(changing: [
                "plugin.json": { $0.replacing("\"version\": \"1.0.0\"", with: "\"version\": \"\(version)\"") }
            ])
            submitted.append(try market.submit(folder))
        }
        try submit()
        let began = ContinuousClock.now
        try market.expect(0, ["run", "submission"])
        let whole = began.duration(to: .now)
        let wholeMs =
            Int(whole.components.seconds) * 1_000 + Int(whole.components.attoseconds / 1_000_000_000_000_000)
        var killed = 0
        var tried = 0
        // A kill that meets nobody does not count; something new to work on lies there every few rounds.
        while killed < rounds, tried < rounds * 4 {
            if tried.isMultiple(of: 4) { try submit() }
            tried += 1
            if try run(market, killedAfterMs: Int.random(in: 5...max(50, wholeMs), using: &random)) {
                killed += 1
            }
        }
        #expect(
            killed == rounds, "\(killed) of \(tried) kills met a running process; \(rounds) are asked for")
        // Failed items back off for a while in the marketplace's own clock; a demo's clock may be set ahead.
        let later = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000) + 7_200_000).description
        for _ in 0..<3 { _ = try market.run(["run", "submission", "--as-of", later]) }
        let log = try String(contentsOfFile: market.data + "/log/entries.jsonl", encoding: .utf8)
        for id in submitted {
            if try market.state(id) == "held" {
                try market.expect(
                    0, ["review", "approve", id, "--reviewer", "tester", "--reason", "read it"])
                try market.expect(0, ["run", "submission", "--as-of", later])
            }
            #expect(try market.state(id) == "listed")
            let steps = try market.run(["review", "show", id, "--format", "json"]).output
            #expect(steps.matches(of: /"to":"listed"/).count == 1, "\(id) is listed once")
            #expect(log.matches(of: /"kind":"listed"/).count == Set(submitted).count)
            #expect(log.ranges(of: "\"subject\":\"\(id)\"").count == 1, "\(id) stands in the log once")
        }
        let site = market.data + "/site/public"
        let verified = try Tool.run(
            "veroforge", ["catalogue", "verify", site, "--as-of", later])
        #expect(verified.code == 0, "\(verified.output)")
        let listed = try FileManager.default.contentsOfDirectory(
            atPath: site + "/plugins/northwind-samples/overdue-reminders"
        ).filter { $0.first?.isNumber == true }
        #expect(listed.count == submitted.count)
    }

    /// Whether the process was still there to be killed.
    private func run(_ market: SampleMarketplace, killedAfterMs: Int) throws -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Products.path("veroforge"))
        process.arguments = ["run", "submission", "--data", market.data]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        usleep(UInt32(killedAfterMs) * 1_000)
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        return process.terminationReason == .uncaughtSignal
    }
}
