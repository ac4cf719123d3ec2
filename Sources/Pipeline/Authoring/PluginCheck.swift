import Foundation
public import Marketplace
import Provenance
import Scanning

/// `plugin check`: the marketplace's own scan and trial on the author's machine, through the same code.
public struct PluginCheck: Sendable {
    let programs: ProgramFiles
    let failOn: Severity

    public init(programs: ProgramFiles, failOn: String) throws(PipelineError) {
        guard let severity = Severity(rawValue: failOn) else {
            throw PipelineError(.usage, "--fail-on \(failOn) is none of info, low, medium, high, critical")
        }
        self.programs = programs
        self.failOn = severity
    }

    public func run(_ path: String, asOf: Instant) async throws(PipelineError) -> (
        text: String, code: ExitCode
    ) {
        let packed = try await PluginFolder.bundle(at: path, programs: programs)
        let scan: ScanReport
        switch await (try ScanRoom(programs, advisories: nil)).scan(
            packed.bytes, name: packed.name, asOf: asOf.day)
        {
        case .refused(let why), .incomplete(let why):
            return ("the scan did not complete: \(why)\n", .incomplete)
        case .done(let result): scan = result.report
        }
        let unpacked: UnpackedFiles
        switch await (try Workshop(programs: programs)).unpack(packed.bytes) {
        case .refused(let why), .incomplete(let why):
            return (TextWriter.write(scan) + "the trial did not begin: \(why)\n", .incomplete)
        case .done(let files): unpacked = files
        }
        let conductor = TrialConductor(isolation: try await TrialRoom.isolation(programs))
        let trial = await conductor.trial(
            packed.manifest, files: unpacked.byPath, bundle: Digest.sha256(of: packed.bytes))
        var lines = [
            "Trial on \(trial.backEnd): \(trial.runs.count) runs, \(trial.complete ? "complete" : "NOT COMPLETE")"
        ]
        for action in trial.runs.first?.actions ?? [] {
            lines.append(
                "  \(action.name): \(action.outcome), \(action.cpuMs) ms CPU, \(action.operations) operations"
            )
        }
        for finding in trial.findings {
            lines.append("  \(finding.severity.rawValue)  \(finding.rule)  \(finding.message)")
        }
        let trialCode: ExitCode =
            !trial.complete
            ? .incomplete : trial.findings.contains { $0.severity >= failOn } ? .findings : .done
        let code = ExitCode.worst([scan.exitCode(failOn: failOn), trialCode])
        return (TextWriter.write(scan) + lines.joined(separator: "\n") + "\n", code)
    }
}

/// Findings of a submission in lines, for its publisher.
public enum FindingLines {
    /// Every finding that counts, whole: severity, rule, place, message, and what to do about it.
    public static func ofSubmission(_ bundle: Digest, _ data: DataDirectory) -> [String] {
        let scan = (try? Reports.scan(bundle, data))?.findings ?? []
        let trial = (try? Reports.trial(bundle, data))?.findings ?? []
        let remedies = remedies(bundle, data)
        return (scan + trial).filter { $0.mode == .enforced }.map { finding in
            let place = finding.line > 0 ? "\(finding.file):\(finding.line)" : finding.file
            let remedy = remedies[finding.rule].map { "\n      remedy: \($0)" } ?? ""
            return
                "\(finding.severity.rawValue)  \(finding.rule)  \(place)  \(finding.message)  [\(finding.fingerprint.prefix(12))]\(remedy)"
        }
    }

    /// What each rule says is to be done, as the scan's SARIF carries it.
    private static func remedies(_ bundle: Digest, _ data: DataDirectory) -> [String: String] {
        guard let bytes = try? Files.readIfPresent(data.report(bundle, "scan.sarif")),
            let rules = (try? JSONValue.parse(bytes))?["runs"]?[0]?["tool"]?["driver"]?["rules"]?.arrayValue
        else { return [:] }
        var texts: [String: String] = [:]
        for rule in rules {
            if let id = rule["id"]?.stringValue, let text = rule["help"]?["text"]?.stringValue {
                texts[id] = text
            }
        }
        return texts
    }
}
