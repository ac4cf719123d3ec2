import Foundation
import Marketplace
import Provenance
import TestSupport
import Testing

@Suite struct CatalogueVerifierTests {
    @Test func anUntouchedCatalogueHolds() throws {
        let site = try SampleSite(versions: 5)
        try site.publish()
        let report = try site.verify()
        #expect(report.problems == [])
        #expect(report.holds && report.isPinned)
        #expect(report.proofsChecked == 5 && report.logSize == 5)
        #expect(
            try report.filesChecked + 6 - 1 == site.paths().count, "five metadata files and the copied root")
    }

    /// Every published file, one flipped bit at a seeded place: the file is named. `VEROFORGE_TEST_FULL` raises the count.
    @Test func anyFlippedByteIsNamed() throws {
        let site = try SampleSite()
        try site.publish()
        let full = ProcessInfo.processInfo.environment["VEROFORGE_TEST_FULL"] != nil
        var random = SeededRandom(6962)
        let paths = try site.paths()
        for round in 0..<(full ? 1_000 : 100) {
            // Each file in turn, so that every kind is met, then places at random.
            let path = paths[round % paths.count]
            let original = try site.folder.read("site/\(path)")
            var changed = original
            let index = Int.random(in: 0..<changed.count, using: &random)
            changed[index] ^= UInt8(1) << UInt8.random(in: 0...7, using: &random)
            try site.folder.write("site/\(path)", changed)
            let report = try site.verify()
            #expect(report.problems.contains { $0.path == path }, "\(path) byte \(index)")
            try site.folder.write("site/\(path)", original)
        }
        #expect(try site.verify().holds)
    }

    /// Metadata byte by byte (each seventh in the short run): no byte of it may change unnoticed, white space and signatures included.
    @Test func everyByteOfTheMetadataCounts() throws {
        let site = try SampleSite(versions: 1)
        try site.publish()
        let full = ProcessInfo.processInfo.environment["VEROFORGE_TEST_FULL"] != nil
        for path in ["metadata/root.json", "metadata/1.root.json", "metadata/timestamp.json"] {
            let original = try site.folder.read("site/\(path)")
            for index in stride(from: 0, to: original.count, by: full ? 1 : 7) {
                var changed = original
                changed[index] ^= [1, 0x20, 0x80][index % 3]
                try site.folder.write("site/\(path)", changed)
                #expect(try site.verify().problems.contains { $0.path == path }, "\(path) byte \(index)")
            }
            try site.folder.write("site/\(path)", original)
        }
    }

    @Test func aMissingAndAnUnsignedFileAreNamed() throws {
        let site = try SampleSite()
        try site.publish()
        try FileManager.default.removeItem(atPath: site.site + "/assets/site.css")
        try site.folder.write("site/extra/note.txt", [1])
        try site.folder.write("site/metadata/9.root.json", [1])
        try FileManager.default.createSymbolicLink(
            atPath: site.site + "/link.html", withDestinationPath: "index.html")
        let problems = try site.verify().problems
        #expect(
            problems.map(\.path) == [
                "link.html", "assets/site.css", "extra/note.txt", "metadata/9.root.json",
            ])
        #expect(problems.map(\.kind) == [.file, .file, .unsigned, .unsigned])
    }

    @Test func everyBrokenFileIsNamedNotOnlyTheFirst() throws {
        let site = try SampleSite()
        try site.publish()
        for path in ["index.html", "metadata/timestamp.json", "plugins/acme/tool/1.0.0/index.html"] {
            var content = try site.folder.read("site/\(path)")
            content[content.count / 2] ^= 1
            try site.folder.write("site/\(path)", content)
        }
        let paths = Set(try site.verify().problems.map(\.path))
        #expect(
            paths == [
                "metadata/timestamp.json", "index.html", "plugins/acme/tool/1.0.0/index.html",
                "plugins/acme/tool/1.0.0/proof.json",
            ], "the proof names the page that it was signed for as well")
    }

    @Test func metadataPastItsTimeIsNamed() throws {
        let site = try SampleSite()
        try site.publish()
        let report = try site.verify(asOf: SampleSite.start.adding(days: 8))
        #expect(report.problems.map(\.path) == ["metadata/timestamp.json"])
        #expect(report.problems[0].message.contains("expired at 2026-01-08T00:00:00Z"))
    }

    @Test func anotherCataloguesRootIsRefused() throws {
        let site = try SampleSite()
        try site.publish()
        #expect(try !site.verify(.key(fixedKey(99).verifyingKey)).holds)
        #expect(try site.verify(.rootFile(site.store.rootsFolder + "/1.root.json")).holds)
        let report = try site.verify(.firstUse)
        #expect(report.holds && !report.isPinned)
    }

    /// Someone who re-signs everything with other keys gains nothing against a pinned root.
    @Test func aWholeCatalogueUnderOtherKeysIsRefused() throws {
        let site = try SampleSite()
        try site.publish()
        let pin = try site.store.verifyingKey(.root)
        for role in KeyRole.allCases {
            for path in [site.store.path(role), site.store.publicPath(role)] {
                try FileManager.default.removeItem(atPath: path)
            }
        }
        try FileManager.default.removeItem(atPath: site.store.rootsFolder)
        try site.store.createMissing()
        try site.store.createRootMetadata(now: SampleSite.start)
        var forged = site
        forged.files["index.html"] = bytes("<!doctype html><title>Forged</title>")
        try forged.publish()
        #expect(try !site.verify(.key(pin)).holds)
    }

    @Test func aVersionTakenOutOfTheSiteIsMissedInTheLog() throws {
        var site = try SampleSite()
        site.files["plugins/acme/tool/1.1.0/proof.json"] = nil
        try site.publish()
        #expect(
            try site.verify().problems.map(\.description) == [
                "log/entries.jsonl: lists acme.tool 1.1.0 in entry 1, which has no proof in the site"
            ])
    }

    @Test(arguments: ProofStep.allCases)
    func aLinkTakenOutOfAProofIsNamed(_ step: ProofStep) throws {
        let site = try SampleSite(versions: 1)
        let proof = try Proof(parsing: site.files["plugins/acme/tool/1.0.0/proof.json"]!)
        let keys = TrustedKeys(
            attest: [try site.store.verifyingKey(.attest)],
            publishers: [SampleSite.publisher: [site.publisherKey.verifyingKey]])
        #expect(proof.problems(keys: keys, log: site.log) == [])
        let cut = Proof(
            chain: proof.chain.filter {
                (try? Statement(unverified: $0))?.predicateType != step.predicateType
            },
            log: proof.log)
        #expect(cut.problems(keys: keys, log: site.log).first == "\(step.rawValue): is missing")
    }

    @Test func aLinkSignedByTheWrongPartyIsNamed() throws {
        let site = try SampleSite(versions: 1)
        let proof = try Proof(parsing: site.files["plugins/acme/tool/1.0.0/proof.json"]!)
        // The publisher vouches for its own scan, the marketplace for the submission.
        let keys = TrustedKeys(
            attest: [site.publisherKey.verifyingKey],
            publishers: [SampleSite.publisher: [try site.store.verifyingKey(.attest)]])
        let problems = proof.problems(keys: keys, log: site.log)
        for step in ProofStep.allCases { #expect(problems.contains { $0.hasPrefix("\(step.rawValue):") }) }
    }

    @Test func aLinkFromAnotherVersionDoesNotFit() throws {
        let site = try SampleSite(versions: 2)
        let one = try Proof(parsing: site.files["plugins/acme/tool/1.0.0/proof.json"]!)
        let two = try Proof(parsing: site.files["plugins/acme/tool/1.1.0/proof.json"]!)
        let keys = TrustedKeys(
            attest: [try site.store.verifyingKey(.attest)],
            publishers: [SampleSite.publisher: [site.publisherKey.verifyingKey]])
        var chain = one.chain
        chain[3] = two.chain[3]
        let problems = Proof(chain: chain, log: one.log).problems(keys: keys, log: site.log)
        #expect(problems.contains("scan: does not continue the link before it"))
        #expect(problems.contains("scan: is about another bundle than sbom"))
        #expect(
            Proof(chain: one.chain, log: two.log).problems(keys: keys, log: site.log) == [
                "log: names another decision", "log: the entry is about another bundle",
            ])
    }
}
