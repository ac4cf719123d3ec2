// The chain of root metadata, kept beside the keys as `<folder>/roots/<N>.root.json`. The root key is needed to make
// the first and each later one, and for nothing else.
public import Marketplace

/// How long each role's signature is good for, in days, and when it is renewed.
public struct CataloguePolicy: Hashable, Sendable {
    public var rootDays = 365
    public var targetsDays = 90
    public var snapshotDays = 14
    /// How long a mirror can hold back news unnoticed.
    public var timestampDays = 7

    public init() {}

    func days(_ role: KeyRole) -> Int {
        switch role {
        case .root: rootDays
        case .targets, .attest: targetsDays
        case .snapshot: snapshotDays
        case .timestamp: timestampDays
        }
    }

    /// Metadata whose content stands is signed anew once half of its time is over.
    func needsRenewal(_ role: KeyRole, expires: Instant, now: Instant) -> Bool {
        now.adding(milliseconds: Int64(days(role)) * 43_200_000) >= expires
    }

    func expiry(_ role: KeyRole, now: Instant) -> Instant {
        // The specification's times have no fraction.
        Instant(seconds: now.seconds).adding(days: days(role))
    }
}

extension KeyStore {
    public var rootsFolder: String { "\(folder)/roots" }

    /// Makes the first root metadata if there is none yet; `init` calls it after `createMissing`.
    public func createRootMetadata(policy: CataloguePolicy = CataloguePolicy(), now: Instant)
        throws(ProvenanceError)
    {
        guard try rootChain().isEmpty else { return }
        let root = try signingKey(.root)
        try Files.makeFolder(rootsFolder, mode: 0o755)
        let bytes = try nextRoot(
            version: 1, rootKeys: [root.verifyingKey], threshold: 1, policy: policy, now: now
        )
        .signed(with: [root])
        try Files.replace("\(rootsFolder)/1.root.json", with: bytes)
    }

    /// Signs a new root with the present keys of the other roles, or with new root keys: needed when a key is rotated
    /// or the root nears its expiry. The old root keys sign as well, so that clients can follow.
    public func rotateRoot(
        signers old: [SigningKey], to new: [SigningKey], threshold: Int = 1,
        policy: CataloguePolicy = CataloguePolicy(), now: Instant
    ) throws(ProvenanceError) {
        let chain = try rootChain()
        guard let last = chain.last else {
            throw ProvenanceError(.missingKey, rootsFolder, "holds no root metadata; run `veroforge init`")
        }
        let present = try TUFRoot(selfSigned: last, name: "\(chain.count).root.json")
        let next = try nextRoot(
            version: present.version + 1, rootKeys: new.map(\.verifyingKey), threshold: threshold,
            policy: policy,
            now: now)
        var signers = new
        for key in old where !signers.contains(where: { $0.keyID == key.keyID }) { signers.append(key) }
        let bytes = try next.signed(with: signers)
        // What clients will do with it, before anyone is given it.
        _ = try TUFClient.follow(from: present, to: bytes, name: "\(next.version).root.json")
        try Files.replace("\(rootsFolder)/\(next.version).root.json", with: bytes)
    }

    /// Every root metadata file, version 1 first.
    public func rootChain() throws(ProvenanceError) -> [[UInt8]] {
        var chain: [[UInt8]] = []
        while Files.exists("\(rootsFolder)/\(chain.count + 1).root.json") {
            chain.append(
                try Files.bytes(of: "\(rootsFolder)/\(chain.count + 1).root.json", limitBytes: 1 << 20))
        }
        return chain
    }

    private func nextRoot(
        version: Int64, rootKeys: [VerifyingKey], threshold: Int, policy: CataloguePolicy, now: Instant
    ) throws(ProvenanceError) -> TUFRoot {
        var keys: [String: VerifyingKey] = [:]
        var roles: [String: TUFRoleKeys] = [:]
        for key in rootKeys { keys[key.keyID] = key }
        roles["root"] = TUFRoleKeys(keyIDs: rootKeys.map(\.keyID).sorted(), threshold: threshold)
        for role in [KeyRole.targets, .snapshot, .timestamp] {
            let key = try verifyingKey(role)
            keys[key.keyID] = key
            roles[role.rawValue] = TUFRoleKeys(keyIDs: [key.keyID], threshold: 1)
        }
        return TUFRoot(version: version, expires: policy.expiry(.root, now: now), keys: keys, roles: roles)
    }
}
