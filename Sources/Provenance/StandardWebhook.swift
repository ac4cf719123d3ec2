// Webhooks signed as the Standard Webhooks specification says: HMAC-SHA-256 over `id.timestamp.body`.
import FoundationEssentials
public import Marketplace

/// Signs outgoing webhooks, and checks a signature.
public struct StandardWebhook: Sendable {
    private let key: [UInt8]

    /// The difference between a webhook's time and the receiver's clock beyond which it is refused.
    public static let toleranceMs: Int64 = 300_000

    /// A secret of 16 to 64 bytes; the specification advises 24 at least, and its own examples have 18.
    public init(key: [UInt8]) throws(ProvenanceError) {
        guard (16...64).contains(key.count) else {
            throw ProvenanceError(.malformed, "webhook secret", "has \(key.count) bytes, not 16 to 64")
        }
        self.key = key
    }

    /// A secret as it is handed out: `whsec_` and base64.
    public init(secret: String) throws(ProvenanceError) {
        guard secret.hasPrefix("whsec_"), let key = Data(base64Encoded: String(secret.dropFirst(6))) else {
            throw ProvenanceError(.malformed, "webhook secret", "is not whsec_ and base64")
        }
        try self.init(key: Array(key))
    }

    public var secret: String { "whsec_" + Data(key).base64EncodedString() }

    /// The headers of a delivery, sorted by name.
    public func headers(id: String, time: Instant, body: [UInt8]) -> [(name: String, value: String)] {
        [
            ("webhook-id", id), ("webhook-signature", signature(id: id, seconds: time.seconds, body: body)),
            ("webhook-timestamp", String(time.seconds)),
        ]
    }

    /// `v1,` and the base64 of the MAC.
    public func signature(id: String, seconds: Int64, body: [UInt8]) -> String {
        "v1," + Data(hmacSHA256(key: key, Array("\(id).\(seconds).".utf8) + body)).base64EncodedString()
    }

    /// Whether one of the signatures of the header (separated by blanks) is right and the time is near.
    public func isValid(id: String, timestamp: String, signatures: String, body: [UInt8], now: Instant)
        -> Bool
    {
        guard let seconds = Int64(timestamp),
            abs(now.seconds - seconds) * 1_000 <= StandardWebhook.toleranceMs
        else {
            return false
        }
        let expected = Array(signature(id: id, seconds: seconds, body: body).utf8)
        return signatures.split(separator: " ").contains { constantTimeEquals(Array($0.utf8), expected) }
    }
}
