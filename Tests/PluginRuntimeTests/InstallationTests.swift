import Marketplace
import Provenance
import Registry
import Testing

@testable import PluginRuntime

@Suite struct InstallationTests {
    @Test func installNeedsConsentToEveryPermission() async throws {
        let node = try await TestNode.make()
        try node.list()
        let partly: JSONValue = [["operation": "readData", "entity": "invoices"]]
        let refused = try await node.install(permissions: partly)
        #expect(refused.status == 409)
        #expect(refused.json["code"] == "consent-needed")
        #expect(refused.json["missing"]?[0]?["workflow"] == "send-email")
        #expect(try node.events().isEmpty)
        #expect(try await node.ask("GET", TestNode.home).status == 404)
        #expect(try await node.install().status == 201)
        await node.end()
    }

    @Test func repeatedInstallChangesNothing() async throws {
        let node = try await TestNode.make()
        try node.list()
        let first = try await node.install()
        let second = try await node.install()
        #expect(first.status == 201 && second.status == 200)
        #expect(first.json["id"] == second.json["id"])
        #expect(try node.events().filter { $0["kind"] == "subscription" }.count == 1)
        await node.end()
    }

    @Test func unknownPlanVersionAndSecretAreRefused() async throws {
        let node = try await TestNode.make()
        try node.list()
        let plan = try await node.install(plan: "gold")
        #expect(plan.status == 422)
        #expect(plan.json["detail"]?.stringValue?.contains("free, pro") == true)
        #expect(try await node.install(version: "9.9.9").status == 404)
        #expect(try await node.install(secrets: ["OTHER": "x"]).status == 422)
        await node.end()
    }

    @Test func pluginThatDoesNotStartIsTakenBack() async throws {
        let node = try await TestNode.make(ScriptedStarter(broken: ["1.0.0"]))
        try node.list()
        let answer = try await node.install()
        #expect(answer.status == 502)
        #expect(answer.json["detail"]?.stringValue?.contains("broken on purpose") == true)
        #expect(try await node.ask("GET", TestNode.home).status == 404)
        #expect(try node.events().isEmpty)
        await node.end()
    }

    @Test func installationIsAnEventThatBillingCanUseAlone() async throws {
        let node = try await TestNode.make()
        try node.list()
        _ = try await node.install(plan: "pro")
        let event = try #require(try node.events().first)
        #expect(event["kind"] == "subscription")
        #expect(event["change"] == "install")
        #expect(event["plan"] == "pro")
        #expect(event["tenant"] == "acme")
        #expect(event["country"] == "DE")
        #expect(event["pricing"]?["plans"]?[1]?["amount"] == "9.00")
        await node.end()
    }

    @Test func updateThatFailsLeavesTheOldVersionAtWork() async throws {
        let starter = ScriptedStarter(broken: ["1.1.0"])
        let node = try await TestNode.make(starter)
        try node.list()
        try node.list(TestNode.manifest(version: "1.1.0"))
        _ = try await node.install()
        let offers = try await node.ask("GET", TestNode.home + "/updates")
        #expect(offers.json["updates"]?[0]?["version"] == "1.1.0")
        #expect(offers.json["updates"]?[0]?["needsConsent"] == false)
        let approved = try await node.ask("POST", TestNode.home + "/updates/1.1.0/approve", [:])
        #expect(approved.status == 502)
        #expect(try await node.ask("GET", TestNode.home).json["version"] == "1.0.0")
        #expect(try await node.call().status == 200)
        await node.end()
    }

    @Test func updateThatAsksForMoreNeedsConsentAndThenSwitches() async throws {
        let starter = ScriptedStarter()
        let node = try await TestNode.make(starter)
        try node.list()
        let more: JSONValue = .array(
            (TestNode.permissions.arrayValue ?? [])
                + [["operation": "readData", "entity": "customers", "purpose": "address them"]])
        try node.list(TestNode.manifest(version: "2.0.0", permissions: more))
        _ = try await node.install()
        let offers = try await node.ask("GET", TestNode.home + "/updates")
        #expect(offers.json["updates"]?[0]?["needsConsent"] == true)
        let path = TestNode.home + "/updates/2.0.0/approve"
        #expect(try await node.ask("POST", path, [:]).json["code"] == "consent-needed")
        let approved = try await node.ask("POST", path, ["permissions": more])
        #expect(approved.json["version"] == "2.0.0")
        #expect(try await node.call().status == 200)
        let events = try node.events()
        #expect(events.last?["version"] == "2.0.0")
        #expect(events.contains { $0["change"] == "consent" })
        await node.end()
    }

    @Test func removalEndsThePluginAndTellsBilling() async throws {
        let starter = ScriptedStarter()
        let node = try await TestNode.make(starter)
        try node.list()
        _ = try await node.install()
        #expect(try await node.ask("DELETE", TestNode.home).status == 204)
        #expect(starter.cleaned.value == 1)
        #expect(try await node.call().status == 404)
        #expect(try node.events().last?["change"] == "remove")
        #expect(try await node.ask("DELETE", TestNode.home).status == 404)
        await node.end()
    }

    @Test func planAndCapChangesAreEvents() async throws {
        let node = try await TestNode.make()
        try node.list()
        _ = try await node.install()
        #expect(try await node.ask("PUT", TestNode.home + "/plan", ["plan": "pro"]).json["plan"] == "pro")
        #expect(
            try await node.ask("PUT", TestNode.home + "/spend-cap", ["amount": "25.00"]).json["spendCap"]
                == "25.00")
        #expect(try await node.ask("PUT", TestNode.home + "/spend-cap", ["amount": "much"]).status == 422)
        let changes = try node.events().compactMap { $0["change"]?.stringValue }
        #expect(changes == ["install", "plan", "cap"])
        #expect(try await node.call().status == 200)
        #expect(try node.events().last?["plan"] == "pro")
        await node.end()
    }

    @Test func revokedVersionStopsAtTheNextLook() async throws {
        let node = try await TestNode.make()
        try node.list()
        _ = try await node.install()
        try node.registry.revoke(
            reminders, Version("1.0.0")!, stage: .suspended, reason: "steals",
            evidence: "https://example.com/1",
            actor: "operator", now: epoch)
        await node.service.reconcile()
        let refused = try await node.call()
        #expect(refused.status == 403)
        #expect(refused.json["code"] == "suspended")
        #expect(try await node.install(tenant: rival).status == 403)
        await node.end()
    }

    @Test func everyAdministrativeActStandsInTheChain() async throws {
        let node = try await TestNode.make()
        try node.list()
        _ = try await node.install()
        _ = try await node.ask("PUT", TestNode.home + "/config", ["graceDays": 5])
        _ = try await node.ask("DELETE", TestNode.home)
        #expect(
            try node.auditLines().compactMap { $0["act"]?.stringValue } == ["install", "config", "remove"])
        let checked = AuditChain.verify(try node.auditFiles())
        #expect(checked.breaks.isEmpty && checked.lines == 3)
        await node.end()
    }
}
