import CQuickJS
import CSandbox
import Frames

/// The runner's life: greet, take the bundle's files, start the plugin, answer calls.
final class Program {
    var engine: Engine!
    var session = RunnerSession(limits: FrameLimits())
    var wire = Wire()
    var meter = Meter()
    var timers = Timers()
    /// In place of `timers` where the host keeps them.
    var asked = AskedTimers()
    var timersAsk = false
    var rejections = Rejections()
    var chance = Chance(seed: nil)
    var files: [String: [UInt8]] = [:]
    var parts: [String: JSValue] = [:]
    /// Promises whose answers the host owes: how to fulfil and how to reject each.
    var waiting: [UInt32: (resolve: JSValue, reject: JSValue)] = [:]
    var bounds = RunnerBounds(
        memoryBytes: 0, tempBytes: 0, outputBytes: 0, logBytes: 0, logLineBytes: 8_192, waiting: 0)
    var tempBytes: UInt64 = 0
    var logBytes = 0
    var logIsCut = false
    private var clockAdvanceMs: UInt64 = 0

    func run() -> Never {
        engine = Engine()
        engine.installPrelude(host: engine.object(hostFunctions))
        csandbox_ready()
        while true {
            guard let frame = wire.next(until: nil) else { continue }
            do {
                if let message = try session.receive(frame) { handle(message) }
            } catch { Wire.fail("the host's frames: \(error.code) \(error.subject)") }
        }
    }

    /// Sends messages in one write, so that the host is woken once for them.
    func send(_ messages: RunnerMessage...) {
        var bytes: [UInt8] = []
        do throws(FrameError) {
            for message in messages { bytes += try session.send(message) }
        } catch {
            Wire.fail("a frame of our own: \(error.code) \(error.subject)")
        }
        Wire.write(bytes)
    }

    /// The time that the plugin sees.
    func nowMilliseconds() -> Int64 {
        if let fixed = bounds.fixedClock { return fixed + Int64(clockAdvanceMs) }
        return Meter.wallMilliseconds()
    }

    private func handle(_ message: HostMessage) {
        switch message {
        case .hello: send(.hello(version: session.version ?? 0, engine: Engine.name))
        case .file(let path, let bytes): files[path] = bytes
        case .start(let id, let budget, let bounds, let json):
            self.bounds = bounds
            chance = Chance(seed: bounds.seed)
            engine.setMemoryLimit(Int(bounds.memoryBytes))
            call(id, budget, "start", json)
        case .initialize(let id, let budget): call(id, budget, "initialize", nil)
        case .execute(let id, let budget, let json): call(id, budget, "execute", json)
        case .cleanup(let id, let budget): call(id, budget, "cleanup", nil)
        case .apiResponse(let id, let succeeded, let json): settle(id, succeeded, json)
        }
    }

    // MARK: One call

    private func call(_ id: UInt32, _ budget: CallBudget, _ entry: String, _ json: [UInt8]?) {
        meter.begin(
            cpuNanoseconds: budget.cpuNanoseconds, wallNanoseconds: budget.wallNanoseconds,
            operations: budget.operations)
        engine.forgetPeak()
        logBytes = 0
        logIsCut = false
        var arguments: [JSValue] = []
        if let json {
            let value = engine.parseJSON(json)
            guard !JS_IsException(value) else { return finish(id, exception()) }
            arguments = [value]
        }
        let promise = engine.call(entry, arguments)
        let outcome: Outcome
        if JS_IsException(promise) {
            outcome = exception()
        } else {
            JS_PromiseMarkAsHandled(engine.context, promise)
            rejections.remove(promise, engine.context)
            outcome = settled(promise)
        }
        JS_FreeValue(engine.context, promise)
        finish(id, outcome)
    }

    private enum Outcome {
        case success([UInt8])
        case failure([UInt8])
        case limit(String)
    }

    /// Runs jobs, timers and answers until the promise is settled or nothing is left to run.
    private func settled(_ promise: JSValue) -> Outcome {
        while true {
            if let failure = runJobs() { return failure }
            switch JS_PromiseState(engine.context, promise) {
            case JS_PROMISE_FULFILLED: return success(promise)
            case JS_PROMISE_REJECTED: return failure(JS_PromiseResult(engine.context, promise), "threw")
            default: break
            }
            if meter.mustStop() { return .limit(meter.hit ?? "cpu") }
            if let timer = takeAsked() ?? timers.takeDue(at: Meter.monotonic()) {
                clockAdvanceMs += timer.delayMs
                let result = engine.call("fire", [JS_NewInt32(engine.context, timer.id)])
                if JS_IsException(result) { return exception("uncaughtException") }
                JS_FreeValue(engine.context, result)
                continue
            }
            if timers.isEmpty, session.waitingCount == 0 {
                if let reason = rejections.takeFirst(engine.context) {
                    return failure(reason, "unhandledRejection")
                }
                return described("neverSettles", "the plugin's promise never settles: nothing is left to run")
            }
            guard let frame = wire.next(until: min(timers.nextDue ?? .max, meter.wallDeadline)) else {
                continue
            }
            do {
                if let message = try session.receive(frame) { handle(message) }
            } catch { Wire.fail("the host's frames: \(error.code) \(error.subject)") }
        }
    }

