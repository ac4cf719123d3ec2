import Billing

/// `collect` of the nightly run.
struct CollectStage: Stage {
    let name = "collect"
    let summary = "writes payment intents and matches what arrived"

    func run(_ context: RunContext, progress: Progress) async throws(PipelineError) -> StageReport {
        try BillingRoom(context, progress: progress).step(name) {
            (night: BillingNight) throws(BillingError) in
            try night.collect()
        }
    }
}
