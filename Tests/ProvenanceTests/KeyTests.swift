import Foundation
import Marketplace
import Provenance
import Testing

@Suite struct KeyTests {
    /// RFC 8032 §7.1, tests 1 to 3.
    static let vectors: [(seed: String, public: String, message: String, signature: String)] = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ]

    @Test(arguments: vectors.indices)
    func signaturesAreThoseOfRFC8032(_ index: Int) throws {
        let vector = Self.vectors[index]
        let key = try SigningKey(seed: Hex.decode(vector.seed)!)
        let message = Hex.decode(vector.message)!
        #expect(key.verifyingKey.hex == vector.public)
        #expect(Hex.encode(key.sign(message)) == vector.signature)
        #expect(key.verifyingKey.isValid(signature: Hex.decode(vector.signature)!, for: message))
        #expect(!key.verifyingKey.isValid(signature: Hex.decode(vector.signature)!, for: message + [0]))
    }

    @Test func keysArePEMThatReadsBack() throws {
        let key = fixedKey(7)
        let pem = key.verifyingKey.pem
        #expect(pem.hasPrefix("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA"))
        #expect(try VerifyingKey(text: pem) == key.verifyingKey)
        #expect(try VerifyingKey(text: key.verifyingKey.hex + "\n") == key.verifyingKey)
    }

    @Test func aKeyOfAnotherKindIsNamed() {
        let rsa =
            "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD9\n-----END PUBLIC KEY-----\n"
        #expect(throws: ProvenanceError.self) { try VerifyingKey(text: rsa) }
        #expect(throws: ProvenanceError.self) { try VerifyingKey(text: "hello") }
    }

    /// The id that python's securesystemslib computes for the key of RFC 8032's first test.
    @Test func keyIDIsTheOneTUFClientsCompute() throws {
        let key = try SigningKey(seed: Hex.decode(Self.vectors[0].seed)!)
        #expect(key.keyID == Digest.sha256(of: try key.verifyingKey.tufKey.canonicalBytes()).hex)
    }

    @Test func aStoreMakesEveryKeyOnceWithModeOwnerOnly() throws {
        let folder = TemporaryFolder()
        let store = KeyStore(folder: folder("keys"))
        try store.createMissing()
        let before = try KeyRole.allCases.map { try store.signingKey($0).keyID }
        try store.createMissing()
        #expect(try KeyRole.allCases.map { try store.signingKey($0).keyID } == before)
        #expect(Set(before).count == KeyRole.allCases.count)
        for name in ["root", "targets", "snapshot", "timestamp", "attest", "host"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder("keys/\(name)"))
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
        }
    }

    @Test func aRootKeyMovedAwayDoesNotComeBackAsAStranger() throws {
        let folder = TemporaryFolder()
        let store = KeyStore(folder: folder("keys"))
        try store.createMissing()
        let root = try store.verifyingKey(.root)
        try FileManager.default.removeItem(atPath: store.path(.root))
        try store.createMissing()
        #expect(!store.holds(.root))
        #expect(try store.verifyingKey(.root) == root)
        #expect(throws: ProvenanceError.self) { try store.signingKey(.root) }
    }

    @Test func aKeyThatOthersCanReadIsRefused() throws {
        let folder = TemporaryFolder()
        let store = KeyStore(folder: folder("keys"))
        try store.createMissing()
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: store.path(.targets))
        #expect(throws: ProvenanceError.self) { try store.signingKey(.targets) }
    }

    @Test func opensslReadsOurKeysAndWeReadIts() throws {
        let folder = TemporaryFolder()
        try SigningKey().write(toFile: folder("ours"))
        try #require(
            run("openssl", "pkey", "-in", folder("ours"), "-pubout", "-out", folder("ours.pub")) == 0)
        #expect(
            try VerifyingKey(contentsOfFile: folder("ours.pub"))
                == SigningKey(contentsOfFile: folder("ours")).verifyingKey)
        try #require(run("openssl", "genpkey", "-algorithm", "ed25519", "-out", folder("theirs")) == 0)
        #expect(try SigningKey(contentsOfFile: folder("theirs")).verifyingKey.rawBytes.count == 32)
    }

    @Test func sealedValuesOpenUnderTheirNameAndKeyOnly() throws {
        let store = try SealedStore(key: [UInt8](repeating: 1, count: 32))
        let sealed = try store.seal(bytes("secret"), for: "tenant/acme/credential")
        #expect(try store.open(sealed, for: "tenant/acme/credential") == bytes("secret"))
        #expect(try store.seal(bytes("secret"), for: "tenant/acme/credential") != sealed)
        #expect(throws: ProvenanceError.self) { try store.open(sealed, for: "tenant/other/credential") }
        let other = try SealedStore(key: [UInt8](repeating: 2, count: 32))
        #expect(throws: ProvenanceError.self) { try other.open(sealed, for: "tenant/acme/credential") }
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(throws: ProvenanceError.self) { try store.open(changed, for: "tenant/acme/credential") }
        }
    }
}

private func run(_ arguments: String...) -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { return -1 }
    process.waitUntilExit()
    return process.terminationStatus
}
