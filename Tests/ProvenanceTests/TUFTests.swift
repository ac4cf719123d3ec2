import Foundation
import Marketplace
import Provenance
import Testing

@Suite struct TUFTests {
    static func client(_ site: SampleSite) throws -> TUFClient {
        try TUFClient(state: .init(pinnedRoot: try site.store.rootChain()[0]))
    }

    static func refresh(_ client: inout TUFClient, _ site: SampleSite, now: Instant = SampleSite.start) throws
        -> Bool
    {
        try client.refresh(now: now) { path throws(ProvenanceError) in site.fetch(path) }
    }

    static func code(_ body: () throws -> Void) -> ProvenanceError.Code? {
        do {
            try body()
            return nil
        } catch { return (error as? ProvenanceError)?.code }
    }

    @Test func aClientLearnsEveryFile() throws {
        let site = try SampleSite()
        try site.publish()
        var client = try Self.client(site)
        #expect(try Self.refresh(&client, site))
        #expect(try !Self.refresh(&client, site), "nothing new the second time")
        let file = try client.file("index.html", now: SampleSite.start) { path throws(ProvenanceError) in
            site.fetch(path)
        }
        #expect(file?.digest == .sha256(of: site.files["index.html"]!))
        let all = try client.allFiles(now: SampleSite.start) { path throws(ProvenanceError) in
            site.fetch(path)
        }
        #expect(Set(site.files.keys).isSubset(of: all.keys))
    }

    @Test func publishingTheSameSiteAgainChangesNoByte() throws {
        let site = try SampleSite()
        let first = try site.publish()
        #expect(try site.publish(now: SampleSite.start.adding(days: 3)) == first)
    }

    @Test func theTimestampIsRenewedInTimeAndTheTargetsStay() throws {
        let site = try SampleSite()
        let first = try site.publish()
        let later = try site.publish(now: SampleSite.start.adding(days: 4))
        let changed = zip(first, later).filter { $0 != $1 }.map(\.0.path)
        #expect(changed == ["metadata/timestamp.json"])
        #expect(try site.verify(asOf: SampleSite.start.adding(days: 10)).holds)
    }

    @Test func rollbackIsRefused() throws {
        var site = try SampleSite()
        try site.publish()
        let old = try FileManager.default.subpathsOfDirectory(atPath: site.site + "/metadata")
        let kept = try Dictionary(
            uniqueKeysWithValues: old.map { ($0, try site.folder.read("site/metadata/\($0)")) })
        site.files["index.html"] = bytes("<!doctype html><title>New</title>")
        try site.publish(now: SampleSite.start.adding(seconds: 60))
        var client = try Self.client(site)
        _ = try Self.refresh(&client, site)
        // The whole old build is put back, every signature good.
        for (name, content) in kept { try site.folder.write("site/metadata/\(name)", content) }
        #expect(Self.code { _ = try Self.refresh(&client, site) } == .rollback)
        // The client's state survives a restart, and so does its memory.
        var again = try TUFClient(state: client.state)
        #expect(Self.code { _ = try Self.refresh(&again, site) } == .rollback)
    }

