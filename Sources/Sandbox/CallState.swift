import Frames
import Marketplace

/// The book-keeping of one call: what it has used, and the operations under way.
struct CallState {
    var result: ExecutionResult
    private let limits: Limits
    private let began: UInt64
    private var egressBytes: Int64 = 0
    private var tasks: [UInt32: Task<Void, Never>] = [:]
    private let answers = Counter()
    private let timersAsk: Bool

    init(bytesIn: Int, limits: Limits, began: UInt64, timersAsk: Bool) {
        self.timersAsk = timersAsk
        result = ExecutionResult(outcome: .success(.null), bytesIn: bytesIn)
        self.limits = limits
        self.began = began
    }

    /// Begins an operation; says which limit it breaks, if it breaks one.
    mutating func begin(
        _ id: UInt32, _ name: String, _ json: [UInt8], _ handler: any OperationHandler, _ channel: Channel
    ) -> LimitName? {
        if name == FrameProtocol.timer {
            guard timersAsk else {
                // A runner that was not told to ask for timers has nothing to ask.
                channel.end()
                return nil
            }
        } else {
            result.operations += 1
            result.bytesOut += json.count
        }
        guard let arguments = try? JSONValue.parse(json, limits: Reading.jsonLimits) else {
            // The engine writes JSON that this reads; whoever wrote this is not our runner any more.
            channel.end()
            return nil
        }
        var delay: UInt64 = 0
        if name == "fetch" {
            egressBytes += Int64(json.count)
            if egressBytes > limits.egressBytes { return .egress }
            delay = throttle(now: Clock.monotonic())
        }
        let request = OperationRequest(name: name, arguments: arguments)
        let answers = answers
        handler.asks(id, request)
        tasks[id] = Task(executorPreference: presentExecutor) {
            if delay > 0 { try? await Task.sleep(nanoseconds: delay) }
            if Task.isCancelled { return }
            let outcome = await handler.perform(request, number: id)
            if Task.isCancelled { return }
            handler.answers(id, outcome) { answers.add(Reading.answer(outcome, to: id, channel)) }
        }
        return nil
    }

    /// How long a transfer waits so that the bytes sent stay under the rate; a first second's worth is free.
    private func throttle(now: UInt64) -> UInt64 {
        let rate = max(1, limits.egressBytesPerSecond)
        let over = egressBytes - rate
        guard over > 0 else { return 0 }
        let due = began + UInt64(over) * 1_000_000_000 / UInt64(rate)
        return due > now ? due - now : 0
    }

    mutating func cancelOperations() {
        for task in tasks.values { task.cancel() }
        tasks = [:]
        result.bytesIn += answers.value
    }
}
