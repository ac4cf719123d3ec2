internal import Marketplace

/// SARIF 2.1.0, as code hosts read it.
public enum SARIFWriter {
    /// - Parameter rules: what the rules say; only those that occur are written.
    public static func write(_ report: ScanReport, rules: [RuleSet.Description]) -> [UInt8] {
        let used = Set(report.findings.map(\.rule)).sorted()
        let byID = Dictionary(rules.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let index = Dictionary(uniqueKeysWithValues: used.enumerated().map { ($1, $0) })
        let ruleObjects: [JSONValue] = used.map { id in
            let rule = byID[id]
            let sample = report.findings.first { $0.rule == id }
            let severity = rule?.severity ?? sample?.severity ?? .medium
            return [
                "id": .string(id),
                "shortDescription": ["text": .string(rule?.description ?? id)],
                "help": [
                    "text": .string(help(rule)),
                    "markdown": .string(help(rule) + "\n\nThe rule stands in the catalogue under `\(id)`."),
                ],
                "defaultConfiguration": ["level": .string(level(severity))],
                "properties": [
                    "security-severity": .string(score(severity)),
                    "tags": ["security", .string((rule?.class ?? sample?.class ?? .incomplete).rawValue)],
                ],
            ]
        }
        let results: [JSONValue] = report.findings.map { result($0, index[$0.rule] ?? 0) }
        let document: JSONValue = [
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [
                [
                    "tool": [
                        "driver": [
                            "name": "veroforge", "semanticVersion": .string(report.tool.version),
                            "rules": .array(ruleObjects),
                        ]
                    ],
                    "columnKind": "utf16CodeUnits",
                    "invocations": [["executionSuccessful": .bool(report.verdict != .incomplete)]],
                    "results": .array(results),
                    "properties": [
                        "verdict": .string(report.verdict.rawValue), "bundle": .string(report.bundle.sha256),
                        "ruleset": .string(report.tool.ruleset),
                    ],
                ]
            ],
        ]
        return document.serializedBytes(pretty: true) + [0x0A]
    }

    private static func help(_ rule: RuleSet.Description?) -> String {
        rule.map { "\($0.hint) Legitimate: \($0.legitimate)" } ?? "See the rule catalogue."
    }

    private static func result(_ finding: Finding, _ index: Int) -> JSONValue {
        var location: [String: JSONValue] = [
            "artifactLocation": ["uri": .string(uri(finding.file.isEmpty ? "plugin.json" : finding.file))]
        ]
        if finding.line > 0 {
            location["region"] = [
                "startLine": .integer(Int64(finding.line)),
                "startColumn": .integer(Int64(max(1, finding.column))),
            ]
        }
        var object: [String: JSONValue] = [
            "ruleId": .string(finding.rule),
            "ruleIndex": .integer(Int64(index)),
            "level": .string(level(finding.severity)),
            "message": ["text": .string(finding.message)],
            "locations": [["physicalLocation": .object(location)]],
            "partialFingerprints": ["veroforge/v1": .string(finding.fingerprint)],
        ]
        if finding.mode == .exempted {
            object["suppressions"] = [["kind": "external", "status": "accepted"]]
        }
        return .object(object)
    }

    /// A relative reference: everything but unreserved characters is escaped.
    private static func uri(_ path: String) -> String {
        var text = ""
        for byte in path.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x2F, 0x40:
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                text += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return text
    }

    static func level(_ severity: Severity) -> String {
        switch severity {
        case .critical, .high: "error"
        case .medium: "warning"
        case .low, .info: "note"
        }
    }

    private static func score(_ severity: Severity) -> String {
        switch severity {
        case .critical: "9.5"
        case .high: "8.0"
        case .medium: "5.5"
        case .low: "3.0"
        case .info: "0.0"
        }
    }
}