    @Test func freezeIsRefusedOnceTheTimestampExpires() throws {
        let site = try SampleSite()
        try site.publish()
        var client = try Self.client(site)
        _ = try Self.refresh(&client, site, now: SampleSite.start.adding(days: 6))
        #expect(
            Self.code { _ = try Self.refresh(&client, site, now: SampleSite.start.adding(days: 7)) }
                == .expired)
    }

    @Test func mixAndMatchIsRefused() throws {
        var site = try SampleSite()
        try site.publish()
        let targets = try site.folder.read("site/metadata/targets.json")
        let snapshot = try site.folder.read("site/metadata/snapshot.json")
        site.files["index.html"] = bytes("<!doctype html><title>New</title>")
        try site.publish()
        var client = try Self.client(site)
        let good = try site.folder.read("site/metadata/targets.json")
        try site.folder.write("site/metadata/targets.json", targets)
        #expect(Self.code { _ = try Self.refresh(&client, site) } == .mismatch)
        try site.folder.write("site/metadata/targets.json", good)
        try site.folder.write("site/metadata/snapshot.json", snapshot)
        #expect(Self.code { _ = try Self.refresh(&client, site) } == .mismatch)
    }

    /// The keys of snapshot and timestamp, as they lie on the machine that signs every few minutes, are stolen.
    @Test func aThiefOfSnapshotAndTimestampKeysCannotChangeAFile() throws {
        var site = try SampleSite()
        try site.publish()
        let oldTargets = try site.folder.read("site/metadata/targets.json")
        site.files["index.html"] = bytes("<!doctype html><title>New</title>")
        try site.publish(now: SampleSite.start.adding(seconds: 60))
        var client = try Self.client(site)
        _ = try Self.refresh(&client, site)

        // The thief has the two keys and a targets key of its own.
        let thief = try SampleSite()
        let store = KeyStore(folder: thief.folder("thief"))
        try store.install(try site.store.signingKey(.snapshot), for: .snapshot)
        try store.install(try site.store.signingKey(.timestamp), for: .timestamp)
        try store.install(fixedKey(200), for: .targets)
        try store.install(fixedKey(201), for: .attest)
        try store.install(fixedKey(202), for: .root)
        try store.createRootMetadata(now: SampleSite.start)
        let forged = try CatalogueSigner(store: store).metadataFiles(
            for: [PublishedFile(path: "index.html", bytes: bytes("forged"))], now: SampleSite.start
        ) { site.fetch($0) }
        func serve(_ path: String) -> [UInt8]? {
            path.hasSuffix("root.json") ? site.fetch(path) : forged.first { $0.path == path }?.bytes
        }
        #expect(
            Self.code {
                try client.refresh(now: SampleSite.start) { path throws(ProvenanceError) in serve(path) }
            }
                == .badSignature)

        // Old targets, well signed, under a new snapshot: the version has gone back.
        let replay = try Self.sign(old: oldTargets, site: site)
        #expect(
            Self.code {
                try client.refresh(now: SampleSite.start) { path throws(ProvenanceError) in
                    replay[path] ?? site.fetch(path)
                }
            }
                == .rollback)
    }

    /// What a thief of snapshot and timestamp can sign over targets that were published once.
    static func sign(old targets: [UInt8], site: SampleSite) throws -> [String: [UInt8]] {
        func envelope(_ signed: JSONValue, _ role: KeyRole) throws -> [UInt8] {
            let key = try site.store.signingKey(role)
            return JSONValue.object([
                "signed": signed,
                "signatures": [
                    [
                        "keyid": .string(key.keyID),
                        "sig": .string(Hex.encode(key.sign(try signed.canonicalBytes()))),
                    ]
                ],
            ]).serializedBytes() + [0x0a]
        }
        func meta(_ bytes: [UInt8], _ version: Int64) -> JSONValue {
            [
                "version": .integer(version), "length": .integer(Int64(bytes.count)),
                "hashes": ["sha256": .string(Digest.sha256(of: bytes).hex)],
            ]
        }
        func common(_ type: String, _ meta: JSONValue) -> JSONValue {
            [
                "_type": .string(type), "spec_version": "1.0.31", "version": 90,
                "expires": "2026-06-01T00:00:00Z",
                "meta": meta,
            ]
        }
        let snapshot = try envelope(common("snapshot", ["targets.json": meta(targets, 1)]), .snapshot)
        let timestamp = try envelope(common("timestamp", ["snapshot.json": meta(snapshot, 90)]), .timestamp)
        return [
            "metadata/targets.json": targets, "metadata/snapshot.json": snapshot,
            "metadata/timestamp.json": timestamp,
        ]
    }

    @Test func aClientFollowsARotatedRootAndForgetsTheOldKeys() throws {
        let site = try SampleSite()
        try site.publish()
        var client = try Self.client(site)
        _ = try Self.refresh(&client, site)
        // A new root key and a new timestamp key; the old root key vouches for the change.
        let oldRoot = try site.store.signingKey(.root)
        for path in [site.store.path(.timestamp), site.store.publicPath(.timestamp)] {
            try FileManager.default.removeItem(atPath: path)
        }
        try site.store.install(fixedKey(77), for: .timestamp)
        #expect(throws: ProvenanceError.self) { try site.publish() }
        try site.store.rotateRoot(signers: [oldRoot], to: [fixedKey(78)], now: SampleSite.start)
        try site.publish()
        #expect(try !Self.refresh(&client, site), "the files are the same under the new timestamp")
        #expect(client.root.version == 2)
        #expect(try site.verify(.key(oldRoot.verifyingKey)).holds)
        #expect(try site.verify(.key(fixedKey(78).verifyingKey)).holds)
        #expect(try site.verify(.rootFile(site.store.rootsFolder + "/2.root.json")).holds)
    }

    @Test func aRootThatTheOldOneDoesNotVouchForIsRefused() throws {
        let site = try SampleSite()
        try site.publish()
        #expect(throws: ProvenanceError.self) {
            try site.store.rotateRoot(signers: [fixedKey(90)], to: [fixedKey(91)], now: SampleSite.start)
        }
        #expect(try site.store.rootChain().count == 1)
    }

    @Test func aRootOfTwoKeysNeedsBoth() throws {
        let site = try SampleSite()
        let root = try site.store.signingKey(.root)
        try site.store.rotateRoot(
            signers: [root], to: [root, fixedKey(79)], threshold: 2, now: SampleSite.start)
        #expect(throws: ProvenanceError.self) {
            try site.store.rotateRoot(signers: [root], to: [root], now: SampleSite.start)
        }
        try site.store.rotateRoot(signers: [root, fixedKey(79)], to: [root], now: SampleSite.start)
        try site.publish()
        #expect(try site.verify().holds)
        #expect(try site.verify().rootVersion == 3)
    }

    @Test func aLargeSiteIsSpreadOverBinsAndOnlyTheTouchedOnesChange() throws {
        var site = try SampleSite()
        for number in 0..<2_100 { site.files["docs/page-\(number).html"] = bytes("page \(number)") }
        let first = try site.publish()
        #expect(first.filter { $0.path.contains("/bin-") }.count == 256)
        #expect(try site.verify().holds)
        site.files["docs/page-7.html"] = bytes("page seven")
        let second = try site.publish()
        let changed = zip(first, second).filter { $0 != $1 }.map(\.0.path)
        #expect(changed.filter { $0.contains("/bin-") }.count == 1)
        #expect(!changed.contains("metadata/targets.json"))
        var client = try Self.client(site)
        _ = try Self.refresh(&client, site)
        let file = try client.file("docs/page-7.html", now: SampleSite.start) {
            path throws(ProvenanceError) in
            site.fetch(path)
        }
        #expect(file?.digest == .sha256(of: "page seven"))
        // A flipped byte in a bin is named as the bin's.
        let bin = changed.first { $0.contains("/bin-") }!
        var content = try site.folder.read("site/\(bin)")
        content[40] ^= 1
        try site.folder.write("site/\(bin)", content)
        let problems = try site.verify().problems
        #expect(problems.first?.path == bin)
        #expect(!problems.contains { $0.kind == .unsigned })
    }

    @Test(arguments: ["../up", "/abs", "a//b", "a/./b", "", "metadata/x", "a\nb"])
    func aPathThatNoCatalogueCanHoldIsRefused(_ path: String) throws {
        let site = try SampleSite(versions: 0)
        let signer = try CatalogueSigner(store: site.store)
        #expect(throws: ProvenanceError.self) {
            try signer.metadataFiles(
                for: [PublishedFile(path: path, bytes: [])], now: SampleSite.start, previous: { _ in nil })
        }
    }

    @Test func aMirrorFetchesWhatChangedAndNothingElse() throws {
        var site = try SampleSite()
        try site.publish()
        var client = try Self.client(site)
        _ = try Self.refresh(&client, site)
        func all() throws -> [String: TUFFile] {
            try client.allFiles(now: SampleSite.start) { path throws(ProvenanceError) in site.fetch(path) }
        }
        let held = try all()
        site.files["index.html"] = bytes("<!doctype html><title>New</title>")
        site.files["assets/site.css"] = nil
        try site.publish()
        _ = try Self.refresh(&client, site)
        let plan = MirrorPlan(from: held, to: try all())
        #expect(plan.fetch == ["index.html"] && plan.remove == ["assets/site.css"])
        #expect(plan.fetchBytes == site.files["index.html"]!.count)
        #expect(MirrorPlan(from: try all(), to: try all()).isEmpty)
    }

    @Test func aClientStepsThroughWhatItNeeds() throws {
        let site = try SampleSite()
        try site.publish()
        var client = try Self.client(site)
        var fetched: [String: [UInt8]?] = [:]
        var asked: [String] = []
        var result: TUFStep?
        while asked.count < 10 {
            let step = try client.step(now: SampleSite.start, fetched: fetched)
            guard case .needs(let path) = step else {
                result = step
                break
            }
            #expect(client.targetsVersion == nil)
            asked.append(path)
            fetched[path] = .some(site.fetch(path))
        }
        #expect(result == .done(changed: true))
        #expect(
            asked == [
                "metadata/2.root.json", "metadata/timestamp.json", "metadata/snapshot.json",
                "metadata/targets.json",
            ])
        #expect(client.targetsVersion == 1)
    }
}
