import Bundles
import Foundation
import Marketplace
import Testing

@testable import Scanning

/// Libraries that somebody copied are recognised by what `rules/libraries.tsv` says of them.
struct VendoredLibraryTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var kind: String
        var name: String
        var version: String
        var key: String
        var beside: String
        /// Where it was measured, below the root of Debian's package.
        var path: String
        var testDescription: String { "\(kind) \(name): \(key)" }
    }

    static let rows: [Row] = ((try? Repository.text("rules/libraries.tsv")) ?? "").split(separator: "\n")
        .filter { !$0.hasPrefix("#") }
        .map { line in
            let parts = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            return Row(
                kind: parts[0], name: parts[1], version: parts[2], key: parts[3], beside: parts[4],
                path: parts[6])
        }

    private func libraries(_ bytes: [UInt8]) throws -> [String] {
        try Repository.rules().libraries.find(
            in: SourceText(bytes), sha256: ContentDigest.sha256(of: bytes).hex
        ).map { "\($0.name) \($0.version)" }
    }

    @Test("a banner is found with any version behind it, and not without one", arguments: rows)
    func findsBanners(_ row: Row) throws {
        guard row.kind == "banner" else { return }
        func text(_ version: String) -> [UInt8] {
            Array("(function(){\n\(row.key)\(version)\";' \n/* \(row.beside) */\n})()".utf8)
        }
        #expect(try libraries(text("9.8.7")).contains("\(row.name) 9.8.7"))
        #expect(try libraries(text("x")).contains { $0.hasPrefix("\(row.name) ") } == false)
        // Where two versions are named, neither is certain.
        #expect(
            try libraries(text("9.8.7") + text("9.8.6")).contains { $0.hasPrefix("\(row.name) ") } == false)
        guard !row.beside.isEmpty else { return }
        #expect(try libraries(Array("\(row.key)9.8.7\"".utf8)).contains("\(row.name) 9.8.7") == false)
    }

    /// Of the packages that the list was measured in, the ones that the tests need anyway.
    @Test("real files of Debian's packages are recognised with their version")
    func findsInstalledLibraries() throws {
        var found: Set<String> = []
        for row in Self.rows {
            guard let data = FileManager.default.contents(atPath: "/" + row.path) else { continue }
            let bytes = [UInt8](data)
            // Another version of the package is another file.
            if row.kind == "file", ContentDigest.sha256(of: bytes).hex != row.key { continue }
            #expect(try libraries(bytes).contains { $0.hasPrefix("\(row.name) ") }, "\(row.path)")
            found.insert(row.name)
        }
        #expect(found.isSuperset(of: ["acorn", "semver"]), "found \(found.sorted())")
    }

    @Test("a copied library is a dependency, whose place the report names, where no lockfile has it")
    func reportsCopies() throws {
        let code = "/*! some bundle */\n/*! jQuery v3.4.1 | (c) JS Foundation */\nexport default 1;"
        let outcome = Scanner(rules: try Repository.rules()).outcome(
            bundle([("plugin.json", manifest()), ("dist/index.js", code)]), name: "sample")
        #expect(
            outcome.dependencies.map { "\($0.name) \($0.version) \($0.source) \($0.line)" } == [
                "jquery 3.4.1 vendored 2"
            ])
        let finding = try #require(outcome.report.findings.first { $0.rule == "dep.vendored" })
        #expect(finding.file == "dist/index.js" && finding.line == 2)
    }

    @Test(
        "a row that is not understood is an error",
        arguments: ["banner\tx\t1.0.0\tabc\t\ta\tb", "x", "file\tx\t1.0.0\t00\t\ta\tb"])
    func refusesBrokenRows(_ row: String) {
        #expect(throws: ScanError.self) { try VendoredLibraries(tsv: Array(row.utf8), name: "libraries.tsv") }
    }
}
