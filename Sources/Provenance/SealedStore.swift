// Secrets at rest: ChaCha20-Poly1305 under the host's key. The name a value is stored under is authenticated with
// it, so a sealed value copied to another row does not open there.
import Crypto
import FoundationEssentials

/// Seals and opens small secrets: tenants' credentials, plugins' secrets, OAuth tokens.
public struct SealedStore: Sendable {
    private let key: SymmetricKey

    /// A store under a 32-byte key.
    public init(key: [UInt8]) throws(ProvenanceError) {
        guard key.count == 32 else {
            throw ProvenanceError(.malformed, "host key", "has \(key.count) bytes, not 32")
        }
        self.key = SymmetricKey(data: key)
    }

    /// Seals a value for one name, e.g. `tenant/acme/credential`. The first byte is the format's version; a random
    /// nonce follows, so sealing twice gives different bytes.
    public func seal(_ secret: [UInt8], for name: String) throws(ProvenanceError) -> [UInt8] {
        do {
            return [1]
                + Array(try ChaChaPoly.seal(secret, using: key, authenticating: Array(name.utf8)).combined)
        } catch {
            throw ProvenanceError(.cannotOpen, name, "could not be sealed")
        }
    }

    /// Opens what was sealed for the same name.
    public func open(_ sealed: [UInt8], for name: String) throws(ProvenanceError) -> [UInt8] {
        guard sealed.first == 1 else {
            throw ProvenanceError(.cannotOpen, name, "was sealed by a version that is not known here")
        }
        do {
            let box = try ChaChaPoly.SealedBox(combined: sealed.dropFirst())
            return Array(try ChaChaPoly.open(box, using: key, authenticating: Array(name.utf8)))
        } catch {
            throw ProvenanceError(
                .cannotOpen, name, "does not open: changed, or sealed under another key or name")
        }
    }
}
