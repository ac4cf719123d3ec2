// The folder `keys/`: one private PEM file a role, mode 0600, in a folder with mode 0700. `host` is 32 random bytes
// that seal credentials. `root` may be moved away after `init`: only its public half is needed from then on.
import Crypto
import Glibc
import Marketplace

/// What a key of the marketplace may sign.
public enum KeyRole: String, CaseIterable, Sendable {
    case root, targets, snapshot, timestamp, attest
}

/// The marketplace's own keys on disk.
public struct KeyStore: Sendable {
    public let folder: String

    public init(folder: String) {
        self.folder = folder
    }

    /// Makes every key that is missing; leaves the ones that are there. A root key is made only in a new store, so
    /// that one moved away for safety does not come back as a stranger.
    public func createMissing() throws(ProvenanceError) {
        let isNew = !Files.exists(publicPath(.root))
        try Files.makeFolder(folder, mode: 0o700)
        for role in KeyRole.allCases where role != .root || isNew {
            if !Files.exists(path(role)) { try SigningKey().write(toFile: path(role)) }
            try writePublicHalf(role)
        }
        if !Files.exists(hostPath) {
            let bytes = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
            try Files.create(hostPath, Array((Hex.encode(bytes) + "\n").utf8), mode: 0o600)
        }
    }

    /// Stores a given key for a role; refuses to overwrite. Tests and restores use it.
    public func install(_ key: SigningKey, for role: KeyRole) throws(ProvenanceError) {
        try Files.makeFolder(folder, mode: 0o700)
        try key.write(toFile: path(role))
        try writePublicHalf(role)
    }

    public func signingKey(_ role: KeyRole) throws(ProvenanceError) -> SigningKey {
        guard Files.exists(path(role)) else {
            throw ProvenanceError(
                .missingKey, path(role),
                "is not here; run `veroforge init`, or bring the key back from where it is kept")
        }
        try refuseOpenMode(path(role))
        return try SigningKey(contentsOfFile: path(role))
    }

    /// The public half, which stays when the private one is moved away.
    public func verifyingKey(_ role: KeyRole) throws(ProvenanceError) -> VerifyingKey {
        if Files.exists(publicPath(role)) { return try VerifyingKey(contentsOfFile: publicPath(role)) }
        return try signingKey(role).verifyingKey
    }

    /// Whether the private key of a role is here.
    public func holds(_ role: KeyRole) -> Bool { Files.exists(path(role)) }

    /// The store of sealed values under `keys/host`.
    public func sealedStore() throws(ProvenanceError) -> SealedStore {
        guard Files.exists(hostPath) else {
            throw ProvenanceError(.missingKey, hostPath, "is not here; run `veroforge init`")
        }
        try refuseOpenMode(hostPath)
        let text = String(decoding: try Files.bytes(of: hostPath, limitBytes: 4096), as: UTF8.self)
        guard let bytes = Hex.decode(text.filter { !$0.isWhitespace }), bytes.count == 32 else {
            throw ProvenanceError(.malformed, hostPath, "is not 64 hexadecimal digits")
        }
        return try SealedStore(key: bytes)
    }

    public func path(_ role: KeyRole) -> String { "\(folder)/\(role.rawValue)" }
    public func publicPath(_ role: KeyRole) -> String { "\(folder)/\(role.rawValue).pub" }
    public var hostPath: String { "\(folder)/host" }

    private func writePublicHalf(_ role: KeyRole) throws(ProvenanceError) {
        guard !Files.exists(publicPath(role)), Files.exists(path(role)) else { return }
        let pem = try SigningKey(contentsOfFile: path(role)).verifyingKey.pem
        try Files.replace(publicPath(role), with: Array(pem.utf8))
    }

    private func refuseOpenMode(_ path: String) throws(ProvenanceError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw Files.failure(path, "cannot be examined") }
        guard status.st_mode & 0o077 == 0 else {
            throw ProvenanceError(.io, path, "can be read by others; run `chmod 600 \(path)`")
        }
    }
}
