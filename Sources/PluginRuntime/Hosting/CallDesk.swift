import FoundationEssentials
import Logging
import Marketplace
import Metering
import Sandbox

/// Takes calls of plugins' actions: checks them, waits for their turn, runs them, meters them, and only then answers.
final class CallDesk: Sendable {
    private let hosts: Hosts
    private let gate: FairGate
    private let recorder: UsageRecorder
    private let clock: RuntimeClock
    private let metrics: RuntimeMetrics
    private let logger: Logger
    private let rate: TokenBucket.Rate
    private let limiter = RateLimiter<TenantID>()
    private let shelf: RecordingShelf
    private let book: PluginLogBook

    init(
        hosts: Hosts, gate: FairGate, recorder: UsageRecorder, clock: RuntimeClock, metrics: RuntimeMetrics,
        logger: Logger, callsPerSecond: Int, shelf: RecordingShelf, book: PluginLogBook
    ) {
        self.shelf = shelf
        self.book = book
        self.hosts = hosts
        self.gate = gate
        self.recorder = recorder
        self.clock = clock
        self.metrics = metrics
        self.logger = logger
        rate = TokenBucket.Rate(perSecond: Double(callsPerSecond), burst: Double(callsPerSecond * 2))
    }

    /// How a call ended: the plugin's answer, and what is left of the tenant's rate.
    struct Answer: Sendable {
        let id: String
        let success: Bool
        let data: JSONValue?
        let error: String?
        let rateLeft: Int
    }

    /// The calls that a tenant may make in a second.
    var ratePerSecond: Int { Int(rate.perSecond) }

    /// Counts a call against its tenant's rate, or refuses it. Asked before anything is done with what the caller has
    /// sent, so that a flood costs little.
    func admit(_ tenant: TenantID) throws(RuntimeError) {
        guard case .wait(let seconds) = limiter.take(tenant, rate) else { return }
        metrics.rateLimited("calls")
        throw RuntimeError(
            .rateLimited, tenant.text, "more than \(ratePerSecond) calls a second",
            retryAfterSeconds: max(1, Int(seconds.rounded(.up))))
    }

    /// Calls an action; the call has been admitted.
    ///
    /// - Parameters:
    ///   - id: the call's id; the same for a repetition, so that it is metered once.
    ///   - timeoutMs: how long the caller waits, from now; operations of the call get what is left of it.
    ///   - checksInput: false for webhooks, whose data has a shape of its own.
    func call(
        _ key: Hosts.Key, action: String, data: JSONValue, id: String = UUID().uuidString.lowercased(),
        timeoutMs: Int64? = nil, checksInput: Bool = true
    ) async throws(RuntimeError) -> Answer {
        let begin = ContinuousClock.now
        try recorder.refuseUnlessOpen()
        let host = try await hosts.host(key)
        let declared = await host.plugin.manifest.action(action)
        guard let declared else {
            throw RuntimeError(.notFound, action, "is no action of \(key.plugin)")
        }
        if checksInput { try RuntimeAPI.check(data, declared.input, "data") }
        try await gate.enter(key.tenant)
        defer { gate.leave(key.tenant) }
        let time = clock.now()
        let circumstances = shelf.isOn(key) ? Circumstances(at: time) : nil
        let (run, context) = try await run(
            host, declared.name, data, id, time, begin, timeoutMs, circumstances)
        log(run, context)
        let (outcome, result) = Self.judge(run, declared)
        try record(run, context, outcome, time, answers: (try? result.get()) != nil)
        keep(run, context, data, outcome, result, circumstances, time)
        metrics.call(plugin: key.plugin.text, outcome: outcome, took: begin.duration(to: .now))
        let answer = try result.get()
        return Answer(
            id: id, success: answer["success"]?.boolValue ?? true, data: answer["data"],
            error: answer["error"]?.stringValue, rateLeft: limiter.left(key.tenant, rate))
    }

    private func run(
        _ host: PluginHost, _ action: String, _ data: JSONValue, _ id: String, _ time: Instant,
        _ begin: ContinuousClock.Instant, _ timeoutMs: Int64?,
        _ circumstances: Circumstances?
    ) async throws(RuntimeError) -> (PluginRun, CallContext) {
        let plugin = await host.plugin
        do throws(RuntimeError) {
            let result = try await host.run(
                action, data: data, extra: ["id": .string(id), "time": .string(time.description)], id: id,
                deadline: begin + .milliseconds(min(plugin.limits.wallMs, timeoutMs ?? plugin.limits.wallMs)),
                circumstances: circumstances)
            return (result.run, result.context)
        } catch {
            if let output = CallOutput(start: error) {
                book.write([], of: plugin, call: id, action: action, failed: error.cause, at: time)
                if let circumstances {
                    shelf.keep(
                        circumstances, of: plugin, call: id, action: action, data: data, output: output)
                }
            }
            throw error
        }
    }

