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
    /// Everything that is wrong with the chain, first broken link first; empty when it holds.
    ///
    /// - Parameters:
    ///   - publishedDigest: the digest of a file of the site, or `nil` where the site has no such file; without it the
    ///     files that links name are not looked at.
    ///   - verify: throws where an envelope is signed by none of the keys. Who checks signatures together later takes
    ///     them here, and asks again with this default where one of them is not good.
    public func problems(
        keys: TrustedKeys, log published: TransparencyLog?,
        publishedDigest: ((String) -> Marketplace.Digest?)? = nil,
        verify: (Envelope, [VerifyingKey]) throws(ProvenanceError) -> Void = Statement.verify(_:keys:)
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
                try verify(envelope, signers)
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
            for artifact in link.artifacts {
                guard let publishedDigest, let path = artifact.path else { continue }
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
