/// Findings as lines of text for a terminal: where, what, the line itself and a caret.
public enum TextWriter {
    /// - Parameter carets: from `ScanOutcome`, by fingerprint; without them no caret is drawn.
    public static func write(_ report: ScanReport, carets: [String: Int]? = nil) -> String {
        var text = ""
        for finding in report.findings where finding.severity > .info {
            let place = finding.file.isEmpty ? report.bundle.name : finding.file
            let position = finding.line > 0 ? ":\(finding.line):\(finding.column)" : ""
            let exempted = finding.mode == .exempted ? " [exempted]" : ""
            text +=
                "\(place)\(position): \(finding.severity.rawValue): \(finding.message) [\(finding.rule)]\(exempted)\n"
            if !finding.evidence.isEmpty {
                text += "    \(finding.evidence)\n"
                if let carets, finding.line > 0, finding.class != .secret {
                    text += "    " + String(repeating: " ", count: carets[finding.fingerprint] ?? 0) + "^\n"
                }
            }
        }
        var counts: [Severity: Int] = [:]
        for finding in report.findings where finding.mode == .enforced {
            counts[finding.severity, default: 0] += 1
        }
        let summary = Severity.allCases.reversed().compactMap { severity in
            counts[severity].map { "\($0) \(severity.rawValue)" }
        }
        let unread = report.entries.filter { $0.status != .scanned }
        for entry in unread {
            text += "\(entry.path): \(entry.status == .not ? "not" : "partly") scanned: \(entry.why ?? "")\n"
        }
        text += "\(report.bundle.name): \(report.verdict.rawValue), \(report.bundle.files) files"
        text += summary.isEmpty ? ", no findings\n" : ", \(summary.joined(separator: ", "))\n"
        return text
    }
}
