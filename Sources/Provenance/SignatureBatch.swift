// Ed25519 signatures checked together: a catalogue has seven of them a version, and one at a time they would cost more
// than everything else that is verified.
import CEd25519
import Crypto

/// Signatures that wait to be checked together. Only a yes says something: after a no, each is verified by itself.
public struct SignatureBatch {
    private var keys: [VerifyingKey] = []
    private var claims: [ced25519_claim] = []
    private var random = SystemRandomNumberGenerator()

    public init() {}

    /// Adds the envelope's signature by one of the keys.
    ///
    /// - Returns: `false` where there is no such signature of 64 bytes that names its key; nothing is added then.
    mutating func add(_ envelope: Envelope, by signers: [VerifyingKey]) -> Bool {
        for signature in envelope.signatures where signature.bytes.count == 64 {
            guard let key = signers.first(where: { $0.keyID == signature.keyID }) else { continue }
            let message = Envelope.preAuthenticationEncoding(
                payloadType: envelope.payloadType, payload: envelope.payload)
            add(signature.bytes, of: message, by: key)
            return true
        }
        return false
    }

    /// Adds a signature of 64 bytes.
    public mutating func add(_ signature: [UInt8], of message: [UInt8], by key: VerifyingKey) {
        precondition(signature.count == 64)
        let place =
            keys.firstIndex(of: key)
            ?? {
                keys.append(key)
                return keys.count - 1
            }()
        var hash = SHA512()
        hash.update(data: signature[..<32])
        hash.update(data: key.rawBytes)
        hash.update(data: message)
        var claim = ced25519_claim()
        withUnsafeMutableBytes(of: &claim.signature) { $0.copyBytes(from: signature) }
        let digest = hash.finalize()
        withUnsafeMutableBytes(of: &claim.hash) { into in digest.withUnsafeBytes { into.copyMemory(from: $0) }
        }
        claim.weight = (random.next(), random.next())
        claim.key = UInt32(place)
        claims.append(claim)
    }

    /// Whether every signature added is good.
    public func holds() -> Bool {
        let raw = keys.flatMap(\.rawBytes)
        return raw.withUnsafeBytes { bytes in
            bytes.withMemoryRebound(to: ced25519_key.self) { keys in
                ced25519_batch_holds(keys.baseAddress, keys.count, claims, claims.count)
            }
        }
    }
}
