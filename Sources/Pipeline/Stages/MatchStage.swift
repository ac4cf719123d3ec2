import Marketplace
import Provenance
import Registry
import Scanning

/// Writes `rescans/latest.json`: the versions that are matched today and were not when they were decided. A finding
/// that a reviewer has accepted since is no match.
struct MatchStage: Stage {
    let name = "match"
    let summary = "lists the versions that rules or advisories match today and did not when they were decided"

    func run(_ context: RunContext, progress: Progress) async throws(PipelineError) -> StageReport {
        var report = StageReport(stage: name)
        if context.options.dryRun { return report }
        let policyBytes = try Files.read(context.programs.rules + "/policy.yaml")
        let policy: Policy
        do { policy = try Policy(yaml: policyBytes) } catch {
            throw PipelineError(
                .usage, "rules/policy.yaml: \(error.cause)", remedy: "Correct the policy file.")
        }
        let before = try RescanList.read(context.data)
        let known = Set((before?.matches ?? []).map(\.bundle))
        let versions = try PipelineError.translating { () throws(RegistryError) in
            try context.registry.allVersions()
        }.filter { $0.revocation == nil }
        var matches: [RescanList.Match] = []
        var ruleset = before?.ruleset ?? ""
        var advisories = before?.advisories ?? ""
        for version in versions {
            guard let result = try RescanResult.read(version.bundle, context.data) else { continue }
            (ruleset, advisories) = (result.ruleset, result.advisories)
            let findings = try news(of: version, result, context)
            guard !findings.isEmpty else { continue }
            let outcome = policy.rescan(findings)
            matches.append(
                RescanList.Match(
                    plugin: version.plugin, version: version.version, bundle: version.bundle,
                    isNew: !known.contains(version.bundle), action: outcome.action, rules: outcome.facts,
                    findings: findings))
        }
        let list = RescanList(
            ruleset: ruleset, advisories: advisories, versions: versions.count, matches: matches)
        let bytes = ReportCoding.encode(list)
        if try Files.readIfPresent(RescanList.path(context.data)) != bytes {
            // The list before it stays, under the digest of its bytes.
            if let old = try Files.readIfPresent(RescanList.path(context.data)) {
                try Files.write(
                    old, to: "\(RescanList.folder(context.data))/\(Digest.sha256(of: old)).json")
            }
            try Files.write(bytes, to: RescanList.path(context.data))
        }
        report.done = versions.count - matches.count
        report.totals["matched"] = "\(matches.count)"
        report.totals["new"] = "\(matches.filter(\.isNew).count)"
        report.notes = matches.map {
            "\($0.plugin)@\($0.version): \($0.action): \(Set($0.findings.map(\.rule)).sorted().joined(separator: ", "))"
        }
        return report
    }

    private func news(
        of version: RegisteredVersion, _ result: RescanResult, _ context: RunContext
    ) throws(PipelineError) -> [Finding] {
        let decided = try Reports.scan(version.bundle, context.data)
        let known = Set(decided.findings.map(\.fingerprint))
        let files = FindingFiles(decided, bundle: version.bundle)
        let fresh = result.findings.filter { $0.mode == .enforced && !known.contains($0.fingerprint) }
        guard !fresh.isEmpty else { return [] }
        let accepted = try PipelineError.translating { () throws(RegistryError) in
            try context.registry.matchAcceptances(
                of: version.plugin, findings: fresh.map(files.key), now: context.now
            ).accepted
        }
        return fresh.filter { !accepted.contains(files.key($0)) }
    }
}
