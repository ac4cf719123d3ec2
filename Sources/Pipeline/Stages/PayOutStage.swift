import Billing

/// `pay-out` of the nightly run.
struct PayOutStage: Stage {
    let name = "pay-out"
    let summary = "pays shares whose hold is over, with statements and payout files"

    func run(_ context: RunContext, progress: Progress) async throws(PipelineError) -> StageReport {
        try BillingRoom(context, progress: progress).step(name) {
            (night: BillingNight) throws(BillingError) in try night.payOut()
        }
    }
}
