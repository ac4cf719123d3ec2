public import Marketplace
public import Scanning

/// What `veroforge scan` prints of a scan, and what its exit code is made of.
public struct PrintedScan: Sendable {
    public let bytes: [UInt8]
    let verdict: ScanVerdict
    /// Of the findings in force; nil where there is none.
    private let worst: Severity?

    init(_ report: ScanReport, bytes: [UInt8]) {
        self.bytes = bytes
        verdict = report.verdict
        worst = report.worst
    }

    /// As of the scan's report.
    public func exitCode(failOn: Severity) -> ExitCode { verdict.exitCode(worst: worst, failOn: failOn) }

    private static let schema = "veroforge.printed-scan/1"

    /// One line that tells the rest's length, then the rest.
    var stored: [UInt8] {
        Array("\(Self.schema) \(verdict.rawValue) \(worst?.rawValue ?? "none") \(bytes.count)\n".utf8) + bytes
    }

    /// Nil where anything is amiss: then the scan is looked at again.
    init?(stored: [UInt8]) {
        guard let end = stored.firstIndex(of: 0x0A) else { return nil }
        let words = String(decoding: stored[..<end], as: UTF8.self).split(separator: " ").map(String.init)
        guard words.count == 4, words[0] == Self.schema, let verdict = ScanVerdict(rawValue: words[1]),
            Int(words[3]) == stored.count - end - 1
        else { return nil }
        let worst = Severity(rawValue: words[2])
        guard worst != nil || words[2] == "none" else { return nil }
        self.verdict = verdict
        self.worst = worst
        bytes = Array(stored[(end + 1)...])
    }
}
