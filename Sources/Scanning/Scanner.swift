public import Bundles
public import Marketplace

/// The static scan of one bundle: all checks, all layers, one report.
public struct Scanner {
    /// The scanner's own version, which reports name.
    public static let version = "1.0.0"

    private let rules: RuleSet
    private let policy: Policy
    private let exemptions: Exemptions
    private let advisories: (any AdvisorySource)?
    private let today: Day?
    private let engine: EngineQuestion?

    /// - Parameters:
    ///   - advisories: nil where the host looks the dependencies up itself, with `ScanOutcome.completed`.
    ///   - today: the day by which exemptions expire; nil leaves them all in force.
    ///   - engine: what is asked about code that the parser cannot read; without it such code is an incomplete scan.
    public init(
        rules: RuleSet, policy: Policy? = nil, exemptions: Exemptions? = nil,
        advisories: (any AdvisorySource)? = nil,
        today: Day? = nil, engine: EngineQuestion? = nil
    ) {
        self.engine = engine
        self.rules = rules
        self.policy = policy ?? rules.policy
        self.exemptions = exemptions ?? rules.exemptions
        self.advisories = advisories
        self.today = today
    }

    /// Scans a bundle that was read.
    /// - Parameter name: the file's or folder's name for the report, without its path.
    public func scan(_ bundle: UnpackedBundle, name: String) -> ScanReport {
        outcome(bundle, name: name).report
    }

    /// The same, with the dependencies for what the host has to add.
    public func outcome(_ bundle: UnpackedBundle, name: String) -> ScanOutcome {
        outcome(bundle, name: name, known: KnownSummaries())
    }

    /// - Parameter known: files that need no second scan.
    func outcome(_ bundle: UnpackedBundle, name: String, known: KnownSummaries) -> ScanOutcome {
        var run = ScanRun(bundle: bundle, rules: rules, engine: engine, known: known)
        run.archive()
        run.manifest()
        run.files()
        run.capabilities()
        run.lockfiles()
        run.behaviours()
        var findings = run.findings
        if let advisories { findings += DependencyCheck.lookUp(run.dependencies, in: advisories) }
        let report = ScanReport(
            bundle: ScanReport.Bundle(
                name: name, sha256: bundle.sha256.hex, files: bundle.entries.count, bytes: bundle.byteCount,
                id: run.manifestValue?.id.text, version: run.manifestValue?.version.description),
            entries: run.entries,
            tool: ScanReport.Tool(
                version: Self.version, ruleset: rules.digest.hex, yara: YaraEngine.version),
            verdict: .clean, findings: findings, checks: run.checks(), capabilities: run.capabilityTable)
        return ScanOutcome(
            report: report.sealed(policy: policy, exemptions: exemptions, today: today),
            dependencies: run.dependencies)
    }
}

extension Scanner {
    /// The files of one share of a bundle, for scans that are spread over processes: the largest go round first, so that
    /// the shares take about as long.
    func summaries(_ bundle: UnpackedBundle, part: Int, of parts: Int) -> KnownSummaries {
        let order = bundle.entries.indices.sorted {
            (bundle.entries[$1].byteCount, $0) < (bundle.entries[$0].byteCount, $1)
        }
        var known = KnownSummaries()
        for (place, index) in order.enumerated() where place % parts == part {
            let entry = bundle.entries[index]
            known.files[KnownSummaries.key(entry.path, entry.sha256.hex)] = FileScan.summary(
                of: entry, rules: rules, engine: engine)
        }
        return known
    }
}

extension ScanReport {
    /// Sorts, numbers, exempts and judges: the last step of every scan, done anew when findings are added.
    func sealed(policy: Policy, exemptions: Exemptions, today: Day?) -> ScanReport {
        var report = self
        var findings = Array(Set(report.findings)).sorted(by: Finding.inOrder)
        var occurrences: [String: Int] = [:]
        for index in findings.indices where findings[index].fingerprint.isEmpty {
            let item = findings[index]
            let key =
                "\(item.rule)\u{0}\(item.file)\u{0}\(item.evidence)\u{0}\(item.line == 0 ? item.message : "")"
            occurrences[key, default: 0] += 1
            findings[index].fingerprint = String(
                ContentDigest.sha256(of: "\(key)\u{0}\(occurrences[key] ?? 0)").hex.prefix(32))
        }
        exemptions.apply(to: &findings, plugin: report.bundle.id, today: today)
        findings.sort(by: Finding.inOrder)
        report.findings = findings
        report.verdict = policy.verdict(findings)
        return report
    }
}

extension ScanOutcome {
    /// The report with known vulnerabilities looked up, on the host, where the store is.
    /// - Parameter now: by this the store's age is judged; nil says nothing about it.
    public func completed(
        advisories: any AdvisorySource, rules: RuleBook, now: Instant?
    ) -> ScanReport {
        var report = report
        if now == nil, dependencies.contains(where: { $0.source != "link" }),
            report.checks.contains(where: { $0.name == "dependencies" })
        {
            report.findings.append(
                BuiltInRules.finding(
                    "dep.seed-only", "",
                    message: "only the \(advisories.count) advisories that come with the rules were asked"))
        }
        report.findings += DependencyCheck.lookUp(dependencies, in: advisories, asOf: now)
        let note =
            advisories.asOf.map { "\(advisories.count) advisories of \($0.day)" }
            ?? "\(advisories.count) advisories"
        if let index = report.checks.firstIndex(where: { $0.name == "dependencies" }) {
            report.checks[index].note = note
            if report.findings.contains(where: { $0.class == .dependency }) {
                report.checks[index].result = .findings
            }
        }
        return report.sealed(policy: rules.policy, exemptions: rules.exemptions, today: now?.day)
    }
}
