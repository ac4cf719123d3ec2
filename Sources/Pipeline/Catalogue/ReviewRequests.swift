import Foundation
import Marketplace
import Registry

/// Decisions that reviewers made in the runtime's pages: files in `reviews/`, each taken once, signed as if it had
/// been given on the command line, and removed. One that no longer fits (somebody else was faster) is told and dropped.
struct ReviewRequests {
    let context: RunContext

    private var folder: String { "\(context.data.root)/reviews" }

    /// Adds what was done to the stage's report.
    func take(into report: inout StageReport) throws(PipelineError) {
        guard Files.exists(folder) else { return }
        for name in Files.list(folder) where name.hasSuffix(".json") {
            let path = "\(folder)/\(name)"
            guard let request = try? JSONValue.parse(try Files.read(path)),
                request["schema"]?.stringValue == "veroforge.review-request/1",
                let id = request["submission"]?.stringValue.flatMap({ Digest(hex: $0) }),
                let verdict = request["decision"]?.stringValue, let reviewer = request["by"]?.stringValue
            else {
                report.failed += 1
                report.notes.append("\(path) is no reviewer's request")
                continue
            }
            if let only = context.options.id, only != id { continue }
            if context.options.dryRun {
                report.notes.append("would \(verdict) \(id.hex.prefix(12)) for \(reviewer)")
                continue
            }
            do throws(PipelineError) {
                let item = try PipelineError.translating { () throws(RegistryError) in
                    try context.registry.submission(id)
                }
                let moved = try ReviewDesk(context).decide(
                    item, verdict: verdict, reviewer: reviewer, reason: request["reason"]?.stringValue ?? "")
                report.done += 1
                report.notes.append("\(moved.title): \(verdict) by \(reviewer)")
            } catch {
                report.notes.append(
                    "\(id.hex.prefix(12)): \(verdict) by \(reviewer) was not taken: \(error.message)")
            }
            do { try FileManager.default.removeItem(atPath: path) } catch {
                throw PipelineError(.tryLater, "\(path) cannot be removed: \(error.localizedDescription)")
            }
        }
    }
}
