import Marketplace

/// Every stage by the name that the pipeline files use.
public enum StageList {
    public static let submission: [any Stage] = [
        IngestStage(), UnpackStage(), ScanStage(), TrialStage(), DecideStage(), PublishStage(),
    ]
    public static let nightly: [any Stage] = [
        SealStage(), RollUpStage(), RateStage(), InvoiceStage(), CollectStage(), SettleStage(), PayOutStage(),
        ReconcileStage(), ReportStage(), PublishStage(),
    ]

    public static let rescan: [any Stage] = [RescanStage(), MatchStage(), ActStage(), PublishStage()]
    static var all: [any Stage] { submission + nightly + rescan }

    static func stage(named name: String, of pipeline: String) throws(PipelineError) -> any Stage {
        guard let stage = all.first(where: { $0.name == name }) else {
            let known = Set(all.map(\.name)).sorted().joined(separator: ", ")
            throw PipelineError(
                .usage, "pipelines/\(pipeline).yaml names the stage \(name), which does not exist",
                remedy: "There are: \(known).")
        }
        return stage
    }
}
