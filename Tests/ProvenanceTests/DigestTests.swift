import Marketplace
import Provenance
import TestSupport
import Testing

@Suite struct DigestTests {
    /// FIPS 180-4's examples.
    @Test func digestsAreSHA256() throws {
        #expect(
            Digest.sha256(of: "abc").hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
        #expect(
            Digest.sha256(of: [UInt8]()).hex
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test func aFileHasTheDigestOfItsBytes() throws {
        let folder = TemporaryFolder()
        var random = SeededRandom(1)
        let content = (0..<700_001).map { _ in UInt8.random(in: 0...255, using: &random) }
        try folder.write("file", content)
        let (digest, length) = try Digest.sha256(ofFile: folder("file"))
        #expect(digest == .sha256(of: content))
        #expect(length == content.count)
        var hasher = Hasher256()
        for start in stride(from: 0, to: content.count, by: 977) {
            hasher.update(content[start..<min(start + 977, content.count)])
        }
        #expect(hasher.finalize() == digest)
    }

    @Test func aLinkOrAFolderIsNoFile() throws {
        let folder = TemporaryFolder()
        try folder.write("file", [1])
        #expect(throws: ProvenanceError.self) { try Digest.sha256(ofFile: folder.path) }
        #expect(throws: ProvenanceError.self) { try Digest.sha256(ofFile: folder("missing")) }
    }

    @Test func canonicalJSONHasOneSpelling() throws {
        let value = try JSONValue.parse("{ \"b\": [1, true, null], \"a\": \"q\\\"\\\\\\n\u{e9}\" }")
        #expect(
            String(decoding: try value.canonicalBytes(), as: UTF8.self)
                == "{\"a\":\"q\\\"\\\\\n\u{e9}\",\"b\":[1,true,null]}")
        #expect(throws: ProvenanceError.self) { try JSONValue.number(0.5).canonicalBytes() }
    }
}
