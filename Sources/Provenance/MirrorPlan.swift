// What a mirror has to do to become the catalogue that it follows.

/// The difference between what a mirror holds and what the trusted targets describe.
public struct MirrorPlan: Hashable, Sendable {
    /// Paths to fetch, sorted: new or changed.
    public let fetch: [String]
    /// Paths to delete, sorted.
    public let remove: [String]
    /// The length of what is to be fetched, bytes.
    public let fetchBytes: Int

    public init(from held: [String: TUFFile], to wanted: [String: TUFFile]) {
        fetch = wanted.filter { held[$0.key] != $0.value }.keys.sorted()
        remove = held.keys.filter { wanted[$0] == nil }.sorted()
        fetchBytes = fetch.reduce(0) { $0 + (wanted[$1]?.length ?? 0) }
    }

    public var isEmpty: Bool { fetch.isEmpty && remove.isEmpty }
}
