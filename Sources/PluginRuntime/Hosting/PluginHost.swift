import Marketplace

/// Hosts one installation on this node: starts runners, keeps them warm, gives each call a runner of its own, puts
/// another version in place between calls.
actor PluginHost {
    struct Limits: Sendable {
        /// Runners of one installation at one time; each runs one call.
        var runnersMax = 4
        /// Calls of one installation that wait for a runner.
        var waitingMax = 128
        /// Start attempts that fail one after the other before the host waits between them.
        var failuresBeforeBackOff = 3
        /// The longest wait between attempts.
        var backOffSecondsMax = 60.0
        /// Runners that break in a call, one after the other, before the host waits as well.
        var breaksBeforeBackOff = 8
    }

    private(set) var state: HostState = .installed
    private(set) var plugin: InstalledPlugin
    private let limits: Limits
    private let starter: any PluginStarter
    private let proxy: any OperationProxy
    private let turns: ProcessorTurns
    private let metrics: RuntimeMetrics

    private var idle: [(runner: any SandboxedPlugin, since: ContinuousClock.Instant)] = []
    private var working = 0
    private var starting = 0
    private var waiters: [Waiter] = []
    private var nextWaiter: UInt64 = 0
    /// Counts up with each version that is put in place; a runner of an older one is not used again.
    private var generation = 0
    private var failures = 0
    /// Runners that broke in a call since one was last given back whole.
    private var breaks = 0
    private var breakUntil: ContinuousClock.Instant?
    private var retryAt: ContinuousClock.Instant?
    private var drainWaiters: [CheckedContinuation<Void, Never>] = []

    private struct Waiter {
        let id: UInt64
        let continuation: CheckedContinuation<Result<any SandboxedPlugin, RuntimeError>, Never>
    }

    init(
        _ plugin: InstalledPlugin, limits: Limits, starter: any PluginStarter, proxy: any OperationProxy,
        turns: ProcessorTurns, metrics: RuntimeMetrics
    ) {
        self.turns = turns
        self.plugin = plugin
        self.limits = limits
        self.starter = starter
        self.proxy = proxy
        self.metrics = metrics
    }

    // MARK: Calls

    /// Runs one call on a runner of its own.
    ///
    /// - Parameters:
    ///   - extra: members of the plugin's request beside `action` and `data`: `id`, `time`.
    ///   - circumstances: of a call that is recorded; its runner is new and used for nothing else, so that nothing
    ///     of an earlier call has a part in its outcome.
    func run(
        _ action: String, data: JSONValue, extra: [String: JSONValue], id: String,
        deadline: ContinuousClock.Instant, circumstances: Circumstances? = nil
    ) async throws(RuntimeError) -> (run: PluginRun, context: CallContext) {
        let runner: any SandboxedPlugin
        if let circumstances {
            runner = try await runnerOfItsOwn(circumstances, until: deadline)
        } else {
            runner = try await self.runner()
        }
        let generation = self.generation
        let turn = Turn(plugin.tenant, turns)
        let context = CallContext(id: id, plugin: plugin, action: action, deadline: deadline, turn: turn)
        // The runner comes first: nobody who holds a turn waits for a runner.
        await turn.begin()
        let run = await runner.execute(
            action, data: data, extra: extra,
            operations: ProxiedOperations(proxy: proxy, call: context, circumstances: circumstances))
        turn.end()
        give(
            back: runner, usable: run.isUsable, of: circumstances == nil ? generation : -1, ending: run.ending
        )
        return (run, context)
    }

    private func runnerOfItsOwn(
        _ circumstances: Circumstances, until deadline: ContinuousClock.Instant
    ) async throws(RuntimeError) -> any SandboxedPlugin {
        try refuseUnlessOpen()
        while working + starting >= limits.runnersMax {
            guard .now < deadline else {
                throw RuntimeError(
                    .rateLimited, plugin.plugin.text, "too many calls of this plugin are waiting",
                    retryAfterSeconds: 1)
            }
            try? await Task.sleep(for: .milliseconds(2))
            try refuseUnlessOpen()
        }
        return try await startRunner(circumstances)
    }

    /// Starts a runner ahead of the first call, so that installing says whether the plugin starts at all.
    func warmUp() async throws(RuntimeError) {
        let runner = try await runner()
        give(back: runner, usable: true, of: generation, ending: .answer(.null))
    }

    private func runner() async throws(RuntimeError) -> any SandboxedPlugin {
        try refuseUnlessOpen()
        while let (runner, _) = idle.popLast() {
            // One that has gone while nobody called it, killed by the system for want of memory say, is no call's loss.
            guard runner.isUp else {
                runner.end()
                metrics.runnerEnded("gone")
                settle()
                continue
            }
            begin()
            return runner
        }
        if working + starting < limits.runnersMax { return try await startRunner() }
        guard waiters.count < limits.waitingMax else {
            throw RuntimeError(
                .rateLimited, plugin.plugin.text, "too many calls of this plugin are waiting",
                retryAfterSeconds: 1)
        }
        nextWaiter += 1
        let id = nextWaiter
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { waiters.append(Waiter(id: id, continuation: $0)) }
        } onCancel: {
            Task { await self.giveUp(id) }
        }
        return try result.get()
    }

    private func giveUp(_ id: UInt64) {
        guard let index = waiters.firstIndex(where: { $0.id == id }) else { return }
        waiters.remove(at: index).continuation.resume(
            returning: .failure(RuntimeError(.busy, "call", "the caller went away")))
    }

    private func refuseUnlessOpen() throws(RuntimeError) {
        if let until = breakUntil, until > .now {
            throw RuntimeError(
                .unavailable, plugin.plugin.text,
                "has broken \(breaks) runners one after the other; the next call waits",
                retryAfterSeconds: max(1, Int(ContinuousClock.now.duration(to: until).seconds.rounded(.up))))
        }
        switch state {
        case .removed: throw RuntimeError(.notFound, plugin.plugin.text, "is not installed")
        case .suspended: throw RuntimeError(.suspended, plugin.plugin.text, "is suspended")
        case .draining:
            throw RuntimeError(.unavailable, plugin.plugin.text, "is being stopped", retryAfterSeconds: 1)
        case .failed:
            let left = retryAt.map { ContinuousClock.now.duration(to: $0).seconds } ?? 0
            if left > 0 {
                throw RuntimeError(
                    .unavailable, plugin.plugin.text,
                    "did not start \(failures) times; the next attempt waits",
                    retryAfterSeconds: max(1, Int(left.rounded(.up))))
            }
        case .installed, .starting, .ready, .busy: break
        }
    }

    private func startRunner(
        _ circumstances: Circumstances? = nil
    ) async throws(RuntimeError) -> any SandboxedPlugin {
        apply(state == .failed ? .retry : .startBegins)
        starting += 1
        let generation = self.generation
        let plugin = self.plugin
        let begin = ContinuousClock.now
        let context = CallContext(
            id: "start", plugin: plugin, action: "initialize",
            deadline: begin + .milliseconds(plugin.limits.wallMs))
        let outcome = await attemptStart(plugin, context, circumstances)
        starting -= 1
        switch outcome {
        case .success(let runner):
            metrics.runnerStarted(took: begin.duration(to: .now))
            failures = 0
            retryAt = nil
            apply(.startSucceeds)
            guard generation == self.generation, state == .ready || state == .busy else {
                runner.end()
                settle()
                try refuseUnlessOpen()
                return try await circumstances == nil ? self.runner() : startRunner(circumstances)
            }
            self.begin()
            return runner
        case .failure(let error):
            failures += 1
            if failures >= limits.failuresBeforeBackOff {
                let exponent = min(failures - limits.failuresBeforeBackOff, 10)
                retryAt = .now + .seconds(min(limits.backOffSecondsMax, Double(1 << exponent)))
            }
            apply(.startFails)
            settle()
            if working == 0, starting == 0 { failWaiters(error) }
            throw error
        }
    }

    private func attemptStart(
        _ plugin: InstalledPlugin, _ context: CallContext, _ circumstances: Circumstances?
    ) async -> Result<any SandboxedPlugin, RuntimeError> {
        do throws(RuntimeError) {
            let operations = ProxiedOperations(proxy: proxy, call: context, circumstances: circumstances)
            return .success(try await starter.start(plugin, operations))
        } catch {
            return .failure(error)
        }
    }

    private func begin() {
        working += 1
        apply(.workBegins)
    }

    private func give(
        back runner: any SandboxedPlugin, usable: Bool, of generation: Int, ending: PluginRun.Ending
    ) {
        let fits = usable && generation == self.generation && state == .busy
        if fits, !waiters.isEmpty {
            breaks = 0
            waiters.removeFirst().continuation.resume(returning: .success(runner))
            return
        }
        working -= 1
        countBreak(usable, ending)
        if fits {
            idle.append((runner, .now))
        } else {
            runner.end()
            if case .limit(let name, _) = ending {
                metrics.runnerEnded(name)
            } else {
                metrics.runnerEnded(usable ? "replaced" : "broke")
            }
        }
        if working == 0, state != .removed { apply(.workEnds) }
        settle()
        // The runner is gone and others wait: one of them starts the next.
        if !fits, !waiters.isEmpty, state != .draining, state != .removed, state != .suspended {
            let waiter = waiters.removeFirst()
            Task {
                do throws(RuntimeError) {
                    waiter.continuation.resume(returning: .success(try await self.runner()))
                } catch {
                    waiter.continuation.resume(returning: .failure(error))
                }
            }
        }
    }

    /// A plugin that breaks its runner at every call costs a start at every call: from a number on it waits.
    private func countBreak(_ usable: Bool, _ ending: PluginRun.Ending) {
        if case .failed("cancelled", _, _) = ending { return }
        breaks = usable ? 0 : breaks + 1
        guard breaks >= limits.breaksBeforeBackOff else { return }
        let exponent = min(breaks - limits.breaksBeforeBackOff, 10)
        breakUntil = .now + .seconds(min(limits.backOffSecondsMax, 0.5 * Double(1 << exponent)))
    }

    /// Brings the state in line when no runner is left, and tells those who wait for it.
    private func settle() {
        guard working == 0, starting == 0 else { return }
        if idle.isEmpty, state == .ready || state == .busy { apply(.runnersGone) }
        if state == .draining || state == .removed || state == .suspended {
            for waiter in drainWaiters { waiter.resume() }
            drainWaiters = []
        }
    }

    private func apply(_ event: HostState.Event) {
        guard let next = state.after(event) else {
            assertionFailure("\(event) while \(state)")
            return
        }
        state = next
    }

    private func failWaiters(_ error: RuntimeError) {
        let all = waiters
        waiters = []
        for waiter in all { waiter.continuation.resume(returning: .failure(error)) }
    }

    // MARK: Changes

    /// Puts another version or other settings in place: its runner is started beside the old one, and only when its
    /// `initialize` has succeeded are calls switched over. When it fails, everything stays as it was.
    func replace(with next: InstalledPlugin) async throws(RuntimeError) {
        let context = CallContext(
            id: "start", plugin: next, action: "initialize",
            deadline: .now + .milliseconds(next.limits.wallMs))
        let runner = try await starter.start(next, ProxiedOperations(proxy: proxy, call: context))
        generation += 1
        plugin = next
        let old = idle.map(\.runner)
        idle = []
        failures = 0
        breaks = 0
        breakUntil = nil
        retryAt = nil
        for runner in old { Task { await runner.cleanUp() } }
        switch state {
        case .installed:
            apply(.startBegins)
            apply(.startSucceeds)
        case .failed:
            apply(.retry)
            apply(.startSucceeds)
        case .starting: apply(.startSucceeds)
        case .ready, .busy: break
        case .draining, .suspended, .removed:
            runner.end()
            return
        }
        if let waiter = waiters.first {
            waiters.removeFirst()
            begin()
            waiter.continuation.resume(returning: .success(runner))
        } else {
            idle.append((runner, .now))
        }
    }

    func suspend() async {
        apply(.suspend)
        failWaiters(RuntimeError(.suspended, plugin.plugin.text, "is suspended"))
        endIdle()
        settle()
    }

    func resume() {
        if state == .suspended { apply(.resume) }
    }

    /// Takes no new call, waits for the running ones, calls `cleanup`, and is gone.
    func remove() async {
        await finish(.remove)
    }

    /// The same without being gone: the service is being stopped.
    func drain() async {
        await finish(.drain)
    }

    private func finish(_ event: HostState.Event) async {
        guard state != .removed else { return }
        apply(event)
        failWaiters(RuntimeError(.unavailable, plugin.plugin.text, "is being stopped", retryAfterSeconds: 1))
        let runners = idle.map(\.runner)
        idle = []
        for runner in runners { await runner.cleanUp() }
        if working > 0 || starting > 0 {
            await withCheckedContinuation { drainWaiters.append($0) }
        }
    }

    private func endIdle() {
        for entry in idle { entry.runner.end() }
        idle = []
    }

    /// Ends runners that nobody has called since. Returns how many are left.
    func evictIdle(since border: ContinuousClock.Instant) -> Int {
        let old = idle.filter { $0.since < border }
        if !old.isEmpty {
            idle.removeAll { $0.since < border }
            for entry in old { Task { await entry.runner.cleanUp() } }
            metrics.runnerEnded("idle")
            settle()
        }
        return idle.count + working + starting
    }

    var counts: (idle: Int, working: Int, starting: Int) { (idle.count, working, starting) }
    var isolation: String? { idle.last?.runner.isolation }
}
