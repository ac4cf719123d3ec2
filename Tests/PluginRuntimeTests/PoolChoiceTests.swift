import Marketplace
import Provenance
import Sandbox
import TestSupport
import Testing

@testable import PluginRuntime

/// Which back end an installed plugin is started on.
@Suite struct BackEndChoice {
    private func pools(_ lines: [String: String], runner: String = Products.path("veroforge-runner")) throws
        -> SandboxPools
    {
        var policy = IsolationPolicy()
        for (key, value) in lines {
            let problem = policy.set(key, value)
            #expect(problem == nil)
        }
        return SandboxPools(
            Isolations.of(executable: runner, seccompList: Products.file("rules/seccomp/runner.list")),
            policy: policy, spares: 0)
    }

    private func plugin(_ trust: PublisherTrust, chosen: String? = nil) throws -> InstalledPlugin {
        let manifest = try Manifest.parse(TestNode.manifest().serializedBytes())
        return InstalledPlugin(
            installation: "i", tenant: try #require(TenantID("tenant-one")), manifest: manifest, plan: "free",
            accepted: PermissionSet([]), config: [:], bundle: Digest.sha256(of: []),
            application: ApplicationTarget(baseURL: "http://127.0.0.1:1", credential: "c"),
            secrets: SecretVault([:]), backEnd: chosen, trust: trust)
    }

    @Test func policyChoosesByTrust() async throws {
        let pools = try pools(["verified": "native", "unverified": "gvisor"])
        #expect(try await pools.pool(for: plugin(.verified)).backEnd == .native)
        #expect(try await pools.pool(for: plugin(.unverified)).backEnd == .gvisor)
        await pools.close()
    }

    @Test func aCustomerChoosesAStrongerOneAndNeverAWeaker() async throws {
        let pools = try pools(["verified": "native", "unverified": "gvisor"])
        #expect(try await pools.pool(for: plugin(.verified, chosen: "gvisor")).backEnd == .gvisor)
        #expect(try await pools.pool(for: plugin(.unverified, chosen: "native")).backEnd == .gvisor)
        await pools.close()
    }

    @Test func whereTheBackEndDoesNotWorkThePluginDoesNotStart() async throws {
        let pools = try pools(["unverified": "gvisor"], runner: "/nowhere/veroforge-runner")
        let plugin = try plugin(.unverified)
        await #expect {
            _ = try await pools.pool(for: plugin)
        } throws: { error in
            (error as? RuntimeError)?.code == .unavailable
                && "\(error)".contains("a weaker back end is not taken")
        }
    }
}
