// Walking a proof's chain: the first broken link is named, and so is every other.
public import Marketplace

/// Which keys may sign what.
public struct TrustedKeys: Sendable {
    /// The marketplace's attestation keys, the present one and earlier ones.
    public var attest: [VerifyingKey]
    /// Publishers' keys that ever signed a listed bundle.
    public var publishers: [PublisherID: [VerifyingKey]]

    public init(attest: [VerifyingKey], publishers: [PublisherID: [VerifyingKey]]) {
        self.attest = attest
        self.publishers = publishers
    }

    public var json: JSONValue {
        .object([
            "schema": "veroforge.trusted-keys/1",
            "attest": .array(attest.map(\.hex).sorted().map { .string($0) }),
            "publishers": .object(
                Dictionary(
                    uniqueKeysWithValues: publishers.map { id, keys in
                        (id.text, .array(keys.map(\.hex).sorted().map { .string($0) }))
                    })),
        ])
    }

    public init(json: JSONValue) throws(ProvenanceError) {
        func keys(_ value: JSONValue?) throws(ProvenanceError) -> [VerifyingKey] {
            var result: [VerifyingKey] = []
            for item in value?.arrayValue ?? [] {
                result.append(try VerifyingKey(text: item.stringValue ?? ""))
            }
            return result
        }
        guard json["schema"]?.stringValue == "veroforge.trusted-keys/1" else {
            throw ProvenanceError(.malformed, "keys.json", "has an unknown schema")
        }
        attest = try keys(json["attest"])
        publishers = [:]
        for (id, list) in json["publishers"]?.objectValue ?? [:] {
            guard let publisher = PublisherID(id) else {
                throw ProvenanceError(.malformed, "keys.json", "names the publisher \(id)")
            }
            publishers[publisher] = try keys(list)
        }
    }
}

extension Proof {
    /// Whether the chain holds once the signatures hold that are added to `signatures`: one of each link.
    ///
    /// - Returns: `false` where anything at all is amiss; `problems` says what.
    func holds(
        keys: TrustedKeys, log published: TransparencyLog, signatures: inout SignatureBatch,
        publishedDigest: (String) -> Marketplace.Digest?
    ) -> Bool {
        guard chain.count == ProofStep.allCases.count else { return false }
        var links: [ProofLink] = []
        var previous: Marketplace.Digest?
        for (step, envelope) in zip(ProofStep.allCases, chain) {
            guard let statement = try? Statement(unverified: envelope),
                let link = try? ProofLink(statement: statement), link.step == step, link.previous == previous
            else { return false }
            let first = links.first ?? link
            guard link.bundle == first.bundle, link.plugin == first.plugin, link.version == first.version,
                signatures.add(
                    envelope,
                    by: step == .submission ? keys.publishers[link.plugin.publisher] ?? [] : keys.attest)
            else { return false }
            for artifact in link.artifacts {
                if let path = artifact.path, publishedDigest(path) != artifact.digest { return false }
            }
            links.append(link)
            previous = envelope.payloadDigest
        }
        return logProblems(published, links).isEmpty
    }

    /// Everything that is wrong with the chain, first broken link first; empty when it holds. `publishedDigest` gives
    /// the digest of a file of the site, or `nil` where the site has no such file.
    public func problems(
        keys: TrustedKeys, log published: TransparencyLog?,
        publishedDigest: (String) -> Marketplace.Digest? = { _ in nil }, checkFiles: Bool = false
    ) -> [String] {
        var problems: [String] = []
        var previous: ProofLink?
        var previousDigest: Marketplace.Digest?
        let links = chain.map { envelope in
            Result { () throws(ProvenanceError) in try ProofLink(statement: Statement(unverified: envelope)) }
        }
        let found = links.compactMap { try? $0.get().step }
        let required = ProofStep.allCases
        for step in required where !found.contains(step) { problems.append("\(step.rawValue): is missing") }
        for (position, envelope) in chain.enumerated() {
            let link: ProofLink
            do throws(ProvenanceError) {
                link = try links[position].get()
                let signers =
                    link.step == .submission ? keys.publishers[link.plugin.publisher] ?? [] : keys.attest
                try envelope.verify(payloadType: Statement.payloadType, keys: signers)
            } catch {
                let name = position < required.count ? required[position].rawValue : "link \(position + 1)"
                problems.append("\(name): \(error.cause)")
                previousDigest = envelope.payloadDigest
                continue
            }
            let name = link.step.rawValue
            if link.previous != previousDigest {
                problems.append("\(name): does not continue the link before it")
            }
            if let previous {
                if link.step <= previous.step {
                    problems.append("\(name): stands after \(previous.step.rawValue)")
                }
                if link.bundle != previous.bundle || link.plugin != previous.plugin
                    || link.version != previous.version
                {
                    problems.append("\(name): is about another bundle than \(previous.step.rawValue)")
                }
            }
            for artifact in link.artifacts where checkFiles {
                guard let path = artifact.path else { continue }
                guard let digest = publishedDigest(path) else {
                    problems.append("\(name): \(path) is not published")
                    continue
                }
                if digest != artifact.digest {
                    problems.append("\(name): \(path) is not the file that was signed")
                }
            }
            previous = link
            previousDigest = envelope.payloadDigest
        }
        return problems + logProblems(published, links.map { try? $0.get() })
    }

    private func logProblems(_ published: TransparencyLog?, _ links: [ProofLink?]) -> [String] {
        var problems: [String] = []
        let hash = MerkleTree.leafHash(log.entry.leaf)
        if !MerkleTree.verifyInclusion(
            leafHash: hash, index: log.index, size: log.size, proof: log.path, root: log.root)
        {
            problems.append("log: the inclusion proof does not lead to its root")
        }
        if let published {
            if log.size > published.count || published.tree.root(size: log.size) != log.root {
                problems.append("log: the root is not one that the published log ever had")
            }
        }
        guard let index = links.firstIndex(where: { $0?.step == .decision }) else {
            return problems + ["log: names another decision"]
        }
        if chain[index].payloadDigest != log.entry.statement {
            problems.append("log: names another decision")
        }
        if let link = links[index] {
            if link.bundle != log.entry.subject || link.plugin != log.entry.plugin
                || link.version != log.entry.version
            {
                problems.append("log: the entry is about another bundle")
            }
        }
        if log.entry.kind != .listed { problems.append("log: the entry is not a listing") }
        return problems
    }
}
