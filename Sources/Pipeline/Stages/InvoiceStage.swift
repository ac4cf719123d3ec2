import Billing

/// `invoice` of the nightly run.
struct InvoiceStage: Stage {
    let name = "invoice"
    let summary = "issues the numbered, chained invoices of a closed month"

    func run(_ context: RunContext, progress: Progress) async throws(PipelineError) -> StageReport {
        try BillingRoom(context, progress: progress).step(name) {
            (night: BillingNight) throws(BillingError) in
            try night.invoice()
        }
    }
}
