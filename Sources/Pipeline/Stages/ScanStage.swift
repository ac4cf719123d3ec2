import Marketplace
import Registry
import Scanning

/// `unpacked → scanned`: the static checks, in the confined worker; `scan.json`, SARIF and SBOM are written.
struct ScanStage: SubmissionStage {
    let name = "scan"
    let summary =
        "runs the static checks in a confined worker and writes scan.json, scan.sarif and sbom.cdx.json"
    let from = SubmissionState.unpacked

    func work(on submission: Submission, _ context: RunContext) async throws(PipelineError) -> Move {
        let bytes = try Files.read(context.data.inbox(submission.id))
        let scanner = try ScanRoom(context.programs, advisories: context.data.advisories)
        switch await scanner.scan(bytes, name: submission.title + ".vfp", asOf: context.now.day) {
        case .refused(let why), .incomplete(let why): return Move(.incomplete, "scan", why)
        case .done(let result):
            try Files.write(result.report.json(), to: context.data.report(submission.id, "scan.json"))
            try Files.write(result.sarif(), to: context.data.report(submission.id, "scan.sarif"))
            try Files.write(result.sbom, to: context.data.report(submission.id, "sbom.cdx.json"))
            guard result.report.verdict != .incomplete else {
                let why =
                    result.report.findings.first { $0.class == .incomplete }?.message
                    ?? "a check did not complete"
                return Move(.incomplete, "scan", why)
            }
            return Move(
                .scanned, "scanned",
                "\(result.report.verdict.rawValue), \(result.report.findings.count) findings.")
        }
    }
}
