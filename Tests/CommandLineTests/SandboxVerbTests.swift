import Foundation
import Marketplace
import TestSupport
import Testing

/// The sandbox as an operator meets it: the doctor, and the back end that a submission is tried on.
@Suite(.serialized) struct SandboxVerbTests {
    @Test func theDoctorStartsEveryBackEndAndSaysHowItRuns() throws {
        let text = try Tool.run("veroforge", ["sandbox", "doctor"])
        #expect(text.code == 0, "\(text.errors)")
        #expect(text.output.contains("native: works (namespaces"))
        #expect(text.output.contains("gvisor: works (runsc, platform "))
        #expect(text.output.contains("control groups"))
        let json = try Tool.run("veroforge", ["sandbox", "doctor", "--format", "json"])
        let document = try JSONValue.parse(Array(json.output.utf8))
        #expect(document["schema"] == "veroforge.sandbox-doctor/1")
        let names = (document["backEnds"]?.arrayValue ?? []).compactMap { $0["backEnd"]?.stringValue }
        #expect(names == ["native", "gvisor", "microvm"])
    }

    /// As root all of it holds with root's means; here an ordinary user has an installation that others have made.
    @Test func anOrdinaryUserHasTheSameBackEnds() throws {
        // Whoever is an ordinary user has tried it above.
        guard getuid() == 0 else { return }
        let home = try Scratch()
        let files = FileManager.default
        for folder in ["pipelines", "rules", "bin", "tmp"] {
            try files.createDirectory(
                atPath: "\(home.path)/\(folder)", withIntermediateDirectories: false)
        }
        for (from, to) in [
            ("pipelines/submission.yaml", "pipelines/submission.yaml"), ("rules/seccomp", "rules/seccomp"),
        ] { try files.copyItem(atPath: Products.file(from), toPath: "\(home.path)/\(to)") }
        try files.createDirectory(atPath: "\(home.path)/microvm", withIntermediateDirectories: false)
        for name in try files.contentsOfDirectory(atPath: Products.file(".deps/microvm"))
        where name != "snapshots" {
            try files.copyItem(
                atPath: Products.file(".deps/microvm/\(name)"), toPath: "\(home.path)/microvm/\(name)")
        }
        for name in ["veroforge", "veroforge-runner"] {
            try files.copyItem(atPath: Products.path(name), toPath: "\(home.path)/bin/\(name)")
        }
        chmod(home.path, 0o755)
        chmod(home.path + "/tmp", 0o1777)
        let text = try Tool.run(
            "/usr/bin/setpriv",
            [
                "--reuid=1000", "--regid=1000", "--clear-groups", "\(home.path)/bin/veroforge", "sandbox",
                "doctor",
            ], environment: ["TMPDIR": home.path + "/tmp", "HOME": home.path + "/tmp"])
        #expect(text.code == 0, "\(text.output)\(text.errors)")
        #expect(text.output.contains("native: works (namespaces"))
        #expect(text.output.contains("gvisor: works (runsc, platform "), "\(text.output)")
        #expect(text.output.contains("microvm: works ("), "\(text.output)")
        // Whether it may make groups is the machine's to say; which it is, is told.
        #expect(text.output.contains("control groups ("))
        #expect(try files.contentsOfDirectory(atPath: home.path + "/tmp") == [])
    }

    @Test func whereTheDefaultBackEndDoesNotWorkTheDoctorFails() throws {
        let result = try Tool.run(
            "veroforge", ["sandbox", "doctor"], environment: ["VEROFORGE_PROGRAMS": "/nowhere"])
        #expect(result.code == 5, "\(result.output)")
        #expect(result.output.contains("native: does NOT work"))
        #expect(result.output.contains("lacks: /nowhere/veroforge-runner"))
    }

    @Test func aSubmissionIsTriedOnTheBackEndOfThePolicyAndTheCatalogueSaysSo() throws {
        let market = try SampleMarketplace()
        try choose("gvisor", in: market)
        let id = try market.submit(try market.plugin())
        try market.expect(0, ["run", "submission"])
        if try market.state(id) == "held" {
            try market.expect(0, ["review", "approve", id, "--reviewer", "tester", "--reason", "read it"])
            try market.expect(0, ["run", "submission"])
        }
        #expect(try market.state(id) == "listed")
        let report = try Data(contentsOf: URL(fileURLWithPath: "\(market.data)/reports/\(id)/trial.json"))
        let trial = try JSONValue.parse(Array(report))
        #expect(trial["backEnd"] == "gvisor")
        #expect(trial["mode"]?.stringValue?.hasPrefix("runsc, platform ") == true)
        let build = try FileManager.default.destinationOfSymbolicLink(atPath: market.data + "/site/public")
        let site = market.data + "/site/\(build)/"
        let names = FileManager.default.enumerator(atPath: site)?.compactMap { $0 as? String } ?? []
        let pages = names.filter { $0.hasSuffix(".html") && $0.contains("overdue-reminders") }
        let shown = try pages.contains {
            try String(contentsOfFile: site + $0, encoding: .utf8).contains("gvisor: runsc, platform ")
        }
        #expect(shown, "\(pages)")
    }

    @Test func aBackEndThatNobodyKnowsIsAWrongConfiguration() throws {
        let market = try SampleMarketplace()
        try choose("strong", in: market)
        let result = try market.run(["run", "submission"])
        #expect(result.code == 2)
        #expect(result.errors.contains("`strong` is no back end"), "\(result.errors)")
    }

    private func choose(_ backEnd: String, in market: SampleMarketplace) throws {
        let path = market.data + "/veroforge.yaml"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let changed = text.replacingOccurrences(of: "unverified: native", with: "unverified: \(backEnd)")
        #expect(changed != text)
        try changed.write(toFile: path, atomically: true, encoding: .utf8)
    }
}
