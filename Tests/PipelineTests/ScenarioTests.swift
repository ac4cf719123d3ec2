import Foundation
import Marketplace
import TestSupport
import Testing

@testable import Pipeline

/// The scenarios of the launch plugins in the real sandbox. `Tests/Plugins/run` builds the plugins before.
@Suite struct ScenarioTests {
    static let launchPlugins = [
        "docusign", "overdue-reminders", "quickbooks-sync", "slack", "stripe-billing", "twilio",
    ]

    static let places = ScenarioFolder.Places(
        runner: Products.path("veroforge-runner"), seccompList: Products.file("rules/seccomp/runner.list"),
        schema: Products.file("plugins/sdk/scenario.schema.json"))

    static func manifest(_ plugin: String) throws -> Manifest {
        let data = try Data(contentsOf: URL(fileURLWithPath: Products.file("plugins/\(plugin)/plugin.json")))
        return try Manifest.parse([UInt8](data))
    }

    @Test(arguments: launchPlugins) func everyScenarioOfALaunchPluginHoldsInTheSandbox(_ plugin: String)
        async throws
    {
        let manifest = try Self.manifest(plugin)
        let folder = Products.file("plugins/\(plugin)")
        try #require(
            FileManager.default.fileExists(atPath: "\(folder)/\(manifest.main)"),
            "\(plugin) is not built: run Tests/Plugins/run first")
        let results = await ScenarioFolder.run(folder, manifest: manifest, places: Self.places)
        #expect(results.count >= 3)
        for result in results { #expect(result.problems == [], "\(plugin): \(result.file)") }
    }

    @Test func aScenarioThatDoesNotHoldSaysWhy() async throws {
        let folder = NSTemporaryDirectory() + "scenarios-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for path in ["dist", "scenarios"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/\(path)", withIntermediateDirectories: true)
        }
        for name in ["dist/index.js", "dist/days.js"] {
            try FileManager.default.copyItem(
                atPath: Products.file("plugins/overdue-reminders/\(name)"), toPath: "\(folder)/\(name)")
        }
        let cases = [
            (
                "a", #""when": {"action": "overview", "data": {}}, "expect": {"result": {"success": false}}"#,
                "result/success is true, not false"
            ),
            (
                "b",
                #""when": {"action": "overview", "data": {}}, "expect": {"result": {"success": true}, "operations": []}"#,
                "operations is"
            ),
            (
                "c", #""when": {"action": "nothing"}, "expect": {"result": {"success": true}}"#,
                "there is no action nothing"
            ),
            (
                "d",
                #""when": {"action": "overview"}, "expect": {"result": {"success": true}, "limits": {"apiCalls": 0}}"#,
                "1 operations, more than 0"
            ),
            (
                "e", #""when": {"action": "overview"}, "expect": {"result": {"success": true}}, "typo": 1"#,
                "typo"
            ),
            (
                "f",
                #""when": {"action": "overview"}, "expect": {"result": {"success": true}}, "vendor": [{"request": {"method": "GET", "url": "https://example.com/"}, "answer": {"status": 200}}]"#,
                "GET https://example.com/ did not happen"
            ),
            (
                "g",
                #""when": {"action": "overview"}, "expect": {"result": {"success": true}}, "faults": [{"operation": "readData invoices", "code": "upstream"}]"#,
                "overview failed: OperationError"
            ),
        ]
        for (name, body, _) in cases {
            try Data("{\"name\": \"\(name)\", \(body)}".utf8).write(
                to: URL(fileURLWithPath: "\(folder)/scenarios/\(name).json"))
        }
        let results = await ScenarioFolder.run(
            folder, manifest: try Self.manifest("overdue-reminders"), places: Self.places)
        try #require(results.count == cases.count)
        for (result, (name, _, why)) in zip(results, cases) {
            #expect(result.problems.contains { $0.contains(why) }, "\(name): \(result.problems)")
        }
    }

    @Test func reportsAreReadByPeopleProgramsAndTestRunners() {
        var good = ScenarioResult(name: "a <b>", file: "a.json")
        good.calls = 2
        good.cpuMs = 1.25
        good.operations = 3
        let bad = ScenarioResult(name: "c", file: "c.json", problems: ["x is 1, not 2"])
        let text = ScenarioText.text([good, bad])
        #expect(text.contains("holds  a <b>  (2 calls: 1.3 ms CPU, 0 KiB, 3 operations, 0 bytes)"))
        #expect(text.contains("FAILS  c"))
        #expect(text.hasSuffix("1 hold, 1 fail\n"))
        #expect(ScenarioText.json([good, bad])["holds"] == false)
        let xml = ScenarioText.junit([good, bad], suite: "samples.x")
        #expect(xml.contains("<testcase name=\"a &lt;b&gt;\" classname=\"samples.x\" time=\"0.000\"/>"))
        #expect(xml.contains("tests=\"2\" failures=\"1\""))
        #expect(xml.contains("<failure message=\"x is 1, not 2\">"))
    }
}
