public import Marketplace
public import Provenance
import Registry

/// `received → ingested | rejected`: the bytes are what was announced, the publisher signed them, and the manifest
/// is one.
struct IngestStage: SubmissionStage {
    let name = "ingest"
    let summary = "checks digest, signature, manifest and quotas of a received bundle"
    let from = SubmissionState.received

    func work(on submission: Submission, _ context: RunContext) async throws(PipelineError) -> Move {
        let bytes = try Files.read(context.data.inbox(submission.id))
        guard bytes.count <= PlatformLimits.BundleBytes.packedMax else {
            return Move(
                .rejected, "too-large",
                "the bundle is larger than \(PlatformLimits.BundleBytes.packedMax) bytes")
        }
        guard Digest.sha256(of: bytes) == submission.id else {
            return Move(.rejected, "digest", "the stored bytes do not have the digest \(submission.id)")
        }
        if let problem = try SubmissionSignature.problem(with: submission, context) {
            return Move(.rejected, "signature", problem)
        }
        let workshop = try Workshop(programs: context.programs)
        switch await workshop.inspect(bytes) {
        case .incomplete(let why): return Move(.incomplete, "worker", why)
        case .refused(let why): return Move(.rejected, "archive", why)
        case .done(let manifestBytes):
            let manifest: Manifest
            do {
                manifest = try Manifest.parse(manifestBytes)
            } catch {
                return Move(.rejected, "manifest", "plugin.json: \(error)")
            }
            do {
                try context.registry.checkIdentity(
                    of: submission.id, plugin: manifest.id, version: manifest.version)
                // Parsed strictly above; the same bytes parse again.
                let value = (try? JSONValue.parse(manifestBytes)) ?? .null
                return Move(
                    .ingested, "ingested", "Digest, signature and manifest hold.",
                    records: [.identity(manifest.id, manifest.version, manifest: value)])
            } catch  where error.code == .database {
                throw PipelineError(error)
            } catch {
                return Move(.rejected, "identity", error.description)
            }
        }
    }
}

/// The publisher's statement about a bundle: an in-toto statement in a DSSE envelope, detached from it.
public enum SubmissionSignature {
    /// What `plugin submit` writes beside the bundle.
    public static func sign(
        bundle: Digest, plugin: PluginID, version: Version, with key: SigningKey
    ) -> Envelope {
        ProofLink(
            step: .submission, plugin: plugin, version: version, bundle: bundle, artifacts: [], previous: nil
        ).statement.signed(with: [key])
    }

    /// Why the signature beside a submission does not hold; `nil` if it does.
    static func problem(with submission: Submission, _ context: RunContext) throws(PipelineError) -> String? {
        guard let bytes = try Files.readIfPresent(context.data.signature(submission.id)) else {
            return "there is no signature beside the bundle; sign it with `veroforge plugin submit`"
        }
        let keys = try PipelineError.translating { () throws(RegistryError) in
            try context.registry.keys(of: submission.publisher)
        }
        do {
            let envelope = try Envelope(parsing: bytes)
            try envelope.verify(payloadType: Statement.payloadType, keys: keys.map(\.key))
            let link = try ProofLink(statement: Statement(unverified: envelope))
            guard link.step == .submission, link.bundle == submission.id else {
                return "the signature is about another bundle (\(link.bundle))"
            }
            return nil
        } catch {
            return
                "the signature does not hold under any active key of \(submission.publisher): \(error.cause)"
        }
    }
}