    private func runJobs() -> Outcome? {
        var count = 0
        while JS_IsJobPending(engine.runtime) {
            var context: OpaquePointer?
            if JS_ExecutePendingJob(engine.runtime, &context) < 0 {
                return exception("uncaughtException")
            }
            count += 1
            // A chain of small jobs never stays long enough in one of them for the engine to look at the clock.
            if count & 63 == 0, meter.mustStop() { break }
        }
        return meter.hit.map { .limit($0) }
    }

    private func success(_ promise: JSValue) -> Outcome {
        let value = JS_PromiseResult(engine.context, promise)
        defer { JS_FreeValue(engine.context, value) }
        guard let json = engine.stringify(value) else { return exception("notSerializable") }
        guard json.count <= bounds.outputBytes else { return .limit("output") }
        if let reason = rejections.takeFirst(engine.context) { return failure(reason, "unhandledRejection") }
        return .success(json)
    }

    private func exception(_ code: String = "threw") -> Outcome {
        failure(JS_GetException(engine.context), code)
    }

    /// Describes an error while the call's budget still holds: a getter of the plugin's may run here.
    private func failure(_ error: JSValue, _ code: String) -> Outcome {
        if let hit = meter.hit {
            JS_FreeValue(engine.context, error)
            return .limit(hit)
        }
        // Reading the error may run a getter of the plugin's, which may in turn hit a limit.
        let isOutOfMemory = engine.isOutOfMemory(error, limit: Int(bounds.memoryBytes))
        if meter.hit != nil || isOutOfMemory {
            JS_FreeValue(engine.context, error)
            return .limit(meter.hit ?? "memory")
        }
        let description = engine.call("describe", [error, engine.string(code)])
        defer { JS_FreeValue(engine.context, description) }
        if !JS_IsException(description), let json = engine.stringify(description), json.count <= 64 << 10 {
            return .failure(json)
        }
        JS_FreeValue(engine.context, JS_GetException(engine.context))
        if let hit = meter.hit { return .limit(hit) }
        return described(code, "an error that cannot be described")
    }

    private func described(_ code: String, _ message: String) -> Outcome {
        .failure(Array("{\"code\":\"\(code)\",\"message\":\"\(message)\",\"name\":\"Error\"}".utf8))
    }

    private func finish(_ id: UInt32, _ outcome: Outcome) {
        let used = meter.cpuUsed
        meter.rest()
        // What a call leaves running does not reach into the next one.
        timers.removeAll()
        asked.removeAll()
        JS_FreeValue(engine.context, engine.call("forgetTimers", []))
        for (_, functions) in waiting {
            JS_FreeValue(engine.context, functions.resolve)
            JS_FreeValue(engine.context, functions.reject)
        }
        waiting = [:]
        if let reason = rejections.takeFirst(engine.context) { JS_FreeValue(engine.context, reason) }
        let usage = CallUsage(
            cpuNanoseconds: used, heapBytes: UInt64(engine.heapBytes),
            heapPeakBytes: UInt64(engine.heapPeakBytes), tempBytes: tempBytes)
        let (status, payload) =
            switch outcome {
            case .success(let json): (ResultStatus.success, json)
            case .failure(let json): (.failure, json)
            case .limit(let name): (.limit, Array(name.utf8))
            }
        send(.usage(id: id, usage), .result(id: id, status, payload: payload))
    }

    // MARK: Answers

    private func settle(_ id: UInt32, _ succeeded: Bool, _ json: [UInt8]) {
        if asked.grant(id) { return }
        guard let functions = waiting.removeValue(forKey: id) else { return }
        var value = engine.parseJSON(json)
        var isFulfilled = succeeded
        if JS_IsException(value) {
            value = JS_GetException(engine.context)
            isFulfilled = false
        }
        let answer = JS_Call(
            engine.context, isFulfilled ? functions.resolve : functions.reject, qjs_undefined(), 1, &value)
        for used in [answer, value, functions.resolve, functions.reject] {
            JS_FreeValue(engine.context, used)
        }
    }
}
