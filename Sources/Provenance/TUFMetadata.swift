// The Update Framework's metadata (specification 1.0): what each role says, and the envelope it says it in. Files are
// compact JSON with sorted keys and a line feed; signatures are over the canonical JSON of `signed`.
public import Marketplace

/// Which keys stand for a role, and how many of them must sign.
public struct TUFRoleKeys: Hashable, Sendable {
    public let keyIDs: [String]
    public let threshold: Int

    public init(keyIDs: [String], threshold: Int) {
        self.keyIDs = keyIDs
        self.threshold = threshold
    }

    var json: JSONValue {
        .object([
            "keyids": .array(keyIDs.sorted().map { .string($0) }), "threshold": .integer(Int64(threshold)),
        ])
    }

    init(json: JSONValue?, _ subject: String) throws(ProvenanceError) {
        guard let json, let list = json["keyids"]?.arrayValue,
            let threshold = json["threshold"]?.integerValue,
            threshold >= 1
        else { throw ProvenanceError(.malformed, subject, "has a role without keyids or threshold") }
        let keyIDs = list.compactMap(\.stringValue)
        guard keyIDs.count == list.count, Set(keyIDs).count == keyIDs.count, keyIDs.count >= Int(threshold)
        else {
            throw ProvenanceError(.malformed, subject, "has a role whose keys cannot reach its threshold")
        }
        self.init(keyIDs: keyIDs, threshold: Int(threshold))
    }
}

/// A file as the metadata describes it.
public struct TUFFile: Hashable, Sendable {
    public let digest: Marketplace.Digest
    /// Bytes.
    public let length: Int

    public init(digest: Marketplace.Digest, length: Int) {
        self.digest = digest
        self.length = length
    }

    var json: JSONValue {
        .object(["length": .integer(Int64(length)), "hashes": .object(["sha256": .string(digest.hex)])])
    }

    init?(json: JSONValue) {
        guard let length = json["length"]?.integerValue, length >= 0,
            let digest = json["hashes"]?["sha256"]?.stringValue.flatMap({ Marketplace.Digest(hex: $0) })
        else { return nil }
        self.init(digest: digest, length: Int(length))
    }
}

/// A metadata file as another one describes it.
struct TUFMetaFile: Hashable, Sendable {
    let version: Int64
    let file: TUFFile

    var json: JSONValue {
        guard case .object(var members) = file.json else { return .null }
        members["version"] = .integer(version)
        return .object(members)
    }

    init(version: Int64, bytes: [UInt8]) {
        self.version = version
        file = TUFFile(digest: .sha256(of: bytes), length: bytes.count)
    }

    init(json: JSONValue?, _ subject: String) throws(ProvenanceError) {
        // Length and hash may be left out by the specification; this catalogue always writes them.
        guard let json, let version = json["version"]?.integerValue, version >= 1,
            let file = TUFFile(json: json)
        else {
            throw ProvenanceError(
                .malformed, subject, "describes a metadata file without version, length or hash")
        }
        self.version = version
        self.file = file
    }
}

/// The envelope of every metadata file.
struct TUFEnvelope {
    static let specVersion = "1.0.31"

    let name: String
    let signed: JSONValue
    let signatures: [(keyID: String, bytes: [UInt8])]
    /// The canonical JSON of `signed`: what is signed.
    private let message: [UInt8]

