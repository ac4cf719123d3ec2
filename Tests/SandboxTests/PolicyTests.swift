import Marketplace
import Sandbox
import TestSupport
import Testing

/// Which back end a plugin comes to.
@Suite struct IsolationPolicyContract {
    private func policy(_ lines: [(String, String)]) throws -> IsolationPolicy {
        var policy = IsolationPolicy()
        for (key, value) in lines {
            let problem = policy.set(key, value)
            #expect(problem == nil)
        }
        return policy
    }

    @Test func theStrongestOfPolicyAndCustomerHolds() throws {
        let plugin = try #require(PluginID("northwind.hello"))
        let policy = try policy([
            ("unverified", "gvisor"), ("verified", "native"), ("northwind.special", "microvm"),
        ])
        #expect(policy.backEnd(for: plugin, .unverified) == .gvisor)
        #expect(policy.backEnd(for: plugin, .verified) == .native)
        #expect(policy.backEnd(for: try #require(PluginID("northwind.special")), .verified) == .microvm)
        #expect(policy.backEnd(for: plugin, .unverified, chosen: .native) == .gvisor)
        #expect(policy.backEnd(for: plugin, .verified, chosen: .microvm) == .microvm)
        #expect(policy.used == [.native, .gvisor, .microvm])
        #expect(IsolationPolicy().used == [.native])
    }

    @Test(arguments: [("verified", "strong"), ("someone", "native"), ("", "native")])
    func aWrongLineIsNamed(key: String, value: String) {
        var policy = IsolationPolicy()
        #expect(policy.set(key, value) != nil)
    }

    @Test func aBackEndThatDoesNotWorkIsNeverReplaced() async throws {
        let isolations = Isolations.of(
            executable: "/nowhere/veroforge-runner",
            seccompList: Products.file("rules/seccomp/runner.list"))
        for backEnd in BackEnd.allCases {
            await #expect(throws: SandboxError.self) { try await isolations.isolation(backEnd) }
        }
        for report in await isolations.reports() {
            #expect(!report.works)
            #expect(!report.problems.isEmpty)
        }
    }

    @Test func aBackEndIsPreparedOnce() async throws {
        let isolations = Isolations.of(
            executable: Products.path("veroforge-runner"),
            seccompList: Products.file("rules/seccomp/runner.list"))
        let isolation = try await isolations.isolation(.native)
        #expect(isolation.backEnd == .native)
        #expect(!isolation.mode.isEmpty)
        let again = Isolations.of(
            executable: Products.path("veroforge-runner"),
            seccompList: Products.file("rules/seccomp/runner.list"))
        #expect(again === isolations)
    }
}
