/// The versions of the protocol that this build speaks.
public enum FrameProtocol {
    public static let versions: ClosedRange<UInt16> = 1...1
    /// The request of a runner whose timers are the host's: `{ms}`, answered when the time has come. It is no
    /// operation of the plugin's and counts as none.
    public static let timer = "timer"
    static let magic: UInt32 = 0x5646_5250  // "VFRP"
}

/// What one call may use. The runner holds to it in the engine; the host enforces it again from outside.
public struct CallBudget: Hashable, Sendable {
    public var cpuNanoseconds: UInt64
    public var wallNanoseconds: UInt64
    public var operations: UInt32

    public init(cpuNanoseconds: UInt64, wallNanoseconds: UInt64, operations: UInt32) {
        self.cpuNanoseconds = cpuNanoseconds
        self.wallNanoseconds = wallNanoseconds
        self.operations = operations
    }
}

/// What holds for a runner's whole life.
public struct RunnerBounds: Hashable, Sendable {
    public var memoryBytes: UInt64
    public var tempBytes: UInt64
    public var outputBytes: UInt32
    public var logBytes: UInt32
    public var logLineBytes: UInt32
    public var waiting: UInt32
    /// The time that the plugin sees, in milliseconds since 1970; its own clock where there is none.
    public var fixedClock: Int64?
    /// The seed of everything random that the plugin sees; true randomness where there is none.
    public var seed: UInt64?

    public init(
        memoryBytes: UInt64, tempBytes: UInt64, outputBytes: UInt32, logBytes: UInt32, logLineBytes: UInt32,
        waiting: UInt32, fixedClock: Int64? = nil, seed: UInt64? = nil
    ) {
        self.fixedClock = fixedClock
        self.seed = seed
        self.memoryBytes = memoryBytes
        self.tempBytes = tempBytes
        self.outputBytes = outputBytes
        self.logBytes = logBytes
        self.logLineBytes = logLineBytes
        self.waiting = waiting
    }
}

/// What the host says. JSON travels as bytes: the protocol does not look into it.
public enum HostMessage: Hashable, Sendable {
    case hello(ClosedRange<UInt16>)
    case file(path: String, bytes: [UInt8])
    case start(id: UInt32, CallBudget, RunnerBounds, json: [UInt8])
    case initialize(id: UInt32, CallBudget)
    case execute(id: UInt32, CallBudget, json: [UInt8])
    case cleanup(id: UInt32, CallBudget)
    case apiResponse(id: UInt32, succeeded: Bool, json: [UInt8])
}

/// What a call or a runner has used so far, as the runner measures it.
public struct CallUsage: Hashable, Sendable {
    public var cpuNanoseconds: UInt64
    public var heapBytes: UInt64
    public var heapPeakBytes: UInt64
    public var tempBytes: UInt64

    public init(cpuNanoseconds: UInt64, heapBytes: UInt64, heapPeakBytes: UInt64, tempBytes: UInt64) {
        self.cpuNanoseconds = cpuNanoseconds
        self.heapBytes = heapBytes
        self.heapPeakBytes = heapPeakBytes
        self.tempBytes = tempBytes
    }
}

/// How a call ended.
public enum ResultStatus: UInt8, Hashable, Sendable {
    /// The payload is the plugin's answer as JSON.
    case success = 0
    /// The payload is a description of the error as JSON.
    case failure = 1
    /// The payload is the name of the limit.
    case limit = 2
}

/// How grave a log line is.
public enum LogLevel: UInt8, Hashable, Sendable, CaseIterable {
    case debug = 0
    case info = 1
    case warn = 2
    case error = 3
}

/// What the runner says.
public enum RunnerMessage: Hashable, Sendable {
    case hello(version: UInt16, engine: String)
    case apiRequest(id: UInt32, name: String, json: [UInt8])
    case log(LogLevel, text: String)
    case usage(id: UInt32, CallUsage)
    case result(id: UInt32, ResultStatus, payload: [UInt8])
}

extension HostMessage {
    public var frame: Frame {
        var payload: [UInt8] = []
        switch self {
        case .hello(let versions):
            payload.append(bigEndian: FrameProtocol.magic)
            payload.append(bigEndian: versions.lowerBound)
            payload.append(bigEndian: versions.upperBound)
            return Frame(.hostHello, payload: payload)
        case .file(let path, let bytes):
            payload.reserveCapacity(2 + path.utf8.count + bytes.count)
            payload.append(bigEndian: UInt16(path.utf8.count))
            payload.append(contentsOf: path.utf8)
            payload.append(contentsOf: bytes)
            return Frame(.file, payload: payload)
        case .start(let id, let budget, let bounds, let json):
            budget.write(to: &payload)
            bounds.write(to: &payload)
            return Frame(.start, id: id, payload: payload + json)
        case .initialize(let id, let budget):
            budget.write(to: &payload)
            return Frame(.initialize, id: id, payload: payload)
        case .execute(let id, let budget, let json):
            budget.write(to: &payload)
            return Frame(.execute, id: id, payload: payload + json)
        case .cleanup(let id, let budget):
            budget.write(to: &payload)
            return Frame(.cleanup, id: id, payload: payload)
        case .apiResponse(let id, let succeeded, let json):
            payload.append(succeeded ? 1 : 0)
            return Frame(.apiResponse, id: id, payload: payload + json)
        }
    }

