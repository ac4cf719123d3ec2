import Foundation
import Marketplace
import Registry
import Scanning

/// Every listed version under the rules and advisories of now: `rescan.json` beside its reports. What was scanned under
/// the same rules before is taken from the cache.
struct RescanStage: Stage {
    let name = "rescan"
    let summary = "scans every listed version under the present rules and advisories, as far as they changed"

    func run(_ context: RunContext, progress: Progress) async throws(PipelineError) -> StageReport {
        var report = StageReport(stage: name)
        let all = try PipelineError.translating { () throws(RegistryError) in
            try context.registry.allVersions()
        }.filter { $0.revocation == nil && (context.options.id == nil || $0.bundle == context.options.id) }
        let versions = context.options.limit.map { Array(all.prefix($0)) } ?? all
        if context.options.dryRun {
            report.notes = versions.map { "would rescan \($0.plugin)@\($0.version)" }
            return report
        }
        let room = try RescanRoom(context)
        let name = self.name
        // Each scan waits for a process of its own; as many at once as there are cores.
        await withTaskGroup(of: (String, Result<Bool, PipelineError>).self) { group in
            var next = versions.makeIterator()
            func start() {
                guard let version = next.next() else { return }
                group.addTask { await Self.rescan(version, room, context) }
            }
            for _ in 0..<max(1, ProcessInfo.processInfo.activeProcessorCount) { start() }
            var ended = 0
            var fresh = 0
            while let (title, result) = await group.next() {
                ended += 1
                progress.show(name, ended, versions.count)
                switch result {
                case .success(let isFresh):
                    report.done += 1
                    fresh += isFresh ? 1 : 0
                case .failure(let error):
                    report.incomplete += 1
                    report.notes.append("\(title): \(error.message)")
                }
                start()
            }
            report.totals["scanned"] = "\(fresh)"
            report.totals["unchanged"] = "\(report.done - fresh)"
        }
        report.notes.sort()
        return report
    }

    private static func rescan(
        _ version: RegisteredVersion, _ room: RescanRoom, _ context: RunContext
    ) async -> (String, Result<Bool, PipelineError>) {
        let title = "\(version.plugin)@\(version.version)"
        do throws(PipelineError) {
            let (report, isFresh) = try await room.report(of: version.bundle, title: title)
            guard report.verdict != .incomplete else {
                throw PipelineError(.incomplete, "a check did not complete")
            }
            let result = RescanResult(
                bundle: version.bundle, ruleset: room.ruleset.hex, advisories: room.advisories,
                findings: report.findings)
            let bytes = ReportCoding.encode(result)
            let path = RescanResult.path(version.bundle, context.data)
            if try Files.readIfPresent(path) != bytes { try Files.write(bytes, to: path) }
            return (title, .success(isFresh))
        } catch {
            return (title, .failure(error))
        }
    }
}
