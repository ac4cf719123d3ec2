import Foundation
import Marketplace
import Metering
import TestSupport
import Testing

@testable import Billing

/// The night in a process of its own that is killed before its n-th write, fsync, rename or transaction.
@Suite(.serialized) struct CrashTests {
    /// What the child is to do lies in a file that it finds by its parent's id.
    static func orders(of process: Int32) -> String { "/tmp/veroforge-night-\(process)" }

    static func nightOfOrders() {
        guard let text = try? String(contentsOfFile: orders(of: getppid()), encoding: .utf8) else { exit(90) }
        let parts = text.split(separator: "\n").map(String.init)
        do {
            let month = SampleMonth(parts[0])
            try month.run(parts[1], disk: Disk(faults: .init(killAtOperation: Int(parts[2])!)))
        } catch {
            exit(91)
        }
    }

    @Test func aNightThatIsKilledAnywhereAndRunAgainEndsInTheSameBytes() async throws {
        let nights = ["2026-02-03T01:00:00Z", "2026-02-12T01:00:00Z"]
        let expected = try SampleMonth.with { month in
            try month.writeUsage()
            var counts: [Int] = []
            for night in nights {
                if night == nights[1] { try month.pay("all", date: "2026-02-04") }
                let faults = Disk.Faults(killAtOperation: Int.max)
                try month.run(night, disk: Disk(faults: faults))
                counts.append(faults.operations)
            }
            return (files: try month.files(), counts: counts)
        }
        #expect(expected.counts.allSatisfy { $0 > 30 })
        let isFull = ProcessInfo.processInfo.environment["VEROFORGE_TEST_FULL"] == "1"
        var random = SplitMix(17)
        for _ in 0..<(isFull ? 250 : 25) {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
                "crash-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let month = SampleMonth(folder.path)
            try month.writeUsage()
            for (index, night) in nights.enumerated() {
                if index == 1 { try month.pay("all", date: "2026-02-04") }
                let fatal = Int.random(in: 1...expected.counts[index], using: &random)
                let orders = "\(folder.path)\n\(night)\n\(fatal)\n"
                try Disk().replace(Self.orders(of: getpid()), with: Array(orders.utf8))
                await #expect(processExitsWith: .signal(SIGKILL)) { CrashTests.nightOfOrders() }
                try month.run(night)
            }
            try? FileManager.default.removeItem(atPath: Self.orders(of: getpid()))
            let files = try month.files().filter { !$0.key.hasSuffix(".partial") }
            #expect(files.keys.sorted() == expected.files.keys.sorted())
            for (path, bytes) in expected.files { #expect(files[path] == bytes, "\(path)") }
        }
    }

    @Test func aClosedPeriodMadeAnewIsTheSame() throws {
        try SampleMonth.with { month in
            try month.writeUsage()
            try month.run("2026-02-03T01:00:00Z")
            let night = try month.night("2026-02-20T01:00:00Z")
            let summary = try night.rebuild(BillingPeriod("2026-01")!)
            #expect(summary.counts["invoices"] == 3)
            try Disk().replace("\(month.data)/billing/2026-01/usage.csv", with: [])
            #expect(throws: BillingError.self) { try night.rebuild(BillingPeriod("2026-01")!) }
            try night.close()
        }
    }

    @Test func theSecondRaterFindsALineThatTheFirstOneGotWrong() throws {
        try SampleMonth.with { month in
            try month.writeUsage()
            try month.run("2026-02-03T01:00:00Z")
            let night = try month.night("2026-02-03T01:00:00Z")
            var book = PriceBook()
            try book.thaw(from: night.paths.prices, Disk())
            let rater = SlowRater(prices: book.prices)
            for number in 1...3 {
                let invoice = try night.issued("VF-00000\(number)")
                #expect(rater.firstDifference(invoice) == nil)
                for index in invoice.lines.indices {
                    var wrong = invoice
                    wrong.lines[index].amount += Money(minor: 1, invoice.currency)
                    #expect(rater.firstDifference(wrong)?.hasPrefix("line \(index + 1):") == true)
                }
            }
            try night.close()
        }
    }
}
