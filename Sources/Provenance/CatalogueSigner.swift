// Signing a catalogue: given every file of the site with its digest, the metadata files to add. Content that has not
// changed keeps its bytes, so that publishing the same site again changes nothing and a mirror fetches little.
public import Marketplace

/// A file of the site, by its path from the site's root.
public struct PublishedFile: Hashable, Sendable {
    public let path: String
    public let digest: Marketplace.Digest
    /// Bytes.
    public let length: Int

    public init(path: String, digest: Marketplace.Digest, length: Int) {
        self.path = path
        self.digest = digest
        self.length = length
    }

    public init(path: String, bytes: [UInt8]) {
        self.init(path: path, digest: .sha256(of: bytes), length: bytes.count)
    }
}

/// A file to be written into the site.
public struct GeneratedFile: Hashable, Sendable {
    public let path: String
    public let bytes: [UInt8]

    public init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }

    public var published: PublishedFile { PublishedFile(path: path, bytes: bytes) }
}

/// Where things lie in a published catalogue.
public enum CataloguePaths {
    public static let metadata = "metadata"
    public static let trustedKeys = "trust/keys.json"
    public static let log = "log/entries.jsonl"
    public static let checkpoint = "log/checkpoint.json"
    public static let proofName = "proof.json"

    static func metadata(_ name: String) -> String { "\(metadata)/\(name)" }
}

/// Signs a catalogue with the keys of a store.
public struct CatalogueSigner: Sendable {
    private let roots: [[UInt8]]
    private let root: TUFRoot
    private let targets: SigningKey
    private let snapshot: SigningKey
    private let timestamp: SigningKey
    private let attest: SigningKey
    private let policy: CataloguePolicy

    /// Takes the keys of `targets`, `snapshot`, `timestamp` and `attest`; the root key is not needed.
    public init(store: KeyStore, policy: CataloguePolicy = CataloguePolicy()) throws(ProvenanceError) {
        roots = try store.rootChain()
        guard let last = roots.last else {
            throw ProvenanceError(
                .missingKey, store.rootsFolder, "holds no root metadata; run `veroforge init`")
        }
        root = try TUFRoot(selfSigned: last, name: "\(roots.count).root.json")
        targets = try store.signingKey(.targets)
        snapshot = try store.signingKey(.snapshot)
        timestamp = try store.signingKey(.timestamp)
        attest = try store.signingKey(.attest)
        self.policy = policy
        for (role, key) in [("targets", targets), ("snapshot", snapshot), ("timestamp", timestamp)]
        where !root.role(role).keyIDs.contains(key.keyID) {
            throw ProvenanceError(
                .untrustedKey, store.folder,
                "the key of \(role) is not the one that the root names; sign a new root")
        }
    }

    /// The files of trust that belong into the site before it is signed: the keys, the log and its signed head.
    public func trustFiles(log: TransparencyLog, keys: TrustedKeys) -> [GeneratedFile] {
        [
            GeneratedFile(path: CataloguePaths.trustedKeys, bytes: keys.json.serializedBytes() + [0x0a]),
            GeneratedFile(path: CataloguePaths.log, bytes: log.bytes),
            GeneratedFile(
                path: CataloguePaths.checkpoint, bytes: log.checkpoint(signedBy: attest).serializedBytes),
        ]
    }

