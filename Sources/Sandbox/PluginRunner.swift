import Frames
import Glibc
public import Marketplace
import Synchronization

/// One started runner: it takes one plugin, answers its calls one at a time, and is never used for another.
public actor PluginRunner {
    /// The back end that it really runs on.
    public nonisolated let backEnd: BackEnd
    public nonisolated var limits: RunnerLimits { bound.withLock { $0 } }
    /// The engine's name and version, as the runner gave them.
    public nonisolated let engine: String

    private enum State {
        case empty, loaded, busy, ended
    }

    private let channel: Channel
    private var timersAsk = false
    private let bound: Mutex<RunnerLimits>
    private var state = State.empty
    private let tighten: @Sendable (pid_t, RunnerLimits) -> Void

    init(
        backEnd: BackEnd, limits: RunnerLimits, engine: String, channel: Channel,
        tighten: @escaping @Sendable (pid_t, RunnerLimits) -> Void
    ) {
        self.backEnd = backEnd
        bound = Mutex(limits)
        self.engine = engine
        self.channel = channel
        self.tighten = tighten
    }

    deinit { channel.end() }

    /// Whether the runner can still answer calls. A caller who goes away in the moment of the answer ends it as well.
    public var isAlive: Bool { state != .ended && isUp }

    /// Whether its process is there, as far as the host has been told.
    public nonisolated var isUp: Bool { channel.isOpen }

    /// The confined process, as the host sees it; for tests and measurements.
    public nonisolated var processID: Int32? { channel.confined }

    /// The process that the host started.
    nonisolated var hostProcess: Int32 { channel.hostProcess }

    /// Gives a runner that has no plugin yet the limits of the one that it is taken for. Those of the protocol were
    /// agreed when it started and must be the same.
    func bind(_ limits: RunnerLimits) -> Bool {
        guard state == .empty, Greeting.frameLimits(limits) == Greeting.frameLimits(self.limits) else {
            return false
        }
        bound.withLock { $0 = limits }
        return true
    }

    /// Hands over the bundle's files and evaluates the main module. The answer is the plugin's own name and version.
    public func load(_ image: PluginImage) async throws(SandboxError) -> ExecutionResult {
        guard state == .empty else { throw SandboxError(.wrongState, "loading a second plugin") }
        if let confined = channel.confined { tighten(confined, limits) }
        var parameters: [String: JSONValue] = [
            "main": .string(image.main), "config": image.config,
        ]
        if image.timersAsk { parameters["timersAsk"] = true }
        timersAsk = image.timersAsk
        let bounds = RunnerBounds(
            memoryBytes: UInt64(limits.limits.memoryMiB) << 20,
            tempBytes: UInt64(limits.limits.tempMiB) << 20,
            outputBytes: UInt32(limits.outputBytes), logBytes: UInt32(limits.logBytes),
            logLineBytes: UInt32(limits.logLineBytes), waiting: UInt32(limits.waitingMax),
            fixedClock: image.clock?.milliseconds, seed: image.seed)
        do throws(FrameError) {
            for (path, bytes) in image.files.sorted(by: { $0.key < $1.key }) {
                guard path.utf8.count <= Int(UInt16.max) else { throw FrameError(.tooLong, "a path") }
                try channel.send(.file(path: path, bytes: bytes))
            }
        } catch {
            await kill()
            throw SandboxError(.tooLarge, "the bundle", cause: error.subject)
        }
        let json = JSONValue.object(parameters).serializedBytes()
        let result = try await call(bytesIn: json.count, NoOperations()) { id, budget in
            .start(id: id, budget, bounds, json: json)
        }
        if case .success = result.outcome {} else { await kill() }
        return result
    }

    /// Calls the plugin's `initialize`, under the limits of a call.
    public func initialize(_ handler: any OperationHandler) async throws(SandboxError) -> ExecutionResult {
        try await call(bytesIn: 0, handler) { .initialize(id: $0, $1) }
    }

    /// Calls the plugin. `wallMs` shortens the limits' wall time, never lengthens it.
    public func execute(
        action: String, data: JSONValue, extra: [String: JSONValue] = [:], wallMs: Int64? = nil,
        handler: any OperationHandler
    ) async throws(SandboxError) -> ExecutionResult {
        var request = extra
        request["action"] = .string(action)
        request["data"] = data
        let json = JSONValue.object(request).serializedBytes()
        return try await call(bytesIn: json.count, wallMs: wallMs, handler) {
            .execute(id: $0, $1, json: json)
        }
    }

    /// Calls the plugin's `cleanup`, where it has one, and ends the runner.
    @discardableResult
    public func cleanup(_ handler: any OperationHandler) async throws(SandboxError) -> ExecutionResult {
        let result = try await call(bytesIn: 0, handler) { .cleanup(id: $0, $1) }
        await kill()
        return result
    }

    /// Ends the runner and returns when nothing of it is left.
    public func kill() async {
        channel.end()
        state = .ended
        while true { if case .closed = await channel.next() { return } }
    }

    // MARK: One call

    private func call(
        bytesIn: Int, wallMs: Int64? = nil, _ handler: any OperationHandler,
        _ message: (UInt32, CallBudget) -> HostMessage
    ) async throws(SandboxError) -> ExecutionResult {
        let isStart = state == .empty
        guard state == .empty || state == .loaded else {
            throw SandboxError(
                .wrongState, "a call", cause: state == .busy ? "one is under way" : "the runner has ended")
        }
        state = .busy
        let wall = min(wallMs ?? limits.limits.wallMs, limits.limits.wallMs)
        let budget = CallBudget(
            cpuNanoseconds: UInt64(limits.limits.cpuMs) * 1_000_000,
            wallNanoseconds: UInt64(wall) * 1_000_000,
            operations: UInt32(limits.limits.apiCalls))
        let began = Clock.monotonic()
        channel.begin(
            Watch(
                wallDeadline: began + budget.wallNanoseconds + Channel.graceNs,
                cpuLimit: budget.cpuNanoseconds + Channel.graceNs, cpuStart: 0,
                cpuCheck: .max))
        do {
            try channel.send(message(channel.nextCall, budget))
        } catch {
            channel.endWatch()
            state = isStart ? .empty : .loaded
            throw SandboxError(.tooLarge, "the request", cause: error.subject)
        }
        var call = CallState(
            bytesIn: bytesIn, limits: limits.limits, began: began, timersAsk: timersAsk)
        let outcome = await withTaskCancellationHandler {
            await run(&call, handler)
        } onCancel: {
            channel.end()
        }
        channel.endWatch()
        call.cancelOperations()
        call.result.outcome = outcome
        call.result.wallMs = Double(Clock.monotonic() - began) / 1_000_000
        switch outcome {
        case .ended: await kill()
        default: if state == .busy { state = .loaded }
        }
        return call.result
    }

    private func run(_ call: inout CallState, _ handler: any OperationHandler) async -> ExecutionOutcome {
        while true {
            switch await channel.next() {
            case .message(.apiRequest(let id, let name, let json)):
                if let limit = call.begin(id, name, json, handler, channel) {
                    call.result.detail = "\(name) goes over the limit"
                    channel.end(by: limit)
                }
            case .message(.log(let level, let text)):
                call.result.logs.append(LogLine(level: "\(level)", text: text))
            case .message(.usage(_, let usage)):
                call.result.cpuMs = Double(usage.cpuNanoseconds) / 1_000_000
                call.result.peakMemoryBytes = Int(clamping: usage.heapPeakBytes)
                if usage.tempBytes > UInt64(limits.limits.tempMiB) << 20 { channel.end(by: .temp) }
            case .message(.result(_, let status, let payload)):
                call.result.bytesOut += payload.count
                return Reading.outcome(status, payload)
            case .message: continue
            case .closed(let exit):
                state = .ended
                let (outcome, detail) = Reading.outcome(exit, cancelled: Task.isCancelled)
                if call.result.detail == nil { call.result.detail = detail }
                return outcome
            }
        }
    }
}

/// Loading reaches nothing: the plugin has no context yet.
private struct NoOperations: OperationHandler {
    func perform(_ request: OperationRequest) async -> OperationOutcome {
        .failure(OperationError(code: "unavailable", message: "no operation before initialize"))
    }
}