    /// Reads a file strictly: exactly the members there should be, in the one spelling this catalogue writes, so that
    /// no byte of it can change unnoticed.
    init(parsing bytes: [UInt8], name: String, type: String, strictly: Bool = true) throws(ProvenanceError) {
        let json = try JSONDocument.parse(bytes, name)
        guard let members = json.objectValue, Set(members.keys) == ["signatures", "signed"],
            let signed = members["signed"], let list = members["signatures"]?.arrayValue
        else { throw ProvenanceError(.malformed, name, "is not an object of signed and signatures") }
        guard signed["_type"]?.stringValue == type else {
            throw ProvenanceError(.malformed, name, "is not metadata of the type \(type)")
        }
        guard let spec = signed["spec_version"]?.stringValue, spec.hasPrefix("1.0.") else {
            throw ProvenanceError(
                .malformed, name, "is not written after version 1.0 of the TUF specification")
        }
        var signatures: [(String, [UInt8])] = []
        for item in list {
            guard let members = item.objectValue, Set(members.keys) == ["keyid", "sig"],
                let keyID = members["keyid"]?.stringValue, let hex = members["sig"]?.stringValue,
                let bytes = Hex.decode(hex)
            else {
                throw ProvenanceError(.malformed, name, "has a signature without keyid or hexadecimal sig")
            }
            guard !signatures.contains(where: { $0.0 == keyID }) else {
                throw ProvenanceError(.malformed, name, "is signed twice by the key \(keyID)")
            }
            signatures.append((keyID, bytes))
        }
        self.name = name
        self.signed = signed
        self.signatures = signatures
        message = try signed.canonicalBytes()
        if strictly, !TUFEnvelope.isSpelled(bytes, message, signatures),
            bytes != TUFEnvelope.serialized(signed, signatures)
        {
            throw ProvenanceError(.malformed, name, "is not spelled as it was written")
        }
    }

    static func make(_ signed: JSONValue, keys: [SigningKey]) throws(ProvenanceError) -> [UInt8] {
        let message = try signed.canonicalBytes()
        return serialized(
            signed, keys.sorted { $0.keyID < $1.keyID }.map { (keyID: $0.keyID, bytes: $0.sign(message)) })
    }

    /// Whether a file's bytes are the one spelling, where `signed` has no character that the canonical form leaves as it
    /// is and the file's form escapes: then its canonical bytes stand in the file, and need not be written a second time.
    private static func isSpelled(
        _ bytes: [UInt8], _ message: [UInt8], _ signatures: [(keyID: String, bytes: [UInt8])]
    ) -> Bool {
        let head = serialized(.null, signatures).dropLast("null}\n".utf8.count)
        return bytes.count == head.count + message.count + 2
            && bytes[head.indices].elementsEqual(head)
            && bytes[head.count...].starts(with: message) && bytes.suffix(2).elementsEqual([0x7d, 0x0a])
    }

    private static func serialized(_ signed: JSONValue, _ signatures: [(keyID: String, bytes: [UInt8])])
        -> [UInt8]
    {
        JSONValue.object([
            "signed": signed,
            "signatures": .array(
                signatures.map {
                    .object(["keyid": .string($0.keyID), "sig": .string(Hex.encode($0.bytes))])
                }),
        ]).serializedBytes() + [0x0a]
    }

    /// Requires the threshold of the role's keys; `everySignature` also refuses a signature that does not verify or
    /// is by no key of the role, even where the threshold is met without it.
    func verify(
        _ role: TUFRoleKeys, keys: [String: VerifyingKey], everySignature: Bool = false
    ) throws(ProvenanceError) {
        var good: Set<VerifyingKey> = []
        for signature in signatures {
            let key = role.keyIDs.contains(signature.keyID) ? keys[signature.keyID] : nil
            if let key, key.isValid(signature: signature.bytes, for: message) {
                good.insert(key)
            } else if everySignature {
                throw ProvenanceError(
                    .badSignature, name, "has a signature of \(signature.keyID) that does not verify")
            }
        }
        guard good.count >= role.threshold else {
            throw ProvenanceError(
                .badSignature, name, "has \(good.count) good signatures of \(role.threshold) needed")
        }
    }

    func version() throws(ProvenanceError) -> Int64 {
        guard let version = signed["version"]?.integerValue, version >= 1 else {
            throw ProvenanceError(.malformed, name, "has no version")
        }
        return version
    }

    func expires() throws(ProvenanceError) -> Instant {
        guard let expires = signed["expires"]?.stringValue.flatMap(Instant.init) else {
            throw ProvenanceError(.malformed, name, "has no time of expiry")
        }
        return expires
    }

