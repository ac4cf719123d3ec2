import Foundation
import TestSupport
import Testing

/// Bad input gets a clear error that says what, where and what to do, and an exit code that tells the truth.
@Suite struct BadInputTests {
    @Test func aMissingManifestIsNamed() throws {
        let scratch = try Scratch()
        let result = try Tool.run("veroforge", ["plugin", "pack", scratch.path])
        #expect(result.code == 2)
        #expect(result.errors.contains("has no plugin.json"))
    }

    @Test func everyProblemOfAManifestIsNamedAtOnce() throws {
        let market = try SampleMarketplace()
        let folder = try market.plugin(changing: [
            "plugin.json": {
                $0.replacing("\"billing\"", with: "\"games\"").replacing("\"1.0.0\"", with: "\"one\"")
            }
        ])
        let result = try Tool.run("veroforge", ["plugin", "pack", folder])
        #expect(result.code == 2)
        #expect(result.errors.contains("/category") && result.errors.contains("/version"))
    }

    @Test func aBadSignatureIsRejected() throws {
        let market = try SampleMarketplace()
        let stranger = market.scratch.path + "/stranger.key"
        _ = try market.run(
            [
                "publisher", "register", "somebody-else", "--name", "Somebody", "--email", "s@example.com",
                "--country",
                "DE", "--key", stranger,
            ])
        let result = try market.run([
            "plugin", "submit", try market.plugin(), "--key", stranger, "--wait",
        ])
        #expect(result.code == 6)
        #expect(result.output.contains("signature"))
    }

    @Test func aTruncatedArchiveIsRefusedWithAFinding() throws {
        let market = try SampleMarketplace()
        let path = try market.bundle(try market.plugin())
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: path))
        let result = try Tool.run("veroforge", ["scan", path])
        #expect(result.code == 1 || result.code == 5)
        #expect(result.output.contains("arc."))
    }

    @Test func anUnknownPipelineOrStageListsTheKnownOnes() throws {
        let market = try SampleMarketplace()
        let pipeline = try market.run(["run", "weekly"])
        #expect(pipeline.code == 2)
        #expect(pipeline.errors.contains("no pipeline weekly") && pipeline.errors.contains("submission"))
        let stage = try market.run(["run", "submission", "--stage", "polish"])
        #expect(stage.code == 2)
        #expect(stage.errors.contains("no stage polish") && stage.errors.contains("ingest"))
    }

    @Test func aDataDirectoryOfANewerVersionIsRefused() throws {
        let market = try SampleMarketplace()
        let file = market.data + "/veroforge.yaml"
        let text = try String(contentsOfFile: file, encoding: .utf8)
        try text.replacing("format: 1", with: "format: 9").write(
            toFile: file, atomically: true, encoding: .utf8)
        let result = try market.run(["status"])
        #expect(result.code == 2)
        #expect(result.errors.contains("newer version"))
        let runtime = try Tool.run("veroforge-runtime", ["serve", "--data", market.data])
        #expect(runtime.code == 2)
    }

    @Test func aMistypedKeyOfTheConfigurationIsNamedWithItsLine() throws {
        let market = try SampleMarketplace()
        let file = market.data + "/veroforge.yaml"
        let text = try String(contentsOfFile: file, encoding: .utf8)
        try text.replacing("holdDays:", with: "holdDay:").write(
            toFile: file, atomically: true, encoding: .utf8)
        let result = try market.run(["config", "check"])
        #expect(result.code == 2)
        #expect(result.errors.contains("did you mean holdDays"))
    }

    @Test func aMissingDataDirectoryIsNotFound() throws {
        let result = try Tool.run("veroforge", ["status", "--data", "/nonexistent/veroforge"])
        #expect(result.code == 3)
        #expect(result.errors.contains("veroforge init"))
    }

    @Test func wrongUsageIsTwo() throws {
        #expect(try Tool.run("veroforge", ["run"]).code == 2)
        #expect(try Tool.run("veroforge", ["no-such-verb"]).code == 2)
        #expect(try Tool.run("veroforge", ["scan", "--fail-on", "terrible", "."]).code == 2)
        #expect(try Tool.run("veroforge", ["--help"]).code == 0)
    }

    @Test func theClockIsSetOnlyInADemo() throws {
        let scratch = try Scratch()
        let data = scratch.path + "/data"
        #expect(try Tool.run("veroforge", ["init", "--data", data]).code == 0)
        let result = try Tool.run("veroforge", ["status", "--data", data, "--as-of", "2026-01-01"])
        #expect(result.code == 2)
        #expect(result.errors.contains("not marked as a demo"))
    }
}
