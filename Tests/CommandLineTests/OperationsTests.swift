import Foundation
import Marketplace
import Provenance
import TestSupport
import Testing

/// `audit`, `backup`, `restore`, `tenant erase`: what an operator does, by the real program.
@Suite struct OperationsTests {
    /// Writes an audit log of three lines over two days.
    private func writeLog(_ market: SampleMarketplace) throws {
        var previous = AuditChain.origin
        try FileManager.default.createDirectory(
            atPath: "\(market.data)/audit", withIntermediateDirectories: true)
        for (day, acts) in [("2026-01-05", ["readData", "fetch"]), ("2026-01-06", ["install"])] {
            var bytes: [UInt8] = []
            for act in acts {
                let line = AuditLine(
                    time: Instant("\(day)T08:00:00Z")!, node: "a",
                    actor: act == "install" ? "tenant" : "plugin",
                    tenant: TenantID("acme")!, act: act, subject: "invoices",
                    outcome: act == "fetch" ? "denied" : "ok"
                ).bytes(after: previous)
                previous = Digest.sha256(of: line)
                bytes += line + [0x0A]
            }
            try Data(bytes).write(to: URL(fileURLWithPath: "\(market.data)/audit/\(day).jsonl"))
        }
    }

    @Test func auditVerifyNamesTheLineThatWasChanged() throws {
        let market = try SampleMarketplace()
        #expect(try market.run(["audit", "verify"]).code == 3)
        try writeLog(market)
        let whole = try market.expect(0, ["audit", "verify"])
        #expect(whole.output.contains("3 lines in 2 files, 0 breaks"))
        let path = URL(fileURLWithPath: "\(market.data)/audit/2026-01-05.jsonl")
        let text = try String(contentsOf: path, encoding: .utf8)
        try text.replacingOccurrences(of: "denied", with: "ok").write(
            to: path, atomically: true, encoding: .utf8)
        let changed = try market.expect(1, ["audit", "verify"])
        #expect(changed.output.contains("2026-01-06.jsonl:1: does not follow the line before"))
        // Cutting off the end is seen by whoever has noted a later digest.
        try text.write(to: path, atomically: true, encoding: .utf8)
        let noted = whole.output.split(separator: " ").last!.trimmingCharacters(in: .whitespacesAndNewlines)
        try market.expect(0, ["audit", "verify", "--expect", noted])
        try FileManager.default.removeItem(atPath: "\(market.data)/audit/2026-01-06.jsonl")
        try market.expect(0, ["audit", "verify"])
        try market.expect(1, ["audit", "verify", "--expect", noted])
        let json = try market.expect(0, ["audit", "verify", "--format", "json"])
        #expect(try JSONValue.parse(Array(json.output.utf8))["schema"] == "veroforge.audit-verification/1")
    }

