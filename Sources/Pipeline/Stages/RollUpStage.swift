import Billing

/// `roll-up` of the nightly run.
struct RollUpStage: Stage {
    let name = "roll-up"
    let summary = "sums usage by day, tenant, plugin and metric, each event once"

    func run(_ context: RunContext, progress: Progress) async throws(PipelineError) -> StageReport {
        try BillingRoom(context, progress: progress).step(name) {
            (night: BillingNight) throws(BillingError) in try night.rollUp()
        }
    }
}
