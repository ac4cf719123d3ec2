import Advisories
import Foundation
import Marketplace
import Scanning
import Testing

struct AdvisoryStoreTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path

    private func importing(_ records: [String: String]) throws -> AdvisoryStore {
        let source = folder + "/osv"
        try FileManager.default.createDirectory(atPath: source, withIntermediateDirectories: true)
        for (name, text) in records {
            try text.write(toFile: source + "/" + name + ".json", atomically: true, encoding: .utf8)
        }
        _ = try AdvisoryImport.run(source: source, destination: folder + "/advisories.sqlite")
        return try AdvisoryStore(path: folder + "/advisories.sqlite")
    }

    private func record(_ id: String, _ affected: String, extra: String = "") -> String {
        """
        {"id": "\(id)", "modified": "2026-11-01T00:00:00Z", "summary": "Sample of \(id)"\(extra),
         "database_specific": {"severity": "MODERATE"},
         "affected": [{"package": {"ecosystem": "npm", "name": "left"}, \(affected)}]}
        """
    }

    private func ids(_ store: AdvisoryStore, _ version: String) throws -> [String] {
        try store.advisories(package: "left", version: #require(Version(version))).map(\.id)
    }

    @Test("ranges are evaluated by SemVer precedence, from the first version on")
    func evaluatesRanges() throws {
        let store = try importing([
            "a": record(
                "A", #""ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.2.0"}]}]"#)
        ])
        #expect(try ids(store, "1.1.9") == ["A"])
        #expect(try ids(store, "1.2.0-rc.1") == ["A"])
        #expect(try ids(store, "1.2.0") == [])
        #expect(try ids(store, "0.0.0-alpha") == ["A"])
        #expect(
            try store.advisories(package: "left", version: #require(Version("1.0.0"))).first?.fixed == "1.2.0"
        )
    }

    @Test("events may come in any order and alternate")
    func evaluatesAlternatingEvents() throws {
        let store = try importing([
            "a": record(
                "A",
                #""ranges": [{"type": "SEMVER", "events": [{"fixed": "2.1.0"}, {"introduced": "1.0.0"}, {"introduced": "2.0.0"}, {"fixed": "1.5.0"}]}]"#
            )
        ])
        #expect(
            try ["0.9.0", "1.0.0", "1.4.9", "1.5.0", "2.0.0", "2.1.0"].map { try ids(store, $0).count } == [
                0, 1, 1, 0, 1, 0,
            ])
    }

    @Test("last_affected, limit and listed versions count")
    func evaluatesTheOtherEvents() throws {
        let store = try importing([
            "a": record(
                "A",
                #""ranges": [{"type": "SEMVER", "events": [{"introduced": "1.0.0"}, {"last_affected": "1.3.0"}]}]"#
            ),
            "b": record(
                "B",
                #""ranges": [{"type": "SEMVER", "events": [{"introduced": "1.0.0"}, {"limit": "1.1.0"}]}]"#),
            "c": record("C", #""versions": ["1.2.0", "9.9.9"]"#),
        ])
        #expect(try ids(store, "1.3.0") == ["A"])
        #expect(try ids(store, "1.3.1") == [])
        #expect(try ids(store, "1.0.5") == ["A", "B"])
        #expect(try ids(store, "1.2.0") == ["A", "C"])
        #expect(try ids(store, "9.9.9") == ["C"])
    }

    @Test("withdrawn records and other ecosystems are left out, and the age is the newest record's")
    func leavesOutTheWithdrawn() throws {
        let range = #""ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]"#
        let store = try importing([
            "a": record("A", range),
            "b": record("B", range, extra: #", "withdrawn": "2026-11-02T00:00:00Z""#),
            "c": record("C", range).replacingOccurrences(of: "npm", with: "PyPI"),
        ])
        #expect(try ids(store, "1.0.0") == ["A"])
        #expect(store.count == 1)
        #expect(store.asOf == Instant("2026-11-01T00:00:00Z"))
    }

    @Test("one vulnerability under two names is one")
    func mergesAliases() throws {
        let range = #""ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]"#
        let store = try importing([
            "a": record("CVE-2026-1", range),
            "b": record("GHSA-a", range, extra: #", "aliases": ["CVE-2026-1"]"#),
        ])
        let found = try store.advisories(package: "left", version: #require(Version("1.0.0")))
        #expect(found.map(\.id) == ["CVE-2026-1"])
        #expect(found.first?.aliases == ["GHSA-a"])
    }

    @Test("a failed import leaves the store that stood there")
    func keepsTheOldStore() throws {
        let range = #""ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]"#
        _ = try importing(["a": record("A", range)])
        try "{ broken".write(toFile: folder + "/osv/z.json", atomically: true, encoding: .utf8)
        do {
            _ = try AdvisoryImport.run(source: folder + "/osv", destination: folder + "/advisories.sqlite")
            Issue.record("a broken record was imported")
        } catch {
            #expect(error.code == .badRecord)
        }
        #expect(try ids(AdvisoryStore(path: folder + "/advisories.sqlite"), "1.0.0") == ["A"])
        #expect(!FileManager.default.fileExists(atPath: folder + "/advisories.sqlite.new"))
    }

    @Test("a missing store and an empty source are said")
    func saysWhatIsMissing() throws {
        #expect(throws: AdvisoryError.self) { try AdvisoryStore(path: folder + "/none.sqlite") }
        try FileManager.default.createDirectory(atPath: folder + "/empty", withIntermediateDirectories: true)
        do {
            _ = try AdvisoryImport.run(source: folder + "/empty", destination: folder + "/a.sqlite")
            Issue.record("nothing was imported")
        } catch {
            #expect(error.code == .empty)
        }
    }

    @Test("the seed of the repository is imported and finds an old library")
    func importsTheSeed() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let result = try AdvisoryImport.run(
            source: root + "/rules/advisories", destination: folder + "/seed.sqlite")
        #expect(result.records >= 10)
        let store = try AdvisoryStore(path: folder + "/seed.sqlite")
        #expect(try store.advisories(package: "lodash", version: Version(4, 17, 11)).isEmpty == false)
        #expect(try store.advisories(package: "lodash", version: Version(4, 17, 21)).isEmpty)
    }

    @Test("the records that come with the rules give the same answers from memory and from a store")
    func theSeedIsAskedInMemory() throws {
        let seed =
            URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path + "/rules/advisories"
        _ = try AdvisoryImport.run(source: seed, destination: folder + ".sqlite")
        defer { try? FileManager.default.removeItem(atPath: folder + ".sqlite") }
        let store = try AdvisoryStore(path: folder + ".sqlite")
        let memory = try AdvisoryFolder(seed)
        #expect(memory.count == store.count && memory.asOf == store.asOf)
        let names = [
            "lodash", "lodash-es", "axios", "ws", "ua-parser-js", "flatmap-stream", "semver", "none",
        ]
        let versions = [
            "0.1.1", "0.7.29", "1.0.0", "1.6.0", "4.17.11", "4.17.20", "4.17.21", "7.5.1", "8.17.1",
        ]
        var hits = 0
        for name in names {
            for text in versions {
                let version = try #require(Version(text))
                let found = try store.advisories(package: name, version: version)
                #expect(memory.advisories(package: name, version: version) == found)
                hits += found.count
            }
            let range = try #require(VersionRange("^4.17.0 || ^1.0.0"))
            #expect(
                try memory.advisories(package: name, within: range)
                    == store.advisories(package: name, within: range))
        }
        #expect(hits > 10)
    }
}
