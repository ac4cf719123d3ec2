/// All that the scan of one file gives on: what the join over the bundle reads, what another process sends, and what a
/// cache keeps. Places are lines and columns already, so that the file itself is no longer needed.
struct FileSummary: Codable, Sendable, Equatable {
    struct Place: Codable, Sendable, Equatable {
        var line: Int
        var column: Int
        var evidence: String
        var caret: Int
    }

    struct Fact: Codable, Sendable, Equatable {
        var name: String
        var detail: String
        var place: Place
    }

    struct Operation: Codable, Sendable, Equatable {
        var operation: String
        var target: String?
        var method: String?
        var place: Place
    }

    struct Import: Codable, Sendable, Equatable {
        var specifier: String?
        var place: Place
    }

    var kind: FileKind
    var findings: [Finding] = []
    /// For each finding, where the place stands in its evidence.
    var carets: [Int] = []
    /// What could not be looked at, in words.
    var problems: [String] = []
    /// The engine that would run it does not parse it either: what was not read cannot run.
    var isInert = false
    /// The first fact of each name, sorted by name.
    var facts: [Fact] = []
    /// Code made from text and changes to built-in objects, each where it stands.
    var dynamics: [Fact] = []
    var operations: [Operation] = []
    var imports: [Import] = []
    var ambient: [Fact] = []
    /// Libraries that are recognised by what they say of themselves.
    var libraries: [VendoredLibrary] = []

    /// Findings with their carets put back.
    var wholeFindings: [Finding] {
        zip(findings, carets).map { finding, caret in
            var whole = finding
            whole.caret = caret
            return whole
        }
    }

    func fact(_ name: String) -> Fact? { facts.first { $0.name == name } }
}

extension Finding {
    /// The same with a place that was found before.
    func at(_ place: FileSummary.Place) -> Finding {
        var finding = self
        finding.line = place.line
        finding.column = place.column
        finding.evidence = place.evidence
        finding.caret = place.caret
        return finding
    }
}

/// Summaries of files by what they were made of: the same path, bytes and rules give the same summary.
struct KnownSummaries: Codable, Sendable {
    static let schemaName = "veroforge.summaries/1"

    var schema = KnownSummaries.schemaName
    /// By path and content digest.
    var files: [String: FileSummary] = [:]

    static func key(_ path: String, _ sha256: String) -> String { sha256 + " " + path }
}