    static func requireFresh(_ expires: Instant, _ name: String, asOf: Instant) throws(ProvenanceError) {
        guard asOf < expires else {
            throw ProvenanceError(
                .expired, name,
                "expired at \(expires), before \(asOf); whoever publishes it no longer signs, or holds it back"
            )
        }
    }
}

/// The root of trust: the keys of every role.
public struct TUFRoot: Sendable {
    public let version: Int64
    public let expires: Instant
    public let keys: [String: VerifyingKey]
    public let roles: [String: TUFRoleKeys]

    public init(version: Int64, expires: Instant, keys: [String: VerifyingKey], roles: [String: TUFRoleKeys])
    {
        self.version = version
        self.expires = expires
        self.keys = keys
        self.roles = roles
    }

    init(_ envelope: TUFEnvelope) throws(ProvenanceError) {
        version = try envelope.version()
        expires = try envelope.expires()
        var keys: [String: VerifyingKey] = [:]
        for (id, item) in envelope.signed["keys"]?.objectValue ?? [:] {
            guard item["keytype"]?.stringValue == "ed25519", item["scheme"]?.stringValue == "ed25519",
                let key = try? VerifyingKey(text: item["keyval"]?["public"]?.stringValue ?? "")
            else {
                throw ProvenanceError(.malformed, envelope.name, "holds a key that is not Ed25519: \(id)")
            }
            keys[id] = key
        }
        self.keys = keys
        var roles: [String: TUFRoleKeys] = [:]
        for name in ["root", "targets", "snapshot", "timestamp"] {
            let role = try TUFRoleKeys(json: envelope.signed["roles"]?[name], envelope.name)
            guard role.keyIDs.allSatisfy({ keys[$0] != nil }) else {
                throw ProvenanceError(
                    .malformed, envelope.name, "names a key for \(name) that it does not hold")
            }
            roles[name] = role
        }
        self.roles = roles
    }

    /// Reads a root file and verifies it by its own root role.
    public init(selfSigned bytes: [UInt8], name: String = "root.json") throws(ProvenanceError) {
        let envelope = try TUFEnvelope(parsing: bytes, name: name, type: "root")
        try self.init(envelope)
        try envelope.verify(role("root"), keys: keys, everySignature: false)
    }

    func role(_ name: String) -> TUFRoleKeys { roles[name]! }

    var json: JSONValue {
        .object([
            "_type": "root", "spec_version": .string(TUFEnvelope.specVersion), "version": .integer(version),
            "expires": .string(expires.description), "consistent_snapshot": false,
            "keys": .object(keys.mapValues(\.tufKey)), "roles": .object(roles.mapValues(\.json)),
        ])
    }

    public func signed(with keys: [SigningKey]) throws(ProvenanceError) -> [UInt8] {
        try TUFEnvelope.make(json, keys: keys)
    }
}

/// Bins that the targets are spread over by the hash of their path (TAP 15, succinct hash bin delegations).
struct TUFBins: Hashable, Sendable {
    static let prefix = "bin"
    let bitLength: Int
    let role: TUFRoleKeys

    var count: Int { 1 << bitLength }

    func name(_ bin: Int) -> String {
        let width = String(count - 1, radix: 16).count
        let text = String(bin, radix: 16)
        return "\(TUFBins.prefix)-" + String(repeating: "0", count: width - text.count) + text
    }

    func bin(of path: String) -> Int {
        let bytes = Marketplace.Digest.sha256(of: path).bytes
        let head = UInt32(bytes[0]) << 24 | UInt32(bytes[1]) << 16 | UInt32(bytes[2]) << 8 | UInt32(bytes[3])
        return Int(head >> UInt32(32 - bitLength))
    }

    /// More files than this are spread over bins.
    static let filesWithoutBinsMax = 2_000
    /// Always 256 bins: a snapshot may never stop describing a file that it once described, so the number is fixed.
    static let bitLength = 8
}

