import Dispatch
import Foundation
import Marketplace
import Pipeline
import Publishing
import Synchronization

/// A catalogue of generated plugins as a site: all of it from its READMEs, then again with one plugin changed.
/// `VEROFORGE_BENCH_DATA` keeps what was made: `markdown/`, which a peer can build from too, and `site/`.
struct PublishingMeasure: MeasuredBench {
    let name = "publishing"
    let summary = "the site of 7,000 plugins, whole and with one of them changed"

    func run(_ programs: ProgramFiles, count: Int?) async throws -> String {
        let kept = ProcessInfo.processInfo.environment["VEROFORGE_BENCH_DATA"]
        let folder = kept ?? NSTemporaryDirectory() + "/veroforge-bench-\(UUID().uuidString)"
        defer { if kept == nil { try? FileManager.default.removeItem(atPath: folder) } }
        let templates = try Templates(folder: programs.templates)
        let builder = SiteBuilder(templates: templates)
        var draft = GeneratedCatalogue.draft(plugins: count ?? 7_000)
        let texts = "\(folder)/markdown"
        try FileManager.default.createDirectory(atPath: texts, withIntermediateDirectories: true)
        for (index, text) in draft.readmes.enumerated() {
            try Data(text.utf8).write(to: URL(filePath: "\(texts)/\(draft.model.entries[index].id).md"))
        }
        let bytes = draft.readmes.reduce(0) { $0 + $1.utf8.count }
        draft.readmes = []
        try peerPages(draft.model, to: folder)
        let extra = GeneratedCatalogue.extraFiles(of: draft.model)
        let site = "\(folder)/site"
        var lines = ["\(draft.model.entries.count) plugins, \(bytes) bytes of Markdown"]

        var watch = BenchClock()
        let readmes = try draft.model.entries.map {
            [UInt8](try Data(contentsOf: URL(filePath: "\(texts)/\($0.id).md")))
        }
        var model = GeneratedCatalogue.rendered(draft.model, readmes: readmes)
        let (build, made) = try publish(model, extra, builder, site)
        let pages = build.files.keys.count { $0.hasSuffix(".html") }
        lines.append(
            "whole: \(build.files.count) files, \(pages) pages, \(made) pieces: \(watch.words), peak \(BenchClock.peakMiB) MiB"
        )
        lines.append("ours \(watch.seconds) \(watch.cpu) \(pages) \(BenchClock.peakMiB)")
        for round in 1...6 {
            let index = model.entries.count * round / 7
            let text = "# Changed\n\n" + GeneratedCatalogue.readme(bytes: 9_000, seed: UInt64(round))
            model.entries[index].versions[0].readme = Markdown.render(
                Array(text.utf8), profile: .untrusted())
            model.entries[index].versions[0].listedAt = "2026-03-0\(round)T08:00:00Z"
            model.asOf = "2026-03-0\(round)T08:00:00Z"
            watch = BenchClock()
            let (_, made) = try publish(model, extra, builder, site)
            lines.append("one plugin changed: \(made) pieces made: \(watch.words)")
        }
        return lines.joined(separator: "\n")
    }

    private func publish(
        _ model: SiteModel, _ extra: [SiteFile], _ builder: SiteBuilder, _ site: String
    ) throws -> (build: SiteBuild, made: Int) {
        let staged = try builder.stage(model, extraFiles: extra, in: site)
        let build = try staged.seal()
        try SiteSwap.publish(build, in: site)
        return (build, staged.madeCount)
    }

    /// What a peer needs to write the same pages: for each plugin one line of JSON.
    private func peerPages(_ model: SiteModel, to folder: String) throws {
        var rows: [UInt8] = []
        for entry in model.entries {
            let row: JSONValue = try .parse(Array(try JSONEncoder().encode(entry)))
            rows += row.serializedBytes() + [10]
        }
        try Data(rows).write(to: URL(filePath: "\(folder)/entries.jsonl"))
    }
}

/// Wall clock, CPU time and peak memory of this process.
private struct BenchClock {
    private let began = ContinuousClock.now
    private let cpuBefore = BenchClock.usage

    private static var usage: Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }

    static var peakMiB: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Int(usage.ru_maxrss) / 1_024
    }

    var seconds: Double {
        let duration = ContinuousClock.now - began
        return Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }
    var cpu: Double { Self.usage - cpuBefore }
    var words: String { String(format: "%.2f s wall, %.2f s CPU", seconds, cpu) }
}
