import Marketplace
import Provenance
import Registry

/// Holds or revokes what the list of matches names, as the policy's section `rescan` says. A held version is yanked:
/// installed copies run on, nobody new gets it, and `plugin restore` puts it back once a person has looked.
struct ActStage: Stage {
    let name = "act"
    let summary = "holds or revokes newly matched versions by the policy's section rescan"

    func run(_ context: RunContext, progress: Progress) async throws(PipelineError) -> StageReport {
        var report = StageReport(stage: name)
        for match in try RescanList.read(context.data)?.matches ?? [] {
            let title = "\(match.plugin)@\(match.version)"
            if context.options.dryRun {
                report.notes.append("would \(match.action) \(title)")
                continue
            }
            let rules = match.rules.joined(separator: "; ")
            let version = try PipelineError.translating { () throws(RegistryError) in
                try context.registry.version(match.plugin, match.version)
            }
            guard version.revocation == nil else { continue }
            switch match.action {
            case "revoke":
                let bytes = try Files.read(RescanResult.path(match.bundle, context.data))
                try PipelineError.translating { () throws(RegistryError) in
                    try context.registry.revoke(
                        match.plugin, match.version, stage: .suspended, reason: "rescan: \(rules)",
                        evidence: "sha256:\(Digest.sha256(of: bytes)) report/rescan.json", actor: name,
                        now: context.now)
                }
                report.rejected += 1
                report.notes.append("\(title) is revoked: \(rules)")
            case "hold":
                guard version.yankedAt == nil else { continue }
                try PipelineError.translating { () throws(RegistryError) in
                    try context.registry.yank(
                        match.plugin, match.version, reason: "held for review after a rescan: \(rules)",
                        actor: name, now: context.now)
                }
                report.held += 1
                report.notes.append("\(title) is held: \(rules)")
            default: report.done += 1
            }
        }
        return report
    }
}
