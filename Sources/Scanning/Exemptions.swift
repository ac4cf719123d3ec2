internal import Marketplace

/// `rules/exemptions.yaml`: findings that a person has judged to be harmless. They stay visible, expire, and one that
/// matches nothing is reported.
public struct Exemptions: Sendable {
    struct Exemption: Sendable {
        var rule: String
        var plugin: String
        var file: String
        var fingerprint: String?
        var reason: String
        var until: Day
    }

    let list: [Exemption]

    public static let none = Exemptions(list: [])

    private init(list: [Exemption]) { self.list = list }

    public init(yaml bytes: [UInt8]) throws(ScanError) {
        let document = try YAMLReader.read(bytes, name: "exemptions.yaml", code: .badExemptions)
        guard document["schema"]?.stringValue == "veroforge.exemptions/1" else {
            throw ScanError(
                .badExemptions, subject: "exemptions.yaml", cause: "schema is not veroforge.exemptions/1")
        }
        var list: [Exemption] = []
        for (index, item) in (document["exemptions"]?.arrayValue ?? []).enumerated() {
            guard let rule = item["rule"]?.stringValue, let reason = item["reason"]?.stringValue,
                !reason.isEmpty,
                let until = item["until"]?.stringValue.flatMap({ Day($0) })
            else {
                throw ScanError(
                    .badExemptions, subject: "exemptions.yaml: \(index + 1)",
                    cause: "rule, reason and until (yyyy-mm-dd) are needed")
            }
            list.append(
                Exemption(
                    rule: rule, plugin: item["plugin"]?.stringValue ?? "*",
                    file: item["file"]?.stringValue ?? "*",
                    fingerprint: item["fingerprint"]?.stringValue, reason: reason, until: until))
        }
        self.list = list
    }

    /// Marks what is exempted on a day, and reports exemptions for this plugin that match nothing or have run out.
    func apply(to findings: inout [Finding], plugin: String?, today: Day?) {
        var notes: [Finding] = []
        for exemption in list {
            guard Policy.glob(exemption.plugin, plugin ?? "") else { continue }
            let hits = findings.indices.filter { index in
                let finding = findings[index]
                return Policy.glob(exemption.rule, finding.rule) && Policy.glob(exemption.file, finding.file)
                    && (exemption.fingerprint == nil || exemption.fingerprint == finding.fingerprint)
                    && finding.class != .incomplete
            }
            let isOver = today.map { $0 > exemption.until } ?? false
            if isOver && !hits.isEmpty {
                notes.append(
                    note(
                        "scan.exemption-expired",
                        "the exemption from \(exemption.rule) ran out on \(exemption.until)"))
            } else if hits.isEmpty && exemption.plugin != "*" {
                notes.append(
                    note("scan.exemption-unused", "the exemption from \(exemption.rule) matches nothing"))
            }
            guard !isOver else { continue }
            for index in hits {
                findings[index].mode = .exempted
                findings[index].message += " (exempted until \(exemption.until): \(exemption.reason))"
            }
        }
        findings += notes
    }

    private func note(_ rule: String, _ message: String) -> Finding {
        Finding(rule: rule, class: .manifest, severity: .low, file: "", message: message)
    }
}
