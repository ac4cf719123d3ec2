import Marketplace
import Provenance

/// Ids of calls that carry a repetition key: the same key gives the same id, so that whatever happens between a call
/// and its answer, its usage counts once.
enum CallID {
    /// Other ids are UUIDs, or begin with an installation's id.
    static func isKeyed(_ id: String) -> Bool { id.utf8.first == UInt8(ascii: "k") }

    static func of(_ key: String, _ tenant: TenantID, _ request: APIRequest) -> String {
        let path = request.path.joined(separator: "/")
        let digest = Digest.sha256(of: "call\n\(tenant)\n\(path)\n\(key)\n")
        return "k" + Hex.encode(digest.bytes.prefix(16))
    }
}
