public import Marketplace
internal import Provenance

/// SHA-256 for those who see archives and not keys.
public enum ContentDigest {
    public static func sha256(of bytes: [UInt8]) -> Digest { Digest.sha256(of: bytes) }

    public static func sha256(of text: String) -> Digest { Digest.sha256(of: text) }
}
