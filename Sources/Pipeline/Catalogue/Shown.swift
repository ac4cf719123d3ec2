import Marketplace
import Publishing
import Registry
import Scanning

// What the registry and the reports hold, in the shapes that pages show. Text goes over as text: the templates
// escape it.

enum Shown {
    static func verdict(_ verdict: ScanVerdict) -> Publishing.Verdict {
        switch verdict {
        case .clean: .clean
        case .review: .review
        case .reject: .reject
        case .incomplete: .incomplete
        }
    }

    static func finding(_ finding: Finding) -> FindingRow {
        FindingRow(
            rule: finding.rule, kind: finding.class.rawValue, severity: finding.severity.rawValue,
            file: finding.file,
            line: finding.line, column: finding.column, message: finding.message,
            excerpt: finding.line > 0 && !finding.evidence.isEmpty
                ? [ExcerptLine(number: finding.line, text: finding.evidence, marked: true)] : [],
            fingerprint: finding.fingerprint)
    }

    static func check(_ check: ScanReport.Check) -> CheckRow {
        let result =
            switch check.result {
            case .passed: "passed"
            case .findings: "findings"
            case .skipped: "skipped"
            case .failed: "incomplete"
            }
        return CheckRow(name: check.name, result: result, files: check.files, detail: check.note ?? "")
    }

    /// Declared, detected, observed: one row for every permission that any of the three knows.
    static func permissions(
        _ manifest: Manifest, _ scan: ScanReport, _ trial: TrialReport, before: PermissionSet?
    ) -> [ShownPermission] {
        var rows: [ShownPermission] = []
        for permission in manifest.permissions.permissions {
            let label = permission.description
            let detected = scan.capabilities.detected.filter { names(label, $0.permission) }
            let observed = trial.observed.filter { names(label, $0.permission) && $0.allowed }.reduce(0) {
                $0 + $1.count
            }
            let change: PermissionChange =
                before.map { $0.covers(permission) ? .same : .added } ?? .first
            rows.append(
                ShownPermission(
                    operation: permission.operation.rawValue, target: permission.target,
                    methods: permission.methods ?? [], purpose: permission.purpose, declared: true,
                    detected: detected.map { SourcePlace(file: $0.file, line: $0.line) }, observed: observed,
                    change: change))
        }
        for label in scan.capabilities.undeclared {
            let words = label.split(separator: " ").map(String.init)
            rows.append(
                ShownPermission(
                    operation: words.first ?? label, target: words.dropFirst().first ?? "*",
                    methods: Array(words.dropFirst(2)), declared: false,
                    detected: scan.capabilities.detected.filter { $0.permission == label }.map {
                        SourcePlace(file: $0.file, line: $0.line)
                    },
                    observed: trial.observed.first { names(label, $0.permission) }?.count ?? 0, change: .added
                ))
        }
        return rows
    }

    /// `fetch api.example.com GET POST` speaks of `fetch api.example.com POST` and of `fetch api.example.com`.
    private static func names(_ declared: String, _ other: String) -> Bool {
        let (a, b) = (declared.split(separator: " "), other.split(separator: " "))
        return a.prefix(2) == b.prefix(2)
            && (a.count < 3 || b.count < 3 || !Set(a.dropFirst(2)).isDisjoint(with: b.dropFirst(2)))
    }

    static func trial(_ trial: TrialReport) -> TrialSummary {
        let first = trial.runs.first
        return TrialSummary(
            backEnd: trial.mode.map { "\(trial.backEnd): \($0)" } ?? trial.backEnd,
            startMs: Int(first?.startMs ?? 0),
            memoryKiBMax: Int(trial.runs.map(\.peakMemoryKiB).max() ?? 0),
            cpuMs: Int((first?.actions ?? []).reduce(0) { $0 + $1.cpuMs }),
            wallMs: Int((first?.actions ?? []).reduce(0) { $0 + $1.wallMs }),
            actions: (first?.actions ?? []).map {
                TrialAction(
                    name: $0.name, outcome: $0.outcome, wallMs: Int($0.wallMs), cpuMs: Int($0.cpuMs),
                    operations: Int($0.operations), detail: $0.detail)
            },
            operations: trial.observed.map {
                TrialOperation(
                    operation: $0.operation, target: $0.target, count: $0.count, allowed: $0.allowed)
            })
    }

    static func limits(_ limits: Limits) -> [LimitRow] {
        [
            LimitRow(name: "CPU of a call", value: "\(limits.cpuMs) ms"),
            LimitRow(name: "Time of a call", value: "\(limits.wallMs) ms"),
            LimitRow(name: "Memory", value: "\(limits.memoryMiB) MiB"),
            LimitRow(name: "Operations of a call", value: "\(limits.apiCalls)"),
            LimitRow(name: "Sent out by a call", value: "\(limits.egressBytes) bytes"),
            LimitRow(name: "Storage", value: "\(limits.storageMiB) MiB"),
        ]
    }

    static func files(_ scan: ScanReport) -> [BundleFile] {
        scan.entries.map {
            BundleFile(
                path: $0.path, bytes: $0.bytes, sha256: $0.sha256 ?? "", status: $0.status.rawValue,
                why: $0.why)
        }
    }
}
