/// The host's half of the conversation, as a value: it says which messages may be sent and received when. The
/// runner is a stranger: nothing it says is believed before it is checked here.
public struct HostSession: Sendable {
    public enum State: Hashable, Sendable {
        /// Nothing was said yet.
        case fresh
        /// The host has greeted and waits for the answer.
        case greeting
        /// Files may be handed over, and the plugin started.
        case filling
        /// A call is on its way.
        case calling(id: UInt32)
        /// The plugin is loaded and answers calls.
        case idle
        /// Nothing more is said.
        case ended
    }

    public private(set) var state: State = .fresh
    /// The version both sides speak, once it is agreed.
    public private(set) var version: UInt16?
    public let limits: FrameLimits
    private let versions: ClosedRange<UInt16>
    private var waiting: Set<UInt32> = []
    private var lastRequest: UInt32 = 0
    private var lastCall: UInt32 = 0
    private var operations: UInt32 = 0
    private var operationsMax: UInt32 = 0
    private var logBytes = 0
    private var logLines = 0
    private var usageSeen = false
    private var loaded = false

    public init(limits: FrameLimits, versions: ClosedRange<UInt16> = FrameProtocol.versions) {
        self.limits = limits
        self.versions = versions
    }

    /// Requests that wait for the host's answer.
    public var waitingCount: Int { waiting.count }
    /// Operations that the present or last call has asked for.
    public var operationCount: UInt32 { operations }
    /// The id of the next call.
    public var nextCall: UInt32 { lastCall &+ 1 }

    /// The bytes of a message, if it may be sent now.
    public mutating func send(_ message: HostMessage) throws(FrameError) -> [UInt8] {
        switch (message, state) {
        case (.hello(let offered), .fresh) where offered == versions: state = .greeting
        case (.file, .filling): break
        case (.start(let id, let budget, _, _), .filling): try begin(id, budget)
        case (.initialize(let id, let budget), .idle), (.execute(let id, let budget, _), .idle),
            (.cleanup(let id, let budget), .idle):
            try begin(id, budget)
        case (.apiResponse(let id, _, _), .calling):
            guard waiting.remove(id) != nil else { throw FrameError(.unknownID, "no request \(id) waits") }
        default: throw FrameError(.outOfOrder, "\(message.frame.kind) while \(state)")
        }
        let frame = message.frame
        guard frame.payload.count <= limits.payloadBytesMax(frame.kind) else {
            throw FrameError(.tooLong, "\(frame.kind) of \(frame.payload.count) bytes")
        }
        return frame.bytes
    }

    /// What a frame says, if it may come now.
    public mutating func receive(_ frame: Frame) throws(FrameError) -> RunnerMessage {
        let message = try RunnerMessage(frame)
        switch (message, state) {
        case (.hello(let version, _), .greeting):
            guard versions.contains(version) else { throw FrameError(.version, "version \(version)") }
            self.version = version
            state = .filling
        case (.apiRequest(let id, let name, _), .calling):
            guard id > lastRequest else {
                throw FrameError(.duplicateID, "request \(id) after \(lastRequest)")
            }
            guard !name.isEmpty else { throw FrameError(.malformed, "an operation without a name") }
            guard waiting.count < limits.waitingMax else {
                throw FrameError(.tooManyWaiting, "\(waiting.count)")
            }
            if name != FrameProtocol.timer { operations += 1 }
            guard operations <= operationsMax else { throw FrameError(.tooManyOperations, "\(operations)") }
            lastRequest = id
            waiting.insert(id)
        case (.log(_, let text), .calling):
            logBytes += text.utf8.count
            logLines += 1
            // The runner cuts at the limit; one that goes on is not our runner any more.
            guard logBytes <= 2 * limits.logBytesMax, logLines <= limits.logBytesMax / 8 else {
                throw FrameError(.tooMuchLog, "\(logLines) lines, \(logBytes) bytes")
            }
        case (.usage(let id, _), .calling(let call)):
            guard id == call else { throw FrameError(.unknownID, "usage of call \(id)") }
            guard !usageSeen else { throw FrameError(.duplicateID, "usage of call \(id) twice") }
            usageSeen = true
        case (.result(let id, let status, _), .calling(let call)):
            guard id == call else { throw FrameError(.unknownID, "result of call \(id)") }
            waiting.removeAll()
            if !loaded, status != .success {
                state = .ended
            } else {
                loaded = true
                state = .idle
            }
        default: throw FrameError(.outOfOrder, "\(frame.kind) while \(state)")
        }
        return message
    }

    /// Says that nothing more will be said.
    public mutating func end() {
        state = .ended
        waiting.removeAll()
    }

    private mutating func begin(_ id: UInt32, _ budget: CallBudget) throws(FrameError) {
        guard id == nextCall else { throw FrameError(.duplicateID, "call \(id) after \(lastCall)") }
        lastCall = id
        operations = 0
        operationsMax = budget.operations
        logBytes = 0
        logLines = 0
        usageSeen = false
        state = .calling(id: id)
    }
}
