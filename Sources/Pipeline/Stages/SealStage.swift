import Billing

/// `seal` of the nightly run.
struct SealStage: Stage {
    let name = "seal"
    let summary = "closes the segments of past days; a segment that a crash left open is completed first"

    func run(_ context: RunContext, progress: Progress) async throws(PipelineError) -> StageReport {
        try BillingRoom(context, progress: progress).step(name) {
            (night: BillingNight) throws(BillingError) in try night.seal()
        }
    }
}
