import Foundation
import TestSupport
import Testing

/// What becomes of listed versions, by the real programs: yanked, deprecated, rescanned, revoked, mirrored.
@Suite struct CatalogueLifeTests {
    static let id = "northwind-samples.overdue-reminders"

    static func listed(_ versions: [String] = ["1.0.0"]) throws -> SampleMarketplace {
        let market = try SampleMarketplace()
        for version in versions {
            let folder = try market.plugin(changing: [
                "plugin.json": { $0.replacing("\"version\": \"1.0.0\"", with: "\"version\": \"\(version)\"") }
            ])
            let id = try market.submit(folder)
            try market.expect(0, ["run", "submission"])
            if try market.state(id) == "held" {
                try market.expect(
                    0, ["review", "approve", id, "--reviewer", "tester", "--reason", "read it"])
                try market.expect(0, ["run", "submission"])
            }
        }
        return market
    }

    @Test func everyStepOfAVersionsLifeStandsInTheLogAndTheCatalogueHolds() throws {
        let market = try Self.listed()
        let version = "\(Self.id)@1.0.0"
        try market.expect(0, ["plugin", "deprecate", version, "--message", "Take 2."])
        try market.expect(0, ["plugin", "yank", version, "--reason", "wrong totals"])
        #expect(try market.run(["plugin", "yank", version, "--reason", "again"]).code == 2)
        try market.expect(0, ["run", "submission", "--stage", "publish"])
        try market.expect(0, ["plugin", "restore", version, "--reason", "they were right"])
        try market.expect(0, ["plugin", "channel", version, "--channel", "beta", "--rollout", "10"])
        #expect(try market.run(["plugin", "channel", version, "--channel", "gamma"]).code == 2)
        try market.expect(0, ["catalogue", "mark", version])
        for stage in ["no-new-installs", "suspended", "removed"] {
            try market.expect(
                0,
                ["catalogue", "revoke", version, "--stage", stage, "--reason", "steals", "--evidence", "x"])
        }
        try market.expect(0, ["run", "submission", "--stage", "publish"])
        let log = try String(contentsOfFile: market.data + "/site/public/log/entries.jsonl", encoding: .utf8)
        let kinds = log.matches(of: /"kind":"([a-zA-Z]+)"/).map { String($0.output.1) }
        #expect(kinds == ["listed", "yanked", "restored", "revoked", "revoked", "revoked"])
        let site = market.data + "/site/public"
        let verified = try Tool.run("veroforge", ["catalogue", "verify", site])
        #expect(verified.code == 0, "\(verified.output)")
        // A statement that the log names and that is gone is missed.
        let copy = market.scratch.path + "/copy"
        _ = try Tool.run("/bin/cp", ["-rL", site, copy])
        let statements = try FileManager.default.contentsOfDirectory(atPath: copy + "/log/statements")
        #expect(statements.count == 5)
        try FileManager.default.removeItem(atPath: "\(copy)/log/statements/\(statements[0])")
        let broken = try Tool.run("veroforge", ["catalogue", "verify", copy])
        #expect(broken.code == 1 && broken.output.contains(statements[0]))
    }

