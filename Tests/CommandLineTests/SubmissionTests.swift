import Foundation
import TestSupport
import Testing

/// A bundle's way through the pipeline, by the real programs.
@Suite struct SubmissionTests {
    static let launch = ["--as-of", "2026-01-10T08:00:00Z"]

    @Test func aGoodPluginEndsListedAndItsCatalogueVerifies() throws {
        let market = try SampleMarketplace()
        let id = try market.submit(try market.plugin())
        try market.expect(0, ["run", "submission"])
        if try market.state(id) == "held" {
            try market.expect(0, ["review", "approve", id, "--reviewer", "tester", "--reason", "read it"])
            try market.expect(0, ["run", "submission"])
        }
        #expect(try market.state(id) == "listed")
        let site = market.data + "/site/public"
        #expect(
            FileManager.default.fileExists(
                atPath: site + "/plugins/northwind-samples/overdue-reminders/index.html"))
        let verified = try Tool.run("veroforge", ["catalogue", "verify", site])
        #expect(verified.code == 0, "\(verified.output)")
        // The scan's statement says by which rules and which engine.
        let proof = try String(
            contentsOfFile: site + "/plugins/northwind-samples/overdue-reminders/1.0.0/proof.json",
            encoding: .utf8)
        let payloads = proof.matches(of: /"payload":"([A-Za-z0-9+\/=]+)"/).compactMap {
            Data(base64Encoded: String($0.output.1)).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(payloads.count == 7)
        #expect(payloads.contains { $0.contains("/scan/v1") && $0.contains(/"ruleset":"[0-9a-f]{64}"/) })
        #expect(payloads.contains { $0.contains("/trial/v1") && $0.contains("\"backEnd\":\"native\"") })
        // The same bytes again are a no-op, and publishing again changes nothing.
        let before = try FileManager.default.destinationOfSymbolicLink(atPath: site)
        try market.expect(0, ["run", "submission", "--stage", "publish"])
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: site) == before)
    }

    @Test func oneFlippedByteOfAnyFileIsNamed() throws {
        let market = try SampleMarketplace()
        let id = try market.submit(try market.plugin())
        try market.expect(0, ["run", "submission"])
        if try market.state(id) == "held" {
            try market.expect(0, ["review", "approve", id, "--reviewer", "tester", "--reason", "read it"])
            try market.expect(0, ["run", "submission"])
        }
        let site = try FileManager.default.destinationOfSymbolicLink(atPath: market.data + "/site/public")
        let folder = market.data + "/site/" + site
        let files = (FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? [])
            .filter {
                var isFolder: ObjCBool = false
                return FileManager.default.fileExists(atPath: "\(folder)/\($0)", isDirectory: &isFolder)
                    && !isFolder.boolValue
            }.sorted()
        #expect(files.count > 30)
        for (index, file) in files.enumerated() where index % 7 == 0 {
            let url = URL(fileURLWithPath: "\(folder)/\(file)")
            let good = try Data(contentsOf: url)
            var bad = good
            guard !bad.isEmpty else { continue }
            bad[bad.count / 2] ^= 1
            // Beside and renamed: a file may be a link to the data directory's own copy.
            try bad.write(to: url, options: .atomic)
            let result = try Tool.run("veroforge", ["catalogue", "verify", folder])
            #expect(result.code != 0, "\(file)")
            #expect(result.output.contains(file), "\(file): \(result.output)")
            try good.write(to: url, options: .atomic)
        }
        #expect(try Tool.run("veroforge", ["catalogue", "verify", folder]).code == 0)
    }

    @Test func theHostilePluginIsRejectedWithRuleFileAndLine() throws {
        let market = try SampleMarketplace()
        let id = try market.submit(try market.plugin("hostile"))
        try market.expect(0, ["run", "submission"])
        #expect(try market.state(id) == "rejected")
        let shown = try market.run(["plugin", "status", id])
        #expect(shown.code == 6)
        #expect(shown.output.contains(/dist\/[a-z]+\.js:\d+/))
        #expect(shown.output.contains("run."))
        let scan = try Tool.run("veroforge", ["scan", Products.file("plugins/hostile")])
        #expect(scan.code == 1)
        #expect(scan.output.contains(/dist\/index\.js:\d+/))
        #expect(try Tool.run("veroforge", ["scan", Products.file("plugins/slack")]).code == 0)
    }

    /// What was printed before is printed again, for the same form, advisories and bytes alone, and never where it is not
    /// whole; the exit code is that of this call.
    @Test func aSecondScanPrintsTheSame() throws {
        let scratch = try Scratch()
        let environment = ["VEROFORGE_SCAN_CACHE": scratch.path + "/scans"]
        let folder = scratch.path + "/plugin"
        try FileManager.default.copyItem(atPath: Products.file("plugins/hostile"), toPath: folder)
        func scan(_ more: String...) throws -> ToolResult {
            try Tool.run("veroforge", ["scan", folder] + more, environment: environment)
        }
        func printed() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/scans").filter {
                $0.hasSuffix(".printed")
            }.map { scratch.path + "/scans/" + $0 }
        }
        let first = try scan()
        #expect(first.code == 1)
        #expect(try printed().count == 1)
        let second = try scan()
        #expect(second.output == first.output && second.code == 1)
        let fresh = try scan("--no-cache")
        #expect(fresh.output == first.output && fresh.code == 1)
        #expect(try scan("--format", "json").output != first.output)
        #expect(try printed().count == 2)
        #expect(try scan("--advisories", Products.file("rules/advisories")).code == 1)
        #expect(try printed().count == 2)
        for file in try printed() {
            let whole = try Data(contentsOf: URL(fileURLWithPath: file))
            try whole.dropLast(7).write(to: URL(fileURLWithPath: file))
        }
        #expect(try scan().output == first.output)
        try Data("export const a = 1;\n".utf8).write(to: URL(fileURLWithPath: folder + "/dist/added.js"))
        #expect(try scan("--format", "json").output.contains("added.js"))
    }

    @Test func withoutTheWorkerASubmissionIsIncompleteAndNeverListed() throws {
        let market = try SampleMarketplace()
        let programs = market.scratch.path + "/programs"
        try FileManager.default.createDirectory(atPath: programs, withIntermediateDirectories: true)
        for name in ["veroforge", "veroforge-runner"] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(programs)/\(name)", withDestinationPath: Products.path(name))
        }
        let id = try market.submit(try market.plugin())
        let result = try market.run(["run", "submission"], environment: ["VEROFORGE_PROGRAMS": programs])
        #expect(result.code == 5)
        #expect(try market.state(id) == "incomplete")
        #expect(
            !FileManager.default.fileExists(atPath: market.data + "/site/public/plugins/northwind-samples"))
        // With the worker back, the same submission goes on where it stopped.
        _ = try market.run(["run", "submission"])
        #expect(["held", "listed"].contains(try market.state(id)))
    }

    @Test(arguments: ["ingest", "unpack", "scan", "trial", "decide", "publish"])
    func aKilledRunIsContinuedByRunningAgain(_ stage: String) throws {
        let market = try SampleMarketplace()
        let id = try market.submit(try market.plugin())
        let killed = try market.run(["run", "submission"], environment: ["VEROFORGE_CRASH_AFTER": stage])
        #expect(killed.signal == 9)
        try market.expect(0, ["run", "submission"])
        if try market.state(id) == "held" {
            try market.expect(0, ["review", "approve", id, "--reviewer", "tester", "--reason", "read it"])
            try market.expect(0, ["run", "submission"])
        }
        #expect(try market.state(id) == "listed")
        #expect(try Tool.run("veroforge", ["catalogue", "verify", market.data + "/site/public"]).code == 0)
    }

    @Test func theSameVersionWithOtherBytesIsRejected() throws {
        let market = try SampleMarketplace()
        _ = try market.submit(try market.plugin())
        let other = try market.plugin(changing: ["README.md": { $0 + "\nChanged.\n" }])
        try market.expect(0, ["run", "submission"])
        let second = try market.run(["plugin", "submit", other, "--key", market.key, "--wait"])
        #expect(second.code == 6)
        #expect(second.output.contains("other bytes"))
    }
}
