import Marketplace
import Sandbox

/// Starts plugins in Sandbox's runners, from spare ones where there are some.
struct SandboxStarter: PluginStarter {
    /// The back ends of this node, each with its pool of spare runners.
    let pools: SandboxPools
    let bundles: BundleStore

    func start(
        _ plugin: InstalledPlugin, _ operations: ProxiedOperations
    ) async throws(RuntimeError) -> any SandboxedPlugin {
        let name = plugin.plugin.text
        let pool = try await pools.pool(for: plugin)
        let files = try await bundles.files(of: plugin.bundle).filter { Self.isForTheRunner($0.path) }
        let image = PluginImage(
            files: Dictionary(files.map { ($0.path, $0.bytes) }, uniquingKeysWith: { first, _ in first }),
            main: plugin.manifest.main, plugin: plugin.plugin, version: plugin.version, config: plugin.config,
            seed: operations.circumstances?.seed, clock: operations.circumstances?.clock,
            timersAsk: operations.circumstances != nil)
        let limits = RunnerLimits(plugin.limits)
        let runner = try await sandbox(name) { () throws(SandboxError) in try await pool.take(limits) }
        let started = StartedPlugin(runner: runner, context: operations)
        let loaded = try await sandbox(name) { () throws(SandboxError) in try await runner.load(image) }
        try Self.check(loaded, of: started, plugin)
        let initialized = try await sandbox(name) { () throws(SandboxError) in
            try await runner.initialize(operations)
        }
        try Self.check(initialized, of: started, plugin)
        return started
    }

    func files(of bundle: Digest) async throws(RuntimeError) -> [BundleFile] {
        try await bundles.files(of: bundle)
    }

    private func sandbox<Result: Sendable>(
        _ name: String, _ work: () async throws(SandboxError) -> Result
    ) async throws(RuntimeError) -> Result {
        do {
            return try await work()
        } catch {
            throw RuntimeError(.unavailable, name, error.description, retryAfterSeconds: 5)
        }
    }

    private static func check(
        _ result: ExecutionResult, of started: StartedPlugin, _ plugin: InstalledPlugin
    ) throws(RuntimeError) {
        switch PluginRun(result, plugin.secrets).ending {
        case .answer: return
        case .failed(let code, let name, let message):
            started.end()
            throw RuntimeError(
                .pluginFailed, plugin.plugin.text, "could not be started: \(name): \(message)",
                details: ["failed": CallOutput.failure(code, name, message)])
        case .limit(let limit, let detail):
            started.end()
            throw RuntimeError(
                .limit, plugin.plugin.text,
                "was ended by the limit \(limit) while it started"
                    + (detail.map { ": \($0)" } ?? ""), details: ["limit": .string(limit)])
        }
    }

    /// What only people look at stays outside.
    private static func isForTheRunner(_ path: String) -> Bool {
        if path.hasPrefix("ui/") || path.hasPrefix("screenshots/") { return false }
        return ![".md", ".png", ".svg", ".jpg", ".webp"].contains { path.lowercased().hasSuffix($0) }
    }
}

/// A started plugin in one of Sandbox's runners.
private struct StartedPlugin: SandboxedPlugin {
    let runner: PluginRunner
    let context: ProxiedOperations

    var isolation: String { runner.backEnd.rawValue }
    var isUp: Bool { runner.isUp }

    func execute(
        _ action: String, data: JSONValue, extra: [String: JSONValue], operations: ProxiedOperations
    ) async -> PluginRun {
        let left = ContinuousClock.now.duration(to: operations.call.deadline)
        do throws(SandboxError) {
            let result = try await runner.execute(
                action: action, data: data, extra: extra, wallMs: max(1, left.wholeMilliseconds),
                handler: operations)
            return PluginRun(result, operations.call.plugin.secrets, isAlive: await runner.isAlive)
        } catch {
            return PluginRun(
                ending: .failed(code: "sandbox", name: "SandboxError", message: error.description),
                isUsable: false)
        }
    }

    func cleanUp() async {
        let call = CallContext(
            id: "cleanup", plugin: context.call.plugin, action: "cleanup",
            deadline: .now + .milliseconds(context.call.plugin.limits.wallMs))
        if (try? await runner.cleanup(ProxiedOperations(proxy: context.proxy, call: call))) == nil {
            await runner.kill()
        }
    }

    func end() {
        let runner = self.runner
        Task { await runner.kill() }
    }
}

extension PluginRun {
    fileprivate init(_ result: ExecutionResult, _ secrets: SecretVault, isAlive: Bool = true) {
        switch result.outcome {
        case .success(let answer): ending = .answer(answer)
        case .failure(let failure):
            ending = .failed(
                code: failure.code, name: failure.name,
                message: secrets.scrub(String(failure.message.prefix(2_000))))
        case .ended(let limit): ending = .limit(limit.rawValue, detail: result.detail)
        }
        isUsable = isAlive
        wallMs = result.wallMs
        bytesIn = result.bytesIn
        bytesOut = result.bytesOut
        logs = result.logs.map { LogLine(level: $0.level, text: secrets.scrub($0.text)) }
    }
}
