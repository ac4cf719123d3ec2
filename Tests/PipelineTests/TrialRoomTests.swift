import Foundation
import Marketplace
import Publishing
import Sandbox
import TestSupport
import Testing

@testable import Pipeline

/// A trial says where it really ran.
@Suite(.serialized) struct TrialRoomTests {
    static let main = """
        export default { async execute(request) { return { success: true, data: request.action }; } };
        """
    static let manifest = """
        {"id": "some-samples.tried", "name": "n", "version": "1.0.0", "description": "d", "author": "a",
         "category": "utilities", "license": "MIT", "main": "dist/index.js", "apiSurface": [], "permissions": [],
         "actions": [{"name": "x", "description": "x", "input": {"type": "object"}}],
         "pricing": {"model": "subscription", "currency": "USD",
          "plans": [{"id": "p", "amount": "1.00", "interval": "month"}]}}
        """

    private var programs: ProgramFiles {
        let runner = Products.path("veroforge-runner")
        return ProgramFiles(
            home: Products.file(""), programs: String(runner.prefix(upTo: runner.lastIndex(of: "/")!)))
    }

    @Test(arguments: [
        (BackEnd.native, "namespaces"), (.gvisor, "runsc, platform "),
    ])
    func theReportNamesBackEndAndMode(name: BackEnd, mode: String) async throws {
        let isolation = try await TrialRoom.isolation(programs, name)
        let conductor = TrialConductor(isolation: isolation)
        let manifest = try Manifest.parse(Array(Self.manifest.utf8))
        let report = await conductor.trial(
            manifest, files: ["dist/index.js": Array(Self.main.utf8)],
            bundle: Digest(hex: String(repeating: "0", count: 64))!)
        #expect(report.complete, "\(report.findings)")
        #expect(report.backEnd == name.rawValue)
        #expect(report.mode?.hasPrefix(mode) == true)
        let read = try TrialReport(json: report.json())
        #expect(read == report)
        #expect(Shown.trial(report).backEnd.hasPrefix("\(name.rawValue): \(mode)"))
    }

    @Test func theConfigurationChoosesTheBackEndAndRefusesWhatItDoesNotKnow() throws {
        let text = Configuration.template(demo: false)
        let from = "isolation: {verified: native, unverified: native}"
        #expect(text.contains(from))
        let strict = text.replacingOccurrences(
            of: from, with: "isolation: {unverified: gvisor, some-samples.tried: microvm}")
        let policy = try Configuration.read(strict, named: "veroforge.yaml").isolationPolicy
        let tried = try #require(PluginID("some-samples.tried"))
        let other = try #require(PluginID("some-samples.other"))
        #expect(policy.backEnd(for: tried, .verified).rawValue == "microvm")
        #expect(policy.backEnd(for: other, .unverified).rawValue == "gvisor")
        #expect(policy.backEnd(for: other, .verified).rawValue == "native")
        let wrong = text.replacingOccurrences(of: from, with: "isolation: {unverified: strong}")
        #expect(throws: PipelineError.self) { try Configuration.read(wrong, named: "veroforge.yaml") }
    }
}
