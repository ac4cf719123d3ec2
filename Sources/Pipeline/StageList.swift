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

    static func stage(named name: String, of pipeline: String) throws(PipelineError) -> any Stage {
        guard let stage = (submission + nightly).first(where: { $0.name == name }) else {
            let known = Set((submission + nightly).map(\.name)).sorted().joined(separator: ", ")
            throw PipelineError(
                .usage, "pipelines/\(pipeline).yaml names the stage \(name), which does not exist",
                remedy: "There are: \(known).")
        }
        return stage
    }
}
