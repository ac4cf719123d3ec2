// Ed25519 keys. On disk they are PEM (PKCS #8 and SubjectPublicKeyInfo, RFC 8410), so `openssl` can make and read
// them; bare hexadecimal is read as well. A key's id is the one TUF clients compute: SHA-256 of the canonical JSON
// of the public key.
import Crypto
import FoundationEssentials
public import Marketplace

/// The public half: verifies signatures.
public struct VerifyingKey: Hashable, Sendable {
    /// The 32 bytes of RFC 8032.
    public let rawBytes: [UInt8]
    /// SHA-256 over the canonical JSON of `tufKey`, hexadecimal.
    public let keyID: String

    public init(rawBytes: [UInt8]) throws(ProvenanceError) {
        guard rawBytes.count == 32 else {
            throw ProvenanceError(.malformed, "public key", "has \(rawBytes.count) bytes, not 32")
        }
        self.rawBytes = rawBytes
        let key = "{\"public\":\"\(Hex.encode(rawBytes))\"}"
        keyID =
            Marketplace.Digest.sha256(
                of: "{\"keytype\":\"ed25519\",\"keyval\":\(key),\"scheme\":\"ed25519\"}"
            ).hex
    }

    /// Reads PEM (SubjectPublicKeyInfo) or 64 hexadecimal digits.
    public init(text: String) throws(ProvenanceError) {
        try self.init(rawBytes: KeyText.decode(text, label: "PUBLIC KEY", prefix: KeyText.publicPrefix))
    }

    /// Reads a public key file; a private key file gives its public half.
    public init(contentsOfFile path: String) throws(ProvenanceError) {
        let text = String(decoding: try Files.bytes(of: path, limitBytes: 1 << 16), as: UTF8.self)
        do {
            if text.contains("PRIVATE KEY") {
                self = try SigningKey(text: text).verifyingKey
            } else {
                try self.init(text: text)
            }
        } catch {
            throw ProvenanceError(error.code, path, error.cause)
        }
    }

    public var hex: String { Hex.encode(rawBytes) }
    public var pem: String { KeyText.encode(KeyText.publicPrefix + rawBytes, label: "PUBLIC KEY") }

    /// The key as TUF metadata holds it.
    public var tufKey: JSONValue {
        .object([
            "keytype": .string("ed25519"), "scheme": .string("ed25519"),
            "keyval": .object(["public": .string(hex)]),
        ])
    }

    public func isValid(signature: [UInt8], for message: [UInt8]) -> Bool {
        guard signature.count == 64, let key = try? Curve25519.Signing.PublicKey(rawRepresentation: rawBytes)
        else {
            return false
        }
        return key.isValidSignature(signature, for: message)
    }
}

/// The private half: signs. Never printed, never encoded by accident.
public struct SigningKey: Sendable, CustomStringConvertible {
    private let key: Curve25519.Signing.PrivateKey

    /// A new key from the system's randomness.
    public init() {
        key = Curve25519.Signing.PrivateKey()
    }

    /// The key of a 32-byte seed (RFC 8032); tests make their keys this way.
    public init(seed: [UInt8]) throws(ProvenanceError) {
        guard seed.count == 32, let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else {
            throw ProvenanceError(.malformed, "private key", "has \(seed.count) bytes, not 32")
        }
        self.key = key
    }

    /// Reads PEM (PKCS #8) or 64 hexadecimal digits.
    public init(text: String) throws(ProvenanceError) {
        try self.init(seed: KeyText.decode(text, label: "PRIVATE KEY", prefix: KeyText.privatePrefix))
    }

    public init(contentsOfFile path: String) throws(ProvenanceError) {
        let bytes = try Files.bytes(of: path, limitBytes: 1 << 16)
        do {
            try self.init(text: String(decoding: bytes, as: UTF8.self))
        } catch {
            throw ProvenanceError(error.code, path, error.cause)
        }
    }

    /// Writes the private key (mode 0600); refuses to overwrite.
    public func write(toFile path: String) throws(ProvenanceError) {
        guard !Files.exists(path) else {
            throw ProvenanceError(.conflict, path, "is there already; a key is never overwritten")
        }
        try Files.create(path, Array(pem.utf8), mode: 0o600)
    }

    public var verifyingKey: VerifyingKey {
        // An Ed25519 public key always has 32 bytes.
        try! VerifyingKey(rawBytes: Array(key.publicKey.rawRepresentation))
    }

    public var keyID: String { verifyingKey.keyID }

    /// The private key as PEM: for the key file, nothing else.
    var pem: String { KeyText.encode(KeyText.privatePrefix + seed, label: "PRIVATE KEY") }
    var seed: [UInt8] { Array(key.rawRepresentation) }

    /// A deterministic Ed25519 signature: the same message gives the same 64 bytes.
    public func sign(_ message: [UInt8]) -> [UInt8] {
        // Signing fails only when memory does.
        try! Array(key.signature(for: message))
    }

    public var description: String { "SigningKey(\(keyID))" }
}

/// The two spellings of a key on disk.
private enum KeyText {
    // RFC 8410: the DER before the 32 key bytes is constant for Ed25519.
    static let publicPrefix: [UInt8] = [
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
    ]
    static let privatePrefix: [UInt8] = [
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    ]

    static func encode(_ der: [UInt8], label: String) -> String {
        "-----BEGIN \(label)-----\n\(Data(der).base64EncodedString())\n-----END \(label)-----\n"
    }

    static func decode(_ text: String, label: String, prefix: [UInt8]) throws(ProvenanceError) -> [UInt8] {
        let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmed }.filter { !$0.isEmpty }
        if lines.count == 1, lines[0].utf8.count == 64, let bytes = Hex.decode(lines[0].lowercased()) {
            return bytes
        }
        guard lines.count >= 3, lines.first == "-----BEGIN \(label)-----",
            lines.last == "-----END \(label)-----",
            let der = Data(base64Encoded: lines[1..<(lines.count - 1)].joined())
        else {
            throw ProvenanceError(
                .malformed, "key", "is neither 64 hexadecimal digits nor PEM with the label \(label)")
        }
        guard der.count == prefix.count + 32, Array(der.prefix(prefix.count)) == prefix else {
            throw ProvenanceError(
                .malformed, "key", "is not an Ed25519 key; make one with `openssl genpkey -algorithm ed25519`"
            )
        }
        return Array(der.suffix(32))
    }
}

extension Substring {
    fileprivate var trimmed: String {
        var part = self
        while let first = part.first, first.isWhitespace { part.removeFirst() }
        while let last = part.last, last.isWhitespace { part.removeLast() }
        return String(part)
    }
}
