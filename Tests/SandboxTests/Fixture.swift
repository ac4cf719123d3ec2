import Marketplace
import Sandbox
import Synchronization
import TestSupport

/// What the tests of a sandbox share: runners, small plugins, and a host that answers.
enum Fixture {
    static func native() throws -> NativeIsolation {
        try NativeIsolation(
            executable: Products.path("veroforge-runner"),
            seccompList: Products.file("rules/seccomp/runner.list"))
    }

    /// A plugin whose `execute` is the given body; `context` and `request` are in scope.
    static func image(_ body: String, files: [String: String] = [:], config: JSONValue = [:]) -> PluginImage {
        var all = files.mapValues { Array($0.utf8) }
        let main = """
            export default class Sample {
              name = "sample"; version = "1.0.0";
              async initialize(context) { this.context = context; }
              async execute(request) { const context = this.context; \(body) }
            }
            """
        all["dist/index.js"] = Array(main.utf8)
        return PluginImage(files: all, main: "dist/index.js", config: config)
    }

    /// Loads, initializes and calls once; the runner is gone afterwards.
    static func run(
        _ image: PluginImage, _ data: JSONValue = nil, limits: RunnerLimits = RunnerLimits(quick),
        handler: any OperationHandler = Answers(), isolation: (any Isolation)? = nil
    ) async throws -> ExecutionResult {
        let runner = try await (isolation ?? native()).start(limits)
        let loaded = try await runner.load(image)
        guard case .success = loaded.outcome else { return loaded }
        let ready = try await runner.initialize(handler)
        guard case .success = ready.outcome else {
            await runner.kill()
            return ready
        }
        let result = try await runner.execute(action: "go", data: data, handler: handler)
        await runner.kill()
        return result
    }

    static func run(
        _ body: String, _ data: JSONValue = nil, limits: RunnerLimits = RunnerLimits(quick),
        handler: any OperationHandler = Answers()
    ) async throws -> ExecutionResult {
        try await run(image(body), data, limits: limits, handler: handler)
    }

    /// Limits that a test does not have to wait for.
    static let quick = Limits(
        cpuMs: 200, wallMs: 60_000, memoryMiB: 32, tempMiB: 1, storageMiB: 1, apiCalls: 10,
        egressBytes: 10_000,
        egressBytesPerSecond: 1_000_000)
}

/// A host that answers from a table and keeps what it was asked.
final class Answers: OperationHandler {
    private let table: [String: OperationOutcome]
    private let asked = Mutex<[OperationRequest]>([])
    private let delayMs: UInt64

    init(_ table: [String: OperationOutcome] = [:], delayMs: UInt64 = 0) {
        self.table = table
        self.delayMs = delayMs
    }

    var requests: [OperationRequest] { asked.withLock { $0 } }

    func perform(_ request: OperationRequest) async -> OperationOutcome {
        asked.withLock { $0.append(request) }
        if delayMs > 0 { try? await Task.sleep(nanoseconds: delayMs * 1_000_000) }
        return table[request.name] ?? .success(.null)
    }
}

extension ExecutionOutcome {
    var value: JSONValue? { if case .success(let value) = self { value } else { nil } }
    var failure: PluginFailure? { if case .failure(let failure) = self { failure } else { nil } }
    var limit: LimitName? { if case .ended(let limit) = self { limit } else { nil } }
}
