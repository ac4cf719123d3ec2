public import Marketplace

/// What a runner is loaded with: one version of one plugin, for one tenant.
public struct PluginImage: Sendable {
    /// The bundle's files by path, relative and without a leading slash.
    public var files: [String: [UInt8]]
    /// The main module's path.
    public var main: String
    public var plugin: PluginID?
    public var version: Version?
    /// What the customer has set; the plugin sees it frozen.
    public var config: JSONValue
    /// With a seed, everything random that the plugin sees follows from it.
    public var seed: UInt64?
    /// With a time, the plugin's clock stands there and moves with its timers only.
    public var clock: Instant?
    /// Whether timers are requests to the host's handler, as a recording and its replay need them.
    public var timersAsk: Bool

    public init(
        files: [String: [UInt8]], main: String, plugin: PluginID? = nil, version: Version? = nil,
        config: JSONValue = [:], seed: UInt64? = nil, clock: Instant? = nil, timersAsk: Bool = false
    ) {
        self.timersAsk = timersAsk
        self.files = files
        self.main = main
        self.plugin = plugin
        self.version = version
        self.config = config
        self.seed = seed
        self.clock = clock
    }
}

/// The limits of a runner: the manifest's, capped by the platform's, and those of the protocol.
public struct RunnerLimits: Hashable, Sendable {
    public let limits: Limits
    /// The largest answer of a call, in bytes of JSON.
    public var outputBytes: Int
    /// All log text of one call; more is cut, and the cut is logged.
    public var logBytes: Int
    public var logLineBytes: Int
    /// Operations that may wait for an answer at one time.
    public var waitingMax: Int

    public init(
        _ limits: Limits = .standard, outputBytes: Int = 4 << 20, logBytes: Int = 256 << 10,
        logLineBytes: Int = 8 << 10, waitingMax: Int = 64
    ) {
        let most = Limits.maximum
        func cap(_ value: Int64, _ most: Int64) -> Int64 { max(0, min(value, most)) }
        self.limits = Limits(
            cpuMs: cap(limits.cpuMs, most.cpuMs), wallMs: cap(limits.wallMs, most.wallMs),
            memoryMiB: cap(limits.memoryMiB, most.memoryMiB), tempMiB: cap(limits.tempMiB, most.tempMiB),
            storageMiB: cap(limits.storageMiB, most.storageMiB),
            apiCalls: cap(limits.apiCalls, most.apiCalls),
            egressBytes: cap(limits.egressBytes, most.egressBytes),
            egressBytesPerSecond: cap(limits.egressBytesPerSecond, most.egressBytesPerSecond))
        self.outputBytes = outputBytes
        self.logBytes = logBytes
        self.logLineBytes = logLineBytes
        self.waitingMax = waitingMax
    }
}

/// Carries out what a plugin asks for. Several operations of one call may be under way at once.
///
/// A failure whose code is `limit` and whose message begins with the name of a limit and a colon
/// (`storage: …`, `egress: …`) ends the plugin by that limit; every other failure reaches the plugin as an
/// `OperationError`.
public protocol OperationHandler: Sendable {
    func perform(_ request: OperationRequest) async -> OperationOutcome
    /// Hears of each operation in the order in which the plugin asked for it, before it is performed. Numbers are
    /// the runner's own and follow the same order in every run of the same plugin on the same input.
    func asks(_ number: UInt32, _ request: OperationRequest)
    /// Performs an operation that it has heard of.
    func perform(_ request: OperationRequest, number: UInt32) async -> OperationOutcome
    /// Hands an answer to the runner by `send`, which it calls once.
    func answers(_ number: UInt32, _ outcome: OperationOutcome, _ send: () -> Void)
}

extension OperationHandler {
    public func asks(_ number: UInt32, _ request: OperationRequest) {}

    public func perform(_ request: OperationRequest, number: UInt32) async -> OperationOutcome {
        await perform(request)
    }

    public func answers(_ number: UInt32, _ outcome: OperationOutcome, _ send: () -> Void) { send() }
}

/// An error of the plugin's own.
public struct PluginFailure: Error, Hashable, Sendable, Codable {
    /// One of: `threw`, `unhandledRejection`, `uncaughtException`, `neverSettles`, `notSerializable`, `crashed`,
    /// `killed`, `protocol`, `cancelled`.
    public var code: String
    /// The error's class: `TypeError`, `OperationError`; `Thrown` for a value that is no Error.
    public var name: String
    public var message: String
    /// The plugin's own frames, one a line, through its source maps.
    public var stack: String?
    public var file: String?
    public var line: Int?
    public var column: Int?
    /// The code of the operation that failed, where the error came from one.
    public var operationCode: String?

    public init(
        code: String, name: String = "Error", message: String, stack: String? = nil, file: String? = nil,
        line: Int? = nil, column: Int? = nil, operationCode: String? = nil
    ) {
        self.code = code
        self.name = name
        self.message = message
        self.stack = stack
        self.file = file
        self.line = line
        self.column = column
        self.operationCode = operationCode
    }
}

public struct LogLine: Hashable, Sendable, Codable {
    /// `debug`, `info`, `warn` or `error`.
    public var level: String
    public var text: String

    public init(level: String, text: String) {
        self.level = level
        self.text = text
    }
}

public enum ExecutionOutcome: Hashable, Sendable {
    /// The plugin's answer, as it gave it: for `execute` the seed's `{success, data, error}`.
    case success(JSONValue)
    case failure(PluginFailure)
    /// A limit ended the plugin; its runner is gone.
    case ended(LimitName)
}

/// What a call did and what it used.
public struct ExecutionResult: Sendable {
    public var outcome: ExecutionOutcome
    /// Where a limit ended the plugin: what exactly, such as the name of the system call.
    public var detail: String?
    public var cpuMs: Double
    public var wallMs: Double
    /// The most that the engine's heap held during the call.
    public var peakMemoryBytes: Int
    /// Operations that the plugin asked for.
    public var operations: Int
    /// Bytes that reached the plugin: the request, and the answers of operations.
    public var bytesIn: Int
    /// Bytes that came from it: the arguments of operations, and its answer.
    public var bytesOut: Int
    public var logs: [LogLine]

    public init(
        outcome: ExecutionOutcome, detail: String? = nil, cpuMs: Double = 0, wallMs: Double = 0,
        peakMemoryBytes: Int = 0, operations: Int = 0, bytesIn: Int = 0, bytesOut: Int = 0,
        logs: [LogLine] = []
    ) {
        self.outcome = outcome
        self.detail = detail
        self.cpuMs = cpuMs
        self.wallMs = wallMs
        self.peakMemoryBytes = peakMemoryBytes
        self.operations = operations
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.logs = logs
    }
}
