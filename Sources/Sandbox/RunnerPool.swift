import Marketplace

/// Started runners that wait for a plugin. Each is bound to one plugin when taken and never comes back.
public actor RunnerPool {
    private let isolation: any Isolation
    private let limits: RunnerLimits
    private let spares: Int
    private var ready: [PluginRunner] = []
    private var refill: Task<Void, Never>?
    private var isClosed = false

    /// Keeps `spares` runners started under `limits`.
    public init(_ isolation: any Isolation, limits: RunnerLimits = RunnerLimits(), spares: Int) {
        self.isolation = isolation
        self.limits = limits
        self.spares = spares
    }

    public nonisolated var backEnd: BackEnd { isolation.backEnd }
    public var readyCount: Int { ready.count }

    /// A runner that is started and bound to the wanted limits: a spare where there is one, else a new one.
    public func take(_ wanted: RunnerLimits? = nil) async throws(SandboxError) -> PluginRunner {
        guard !isClosed else {
            throw SandboxError(.wrongState, "taking a runner", cause: "the pool is closed")
        }
        while fits(wanted ?? limits), let spare = ready.popLast() {
            fill(after: Self.pause)
            // A spare may have died while it waited.
            if spare.isUp, await spare.bind(wanted ?? limits) { return spare }
        }
        fill(after: Self.pause)
        return try await isolation.start(wanted ?? limits)
    }

    /// Whether a spare can be given these limits: a machine's memory is fixed when it starts.
    private func fits(_ wanted: RunnerLimits) -> Bool {
        backEnd != .microvm || wanted.limits.memoryMiB <= limits.limits.memoryMiB
    }

    /// Starts spares until there are enough; returns when there are.
    public func warm() async {
        fill()
        await refill?.value
    }

    /// Ends the spares. Runners that were taken belong to their takers.
    public func close() async {
        isClosed = true
        await refill?.value
        for runner in ready { await runner.kill() }
        ready = []
    }

    /// How long the next spare waits after one was taken: whoever took it needs the processors now.
    private static let pause = Duration.milliseconds(50)

    private func fill(after pause: Duration? = nil) {
        guard refill == nil, !isClosed, ready.count < spares else { return }
        refill = Task {
            if let pause { try? await Task.sleep(for: pause) }
            await startSpares()
        }
    }

    private func startSpares() async {
        while ready.count < spares, !isClosed, let runner = try? await isolation.start(limits) {
            ready.append(runner)
        }
        refill = nil
    }
}
