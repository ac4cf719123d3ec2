internal import Bundles

/// What the rules say that stand in code and not in a file of their own: archives, manifest, capabilities, dependencies.
enum BuiltInRules {
    static let all: [RuleSet.Description] = archive + others

    static let archive: [RuleSet.Description] = ArchiveProblem.Kind.allCases.map { kind in
        describe(
            "arc." + kind.rawValue, .archive, severity(kind), "The archive is refused: \(kind.rawValue).",
            hint: "Pack the plugin with `veroforge plugin pack`, which writes none of this.")
    }

    static func severity(_ kind: ArchiveProblem.Kind) -> Severity {
        switch kind {
        case .traversal, .absolute, .symlink, .hardlink, .device, .setuid, .headerMismatch, .hiddenEntry,
            .overlap,
            .glued, .polyglot, .quine, .unicodePath, .nulName, .sizeLie, .ratio:
            .critical
        default: .high
        }
    }

    static let others: [RuleSet.Description] = [
        describe("scan.incomplete", .incomplete, .high, "A part of the bundle could not be checked."),
        describe("scan.exemption-expired", .manifest, .low, "An exemption has run out."),
        describe("scan.exemption-unused", .manifest, .low, "An exemption matches nothing."),
        describe("man.missing", .manifest, .info, "There is no plugin.json."),
        describe("man.invalid", .manifest, .high, "plugin.json breaks its schema."),
        describe(
            "man.entry-missing", .manifest, .high, "A file that plugin.json names is not in the bundle."),
        describe(
            "man.install-script", .manifest, .medium, "A package.json runs a program when it is installed."),
        describe("man.source-map", .manifest, .info, "A source map is shipped."),
        describe(
            "cap.undeclared", .capability, .high, "An operation is used that plugin.json does not declare."),
        describe("cap.unused", .capability, .low, "A permission is declared that the code does not use."),
        describe("cap.unbounded", .capability, .low, "The entity, workflow or host is computed at run time."),
        describe("cap.builtin-import", .capability, .medium, "A module of the operating system is imported."),
        describe("cap.remote-import", .capability, .high, "Code is imported from another host."),
        describe(
            "cap.unresolved-import", .capability, .medium, "A module is imported that is not in the bundle."),
        describe("cap.ambient-global", .capability, .low, "A global is used that the sandbox does not have."),
        describe("cap.dynamic-code", .capability, .medium, "Code is made from text at run time."),
        describe("cap.tampering", .capability, .medium, "A built-in object is changed."),
        describe("cap.native-program", .capability, .high, "A plugin brings a program for a processor."),
        describe("cap.blind", .capability, .low, "A part of the code could not be parsed."),
        describe(
            "obf.invisible-identifier", .obfuscation, .high,
            "An identifier holds characters that nobody sees."),
        describe(
            "obf.bidirectional", .obfuscation, .high, "The text is shown in another order than it runs."),
        describe(
            "obf.hidden-text", .obfuscation, .high, "A long run of invisible characters stands in the text."),
        describe("obf.hidden-code", .obfuscation, .medium, "Code stands behind many blanks, out of sight."),
        describe("man.engine-rejects", .manifest, .low, "The engine that runs plugins cannot parse a file."),
        describe("dep.vendored", .dependency, .info, "A library was copied into the bundle."),
        describe("obf.homoglyph", .obfuscation, .high, "An identifier mixes letters that look alike."),
        describe("obf.string-array", .obfuscation, .high, "Strings are fetched from a shuffled table."),
        describe(
            "obf.computed-access", .obfuscation, .medium, "A dangerous name is put together from pieces."),
        describe("obf.encoded-payload", .obfuscation, .medium, "A long encoded text is decoded by the code."),
        describe("obf.packed", .obfuscation, .high, "The code unpacks itself at run time."),
        describe("dep.vulnerable", .dependency, .high, "A dependency has a known vulnerability."),
        describe("dep.malicious", .dependency, .critical, "A dependency is known to be malicious."),
        describe("dep.possible", .dependency, .low, "A dependency range allows a vulnerable version."),
        describe("dep.source", .dependency, .medium, "A dependency does not come from the registry."),
        describe("dep.integrity", .dependency, .low, "A dependency has no integrity hash."),
        describe(
            "dep.install-script", .dependency, .low, "A dependency runs a program when it is installed."),
        describe(
            "dep.typosquat", .dependency, .medium, "A dependency is named almost like a well-known one."),
        describe("dep.stale", .dependency, .medium, "The store of known vulnerabilities is old."),
        describe(
            "dep.seed-only", .dependency, .info, "No operator's store of known vulnerabilities was asked."),
        describe("dep.unreadable", .incomplete, .high, "A lockfile could not be read."),
    ]

    private static func describe(
        _ id: String, _ kind: FindingClass, _ severity: Severity, _ text: String,
        hint: String = "See the rule's page in the documentation."
    ) -> RuleSet.Description {
        RuleSet.Description(
            id: id, class: kind, severity: severity, description: text, hint: hint,
            legitimate: "Only where a reviewer has judged it and an exemption says so.",
            reference: "docs/scanner.md", created: "2026-11-22", layers: "structure")
    }

    private static let byID = Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0) })

    /// A finding of one of these rules, of the rule's own class and severity.
    static func finding(
        _ id: String, _ file: String, message: String, line: Int = 0, column: Int = 0, evidence: String = "",
        severity: Severity? = nil
    ) -> Finding {
        let rule = byID[id]
        return Finding(
            rule: id, class: rule?.class ?? .incomplete, severity: severity ?? rule?.severity ?? .high,
            file: file,
            line: line, column: column, message: message, evidence: evidence)
    }
}
