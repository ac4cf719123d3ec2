// Between bytes, blobs and the sealed store.
import Foundation
import Provenance

extension Registry {
    static func seal(_ secret: [UInt8], _ name: String, _ store: SealedStore) throws(RegistryError) -> [UInt8]
    {
        do { return try store.seal(secret, for: name) } catch {
            throw RegistryError(.provenance, error.subject, error.cause)
        }
    }

    static func unseal(_ sealed: [UInt8], _ name: String, _ store: SealedStore) throws(RegistryError)
        -> [UInt8]
    {
        do { return try store.open(sealed, for: name) } catch {
            throw RegistryError(.provenance, error.subject, error.cause)
        }
    }

    static func blob(_ bytes: [UInt8]) -> Data { Data(bytes) }
    static func bytes(_ blob: Data) -> [UInt8] { [UInt8](blob) }
}
