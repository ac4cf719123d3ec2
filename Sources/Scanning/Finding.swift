/// How bad a finding is, if it is what it looks like.
public enum Severity: String, Codable, Sendable, CaseIterable, Comparable {
    case info, low, medium, high, critical

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    public static func < (a: Severity, b: Severity) -> Bool { a.rank < b.rank }
}

/// What a finding is about (design §4.7).
public enum FindingClass: String, Codable, Sendable, CaseIterable {
    case maliciousCode = "malicious-code"
    case obfuscation
    case secret
    case dependency
    case capability
    case limit
    case archive
    case manifest
    case trial
    case incomplete
}

/// One thing that a check has to say about one place of a bundle. Trial runs speak in the same shape.
public struct Finding: Codable, Equatable, Hashable, Sendable {
    /// Whether a finding counts for the verdict, or is only shown.
    public enum Mode: String, Codable, Sendable {
        case enforced
        /// Matched by an exemption that has not expired: shown, not counted.
        case exempted
    }

    /// The rule's name, such as `mal.reverse-shell`.
    public var rule: String
    public var `class`: FindingClass
    public var severity: Severity
    /// Path inside the bundle; empty for the bundle as a whole.
    public var file: String
    /// 1-based, or 0 where there is no place in a text.
    public var line: Int
    /// 1-based in UTF-16 units, or 0.
    public var column: Int
    public var message: String
    /// The line concerned, shortened, secrets blanked out.
    public var evidence: String
    /// Stays the same when lines move: rule, file, evidence and the occurrence's number.
    public var fingerprint: String
    public var mode: Mode
    /// Where the place stands in `evidence`, in characters; kept beside the report, not in it.
    var caret = 0

    private enum CodingKeys: String, CodingKey {
        case rule, `class`, severity, file, line, column, message, evidence, fingerprint, mode
    }

    public init(
        rule: String, class: FindingClass, severity: Severity, file: String, line: Int = 0, column: Int = 0,
        message: String, evidence: String = "", fingerprint: String = "", mode: Mode = .enforced
    ) {
        self.rule = rule
        self.class = `class`
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.evidence = evidence
        self.fingerprint = fingerprint
        self.mode = mode
    }

    /// The order of every report: by file and place, then by rule.
    public static func inOrder(_ a: Finding, _ b: Finding) -> Bool {
        (a.file, a.line, a.column, a.rule, a.message) < (b.file, b.line, b.column, b.rule, b.message)
    }
}
