import Billing

/// `settle` of the nightly run.
struct SettleStage: Stage {
    let name = "settle"
    let summary = "books 70/30 by cumulative target as invoices are collected"

    func run(_ context: RunContext, progress: Progress) async throws(PipelineError) -> StageReport {
        try BillingRoom(context, progress: progress).step(name) {
            (night: BillingNight) throws(BillingError) in try night.settle()
        }
    }
}
