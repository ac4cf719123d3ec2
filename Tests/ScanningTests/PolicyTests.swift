import Foundation
import Marketplace
import Scanning
import Testing

struct PolicyTests {
    private let verified = Policy.PublisherFacts(isVerified: true, approvedVersions: 3)
    private let passed = Policy.TrialFacts(findings: [], isComplete: true)

    @Test("a clean scan and a clean trial are approved, and the decision says why")
    func approvesWhatIsClean() throws {
        let policy = try Repository.rules().policy
        let decision = policy.decide(scan: try scan("export default 1;"), trial: passed, publisher: verified)
        #expect(decision.verdict == .approve)
        #expect(decision.facts == ["no-rule-objects"])
    }

    @Test("what did not complete is held, never approved")
    func holdsWhatDidNotComplete() throws {
        let policy = try Repository.rules().policy
        let clean = try scan("export default 1;")
        let cut = Policy.TrialFacts(findings: [], isComplete: false)
        #expect(
            policy.decide(scan: clean, trial: cut, publisher: verified)
                == .init(verdict: .hold, facts: ["trial-incomplete"]))
    }

    @Test("an undeclared operation seen in the trial rejects, and names its rule")
    func rejectsWhatTheTrialSaw() throws {
        let policy = try Repository.rules().policy
        let finding = Finding(
            rule: "run.undeclared", class: .trial, severity: .high, file: "",
            message: "readData customers was called")
        let decision = policy.decide(
            scan: try scan("export default 1;"), trial: .init(findings: [finding], isComplete: true),
            publisher: verified)
        #expect(decision.verdict == .reject)
        #expect(decision.facts.contains("trial-uses-undeclared: run.undeclared"))
    }

    @Test("a quarantined publisher's version is rejected")
    func rejectsTheQuarantined() throws {
        let policy = try Repository.rules().policy
        let publisher = Policy.PublisherFacts(isVerified: true, approvedVersions: 3, isQuarantined: true)
        let decision = policy.decide(scan: try scan("export default 1;"), trial: passed, publisher: publisher)
        #expect(decision == .init(verdict: .reject, facts: ["quarantined-publisher"]))
    }

    @Test(
        "a typing mistake in the policy is an error",
        arguments: [
            "schema: veroforge.policy/1\nscan: [{name: a, when: {clas: secret}, then: reject}]\ndecide: [{name: b, when: {fact: scan-reject}, then: reject}]",
            "schema: veroforge.policy/1\nscan: [{name: a, when: {class: secrets}, then: reject}]\ndecide: [{name: b, when: {fact: scan-reject}, then: reject}]",
            "schema: veroforge.policy/1\nscan: [{name: a, when: {class: secret}, then: rejected}]\ndecide: [{name: b, when: {fact: scan-reject}, then: reject}]",
            "schema: veroforge.policy/1\nscan: [{name: a, when: {class: secret}, then: reject}]\ndecide: [{name: b, when: {fact: scan-rejekt}, then: reject}]",
            "schema: veroforge.policy/1\nscan: []\ndecide: []", "{",
        ])
    func refusesABrokenPolicy(_ text: String) {
        #expect(throws: ScanError.self) { try Policy(yaml: Array(text.utf8)) }
    }

    @Test("an exemption stays visible, expires, and is reported when it matches nothing")
    func exemptionsStayVisible() throws {
        let rules = try Repository.rules()
        let code = "eval(function(p,a,c,k,e,d){return p}('0',1,1,'a'.split('|'),0,{}))"
        func report(_ exemption: String, today: String) throws -> ScanReport {
            let list = try Exemptions(
                yaml: Array("schema: veroforge.exemptions/1\nexemptions:\n  - {\(exemption)}".utf8))
            return Scanner(rules: rules, exemptions: list, today: Day(today)).scan(
                bundle([("plugin.json", manifest()), ("dist/index.js", code)]), name: "sample")
        }
        let all = "plugin: acme.sample, file: dist/*, reason: an old library, until: 2027-01-31"
        let exempted = try report("rule: obf.packer, \(all)", today: "2026-12-01")
        let finding = exempted.findings.first { $0.rule == "obf.packer" }
        #expect(finding?.mode == .exempted && finding?.message.contains("an old library") == true)
        let late = try report("rule: obf.packer, \(all)", today: "2027-02-01")
        #expect(late.findings.first { $0.rule == "obf.packer" }?.mode == .enforced)
        #expect(late.findings.contains { $0.rule == "scan.exemption-expired" })
        let idle = try report("rule: mal.miner, \(all)", today: "2026-12-01")
        #expect(idle.findings.contains { $0.rule == "scan.exemption-unused" })
    }
}
