import Marketplace
import Provenance
import Testing

@Suite struct MerkleTreeTests {
    /// The leaves and roots that implementations of RFC 6962 share as test data.
    static let leaves = [
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    ].map { Hex.decode($0)! }
    static let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]

    @Test func rootsAreThoseOfRFC6962() {
        var tree = MerkleTree()
        #expect(tree.root().hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        for (leaf, root) in zip(Self.leaves, Self.roots) {
            tree.append(leaf)
            #expect(tree.root().hex == root)
        }
        for (index, root) in Self.roots.enumerated() { #expect(tree.root(size: index + 1).hex == root) }
    }

    /// The paths that RFC 6962 §2.1.3 draws for seven leaves.
    @Test func pathsAreThoseOfRFC6962() {
        let tree = MerkleTree(leafHashes: Self.leaves.prefix(7).map { MerkleTree.leafHash($0) })
        func leaf(_ index: Int) -> Digest { tree.leafHash(at: index) }
        func node(_ left: Digest, _ right: Digest) -> Digest { MerkleTree.nodeHash(left, right) }
        let (g, h, i, j) = (
            node(leaf(0), leaf(1)), node(leaf(2), leaf(3)), node(leaf(4), leaf(5)), leaf(6)
        )
        let (k, l) = (node(g, h), node(i, j))
        #expect(tree.inclusionProof(of: 0) == [leaf(1), h, l])
        #expect(tree.inclusionProof(of: 3) == [leaf(2), g, l])
        #expect(tree.inclusionProof(of: 4) == [leaf(5), j, k])
        #expect(tree.inclusionProof(of: 6) == [i, k])
        #expect(tree.consistencyProof(from: 3) == [leaf(2), leaf(3), g, l])
        #expect(tree.consistencyProof(from: 4) == [l])
        #expect(tree.consistencyProof(from: 6) == [i, j, k])
    }

    @Test func everyProofHoldsAndNoChangedOneDoes() {
        let size = 33
        let tree = MerkleTree(leafHashes: (0..<size).map { MerkleTree.leafHash([UInt8($0)]) })
        for end in 1...size {
            for index in 0..<end {
                let proof = tree.inclusionProof(of: index, size: end)
                func holds(_ leaf: Int, _ at: Int, _ of: Int, _ path: [Digest]) -> Bool {
                    MerkleTree.verifyInclusion(
                        leafHash: tree.leafHash(at: leaf), index: at, size: of, proof: path,
                        root: tree.root(size: end))
                }
                #expect(holds(index, index, end, proof))
                #expect(!holds(index, (index + 1) % end, end, proof) || end == 1)
                #expect(!holds((index + 1) % size, index, end, proof))
                #expect(!holds(index, index, end, proof + [tree.root()]))
                if !proof.isEmpty { #expect(!holds(index, index, end, Array(proof.dropLast()))) }
            }
            for old in 0...end {
                let proof = tree.consistencyProof(from: old, to: end)
                func holds(_ from: Int, _ root: Digest, _ path: [Digest]) -> Bool {
                    MerkleTree.verifyConsistency(
                        old: from, oldRoot: root, new: end, newRoot: tree.root(size: end), proof: path)
                }
                #expect(holds(old, tree.root(size: old), proof))
                if old > 0 {
                    #expect(!holds(old, .sha256(of: "other"), proof))
                    #expect(!holds(old, tree.root(size: old), proof + [tree.root()]))
                }
            }
        }
    }

    static func entry(_ number: Int) -> LogEntry {
        LogEntry(
            kind: .listed, plugin: PluginID("acme.plugin-\(number)"), version: Version(1, 0, UInt64(number)),
            subject: .sha256(of: "bundle \(number)"), statement: .sha256(of: "decision \(number)"),
            time: Instant(seconds: 1_700_000_000 + Int64(number)))
    }

    @Test func theLogGrowsAndReadsBack() throws {
        let folder = TemporaryFolder()
        var log = try TransparencyLog(path: folder("log"))
        for number in 0..<5 { #expect(try log.append(Self.entry(number)) == number) }
        #expect(try log.append(Self.entry(2)) == 2, "an entry that is there is not added again")
        // The same listing, tried again later after a crash, is the same fact; a second yank is a new one.
        let late = LogEntry(
            kind: .listed, plugin: Self.entry(2).plugin, version: Self.entry(2).version,
            subject: Self.entry(2).subject,
            statement: Self.entry(2).statement, time: Instant(seconds: 1_900_000_000))
        #expect(try log.append(late) == 2)
        #expect(Proof.LogPlace(of: late, in: log)?.entry == Self.entry(2))
        let again = try TransparencyLog(path: folder("log"))
        #expect(again.count == 5)
        #expect(again.tree.root() == log.tree.root())
        #expect(try TransparencyLog(parsing: log.bytes).tree.root() == log.tree.root())
    }

    @Test func aTornLastLineIsCutOff() throws {
        let folder = TemporaryFolder()
        var log = try TransparencyLog(path: folder("log"))
        try log.append(Self.entry(0))
        try folder.write("log", log.bytes + Self.entry(1).leaf.prefix(30))
        var again = try TransparencyLog(path: folder("log"))
        #expect(again.count == 1)
        try again.append(Self.entry(1))
        #expect(try TransparencyLog(path: folder("log")).count == 2)
    }

    @Test func anotherSpellingOfALineIsRefused() throws {
        let line = Self.entry(0).leaf
        #expect(throws: ProvenanceError.self) { try TransparencyLog(parsing: [0x20] + line + [0x0a]) }
        #expect(throws: ProvenanceError.self) { try TransparencyLog(parsing: line) }
    }
}
