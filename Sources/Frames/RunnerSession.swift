/// The runner's half of the conversation, as a value.
public struct RunnerSession: Sendable {
    public enum State: Hashable, Sendable {
        case fresh
        case filling
        case calling(id: UInt32)
        case idle
        case ended
    }

    public private(set) var state: State = .fresh
    public private(set) var version: UInt16?
    public let limits: FrameLimits
    private let versions: ClosedRange<UInt16>
    private var waiting: Set<UInt32> = []
    private var lastRequest: UInt32 = 0
    private var lastCall: UInt32 = 0
    private var paths: Set<String> = []

    public init(limits: FrameLimits, versions: ClosedRange<UInt16> = FrameProtocol.versions) {
        self.limits = limits
        self.versions = versions
    }

    /// The id of the next request to the host.
    public var nextRequest: UInt32 { lastRequest &+ 1 }
    public var waitingCount: Int { waiting.count }

    /// What a frame says, if it may come now. `nil` for an answer whose call has ended meanwhile.
    public mutating func receive(_ frame: Frame) throws(FrameError) -> HostMessage? {
        let message = try HostMessage(frame)
        switch (message, state) {
        case (.hello(let offered), .fresh):
            let agreed = min(offered.upperBound, versions.upperBound)
            guard agreed >= max(offered.lowerBound, versions.lowerBound) else {
                throw FrameError(.version, "\(offered) offered, \(versions) spoken")
            }
            version = agreed
            state = .filling
        case (.file(let path, _), .filling):
            guard !path.isEmpty, paths.insert(path).inserted else {
                throw FrameError(.duplicateID, "file \(path)")
            }
        case (.start(let id, _, _, _), .filling), (.initialize(let id, _), .idle),
            (.execute(let id, _, _), .idle),
            (.cleanup(let id, _), .idle):
            guard id > lastCall else { throw FrameError(.duplicateID, "call \(id)") }
            lastCall = id
            paths = []
            state = .calling(id: id)
        case (.apiResponse(let id, _, _), .calling), (.apiResponse(let id, _, _), .idle):
            guard id <= lastRequest, id > 0 else { throw FrameError(.unknownID, "answer \(id)") }
            // The answer crossed the result on its way: the call that asked is over.
            guard waiting.remove(id) != nil else { return nil }
        default: throw FrameError(.outOfOrder, "\(frame.kind) while \(state)")
        }
        return message
    }

    /// The bytes of a message, if it may be sent now.
    public mutating func send(_ message: RunnerMessage) throws(FrameError) -> [UInt8] {
        switch (message, state) {
        case (.hello(let spoken, _), .filling) where spoken == version: break
        case (.apiRequest(let id, _, _), .calling):
            guard id == nextRequest else { throw FrameError(.duplicateID, "request \(id)") }
            guard waiting.count < limits.waitingMax else {
                throw FrameError(.tooManyWaiting, "\(waiting.count)")
            }
            lastRequest = id
            waiting.insert(id)
        case (.log, .calling): break
        case (.usage(let id, _), .calling(let call)) where id == call: break
        case (.result(let id, _, _), .calling(let call)) where id == call:
            waiting.removeAll()
            state = .idle
        default: throw FrameError(.outOfOrder, "\(message.frame.kind) while \(state)")
        }
        let frame = message.frame
        guard frame.payload.count <= limits.payloadBytesMax(frame.kind) else {
            throw FrameError(.tooLong, "\(frame.kind) of \(frame.payload.count) bytes")
        }
        return frame.bytes
    }
}
