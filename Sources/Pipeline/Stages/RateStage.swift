import Billing

/// `rate` of the nightly run.
struct RateStage: Stage {
    let name = "rate"
    let summary = "puts frozen prices on quantities"

    func run(_ context: RunContext, progress: Progress) async throws(PipelineError) -> StageReport {
        try BillingRoom(context, progress: progress).step(name) {
            (night: BillingNight) throws(BillingError) in try night.rate()
        }
    }
}
