// The hash tree of RFC 6962 §2.1: leaves and nodes are hashed with different prefixes, so neither passes for the other.
public import Marketplace

/// An append-only list of leaves, and the proofs over it.
public struct MerkleTree: Sendable {
    /// `levels[0]` holds the leaf hashes; `levels[k]` the hashes of complete subtrees of 2ᵏ leaves.
    private var levels: [[Marketplace.Digest]] = [[]]

    public init() {}

    public init(leafHashes: [Marketplace.Digest]) {
        for hash in leafHashes { append(leafHash: hash) }
    }

    public var count: Int { levels[0].count }

    public static func leafHash(_ data: [UInt8]) -> Marketplace.Digest { .sha256(of: [0] + data) }

    public static func nodeHash(_ left: Marketplace.Digest, _ right: Marketplace.Digest) -> Marketplace.Digest
    {
        .sha256(of: [1] + left.bytes + right.bytes)
    }

    public func leafHash(at index: Int) -> Marketplace.Digest { levels[0][index] }

    public mutating func append(leafHash: Marketplace.Digest) {
        levels[0].append(leafHash)
        var level = 0
        while levels[level].count.isMultiple(of: 2) {
            let row = levels[level]
            let parent = MerkleTree.nodeHash(row[row.count - 2], row[row.count - 1])
            if levels.count == level + 1 { levels.append([]) }
            levels[level + 1].append(parent)
            level += 1
        }
    }

    public mutating func append(_ data: [UInt8]) { append(leafHash: MerkleTree.leafHash(data)) }

    /// The root over the first `size` leaves (all of them by default); of none it is the hash of nothing.
    public func root(size: Int? = nil) -> Marketplace.Digest {
        let size = size ?? count
        precondition(size <= count, "a tree has no root over leaves that it lacks")
        return size == 0 ? .sha256(of: [UInt8]()) : hash(from: 0, to: size)
    }

    /// The audit path of a leaf in the tree over the first `size` leaves, nearest sibling first (RFC 6962 §2.1.1).
    public func inclusionProof(of index: Int, size: Int? = nil) -> [Marketplace.Digest] {
        let size = size ?? count
        precondition(index >= 0 && index < size && size <= count, "the leaf is not in that tree")
        var proof: [Marketplace.Digest] = []
        var (from, to) = (0, size)
        while to - from > 1 {
            let split = from + MerkleTree.split(to - from)
            if index < split {
                proof.append(hash(from: split, to: to))
                to = split
            } else {
                proof.append(hash(from: from, to: split))
                from = split
            }
        }
        return proof.reversed()
    }

    /// Proof that the tree over the first `old` leaves is a prefix of the one over `size` (RFC 6962 §2.1.2).
    public func consistencyProof(from old: Int, to size: Int? = nil) -> [Marketplace.Digest] {
        let size = size ?? count
        precondition(old >= 0 && old <= size && size <= count, "the old tree is no prefix of the new one")
        guard old > 0, old < size else { return [] }
        var proof: [Marketplace.Digest] = []
        var (from, to, whole) = (0, size, true)
        while old != to {
            let split = from + MerkleTree.split(to - from)
            if old <= split {
                proof.append(hash(from: split, to: to))
                to = split
            } else {
                proof.append(hash(from: from, to: split))
                from = split
                whole = false
            }
        }
        if !whole { proof.append(hash(from: from, to: to)) }
        return proof.reversed()
    }

    /// Whether a leaf is at `index` of the tree with `size` leaves and this root.
    public static func verifyInclusion(
        leafHash: Marketplace.Digest, index: Int, size: Int, proof: [Marketplace.Digest],
        root: Marketplace.Digest
    ) -> Bool {
        guard index >= 0, index < size else { return false }
        var (node, last, hash) = (index, size - 1, leafHash)
        for sibling in proof {
            guard last > 0 else { return false }
            if node & 1 == 1 || node == last {
                hash = nodeHash(sibling, hash)
                while node & 1 == 0, node != 0 {
                    node >>= 1
                    last >>= 1
                }
            } else {
                hash = nodeHash(hash, sibling)
            }
            node >>= 1
            last >>= 1
        }
        return last == 0 && hash == root
    }

    /// Whether the tree with `oldRoot` over `old` leaves is a prefix of the one with `newRoot` over `new` leaves.
    public static func verifyConsistency(
        old: Int, oldRoot: Marketplace.Digest, new: Int, newRoot: Marketplace.Digest,
        proof: [Marketplace.Digest]
    ) -> Bool {
        guard old >= 0, old <= new else { return false }
        if old == new { return proof.isEmpty && oldRoot == newRoot }
        if old == 0 { return proof.isEmpty && oldRoot == .sha256(of: [UInt8]()) }
        var path = proof[...]
        var (node, last) = (old - 1, new - 1)
        while node & 1 == 1 {
            node >>= 1
            last >>= 1
        }
        // A complete old tree is itself the first node of the path.
        guard let first = node == 0 ? oldRoot : path.popFirst() else { return false }
        var (oldHash, newHash) = (first, first)
        for sibling in path {
            guard last > 0 else { return false }
            if node & 1 == 1 || node == last {
                oldHash = nodeHash(sibling, oldHash)
                newHash = nodeHash(sibling, newHash)
                while node & 1 == 0, node != 0 {
                    node >>= 1
                    last >>= 1
                }
            } else {
                newHash = nodeHash(newHash, sibling)
            }
            node >>= 1
            last >>= 1
        }
        return last == 0 && oldHash == oldRoot && newHash == newRoot
    }

    /// The hash of the subtree over `from ..< to`; complete subtrees come from the stored levels.
    private func hash(from: Int, to: Int) -> Marketplace.Digest {
        let size = to - from
        if size & (size - 1) == 0 {
            let level = size.trailingZeroBitCount
            if from.isMultiple(of: size), levels.count > level, from / size < levels[level].count {
                return levels[level][from / size]
            }
        }
        let split = from + MerkleTree.split(size)
        return MerkleTree.nodeHash(hash(from: from, to: split), hash(from: split, to: to))
    }

    /// The largest power of two below `size`.
    private static func split(_ size: Int) -> Int { 1 << (Int.bitWidth - 1 - (size - 1).leadingZeroBitCount) }
}
