public import Marketplace
import Provenance
public import Registry

/// Taking bundles in: the file and its signature are safe on disk before the row says that they are here.
public struct SubmissionDesk: Sendable {
    let context: RunContext

    public init(_ context: RunContext) { self.context = context }

    /// The same bytes again are a no-op and give the row that is there.
    public func receive(
        _ bundle: [UInt8], signature: [UInt8], publisher: PublisherID
    ) throws(PipelineError) -> (submission: Submission, isNew: Bool) {
        guard bundle.count <= PlatformLimits.BundleBytes.packedMax else {
            throw PipelineError(
                .usage,
                "the bundle has \(bundle.count) bytes; \(PlatformLimits.BundleBytes.packedMax) are the most")
        }
        // Asked first, so that a stranger's bytes are not stored for nobody.
        let owner = try PipelineError.translating { () throws(RegistryError) in
            try context.registry.publisher(publisher)
        }
        guard owner.state == .active else {
            throw PipelineError(
                .notFound, "\(publisher) is quarantined: \(owner.stateReason ?? "no reason on record")")
        }
        let digest = Digest.sha256(of: bundle)
        if !Files.exists(context.data.inbox(digest)) {
            try Files.write(bundle, to: context.data.inbox(digest))
        }
        if !Files.exists(context.data.signature(digest)) {
            try Files.write(signature, to: context.data.signature(digest))
        }
        let received = try PipelineError.translating { () throws(RegistryError) in
            try context.registry.receive(
                bundle: digest, byteCount: bundle.count, publisher: publisher, now: context.now)
        }
        return (received.submission, received.isNew)
    }

    /// Follows a submission to its end: runs the pipeline for it, or waits while another run has the pipeline.
    public func follow(_ id: Digest, progress: Progress) async throws(PipelineError) {
        let runner = try PipelineRunner("submission", programs: context.programs)
        var run = context
        run.options = RunOptions(id: id)
        while true {
            do {
                _ = try await runner.run(run, progress: progress)
                return
            } catch  where error.code == .tryLater {
                let item = try PipelineError.translating { () throws(RegistryError) in
                    try context.registry.submission(id)
                }
                guard item.state.isInMotion else { return }
                try? await Task.sleep(for: .milliseconds(500))
            }
        }
    }

    /// The exit code that a submission's state means for `submit --wait`.
    public static func exitCode(of state: SubmissionState) -> ExitCode {
        switch state {
        case .listed: .done
        case .held: .held
        case .rejected: .rejected
        case .incomplete: .incomplete
        case .yanked, .revoked: .notFound
        case .received, .ingested, .unpacked, .scanned, .tried, .approved: .tryLater
        }
    }
}
