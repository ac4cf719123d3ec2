import Marketplace
import Sandbox

/// The spare runners of each back end that this node uses, and which plugin belongs to which.
actor SandboxPools {
    private let isolations: Isolations
    private let policy: IsolationPolicy
    private let spares: Int
    private var pools: [BackEnd: RunnerPool] = [:]

    init(_ isolations: Isolations, policy: IsolationPolicy = IsolationPolicy(), spares: Int) {
        self.isolations = isolations
        self.policy = policy
        self.spares = spares
    }

    /// The pool that a plugin's runner comes from: the strongest back end of what policy and customer ask for. Where
    /// it does not work the plugin does not start; a weaker one is never taken in its place.
    func pool(for plugin: InstalledPlugin) async throws(RuntimeError) -> RunnerPool {
        let chosen = plugin.backEnd.flatMap(BackEnd.init)
        guard plugin.backEnd == nil || chosen != nil else {
            throw RuntimeError(
                .unavailable, plugin.plugin.text, "\(plugin.backEnd ?? "") is no back end of this node")
        }
        return try await pool(policy.backEnd(for: plugin.plugin, plugin.trust, chosen: chosen))
    }

    /// Starts the spares of every back end that the policy names; gives what does not work, and why.
    func warm() async -> [String] {
        var problems: [String] = []
        for backEnd in policy.used {
            do {
                let pool = try await pool(backEnd)
                await pool.warm()
                guard spares > 0, await pool.readyCount == 0 else { continue }
                let report = try await isolations.isolation(backEnd).report()
                if !report.works {
                    problems.append("\(backEnd.rawValue): " + report.problems.joined(separator: "; "))
                }
            } catch { problems.append("\(error)") }
        }
        return problems
    }

    func close() async {
        for pool in pools.values { await pool.close() }
        pools = [:]
    }

    private func pool(_ backEnd: BackEnd) async throws(RuntimeError) -> RunnerPool {
        if let pool = pools[backEnd] { return pool }
        let isolation: any Isolation
        do { isolation = try await isolations.isolation(backEnd) } catch {
            throw RuntimeError(
                .unavailable, backEnd.rawValue,
                "does not run on this node, and a weaker back end is not taken in its place: "
                    + error.description)
        }
        // Another task may have made it meanwhile.
        if let pool = pools[backEnd] { return pool }
        let pool = RunnerPool(isolation, spares: spares)
        pools[backEnd] = pool
        return pool
    }
}