    @Test func auditSearchFindsAndHandsOver() throws {
        let market = try SampleMarketplace()
        try writeLog(market)
        let denied = try market.expect(0, ["audit", "search", "--outcome", "!ok", "--format", "jsonl"])
        #expect(
            denied.output.split(separator: "\n").count == 1 && denied.output.contains("\"act\":\"fetch\""))
        #expect(try market.run(["audit", "search", "--tenant", "nobody"]).code == 1)
        #expect(try market.run(["audit", "search", "--from", "yesterday"]).code == 2)
        let later = try market.expect(0, ["audit", "search", "--from", "2026-01-06"])
        #expect(later.output.contains("install") && !later.output.contains("readData"))
        let sarif = try JSONValue.parse(
            Array(
                try market.expect(0, ["audit", "search", "--outcome", "denied", "--format", "sarif"]).output
                    .utf8))
        #expect(sarif["version"] == "2.1.0")
        #expect(sarif["runs"]?.arrayValue?[0]["results"]?.arrayValue?[0]["ruleId"] == "audit.denied")
    }

    @Test func aBackupComesBackWholeOrNotAtAll() throws {
        let market = try SampleMarketplace()
        try writeLog(market)
        let copy = market.scratch.path + "/copy"
        try market.expect(0, ["backup", copy])
        #expect(try market.run(["backup", copy]).code == 2, "an existing folder is left alone")
        let other = market.scratch.path + "/other"
        func restore() throws -> ToolResult { try Tool.run("veroforge", ["restore", copy, "--data", other]) }
        #expect(try restore().code == 0)
        #expect(
            try Tool.run("veroforge", ["publisher", "show", SampleMarketplace.publisher, "--data", other])
                .code == 0)
        #expect(try Tool.run("veroforge", ["audit", "verify", "--data", other]).code == 0)
        #expect(try Tool.run("veroforge", ["config", "check", "--data", other]).code == 0)
        let mode =
            try FileManager.default.attributesOfItem(atPath: "\(other)/keys/host")[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(try restore().code == 2, "a data directory is not written over")
        try FileManager.default.removeItem(atPath: other)
        let path = URL(fileURLWithPath: "\(copy)/audit/2026-01-05.jsonl")
        try (try Data(contentsOf: path) + Data("x".utf8)).write(to: path)
        let damaged = try restore()
        #expect(damaged.code == 1 && damaged.errors.contains("2026-01-05.jsonl"), "\(damaged)")
        #expect(!FileManager.default.fileExists(atPath: other))
        try FileManager.default.removeItem(atPath: "\(copy)/backup.json")
        #expect(try restore().code == 3)
    }

    @Test func erasingATenantKeepsTheBooksAndNothingElse() throws {
        let market = try SampleMarketplace()
        let file = market.scratch.path + "/credential"
        try "credential-of-acme".write(toFile: file, atomically: true, encoding: .utf8)
        try market.expect(
            0,
            [
                "tenant", "create", "acme", "--name", "Acme Widgets", "--app", "http://127.0.0.1:9",
                "--credential-file",
                file, "--country", "DE", "--currency", "EUR", "--tax-id", "DE136695976", "--email",
                "pay@acme.example",
            ])
        try market.expect(0, ["token", "issue", "--tenant", "acme"])
        // What a runtime has written of it and of its neighbour.
        func line(_ tenant: String, _ text: String) -> String {
            """
            {"action":"remind","call":"c","level":"info","plugin":"northwind-samples.overdue-reminders",\
            "tenant":"\(tenant)","text":"\(text)","time":"2026-01-05T08:00:00Z","version":"1.0.0"}\n
            """
        }
        let log = "\(market.data)/logs/2026-01-05.jsonl"
        let replays = "\(market.data)/replays/acme/northwind-samples.overdue-reminders"
        for folder in ["\(market.data)/logs", replays] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        let mine = line("acme", "Mrs Winter owes 12")
        let theirs = line("rival", "all is paid")
        try (mine + theirs + mine).write(toFile: log, atomically: true, encoding: .utf8)
        try "{}".write(toFile: "\(replays)/c.json", atomically: true, encoding: .utf8)
        let segment = "\(market.data)/usage/2026-01-05/a-00000001.jsonl"
        try FileManager.default.createDirectory(
            atPath: "\(market.data)/usage/2026-01-05", withIntermediateDirectories: true)
        let event = "{\"id\":\"1\",\"tenant\":\"acme\",\"calls\":1}\n"
        try event.write(toFile: segment, atomically: true, encoding: .utf8)
        #expect(try market.run(["tenant", "erase", "acme"]).code == 2, "it wants --yes")
        #expect(try market.run(["tenant", "erase", "nobody", "--yes"]).code == 3)
        try market.expect(0, ["tenant", "erase", "acme", "--yes"])
        let shown = try market.expect(0, ["tenant", "show", "acme"])
        #expect(shown.output.contains("erased") && !shown.output.contains("Acme Widgets"))
        let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(market.data)/registry.sqlite"))
        #expect(bytes.range(of: Data("DE136695976".utf8)) == nil)
        let left = try String(contentsOfFile: log, encoding: .utf8)
        #expect(!left.contains("Winter") && !left.contains("acme") && left.contains(theirs))
        #expect(
            left.utf8.count == (mine + theirs + mine).utf8.count, "an open writer's place is where it was")
        #expect(!FileManager.default.fileExists(atPath: replays))
        #expect(try String(contentsOfFile: segment, encoding: .utf8) == event, "the books stay")
    }
}
