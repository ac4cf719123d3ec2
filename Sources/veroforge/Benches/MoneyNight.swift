import Billing
import Foundation
import Marketplace
import Metering
import Pipeline

/// The whole night on generated usage, stage by stage. The roll-up alone, beside DuckDB, is in Tests/Bench/money/run.
struct MoneyNight: MeasuredBench {
    let name = "money"
    let summary =
        "a whole night: 1,000 invoices, 200 statements and the journal from COUNT events (20 million)"

    func run(_ programs: ProgramFiles, count: Int?) async throws -> String {
        let events = count ?? 20_000_000
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "veroforge-night-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func template(_ name: String) throws -> String {
            String(
                decoding: try Files.read("\(programs.templates)/billing/\(name).mustache"), as: UTF8.self)
        }
        let bench = NightBench(
            data: folder.path,
            templates: BillingTemplates(
                invoice: try template("invoice"), statement: try template("statement"),
                credit: try template("credit"), finance: try template("finance")))
        try bench.prepare(events: events)
        let figures = try bench.run()
        func seconds(_ value: Double) -> String { String(format: "%.2f s", value) }
        var lines = figures.stages.map { stage in
            let counts = stage.counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
            let times = "\(seconds(stage.seconds)) wall, \(seconds(stage.cpuSeconds)) CPU"
            return "  \(stage.name): \(times)  \(counts.joined(separator: ", "))"
        }
        lines.insert(
            "night on \(events) events: \(seconds(figures.seconds)) wall, \(seconds(figures.cpuSeconds)) CPU",
            at: 0)
        return lines.joined(separator: "\n")
    }
}
