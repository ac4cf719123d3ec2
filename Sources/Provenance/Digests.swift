// SHA-256 of bytes, of files, and piece by piece.
import Crypto
public import Marketplace

extension Marketplace.Digest {
    /// The SHA-256 of some bytes.
    public static func sha256(of bytes: [UInt8]) -> Marketplace.Digest {
        var hasher = Hasher256()
        hasher.update(bytes)
        return hasher.finalize()
    }

    /// The SHA-256 of a text's UTF-8 bytes.
    public static func sha256(of text: String) -> Marketplace.Digest {
        sha256(of: Array(text.utf8))
    }

    /// The SHA-256 and the length in bytes of a regular file, read in pieces.
    public static func sha256(
        ofFile path: String
    ) throws(ProvenanceError) -> (digest: Marketplace.Digest, length: Int) {
        var hasher = Hasher256()
        let length = try Files.stream(path) { hasher.update($0) }
        return (hasher.finalize(), length)
    }

    /// Whether two digests are equal, in time that does not depend on where they differ.
    public static func constantTimeEqual(_ left: Marketplace.Digest, _ right: Marketplace.Digest) -> Bool {
        constantTimeEquals(left.bytes, right.bytes)
    }
}

/// Whether two byte strings are equal, in time that depends on their lengths alone.
public func constantTimeEquals(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in left.indices { difference |= left[index] ^ right[index] }
    return difference == 0
}

/// A SHA-256 that is fed piece by piece.
public struct Hasher256: Sendable {
    private var state = SHA256()

    public init() {}

    public mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { state.update(bufferPointer: $0) }
    }

    public mutating func update(_ bytes: ArraySlice<UInt8>) {
        bytes.withUnsafeBytes { state.update(bufferPointer: $0) }
    }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        state.update(bufferPointer: bytes)
    }

    /// The digest of everything fed so far; the hasher can be fed on.
    public func finalize() -> Marketplace.Digest {
        Marketplace.Digest(bytes: state.finalize().withUnsafeBytes { Array($0) })!
    }
}

/// HMAC-SHA-256, as webhook signatures and token look-ups use it.
public func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    Array(HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key)))
}
