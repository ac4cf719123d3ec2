import Billing

/// `reconcile` of the nightly run.
struct ReconcileStage: Stage {
    let name = "reconcile"
    let summary = "reads the exported books back; what came in equals what went out, tolerance zero"

    func run(_ context: RunContext, progress: Progress) async throws(PipelineError) -> StageReport {
        try BillingRoom(context, progress: progress).step(name) {
            (night: BillingNight) throws(BillingError) in
            try night.reconcile()
        }
    }
}
