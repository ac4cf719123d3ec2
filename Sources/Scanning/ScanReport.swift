internal import FoundationEssentials
public import Marketplace

/// What the scan of one bundle came to.
public enum ScanVerdict: String, Codable, Sendable, CaseIterable {
    case clean, review, reject, incomplete

    /// The exit code of a scan with this verdict.
    ///
    /// - Parameter worst: of the findings in force; nil where there is none.
    public func exitCode(worst: Severity?, failOn: Severity) -> ExitCode {
        switch self {
        case .incomplete: .incomplete
        case .reject: .findings
        case .clean, .review: worst.map { $0 >= failOn } ?? false ? .findings : .done
        }
    }
}

/// `scan.json` (design §4.7, docs/schemas/scan.schema.json): the same bundle, rules and advisories give the same bytes.
public struct ScanReport: Codable, Equatable, Sendable {
    public static let schemaName = "veroforge.scan/1"

    public struct Bundle: Codable, Equatable, Sendable {
        public var name: String
        public var sha256: String
        public var files: Int
        public var bytes: Int
        public var id: String?
        public var version: String?
    }

    public enum EntryStatus: String, Codable, Sendable { case scanned, partly, not }

    public struct Entry: Codable, Equatable, Sendable {
        public var path: String
        public var sha256: String?
        public var bytes: Int
        public var status: EntryStatus
        public var why: String?
    }

    public struct Tool: Codable, Equatable, Sendable {
        public var version: String
        /// SHA-256 of the rules.
        public var ruleset: String
        public var yara: String
    }

    public struct Check: Codable, Equatable, Sendable {
        public enum Result: String, Codable, Sendable { case passed, findings, skipped, failed }

        public var name: String
        public var result: Result
        /// How many files it looked at.
        public var files: Int
        public var note: String?
    }

    public struct Declared: Codable, Equatable, Sendable {
        public var permission: String
        public var purpose: String
    }

    public struct Detected: Codable, Equatable, Sendable {
        public var permission: String
        public var file: String
        public var line: Int
    }

    public struct Capabilities: Codable, Equatable, Sendable {
        public var declared: [Declared] = []
        public var detected: [Detected] = []
        public var undeclared: [String] = []
        public var unused: [String] = []

        public init() {}
    }

    public var schema: String = ScanReport.schemaName
    public var bundle: Bundle
    public var entries: [Entry]
    public var tool: Tool
    public var verdict: ScanVerdict
    public var findings: [Finding]
    public var checks: [Check]
    public var capabilities: Capabilities

    /// The report's file: sorted keys, two spaces of indent, a line feed at the end.
    public func json() -> [UInt8] { JSONCoding.encode(self) }

    public init(json bytes: [UInt8]) throws(ScanError) {
        self = try JSONCoding.decode(ScanReport.self, bytes)
    }

    init(
        bundle: Bundle, entries: [Entry], tool: Tool, verdict: ScanVerdict, findings: [Finding],
        checks: [Check],
        capabilities: Capabilities
    ) {
        self.bundle = bundle
        self.entries = entries
        self.tool = tool
        self.verdict = verdict
        self.findings = findings
        self.checks = checks
        self.capabilities = capabilities
    }

    /// The exit code that `veroforge scan --fail-on` ends with for this report.
    public func exitCode(failOn: Severity = .high) -> ExitCode {
        verdict.exitCode(worst: worst, failOn: failOn)
    }

    /// Of the findings in force; nil where there is none.
    public var worst: Severity? { findings.filter { $0.mode == .enforced }.map(\.severity).max() }
}

/// A scan as the worker hands it out: the report, and what the host needs to finish it with what only it has.
public struct ScanOutcome: Codable, Equatable, Sendable {
    public var report: ScanReport
    /// The packages that the bundle brings, for advisories and the list of components.
    public var dependencies: [ResolvedDependency]
    /// For a finding's fingerprint: how many characters of its evidence stand before the place itself.
    public var carets: [String: Int]

    public init(report: ScanReport, dependencies: [ResolvedDependency]) {
        self.report = report
        self.dependencies = dependencies
        carets = [:]
        for index in report.findings.indices {
            if report.findings[index].caret > 0 {
                carets[report.findings[index].fingerprint] = report.findings[index].caret
            }
            self.report.findings[index].caret = 0
        }
    }

    public func json() -> [UInt8] { JSONCoding.encode(self) }

    public init(json bytes: [UInt8]) throws(ScanError) {
        self = try JSONCoding.decode(ScanOutcome.self, bytes)
    }
}

enum JSONCoding {
    static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        // Strings, integers and lists alone: nothing in these types can fail to encode.
        guard let data = try? encoder.encode(value) else { return [] }
        return [UInt8](data) + [0x0A]
    }

    /// Without blanks, for what only programs read.
    static func encodeTight(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { return [] }
        return [UInt8](data)
    }

    static func decode<T: Decodable>(_ type: T.Type, _ bytes: [UInt8]) throws(ScanError) -> T {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw ScanError(.badReport, subject: "\(type)", cause: "\(error)")
        }
    }
}
