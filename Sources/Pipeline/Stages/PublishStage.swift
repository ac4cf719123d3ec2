import Foundation
import Marketplace
import Provenance
import Publishing
import Registry

/// `approved → listed`: proofs, the signed index, every page, one swap; then the rows say so. Publishing what is
/// public already changes no byte.
struct PublishStage: Stage {
    let name = "publish"
    let summary = "builds, checks and signs the site, swaps it in by one rename, lists what was approved"

    func run(_ context: RunContext, progress: Progress) async throws(PipelineError) -> StageReport {
        var report = StageReport(stage: name)
        let options = context.options
        let approved = try PipelineError.translating { () throws(RegistryError) in
            try context.registry.candidates(
                in: .approved, limit: options.limit, id: options.id, now: context.now)
        }
        if options.dryRun {
            report.notes = approved.map { "would list \($0.title)" }
            return report
        }
        let leases = try PipelineError.translating { () throws(RegistryError) in
            try context.registry.lease(
                in: .approved, limit: options.limit, id: options.id, owner: options.owner, now: context.now)
        }
        do throws(PipelineError) {
            for lease in leases { try keepBundle(lease.submission, context) }
            try await SitePress(context).publish(approved: leases.map(\.submission), progress: progress)
        } catch {
            // Nothing was listed: the next run takes the same items up at once, not when the leases end.
            for lease in leases { try? context.registry.release(lease) }
            throw error
        }
        for lease in leases {
            let isBeta = lease.submission.version?.isPrerelease == true
            _ = try PipelineError.translating { () throws(RegistryError) in
                try context.registry.advance(
                    lease, to: .listed, reason: TransitionReason("listed", "It stands in the catalogue."),
                    records: [.listing(channel: isBeta ? .beta : .stable, securityFix: false)], actor: name,
                    now: context.now)
            }
            report.done += 1
        }
        return report
    }

    private func keepBundle(_ submission: Submission, _ context: RunContext) throws(PipelineError) {
        let path = context.data.bundle(submission.id)
        guard !Files.exists(path) else { return }
        try Files.write(try Files.read(context.data.inbox(submission.id)), to: path)
    }
}

/// Makes the public site and the private pages from what the data directory holds.
struct SitePress {
    let context: RunContext

    init(_ context: RunContext) { self.context = context }

    func publish(approved: [Submission], progress: Progress) async throws(PipelineError) {
        let book = try CatalogueBook(context, approved: approved)
        let attest = try PipelineError.provenance { () throws(ProvenanceError) in
            try context.keys.signingKey(.attest)
        }
        let maker = ProofMaker(context: context, attest: attest)
        var log = try PipelineError.provenance { () throws(ProvenanceError) in
            try TransparencyLog(path: "\(context.data.root)/log/entries.jsonl")
        }
        var chains: [Digest: [Envelope]] = [:]
        // Oldest first: the log grows at its end, in an order that a later run repeats.
        for version in book.versions.sorted(by: {
            ($0.listedAt, $0.plugin.text) < ($1.listedAt, $1.plugin.text)
        }) {
            let chain = try maker.chain(for: version)
            chains[version.bundle] = chain
            let entry = maker.entry(for: version, chain)
            if log.index(of: entry) == nil {
                _ = try PipelineError.provenance { () throws(ProvenanceError) in try log.append(entry) }
            }
        }
        let statements = try LogStatements(context, attest: attest)
        for entry in statements.entries where log.index(of: entry) == nil {
            _ = try PipelineError.provenance { () throws(ProvenanceError) in try log.append(entry) }
        }
        var drafts: [Digest: Proof] = [:]
        for version in book.versions {
            drafts[version.bundle] = try maker.proof(
                for: version, chains[version.bundle] ?? [], log: log, page: nil)
        }
        let sdk = try SDKPackage(programs: context.programs, attest: attest).files()
        let (model, media) = try await SiteModelMaker(context: context, book: book)
            .model(proofs: drafts, sdk: sdk?.download)
        let staged = try stage(model, media + (sdk?.files ?? []), book, log, statements, progress)
        try seal(staged, book, maker, chains, log)
        try await PrivateDesk(context: context, book: book).write()
    }