    /// The metadata files over all the other files of the site. `previous` gives a metadata file of the build before
    /// by its path, if there was one: versions count on from there, and what did not change is taken over.
    public func metadataFiles(
        for files: [PublishedFile], now: Instant, previous: (String) -> [UInt8]?
    ) throws(ProvenanceError) -> [GeneratedFile] {
        let listed = try checked(files)
        var result = roots.enumerated().map {
            GeneratedFile(path: CataloguePaths.metadata("\($0.offset + 1).root.json"), bytes: $0.element)
        }
        result.append(
            GeneratedFile(path: CataloguePaths.metadata("root.json"), bytes: roots[roots.count - 1]))
        var meta: [String: TUFMetaFile] = [:]
        func add(_ name: String, _ bytes: [UInt8], _ version: Int64) {
            result.append(GeneratedFile(path: CataloguePaths.metadata(name), bytes: bytes))
            meta[name] = TUFMetaFile(version: version, bytes: bytes)
        }

        let bins =
            listed.count > TUFBins.filesWithoutBinsMax || usesBins(previous)
            ? TUFBins(bitLength: TUFBins.bitLength, role: root.role("targets")) : nil
        if let bins {
            var spread = [[String: TUFFile]](repeating: [:], count: bins.count)
            for (path, file) in listed { spread[bins.bin(of: path)][path] = file }
            for (number, part) in spread.enumerated() {
                let name = bins.name(number) + ".json"
                let (bytes, version) = try renew(name, "targets", .targets, targets, now, previous) {
                    version, expires in
                    TUFTargets.json(version: version, expires: expires, files: part)
                }
                add(name, bytes, version)
            }
        }
        let top = try renew("targets.json", "targets", .targets, targets, now, previous) { version, expires in
            TUFTargets.json(
                version: version, expires: expires, files: bins == nil ? listed : [:], bins: bins,
                keys: bins == nil ? [:] : [targets.keyID: targets.verifyingKey])
        }
        add("targets.json", top.bytes, top.version)
        let described = meta
        let snap = try renew("snapshot.json", "snapshot", .snapshot, snapshot, now, previous) {
            version, expires in
            TUFSnapshot.json(version: version, expires: expires, meta: described)
        }
        let time = try renew("timestamp.json", "timestamp", .timestamp, timestamp, now, previous) {
            version, expires in
            TUFTimestamp.json(
                version: version, expires: expires,
                snapshot: TUFMetaFile(version: snap.version, bytes: snap.bytes))
        }
        result.append(GeneratedFile(path: CataloguePaths.metadata("snapshot.json"), bytes: snap.bytes))
        result.append(GeneratedFile(path: CataloguePaths.metadata("timestamp.json"), bytes: time.bytes))
        return result.sorted { $0.path < $1.path }
    }

    /// A catalogue that has been spread over bins stays so.
    private func usesBins(_ previous: (String) -> [UInt8]?) -> Bool {
        guard let bytes = previous(CataloguePaths.metadata("targets.json")),
            let old = try? TUFEnvelope(parsing: bytes, name: "targets.json", type: "targets")
        else { return false }
        return old.signed["delegations"] != nil
    }

    /// The file of the build before where its content, its key and its time still stand, else a newer version.
    private func renew(
        _ name: String, _ type: String, _ role: KeyRole, _ key: SigningKey, _ now: Instant,
        _ previous: (String) -> [UInt8]?, _ json: (Int64, Instant) -> JSONValue
    ) throws(ProvenanceError) -> (bytes: [UInt8], version: Int64) {
        var version: Int64 = 0
        if let bytes = previous(CataloguePaths.metadata(name)),
            let old = try? TUFEnvelope(parsing: bytes, name: name, type: type),
            let number = try? old.version(),
            let expires = try? old.expires(), number < 1 << 52
        {
            version = number
            let stands =
                old.signed == json(number, expires) && !policy.needsRenewal(role, expires: expires, now: now)
                && (try? old.verify(root.role(role.rawValue), keys: root.keys, everySignature: true)) != nil
            if stands { return (bytes, number) }
        }
        return (
            try TUFEnvelope.make(json(version + 1, policy.expiry(role, now: now)), keys: [key]), version + 1
        )
    }

    private func checked(_ files: [PublishedFile]) throws(ProvenanceError) -> [String: TUFFile] {
        var listed: [String: TUFFile] = [:]
        for file in files {
            let parts = file.path.split(separator: "/", omittingEmptySubsequences: false)
            guard !file.path.isEmpty, !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }),
                file.path.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f })
            else { throw ProvenanceError(.malformed, file.path, "is no path that a catalogue can hold") }
            guard parts[0] != CataloguePaths.metadata else {
                throw ProvenanceError(.conflict, file.path, "lies where the metadata lies")
            }
            guard
                listed.updateValue(TUFFile(digest: file.digest, length: file.length), forKey: file.path)
                    == nil
            else {
                throw ProvenanceError(.conflict, file.path, "is given twice")
            }
        }
        return listed
    }
}
