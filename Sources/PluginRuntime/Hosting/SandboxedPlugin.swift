import Marketplace
import Sandbox

/// A runner with one plugin version of one tenant in it, ready to be called. Never used for two calls at one time.
protocol SandboxedPlugin: Sendable {
    /// The back end that really isolates it.
    var isolation: String { get }
    /// False once its process has gone, for whatever reason, also between calls.
    var isUp: Bool { get }

    /// Runs the plugin's `execute`.
    func execute(
        _ action: String, data: JSONValue, extra: [String: JSONValue], operations: ProxiedOperations
    ) async -> PluginRun

    /// Calls the plugin's `cleanup` and ends the runner.
    func cleanUp() async

    /// Ends the runner now.
    func end()
}

/// How a run inside the sandbox ended, and what it used.
struct PluginRun: Sendable {
    enum Ending: Sendable, Equatable {
        /// The plugin's answer.
        case answer(JSONValue)
        /// The plugin threw, or its runner broke off.
        case failed(code: String, name: String, message: String)
        /// A limit ended it, by name.
        case limit(String, detail: String?)
    }

    let ending: Ending
    /// False when the runner cannot be used again.
    let isUsable: Bool
    var wallMs: Double = 0
    var bytesIn = 0
    var bytesOut = 0
    var logs: [LogLine] = []
}

/// Starts runners.
protocol PluginStarter: Sendable {
    /// Starts a runner, hands it the plugin's files and runs `initialize`.
    ///
    /// - Throws: `plugin-failed` or `limit` when the plugin's own start fails, `unavailable` without isolation.
    func start(
        _ plugin: InstalledPlugin, _ operations: ProxiedOperations
    ) async throws(RuntimeError) -> any SandboxedPlugin

    /// The files of a bundle, whose digest has been checked.
    func files(of bundle: Digest) async throws(RuntimeError) -> [BundleFile]
}

/// What answers the operations of a running call.
protocol OperationProxy: Sendable {
    func perform(_ request: OperationRequest, in call: CallContext) async -> OperationOutcome
}

extension APIProxy: OperationProxy {}

/// The operations of one call, carried out by the proxy.
struct ProxiedOperations: OperationHandler {
    let proxy: any OperationProxy
    let call: CallContext
    /// Where the call is recorded.
    var circumstances: Circumstances?

    /// A recorded call's timers are kept here.
    func perform(_ request: OperationRequest, number: UInt32) async -> OperationOutcome {
        guard request.name == CallRecording.timer, circumstances != nil else { return await perform(request) }
        let delayMs = request.arguments["ms"]?.integerValue ?? 0
        call.waits(true)
        defer { call.waits(false) }
        try? await Task.sleep(for: .milliseconds(delayMs))
        return .success(.null)
    }

    func asks(_ number: UInt32, _ request: OperationRequest) { circumstances?.tape.ask(number, request) }

    func answers(_ number: UInt32, _ outcome: OperationOutcome, _ send: () -> Void) {
        if let tape = circumstances?.tape { tape.answer(number, outcome, send) } else { send() }
    }

    func perform(_ request: OperationRequest) async -> OperationOutcome {
        await proxy.perform(request, in: call)
    }
}
