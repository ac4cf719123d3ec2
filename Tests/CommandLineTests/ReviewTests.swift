import Foundation
import Marketplace
import TestSupport
import Testing

/// Review by the real programs: risk, four eyes, accepted findings, prices that stand.
@Suite struct ReviewTests {
    static func add(_ text: String, as name: String, to folder: String) throws {
        try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
    }

    static func raise(_ folder: String, to version: String) throws {
        let path = folder + "/plugin.json"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        try text.replacing(/"version": "[0-9.]+"/, with: "\"version\": \"\(version)\"").write(
            toFile: path, atomically: true, encoding: .utf8)
    }

    static func decision(_ market: SampleMarketplace, _ id: String) throws -> JSONValue {
        let path = "\(market.data)/reports/\(id)/decision.json"
        let envelope = try JSONValue.parse(Array(Data(contentsOf: URL(fileURLWithPath: path))))
        return try JSONValue.parse(Array(Data(base64Encoded: envelope["payload"]?.stringValue ?? "")!))
    }

    @Test func aCriticalFindingNeedsTwoReviewers() throws {
        let market = try SampleMarketplace()
        let folder = try market.plugin()
        let key = try Tool.run("/usr/bin/openssl", ["genpkey", "-algorithm", "ed25519"])
        #expect(key.code == 0)
        try Self.add("export const key = `\(key.output)`;\n", as: "dist/key.js", to: folder)
        let id = try market.submit(folder)
        _ = try market.run(["run", "submission"])
        #expect(try market.state(id) == "held")
        let shown = try market.run(["review", "show", id]).output
        #expect(shown.contains("2 different reviewers must approve"))
        let approve = ["review", "approve", id, "--reason", "a sample key"]
        let first = try market.expect(0, approve + ["--reviewer", "anna"])
        #expect(first.output.contains("needs 2 different reviewers"))
        try market.expect(0, approve + ["--reviewer", "anna"])
        #expect(try market.state(id) == "held", "the same reviewer counts once")
        try market.expect(0, approve + ["--reviewer", "berta"])
        #expect(try market.state(id) == "approved")
        let decision = try Self.decision(market, id)
        #expect(decision["decidedBy"] == "berta" && decision["approvalsNeeded"] == 2)
        let earlier = (decision["earlier"]?.arrayValue ?? []).compactMap { $0["decidedBy"]?.stringValue }
        #expect(earlier == ["policy", "anna", "anna"])
        try market.expect(0, ["run", "submission"])
        #expect(try market.state(id) == "listed")
    }

    @Test func anAcceptedFindingIsNotRaisedAgainAndAnOldAcceptanceIsReported() throws {
        let market = try SampleMarketplace()
        let folder = try market.plugin()
        try Self.add("export const s\u{441}ore = 3;\n", as: "dist/score.js", to: folder)
        let id = try market.submit(folder)
        _ = try market.run(["run", "submission"])
        #expect(try market.state(id) == "held")
        let shown = try market.run(["review", "show", id]).output
        let line = try #require(shown.split(separator: "\n").first { $0.contains("obf.homoglyph") })
        let finding = try #require(line.firstMatch(of: /\[([0-9a-f]+)\]/)?.output.1)
        let accept = ["review", "accept", id, "--reason", "a typing mistake", "--reviewer", "anna"]
        #expect(try market.run(accept + ["0000000000"]).code == 3)
        try market.expect(0, accept + [String(finding)])
        try market.expect(0, ["review", "approve", id, "--reviewer", "anna", "--reason", "read it"])
        try market.expect(0, ["run", "submission"])
        try Self.raise(folder, to: "1.1.0")
        let second = try market.run(["plugin", "submit", folder, "--key", market.key, "--wait"])
        #expect(second.code == 0, "\(second.output)")
        let next = try #require(second.output.firstMatch(of: /[0-9a-f]{64}/)?.output)
        let decision = try Self.decision(market, String(next))
        #expect(decision["accepted"]?[0]?.stringValue?.contains("accepted by anna") == true)
        #expect(decision["rules"]?[0]?.stringValue?.hasPrefix("low-risk: risk") == true)
        // Once the file is gone, the acceptance has nothing to speak of.
        try FileManager.default.removeItem(atPath: folder + "/dist/score.js")
        try Self.raise(folder, to: "1.2.0")
        let third = try market.run(["plugin", "submit", folder, "--key", market.key, "--wait"])
        #expect(third.code == 0 && third.output.contains("listed"))
        let last = try #require(third.output.firstMatch(of: /[0-9a-f]{64}/)?.output)
        let unmatched = try Self.decision(market, String(last))["unmatchedAcceptances"]
        #expect(unmatched?[0]?.stringValue?.contains("matches nothing any more") == true)
    }

    @Test func aListedPlansPriceStands() throws {
        let market = try SampleMarketplace()
        let folder = try market.plugin()
        let id = try market.submit(folder)
        try market.expect(0, ["run", "submission"])
        if try market.state(id) == "held" {
            try market.expect(0, ["review", "approve", id, "--reviewer", "anna", "--reason", "read it"])
            try market.expect(0, ["run", "submission"])
        }
        let path = folder + "/plugin.json"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let amount = try #require(text.firstMatch(of: /"unitAmount": "[0-9.]+"/)?.output)
        try text.replacing(amount, with: "\"unitAmount\": \"0.77\"").write(
            toFile: path, atomically: true, encoding: .utf8)
        try Self.raise(folder, to: "1.1.0")
        let result = try market.run(["plugin", "submit", folder, "--key", market.key, "--wait"])
        #expect(result.code == 6)
        #expect(
            result.output.contains("plan-changed") && result.output.contains("give the new price a new id"))
    }

    @Test func aReviewerReadsWhatChangedInPlainWords() throws {
        let market = try CatalogueLifeTests.listed()
        let folder = try market.plugin(changing: [
            "plugin.json": {
                $0.replacing(
                    "\"permissions\": [",
                    with:
                        "\"permissions\": [\n    {\"operation\": \"readData\", \"entity\": \"orders\", \"purpose\": \"count them\"},"
                )
            }
        ])
        try Self.raise(folder, to: "1.1.0")
        let id = try market.submit(folder)
        _ = try market.run(["run", "submission"])
        let shown = try market.run(["review", "show", id]).output
        #expect(shown.contains("readData orders  declared, 0 places, seen 0 times, added"), "\(shown)")
        #expect(shown.contains("Read your orders to count them. Declared, but neither found in the code"))
    }

    @Test func aPolicyThatIsMistypedStopsTheDecision() throws {
        let market = try SampleMarketplace()
        let home = market.scratch.path + "/home"
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        for name in ["rules", "pipelines", "site-templates", "plugins", "docs"] {
            _ = try Tool.run("/bin/cp", ["-r", Products.file(name), home + "/" + name])
        }
        let path = home + "/rules/policy.yaml"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        try text.replacing("automaticRiskMax:", with: "automaticRisk:").write(
            toFile: path, atomically: true, encoding: .utf8)
        let id = try market.submit(try market.plugin())
        let result = try market.run(["run", "submission"], environment: ["VEROFORGE_HOME": home])
        #expect(result.code == 1 && result.output.contains("automaticRisk is unknown"), "\(result.output)")
        #expect(try market.state(id) == "tried")
    }
}
