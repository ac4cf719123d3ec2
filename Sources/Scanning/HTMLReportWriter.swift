/// The report as one page for the reviewer: no script, no address outside of it, everything from the bundle escaped.
public enum HTMLReportWriter {
    /// - Parameters:
    ///   - rules: what the rules say: the hint and when it is legitimate stand beside each finding.
    ///   - carets: from `ScanOutcome`, by fingerprint.
    public static func write(
        _ report: ScanReport, rules: [RuleSet.Description], carets: [String: Int] = [:]
    ) -> String {
        let byID = Dictionary(rules.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let title = "\(report.bundle.id ?? report.bundle.name) \(report.bundle.version ?? "")"
        var page = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>Scan of \(escape(title))</title>
            <style>\(style)</style>
            </head>
            <body>
            <main>
            <h1>Scan of \(escape(title))</h1>
            <p><strong class="verdict \(report.verdict.rawValue)">\(report.verdict.rawValue)</strong>
            \(report.bundle.files) files, \(report.bundle.bytes) bytes, SHA-256 <code>\(report.bundle.sha256)</code>,
            rules <code>\(report.tool.ruleset.prefix(12))</code>, scanner \(escape(report.tool.version)).</p>

            """
        page += findings(report, byID, carets) + capabilities(report) + checks(report) + entries(report)
        return page + "</main>\n</body>\n</html>\n"
    }

    private static let style = """
        body{font:16px/1.5 system-ui,sans-serif;margin:0;color:#1a1a1a;background:#fff}main{max-width:70rem;margin:auto;\
        padding:1rem}table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;\
        border-bottom:1px solid #ccc}pre{overflow:auto;background:#f4f4f4;padding:.5rem;margin:.3rem 0}code{overflow-wrap:\
        anywhere}.verdict{padding:.1rem .5rem;border:2px solid}.clean{color:#0a5c1f}.review,.incomplete{color:#7a4b00}\
        .reject{color:#a00000}.exempted{opacity:.75}
        """

    static func escape(_ text: String) -> String {
        var result = ""
        for scalar in SourceText.printable(text).unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func findings(
        _ report: ScanReport, _ rules: [String: RuleSet.Description], _ carets: [String: Int]
    ) -> String {
        guard !report.findings.isEmpty else { return "<h2>Findings</h2>\n<p>None.</p>\n" }
        var text = "<h2>Findings</h2>\n"
        for severity in Severity.allCases.reversed() {
            let list = report.findings.filter { $0.severity == severity }
            guard !list.isEmpty else { continue }
            text += "<h3>\(severity.rawValue): \(list.count)</h3>\n"
            for finding in list {
                text += one(finding, rules[finding.rule], carets[finding.fingerprint] ?? 0)
            }
        }
        return text
    }

    private static func one(_ finding: Finding, _ rule: RuleSet.Description?, _ caret: Int) -> String {
        let place =
            finding.file.isEmpty
            ? "the bundle"
            : escape(finding.file) + (finding.line > 0 ? ":\(finding.line):\(finding.column)" : "")
        var text = "<section\(finding.mode == .exempted ? " class=\"exempted\"" : "")>\n"
        text += "<h4><code>\(escape(finding.rule))</code> at <code>\(place)</code></h4>\n"
        text += "<p>\(escape(finding.message))\(finding.mode == .exempted ? " (exempted)" : "")</p>\n"
        if !finding.evidence.isEmpty {
            let mark =
                finding.line > 0 && finding.class != .secret
                ? "\n" + String(repeating: " ", count: caret) + "^" : ""
            text += "<pre>\(escape(finding.evidence))\(mark)</pre>\n"
        }
        if let rule {
            text += "<p>Reviewer: \(escape(rule.hint)) Legitimate: \(escape(rule.legitimate))</p>\n"
        }
        return text + "</section>\n"
    }

    private static func capabilities(_ report: ScanReport) -> String {
        let table = report.capabilities
        guard !table.declared.isEmpty || !table.detected.isEmpty else { return "" }
        var text = "<h2>Capabilities</h2>\n<table>\n<tr><th scope=\"col\">permission</th>"
        text +=
            "<th scope=\"col\">declared</th><th scope=\"col\">detected</th><th scope=\"col\">consequence</th></tr>\n"
        let names = Set(table.declared.map(\.permission) + table.detected.map(\.permission)).sorted()
        for name in names {
            let declared = table.declared.first { $0.permission == name }
            let places = table.detected.filter { $0.permission == name }.map { "\($0.file):\($0.line)" }
            let consequence =
                table.undeclared.contains(name)
                ? "not declared: rejected" : table.unused.contains(name) ? "declared, not used" : ""
            text += "<tr><td><code>\(escape(name))</code></td><td>\(escape(declared?.purpose ?? ""))</td>"
            text += "<td>\(escape(places.joined(separator: ", ")))</td><td>\(consequence)</td></tr>\n"
        }
        return text + "</table>\n"
    }

    private static func checks(_ report: ScanReport) -> String {
        var text = "<h2>Checks</h2>\n<table>\n<tr><th scope=\"col\">check</th><th scope=\"col\">result</th>"
        text += "<th scope=\"col\">files</th><th scope=\"col\">note</th></tr>\n"
        for check in report.checks {
            text +=
                "<tr><td>\(escape(check.name))</td><td>\(check.result.rawValue)</td><td>\(check.files)</td>"
            text += "<td>\(escape(check.note ?? ""))</td></tr>\n"
        }
        return text + "</table>\n"
    }

    private static func entries(_ report: ScanReport) -> String {
        var text = "<h2>Files</h2>\n<table>\n<tr><th scope=\"col\">file</th><th scope=\"col\">bytes</th>"
        text += "<th scope=\"col\">status</th></tr>\n"
        for entry in report.entries {
            let why = entry.why.map { ": \($0)" } ?? ""
            text += "<tr><td><code>\(escape(entry.path))</code></td><td>\(entry.bytes)</td>"
            text += "<td>\(entry.status.rawValue)\(escape(why))</td></tr>\n"
        }
        return text + "</table>\n"
    }
}