    public init(_ frame: Frame) throws(FrameError) {
        var reader = PayloadReader(frame.payload)
        switch frame.kind {
        case .hostHello:
            guard try reader.integer(UInt32.self) == FrameProtocol.magic else {
                throw FrameError(.malformed, "not this protocol")
            }
            let (low, high) = (try reader.integer(UInt16.self), try reader.integer(UInt16.self))
            guard low <= high else { throw FrameError(.malformed, "an empty range of versions") }
            self = .hello(low...high)
        case .file:
            let length = Int(try reader.integer(UInt16.self))
            self = .file(path: try reader.text(length), bytes: reader.rest())
        case .start:
            let (budget, bounds) = (try CallBudget(&reader), try RunnerBounds(&reader))
            self = .start(id: frame.id, budget, bounds, json: reader.rest())
        case .initialize: self = .initialize(id: frame.id, try CallBudget(&reader))
        case .execute: self = .execute(id: frame.id, try CallBudget(&reader), json: reader.rest())
        case .cleanup: self = .cleanup(id: frame.id, try CallBudget(&reader))
        case .apiResponse:
            let succeeded = try reader.integer(UInt8.self)
            guard succeeded <= 1 else { throw FrameError(.malformed, "an answer that is neither yes nor no") }
            self = .apiResponse(id: frame.id, succeeded: succeeded == 1, json: reader.rest())
        default: throw FrameError(.unknownKind, "\(frame.kind) from the host")
        }
        try reader.end()
    }
}

extension RunnerMessage {
    public var frame: Frame {
        var payload: [UInt8] = []
        switch self {
        case .hello(let version, let engine):
            payload.append(bigEndian: FrameProtocol.magic)
            payload.append(bigEndian: version)
            payload.append(contentsOf: engine.utf8)
            return Frame(.runnerHello, payload: payload)
        case .apiRequest(let id, let name, let json):
            payload.append(UInt8(name.utf8.count))
            payload.append(contentsOf: name.utf8)
            return Frame(.apiRequest, id: id, payload: payload + json)
        case .log(let level, let text):
            payload.append(level.rawValue)
            payload.append(contentsOf: text.utf8)
            return Frame(.log, payload: payload)
        case .usage(let id, let usage):
            payload.append(bigEndian: usage.cpuNanoseconds)
            payload.append(bigEndian: usage.heapBytes)
            payload.append(bigEndian: usage.heapPeakBytes)
            payload.append(bigEndian: usage.tempBytes)
            return Frame(.usage, id: id, payload: payload)
        case .result(let id, let status, let rest):
            payload.reserveCapacity(rest.count + 1)
            payload.append(status.rawValue)
            return Frame(.result, id: id, payload: payload + rest)
        }
    }

    public init(_ frame: Frame) throws(FrameError) {
        var reader = PayloadReader(frame.payload)
        switch frame.kind {
        case .runnerHello:
            guard try reader.integer(UInt32.self) == FrameProtocol.magic else {
                throw FrameError(.malformed, "not this protocol")
            }
            self = .hello(version: try reader.integer(UInt16.self), engine: try reader.text(reader.remaining))
        case .apiRequest:
            let length = Int(try reader.integer(UInt8.self))
            self = .apiRequest(id: frame.id, name: try reader.text(length), json: reader.rest())
        case .log:
            guard let level = LogLevel(rawValue: try reader.integer(UInt8.self)) else {
                throw FrameError(.malformed, "an unknown log level")
            }
            self = .log(level, text: try reader.text(reader.remaining))
        case .usage:
            self = .usage(
                id: frame.id,
                CallUsage(
                    cpuNanoseconds: try reader.integer(UInt64.self),
                    heapBytes: try reader.integer(UInt64.self),
                    heapPeakBytes: try reader.integer(UInt64.self), tempBytes: try reader.integer(UInt64.self)
                ))
        case .result:
            guard let status = ResultStatus(rawValue: try reader.integer(UInt8.self)) else {
                throw FrameError(.malformed, "an unknown status")
            }
            self = .result(id: frame.id, status, payload: reader.rest())
        default: throw FrameError(.unknownKind, "\(frame.kind) from the runner")
        }
        try reader.end()
    }
}

extension CallBudget {
    func write(to payload: inout [UInt8]) {
        payload.append(bigEndian: cpuNanoseconds)
        payload.append(bigEndian: wallNanoseconds)
        payload.append(bigEndian: operations)
    }

    init(_ reader: inout PayloadReader) throws(FrameError) {
        self.init(
            cpuNanoseconds: try reader.integer(UInt64.self), wallNanoseconds: try reader.integer(UInt64.self),
            operations: try reader.integer(UInt32.self))
    }
}

extension RunnerBounds {
    func write(to payload: inout [UInt8]) {
        payload.append(bigEndian: memoryBytes)
        payload.append(bigEndian: tempBytes)
        payload.append(bigEndian: outputBytes)
        payload.append(bigEndian: logBytes)
        payload.append(bigEndian: logLineBytes)
        payload.append(bigEndian: waiting)
        payload.append((fixedClock == nil ? 0 : 1) | (seed == nil ? 0 : 2))
        payload.append(bigEndian: fixedClock ?? 0)
        payload.append(bigEndian: seed ?? 0)
    }

    init(_ reader: inout PayloadReader) throws(FrameError) {
        self.init(
            memoryBytes: try reader.integer(UInt64.self), tempBytes: try reader.integer(UInt64.self),
            outputBytes: try reader.integer(UInt32.self), logBytes: try reader.integer(UInt32.self),
            logLineBytes: try reader.integer(UInt32.self), waiting: try reader.integer(UInt32.self))
        let present = try reader.integer(UInt8.self)
        let (clock, seed) = (try reader.integer(Int64.self), try reader.integer(UInt64.self))
        guard present < 4, present & 1 != 0 || clock == 0, present & 2 != 0 || seed == 0 else {
            throw FrameError(.malformed, "a clock or seed that is absent and present")
        }
        fixedClock = present & 1 != 0 ? clock : nil
        self.seed = present & 2 != 0 ? seed : nil
    }
}
