import Marketplace
import Synchronization

/// Manifests that were read, by bundle. One order asks for the same one several times, and checking it against the
/// schema is most of reading it.
final class ManifestShelf: Sendable {
    static let shared = ManifestShelf()
    private static let countMax = 500

    private let kept = Mutex<[Marketplace.Digest: (text: JSONValue, manifest: Manifest)]>([:])

    func manifest(_ text: JSONValue, of bundle: Marketplace.Digest) throws -> Manifest {
        if let found = kept.withLock({ $0[bundle] }), found.text == text { return found.manifest }
        let manifest = try Manifest.parse(text.serializedBytes())
        kept.withLock { kept in
            if kept.count >= Self.countMax { kept = [:] }
            kept[bundle] = (text, manifest)
        }
        return manifest
    }
}
