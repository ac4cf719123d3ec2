import Billing

/// `report` of the nightly run.
struct ReportStage: Stage {
    let name = "report"
    let summary = "writes the night's totals and finance's tables"

    func run(_ context: RunContext, progress: Progress) async throws(PipelineError) -> StageReport {
        try BillingRoom(context, progress: progress).step(name) {
            (night: BillingNight) throws(BillingError) in try night.report()
        }
    }
}
