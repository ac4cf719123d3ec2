public import Marketplace
import Synchronization

/// Writes down what crosses the border of a sandbox while a call runs. One tape is for one runner and one call.
public final class CallTape: Sendable {
    private struct State {
        var steps: [CallRecording.Step] = []
        var numbers: [UInt32: Int] = [:]
        var bytes = 0
    }

    /// What a recording may hold; more is not recorded, and the recording is not kept.
    public static let bytesMax = 8 << 20

    private let began = Clock.monotonic()
    private let state = Mutex(State())

    public init() {}

    /// The steps so far; nil where they were too many to keep.
    public var steps: [CallRecording.Step]? {
        state.withLock { $0.bytes > Self.bytesMax ? nil : $0.steps }
    }

    public func ask(_ number: UInt32, _ request: OperationRequest) {
        let size = request.arguments.serializedBytes().count
        state.withLock { state in
            let count = state.numbers.count
            state.numbers[number] = count
            state.bytes += size
            if state.bytes <= Self.bytesMax { state.steps.append(.ask(number: count, request)) }
        }
    }

    /// Notes the answer and sends it in one step, so that the order on the tape is the order in which they went out.
    public func answer(_ number: UInt32, _ outcome: OperationOutcome, _ send: () -> Void) {
        var size = 0
        if case .success(let value) = outcome { size = value.serializedBytes().count }
        let afterMs = Int64((Clock.monotonic() - began) / 1_000_000)
        state.withLock { state in
            state.bytes += size
            if state.bytes <= Self.bytesMax, let count = state.numbers[number] {
                state.steps.append(.answer(number: count, outcome, afterMs: afterMs))
            }
            send()
        }
    }
}

/// Plays a recording to a plugin: each question gets the answer that it got then, and the answers come in the order in
/// which they came then. A runner reads an answer only when there is nothing left to run, so that everything the plugin
/// does follows from the order of the answers.
public final class TapePlayer: OperationHandler {
    private struct State {
        /// Questions of this run by the runner's number: their place among all questions.
        var numbers: [UInt32: Int] = [:]
        /// Answers that have been sent.
        var sent = 0
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
        var difference: String?
        var isOver = false
    }

    private let questions: [OperationRequest]
    private let answers: [(number: Int, outcome: OperationOutcome)]
    private let state = Mutex(State())

    public init(_ recording: CallRecording) {
        var questions: [OperationRequest] = []
        var answers: [(Int, OperationOutcome)] = []
        for step in recording.steps {
            switch step {
            case .ask(_, let request): questions.append(request)
            case .answer(let number, let outcome, _): answers.append((number, outcome))
            }
        }
        self.questions = questions
        self.answers = answers
    }

    /// Where the plugin went another way than then: the first question that is another one; else those that it no
    /// longer asks.
    public var differences: [String] {
        state.withLock { state in
            if let difference = state.difference { return [difference] }
            return questions.dropFirst(state.numbers.count).map {
                "was asked for then and is not now: \($0.name) \($0.arguments.serialized())"
            }
        }
    }

    public func asks(_ number: UInt32, _ request: OperationRequest) {
        state.withLock { state in
            let count = state.numbers.count
            state.numbers[number] = count
            guard state.difference == nil, count >= questions.count || questions[count] != request else {
                return
            }
            state.difference =
                "is asked for now and was not then: \(request.name) \(request.arguments.serialized())"
            release(&state)
        }
    }

    public func perform(_ request: OperationRequest) async -> OperationOutcome {
        .failure(OperationError(code: "unavailable", message: "the recording has no number for it"))
    }

    public func perform(_ request: OperationRequest, number: UInt32) async -> OperationOutcome {
        let unknown = OperationOutcome.failure(
            OperationError(code: "unavailable", message: "the recording has no answer to it"))
        let (count, hasDiverged) = state.withLock { ($0.numbers[number] ?? -1, $0.difference != nil) }
        guard let place = answers.firstIndex(where: { $0.number == count }), !hasDiverged else {
            // What had no answer then has none now: the call ends by what ended it then.
            if !hasDiverged { try? await Task.sleep(for: .seconds(3_600)) }
            return unknown
        }
        await withCheckedContinuation { continuation in
            state.withLock { state in
                state.waiting[place] = continuation
                release(&state)
            }
        }
        return state.withLock({ $0.difference == nil }) ? answers[place].outcome : unknown
    }

    public func answers(_ number: UInt32, _ outcome: OperationOutcome, _ send: () -> Void) {
        state.withLock { state in
            send()
            state.sent += 1
            release(&state)
        }
    }

    /// Ends the wait of whatever still waits; to be called when the call is over.
    public func finish() {
        state.withLock { state in
            state.isOver = true
            release(&state)
        }
    }

    /// Lets the answer go whose turn it is; all of them once the plugin has gone another way or the call is over.
    private func release(_ state: inout State) {
        if state.difference != nil || state.isOver {
            for continuation in state.waiting.values { continuation.resume() }
            state.waiting = [:]
        } else if let continuation = state.waiting.removeValue(forKey: state.sent) {
            continuation.resume()
        }
    }
}