    /// Writes the plugin's log, and puts a recorded call that failed on the shelf.
    private func keep(
        _ run: PluginRun, _ context: CallContext, _ data: JSONValue, _ outcome: String,
        _ result: Result<JSONValue, RuntimeError>, _ circumstances: Circumstances?, _ time: Instant
    ) {
        var failed: String?
        switch result {
        case .success(let answer):
            if outcome != "ok" { failed = "answered: \(answer["error"]?.stringValue ?? "no success")" }
        case .failure(let error): failed = "\(outcome): \(error.cause)"
        }
        book.write(
            run.logs, of: context.plugin, call: context.id, action: context.action, failed: failed, at: time)
        if let circumstances, outcome != "ok" {
            shelf.keep(
                circumstances, of: context.plugin, call: context.id, action: context.action, data: data,
                output: CallOutput(run))
        }
    }

    private func log(_ run: PluginRun, _ context: CallContext) {
        for line in run.logs {
            logger.log(
                level: Logger.Level(rawValue: line.level == "warn" ? "warning" : line.level) ?? .info,
                "\(line.text)",
                metadata: [
                    "tenant": "\(context.plugin.tenant)", "plugin": "\(context.plugin.plugin)",
                    "call": "\(context.id)",
                ])
        }
    }

    /// What the ending of a run is called in the usage event, and what the caller hears of it. Only `ok` is billed.
    static func judge(
        _ run: PluginRun, _ action: Manifest.Action
    ) -> (outcome: String, result: Result<JSONValue, RuntimeError>) {
        switch run.ending {
        case .answer(let answer):
            guard let members = answer.objectValue, let success = members["success"]?.boolValue else {
                return (
                    "invalid",
                    .failure(
                        RuntimeError(
                            .pluginAnswerInvalid, action.name, "the answer is no {success, data, error}"))
                )
            }
            if success, let schema = action.output {
                do throws(RuntimeError) {
                    try RuntimeAPI.check(members["data"] ?? .null, schema, "the answer's data")
                } catch {
                    return (
                        "invalid",
                        .failure(
                            RuntimeError(
                                .pluginAnswerInvalid, error.subject, error.cause, details: error.details))
                    )
                }
            }
            return (success ? "ok" : "failed", .success(answer))
        case .failed(let code, let name, let message):
            return (
                "failed",
                .failure(
                    RuntimeError(
                        .pluginFailed, action.name, "\(name): \(message)", details: ["failure": .string(code)]
                    ))
            )
        case .limit(let limit, let detail):
            return (
                limit,
                .failure(
                    RuntimeError(
                        .limit, action.name,
                        "was ended by the limit \(limit)" + (detail.map { ": \($0)" } ?? ""),
                        details: ["limit": .string(limit)]))
            )
        }
    }

    /// Writes the call's usage; an answer leaves only after this has returned.
    private func record(
        _ run: PluginRun, _ context: CallContext, _ outcome: String, _ time: Instant, answers: Bool
    ) throws(RuntimeError) {
        // An attempt that ends in a problem is not the answer that the key stands for: the key may be tried again, and
        // what comes then is another event.
        let id = answers || !CallID.isKeyed(context.id) ? context.id : UUID().uuidString.lowercased()
        let used = context.used
        let plugin = context.plugin
        let inside = max(0, run.wallMs - used.waiting.seconds * 1_000)
        let call = UsageEvent(
            id: id, time: time, tenant: plugin.tenant, plugin: plugin.plugin,
            version: plugin.version.description, action: context.action, plan: plugin.plan, outcome: outcome,
            calls: outcome == "ok" ? 1 : 0, apiCalls: used.apiCalls, executionMs: Int64(inside.rounded(.up)),
            bytesIn: Int64(run.bytesIn), bytesOut: Int64(run.bytesOut))
        var events: [MeterEvent] = [.call(call)]
        if outcome == "ok" {
            for (index, amount) in used.amounts.enumerated() {
                events.append(
                    .amount(
                        AmountEvent(
                            id: "\(id)-amount-\(index + 1)", time: time, tenant: plugin.tenant,
                            plugin: plugin.plugin, version: plugin.version.description, plan: plugin.plan,
                            amount: amount)))
            }
        }
        try recorder.record(events)
    }
}