    @Test func aMirrorFetchesWhatChangedAndVerifies() throws {
        let market = try Self.listed()
        let site = market.data + "/site/public"
        let mirror = market.scratch.path + "/mirror"
        let first = try Tool.run("veroforge", ["catalogue", "mirror", site, mirror])
        #expect(first.code == 0, "\(first.errors)")
        #expect(first.output.contains("by the whole index") && first.output.contains("not pinned"))
        #expect(try Tool.run("veroforge", ["catalogue", "verify", mirror]).code == 0)
        try market.expect(0, ["plugin", "yank", "\(Self.id)@1.0.0", "--reason", "wrong totals"])
        try market.expect(0, ["run", "submission", "--stage", "publish"])
        let second = try Tool.run("veroforge", ["catalogue", "mirror", site, mirror])
        #expect(second.code == 0, "\(second.errors)")
        #expect(second.output.contains("by the index's differences"))
        let fetched = second.output.firstMatch(of: /(\d+) bytes of a site of (\d+)/)
        let (bytes, all) = (Int(fetched?.output.1 ?? "0") ?? 0, Int(fetched?.output.2 ?? "0") ?? 0)
        #expect(bytes > 0 && bytes * 2 < all, "\(second.output)")
        let verified = try Tool.run("veroforge", ["catalogue", "verify", mirror])
        #expect(verified.code == 0, "\(verified.output)")
        #expect(
            FileManager.default.contentsEqual(
                atPath: mirror + "/log/entries.jsonl", andPath: site + "/log/entries.jsonl"))
        // A source that hands out another file than the one it signed is refused.
        let bad = market.scratch.path + "/bad"
        _ = try Tool.run("/bin/cp", ["-rL", site, bad])
        try "x".write(toFile: bad + "/index.html", atomically: true, encoding: .utf8)
        let refused = try Tool.run(
            "veroforge", ["catalogue", "mirror", bad, market.scratch.path + "/other"])
        #expect(refused.code == 1 && refused.errors.contains("index.html"))
    }

    /// A rule that is new after the listing finds something in what is listed: held or revoked, by the policy.
    @Test func aNewRuleHoldsAndRevokesWhatIsListed() throws {
        let market = try Self.listed()
        let home = market.scratch.path + "/home"
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        for name in ["rules", "pipelines", "site-templates", "plugins", "docs"] {
            _ = try Tool.run("/bin/cp", ["-r", Products.file(name), home + "/" + name])
        }
        func rescan(_ expected: Int32 = 0) throws -> ToolResult {
            let result = try market.run(["run", "rescan"], environment: ["VEROFORGE_HOME": home])
            #expect(result.code == expected, "\(result.output) \(result.errors)")
            return result
        }
        #expect(try rescan().output.contains("\"matched\":\"0\""))
        let again = try rescan()
        #expect(again.output.contains("\"unchanged\":\"1\""), "\(again.output)")
        func rule(_ severity: String) throws {
            try """
            rule mal_test_reminder {
                meta:
                    id = "mal.test-reminder"
                    class = "malicious-code"
                    severity = "\(severity)"
                    description = "Reminds of something."
                    hint = "Do not remind."
                    legitimate = "None."
                    reference = "https://example.com/"
                    created = "2026-01-01"
                    layers = "code"
                strings:
                    $a = "overdue"
                condition:
                    $a
            }
            """.write(toFile: home + "/rules/yara/test.yar", atomically: true, encoding: .utf8)
        }
        try rule("high")
        let held = try rescan()
        #expect(held.output.contains("is held") && held.output.contains("malicious-code-after-all"))
        let shown = try market.run(["catalogue", "show", Self.id]).output
        #expect(shown.contains("yanked: held for review after a rescan"))
        let list = try String(contentsOfFile: market.data + "/rescans/latest.json", encoding: .utf8)
        #expect(list.contains("mal.test-reminder") && list.contains("\"isNew\" : true"))
        try rule("critical")
        #expect(try rescan().output.contains("is revoked"))
        #expect(try market.run(["catalogue", "show", Self.id]).output.contains("revoked: rescan"))
        let file = try String(
            contentsOfFile: market.data + "/site/public/revocations.json", encoding: .utf8)
        #expect(file.contains("malicious-after-all"))
        #expect(try Tool.run("veroforge", ["catalogue", "verify", market.data + "/site/public"]).code == 0)
    }

    /// Only what others are left without asks twice.
    @Test func aYankThatStrandsDependentsAsksFirst() throws {
        let market = try Self.listed()
        let needing = try market.plugin(changing: [
            "plugin.json": {
                $0.replacing("northwind-samples.overdue-reminders", with: "northwind-samples.follow-up")
                    .replacing(
                        "\"version\": \"1.0.0\"",
                        with: "\"version\": \"1.0.0\",\n  \"dependencies\": [\"\(Self.id)@^1.0.0\"]")
            }
        ])
        let id = try market.submit(needing)
        try market.expect(0, ["run", "submission"])
        if try market.state(id) == "held" {
            try market.expect(0, ["review", "approve", id, "--reviewer", "tester", "--reason", "read it"])
            try market.expect(0, ["run", "submission"])
        }
        #expect(try market.state(id) == "listed")
        let refused = try market.run(["plugin", "yank", "\(Self.id)@1.0.0", "--reason", "wrong"])
        #expect(refused.code == 3)
        #expect(refused.output.contains("northwind-samples.follow-up@1.0.0 needs"))
        #expect(refused.errors.contains("--yes"))
        try market.expect(0, ["plugin", "yank", "\(Self.id)@1.0.0", "--reason", "wrong", "--yes"])
    }
}
