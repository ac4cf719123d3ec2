// DSSE, the Dead Simple Signing Envelope (protocol 1.0.2): the signature is over the pre-authentication encoding of
// the exact payload type and the payload's exact bytes, so nothing is parsed before it is verified.
import FoundationEssentials
public import Marketplace

/// A payload with one or more Ed25519 signatures.
public struct Envelope: Hashable, Sendable {
    public struct Signature: Hashable, Sendable {
        public let keyID: String
        public let bytes: [UInt8]

        public init(keyID: String, bytes: [UInt8]) {
            self.keyID = keyID
            self.bytes = bytes
        }
    }

    public let payloadType: String
    public let payload: [UInt8]
    public let signatures: [Signature]

    public init(payloadType: String, payload: [UInt8], signatures: [Signature]) {
        self.payloadType = payloadType
        self.payload = payload
        self.signatures = signatures
    }

    /// What is signed: `DSSEv1 LEN(type) type LEN(payload) payload`, lengths in decimal bytes.
    public static func preAuthenticationEncoding(payloadType: String, payload: [UInt8]) -> [UInt8] {
        Array("DSSEv1 \(payloadType.utf8.count) \(payloadType) \(payload.count) ".utf8) + payload
    }

    /// Signs a payload with each of the keys, in the order of their ids.
    public static func sign(_ payload: [UInt8], payloadType: String, with keys: [SigningKey]) -> Envelope {
        let message = preAuthenticationEncoding(payloadType: payloadType, payload: payload)
        let signatures = keys.map { Signature(keyID: $0.keyID, bytes: $0.sign(message)) }
        return Envelope(
            payloadType: payloadType, payload: payload, signatures: signatures.sorted { $0.keyID < $1.keyID })
    }

    /// The payload, once at least `threshold` different keys of `keys` have signed it as exactly `payloadType`.
    @discardableResult
    public func verify(
        payloadType expected: String, keys: [VerifyingKey], threshold: Int = 1
    ) throws(ProvenanceError) -> [UInt8] {
        guard payloadType == expected else {
            throw ProvenanceError(
                .malformed, "envelope", "has the payload type \(payloadType), not \(expected)")
        }
        let message = Envelope.preAuthenticationEncoding(payloadType: payloadType, payload: payload)
        // A key counts once, whatever key ids the signatures claim: ids are hints, not authority.
        var good: [VerifyingKey] = []
        for key in keys where good.count < threshold && !good.contains(key) {
            let isGood = signatures.contains {
                ($0.keyID.isEmpty || $0.keyID == key.keyID) && key.isValid(signature: $0.bytes, for: message)
            }
            if isGood { good.append(key) }
        }
        guard threshold > 0, good.count >= threshold else {
            let known = Set(keys.map(\.keyID))
            if !signatures.contains(where: { known.contains($0.keyID) || $0.keyID.isEmpty }) {
                let named = signatures.map(\.keyID).joined(separator: ", ")
                throw ProvenanceError(.untrustedKey, "envelope", "is signed by no trusted key (\(named))")
            }
            throw ProvenanceError(
                .badSignature, "envelope", "has \(good.count) good signatures of \(threshold) needed")
        }
        return payload
    }

    /// SHA-256 of the payload: what the next link of a chain names.
    public var payloadDigest: Marketplace.Digest { .sha256(of: payload) }

    public var json: JSONValue {
        .object([
            "payload": .string(Data(payload).base64EncodedString()),
            "payloadType": .string(payloadType),
            "signatures": .array(
                signatures.map {
                    .object([
                        "keyid": .string($0.keyID), "sig": .string(Data($0.bytes).base64EncodedString()),
                    ])
                }),
        ])
    }

    public init(json: JSONValue) throws(ProvenanceError) {
        guard let type = json["payloadType"]?.stringValue, let text = json["payload"]?.stringValue,
            let payload = Data(base64Encoded: text), let list = json["signatures"]?.arrayValue
        else { throw ProvenanceError(.malformed, "envelope", "lacks payloadType, payload or signatures") }
        var signatures: [Signature] = []
        for item in list {
            guard let text = item["sig"]?.stringValue, let bytes = Data(base64Encoded: text) else {
                throw ProvenanceError(.malformed, "envelope", "has a signature that is not base64")
            }
            signatures.append(Signature(keyID: item["keyid"]?.stringValue ?? "", bytes: Array(bytes)))
        }
        self.init(payloadType: type, payload: Array(payload), signatures: signatures)
    }

    public init(parsing bytes: [UInt8]) throws(ProvenanceError) {
        try self.init(json: try JSONDocument.parse(bytes, "envelope"))
    }

    /// Compact JSON with sorted keys and a line feed.
    public var serializedBytes: [UInt8] { json.serializedBytes() + [0x0a] }
}

/// Parsing with this module's error.
enum JSONDocument {
    static func parse(_ bytes: [UInt8], _ subject: String, limitBytes: Int = 1 << 28) throws(ProvenanceError)
        -> JSONValue
    {
        do {
            return try JSONValue.parse(bytes, limits: JSONLimits(bytes: limitBytes))
        } catch {
            throw ProvenanceError(.malformed, subject, "is not JSON: \(error)")
        }
    }
}