    private func stage(
        _ model: SiteModel, _ others: [SiteFile], _ book: CatalogueBook, _ log: TransparencyLog,
        _ statements: LogStatements, _ progress: Progress
    ) throws(PipelineError) -> StagedSite {
        var files = others
        for version in book.versions {
            files.append(
                SiteFile(
                    path: "bundles/\(version.bundle).vfp",
                    contents: .file(path: context.data.bundle(version.bundle), sha256: version.bundle.hex)))
            for name in ProofMaker.evidence + ["rescan.json"] {
                let path = context.data.report(version.bundle, name)
                // A version that was never rescanned has no such report; the others are all there.
                if name == "rescan.json", !Files.exists(path) { continue }
                files.append(
                    SiteFile(
                        path: ProofMaker.publicPath(version, name), contents: .file(path: path, sha256: nil)))
            }
        }
        files.append(SiteFile("revocations.json", Revocations.file(book)))
        files += statements.files.map { SiteFile($0.path, $0.bytes) }
        do {
            let templates = try Templates(folder: context.programs.templates)
            return try SiteBuilder(templates: templates, program: try Self.program()).stage(
                model, extraFiles: files,
                later: book.versions.map { "\($0.path)/proof.json" } + [
                    CataloguePaths.log, CataloguePaths.checkpoint,
                ],
                in: context.data.site,
                progress: { done, all in progress.show("publish", done, all) })
        } catch {
            throw PipelineError(.findings, "the site was not built: \(error)")
        }
    }

    /// The digest of the program that runs: pages that another one made are made anew.
    private static func program() throws -> String {
        let path = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return try Digest.sha256(ofFile: path).digest.hex
    }

    /// Proofs over the finished pages, signed metadata over everything, then the swap.
    private func seal(
        _ staged: StagedSite, _ book: CatalogueBook, _ maker: ProofMaker, _ chains: [Digest: [Envelope]],
        _ log: TransparencyLog
    ) throws(PipelineError) {
        do {
            var signed: [GeneratedFile] = []
            for version in book.versions {
                let page = staged.files["\(version.path)/index.html"].flatMap { Digest(hex: $0.sha256) }
                let proof = try maker.proof(for: version, chains[version.bundle] ?? [], log: log, page: page)
                signed.append(GeneratedFile(path: "\(version.path)/proof.json", bytes: proof.serializedBytes))
            }
            let signer = try CatalogueSigner(store: context.keys, policy: policy)
            signed += signer.trustFiles(log: log, keys: try trustedKeys(book))
            let pages = staged.files.compactMap { path, record in
                Digest(hex: record.sha256).map { PublishedFile(path: path, digest: $0, length: record.bytes) }
            }
            let site = context.data.site
            let previous: (String) -> [UInt8]? = { try? Files.readIfPresent("\(site)/public/\($0)") }
            signed += CatalogueIndex.files(over: pages + signed.map(\.published), previous: previous)
            signed += try signer.metadataFiles(
                for: (pages + signed.map(\.published)).sorted { $0.path < $1.path }, now: context.now,
                previous: previous)
            let build = try staged.seal(adding: signed.map { SiteFile($0.path, $0.bytes) })
            try SiteSwap.publish(build, in: site)
        } catch let error as PipelineError {
            staged.abandon()
            throw error
        } catch {
            staged.abandon()
            throw PipelineError(.findings, "the site was not signed: \(error)")
        }
    }

    private var policy: CataloguePolicy {
        var policy = CataloguePolicy()
        let days = context.data.configuration.metadataDays
        policy.timestampDays = days
        policy.snapshotDays = max(policy.snapshotDays, days)
        policy.targetsDays = max(policy.targetsDays, days)
        return policy
    }

    private func trustedKeys(_ book: CatalogueBook) throws(PipelineError) -> TrustedKeys {
        var publishers: [PublisherID: [VerifyingKey]] = [:]
        for id in Set(book.versions.map(\.plugin.publisher)).sorted() {
            publishers[id] = try PipelineError.translating { () throws(RegistryError) in
                try context.registry.keys(of: id, includingRevoked: true).map(\.key)
            }
        }
        let attest = try PipelineError.provenance { () throws(ProvenanceError) in
            try context.keys.verifyingKey(.attest)
        }
        return TrustedKeys(attest: [attest], publishers: publishers)
    }
}

/// `revocations.json`: what runtimes must stop, with reason and evidence.
enum Revocations {
    static func file(_ book: CatalogueBook) -> [UInt8] {
        let rows = book.versions.compactMap { version -> JSONValue? in
            guard let revocation = version.revocation else { return nil }
            return [
                "plugin": .string(version.plugin.text), "version": .string(version.version.description),
                "sha256": .string(version.bundle.hex), "stage": .string(revocation.stage.rawValue),
                "at": .string(revocation.at.description), "reason": .string(revocation.reason),
                "evidence": .string(revocation.evidence),
            ]
        }
        let document: JSONValue = ["schema": "veroforge.revocations/1", "revocations": .array(rows)]
        return document.serializedBytes() + [0x0A]
    }
}
