import Marketplace
import Provenance
import Registry
import Scanning

/// Builds the proof of a version from the files that the stages left: the publisher's statement, then one statement of
/// ours for each step, each naming the digest of the one before.
struct ProofMaker {
    let context: RunContext
    let attest: SigningKey

    /// Where a version's evidence stands in the public site, by the name of the report.
    static func publicPath(_ version: BookVersion, _ name: String) -> String {
        "\(version.path)/report/\(name)"
    }

    /// The reports that everybody may read.
    static let evidence = [
        "unpack.json", "sbom.cdx.json", "scan.json", "scan.sarif", "trial.json", "decision.json",
    ]

    /// The chain up to the decision, which does not depend on any page.
    func chain(for version: BookVersion) throws(PipelineError) -> [Envelope] {
        let signature = try Files.read(context.data.signature(version.bundle))
        let submission = try PipelineError.provenance { () throws(ProvenanceError) in
            try Envelope(parsing: signature)
        }
        var chain = [submission]
        try append(.unpack, ["unpack.json"], version, &chain)
        try append(.sbom, ["sbom.cdx.json"], version, &chain)
        try append(.scan, ["scan.json", "scan.sarif"], version, &chain)
        try append(.trial, ["trial.json"], version, &chain)
        try append(.decision, ["decision.json"], version, &chain)
        return chain
    }

    /// The log's entry of a listing: names the decision, which names all before it.
    func entry(for version: BookVersion, _ chain: [Envelope]) -> LogEntry {
        LogEntry(
            kind: .listed, plugin: version.plugin, version: version.version, subject: version.bundle,
            statement: chain[chain.count - 1].payloadDigest, time: version.listedAt)
    }

    /// The whole proof; `page` is the digest of the version's page, once that is known.
    func proof(
        for version: BookVersion, _ chain: [Envelope], log: TransparencyLog, page: Digest?
    ) throws(PipelineError) -> Proof {
        let artifacts = page.map {
            [ProofArtifact(name: "page", digest: $0, path: "\(version.path)/index.html")]
        }
        let listing = ProofLink(
            step: .listing, plugin: version.plugin, version: version.version, bundle: version.bundle,
            artifacts: (artifacts ?? []) + [
                ProofArtifact(name: "bundle", digest: version.bundle, path: "bundles/\(version.bundle).vfp")
            ], previous: chain[chain.count - 1].payloadDigest)
        guard let place = Proof.LogPlace(of: entry(for: version, chain), in: log) else {
            throw PipelineError(
                .incomplete, "\(version.plugin)@\(version.version) is not in the transparency log")
        }
        return Proof(chain: chain + [listing.statement.signed(with: [attest])], log: place)
    }

    private func append(
        _ step: ProofStep, _ names: [String], _ version: BookVersion, _ chain: inout [Envelope]
    ) throws(PipelineError) {
        var artifacts: [ProofArtifact] = []
        for name in names {
            let bytes = try Files.read(context.data.report(version.bundle, name))
            artifacts.append(
                ProofArtifact(name: name, digest: .sha256(of: bytes), path: Self.publicPath(version, name)))
        }
        let link = ProofLink(
            step: step, plugin: version.plugin, version: version.version, bundle: version.bundle,
            artifacts: artifacts, previous: chain[chain.count - 1].payloadDigest,
            details: try details(of: step, version.bundle))
        chain.append(link.statement.signed(with: [attest]))
    }

    /// What a reader of the statement wants to know without opening the report: by which rules and engine, on which
    /// back end, what was decided.
    private func details(of step: ProofStep, _ bundle: Digest) throws(PipelineError) -> JSONValue {
        switch step {
        case .scan:
            let scan = try Reports.scan(bundle, context.data)
            return [
                "ruleset": .string(scan.tool.ruleset), "yara": .string(scan.tool.yara),
                "scanner": .string(scan.tool.version), "verdict": .string(scan.verdict.rawValue),
            ]
        case .trial:
            let trial = try Reports.trial(bundle, context.data)
            return ["backEnd": .string(trial.backEnd), "complete": .bool(trial.complete)]
        case .decision:
            let bytes = try Files.read(context.data.report(bundle, "decision.json"))
            let decision = try PipelineError.provenance { () throws(ProvenanceError) in
                try Envelope(parsing: bytes)
            }
            guard let document = try? JSONValue.parse(decision.payload) else { return [:] }
            return [
                "verdict": document["verdict"] ?? .null, "decidedBy": document["decidedBy"] ?? .null,
                "policy": document["policy"] ?? .null,
            ]
        case .submission, .unpack, .sbom, .listing: return [:]
        }
    }
}
