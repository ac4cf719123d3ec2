import Marketplace
import Registry
public import Sandbox
import Scanning

/// `scanned → tried`: the plugin really runs, confined, against the simulated application.
struct TrialStage: SubmissionStage {
    let name = "trial"
    let summary = "runs the plugin in the sandbox against the simulated application and writes trial.json"
    let from = SubmissionState.scanned

    func work(on submission: Submission, _ context: RunContext) async throws(PipelineError) -> Move {
        let files = try await UnpackedCache.load(submission.id, context)
        let manifest = try ManifestStore.manifest(of: submission)
        let publisher = try PipelineError.translating { () throws(RegistryError) in
            try context.registry.publisher(submission.publisher)
        }
        let backEnd = context.data.configuration.isolationPolicy.backEnd(
            for: manifest.id, publisher.verifiedAt == nil ? .unverified : .verified)
        let conductor = TrialConductor(
            isolation: try await TrialRoom.isolation(context.programs, backEnd))
        let report = await conductor.trial(manifest, files: files.byPath, bundle: submission.id)
        try Files.write(report.json(), to: context.data.report(submission.id, "trial.json"))
        guard report.complete else {
            let why =
                report.findings.first { $0.class == .incomplete }?.message ?? "the trial did not complete"
            return Move(.incomplete, "trial", why)
        }
        return Move(.tried, "tried", "\(report.runs.count) runs, \(report.findings.count) findings.")
    }
}

/// Where trials run.
public enum TrialRoom {
    /// The back end asked for; where it does not work the trial does not take place.
    public static func isolation(
        _ programs: ProgramFiles, _ backEnd: BackEnd = .native
    ) async throws(PipelineError) -> any Isolation {
        guard Files.exists(programs.runner) else {
            throw PipelineError(
                .incomplete, "\(programs.runner) is missing", remedy: "Build it with `make build`.")
        }
        do {
            return try await Isolations.of(executable: programs.runner, seccompList: programs.seccompRunner)
                .isolation(backEnd)
        } catch {
            throw PipelineError(
                .incomplete, "the sandbox cannot be used: \(error)",
                remedy: "`veroforge sandbox doctor` says which back ends work here and what each lacks.")
        }
    }
}

/// Manifests as the registry keeps them.
enum ManifestStore {
    static func manifest(of submission: Submission) throws(PipelineError) -> Manifest {
        guard let value = submission.manifest else {
            throw PipelineError(.incomplete, "\(submission.id) has no manifest on record")
        }
        return try manifest(value, of: submission.title)
    }

    static func manifest(_ value: JSONValue, of title: String) throws(PipelineError) -> Manifest {
        do {
            return try Manifest.parse(value.serializedBytes())
        } catch {
            throw PipelineError(.incomplete, "the manifest of \(title) on record cannot be read: \(error)")
        }
    }
}