/// What the targets role, or one bin, signs: the published files.
struct TUFTargets: Sendable {
    let version: Int64
    let expires: Instant
    let files: [String: TUFFile]
    let bins: TUFBins?

    init(_ envelope: TUFEnvelope, mayDelegate: Bool) throws(ProvenanceError) {
        version = try envelope.version()
        expires = try envelope.expires()
        var files: [String: TUFFile] = [:]
        for (path, item) in envelope.signed["targets"]?.objectValue ?? [:] {
            guard let file = TUFFile(json: item) else {
                throw ProvenanceError(
                    .malformed, envelope.name, "describes \(path) without length or SHA-256")
            }
            files[path] = file
        }
        self.files = files
        guard let delegations = envelope.signed["delegations"] else {
            bins = nil
            return
        }
        guard mayDelegate, let succinct = delegations["succinct_roles"],
            let bits = succinct["bit_length"]?.integerValue, (1...32).contains(bits),
            succinct["name_prefix"]?.stringValue == TUFBins.prefix
        else { throw ProvenanceError(.malformed, envelope.name, "delegates in a way that is not known here") }
        bins = TUFBins(bitLength: Int(bits), role: try TUFRoleKeys(json: succinct, envelope.name))
    }

    static func json(
        version: Int64, expires: Instant, files: [String: TUFFile], bins: TUFBins? = nil,
        keys: [String: VerifyingKey] = [:]
    ) -> JSONValue {
        var members: [String: JSONValue] = [
            "_type": "targets", "spec_version": .string(TUFEnvelope.specVersion),
            "version": .integer(version),
            "expires": .string(expires.description), "targets": .object(files.mapValues(\.json)),
        ]
        if let bins, case .object(var succinct) = bins.role.json {
            succinct["bit_length"] = .integer(Int64(bins.bitLength))
            succinct["name_prefix"] = .string(TUFBins.prefix)
            members["delegations"] = .object([
                "keys": .object(keys.mapValues(\.tufKey)), "succinct_roles": .object(succinct),
            ])
        }
        return .object(members)
    }
}

/// What the snapshot role signs: the versions of the targets and of every bin.
struct TUFSnapshot: Sendable {
    let version: Int64
    let expires: Instant
    let meta: [String: TUFMetaFile]

    init(_ envelope: TUFEnvelope) throws(ProvenanceError) {
        version = try envelope.version()
        expires = try envelope.expires()
        var meta: [String: TUFMetaFile] = [:]
        for (name, item) in envelope.signed["meta"]?.objectValue ?? [:] {
            meta[name] = try TUFMetaFile(json: item, envelope.name)
        }
        guard meta["targets.json"] != nil else {
            throw ProvenanceError(.malformed, envelope.name, "does not describe targets.json")
        }
        self.meta = meta
    }

    static func json(version: Int64, expires: Instant, meta: [String: TUFMetaFile]) -> JSONValue {
        .object([
            "_type": "snapshot", "spec_version": .string(TUFEnvelope.specVersion),
            "version": .integer(version),
            "expires": .string(expires.description), "meta": .object(meta.mapValues(\.json)),
        ])
    }
}

/// What the timestamp role signs: the one snapshot that is current.
struct TUFTimestamp: Sendable {
    let version: Int64
    let expires: Instant
    let snapshot: TUFMetaFile

    init(_ envelope: TUFEnvelope) throws(ProvenanceError) {
        version = try envelope.version()
        expires = try envelope.expires()
        snapshot = try TUFMetaFile(json: envelope.signed["meta"]?["snapshot.json"], envelope.name)
    }

    static func json(version: Int64, expires: Instant, snapshot: TUFMetaFile) -> JSONValue {
        .object([
            "_type": "timestamp", "spec_version": .string(TUFEnvelope.specVersion),
            "version": .integer(version),
            "expires": .string(expires.description), "meta": .object(["snapshot.json": snapshot.json]),
        ])
    }
}
