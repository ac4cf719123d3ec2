public import Marketplace
public import Sandbox
import SimulatedApp

/// What a scenario came to, and what its calls used.
public struct ScenarioResult: Sendable {
    public let name: String
    /// The file's name in `scenarios/`.
    public let file: String
    /// Empty when the scenario holds.
    public var problems: [String] = []
    public var calls = 0
    public var cpuMs = 0.0
    public var wallMs = 0.0
    public var peakMemoryKiB = 0
    public var operations = 0
    public var bytesIn = 0
    public var bytesOut = 0
    /// What the calls would cost, a line for each plan.
    public var costs: [String] = []
    /// What went to the vendors' stand-ins and came back.
    public var exchanges: [JSONValue] = []
    var billedCalls = 0
    var executionMs = 0.0

    public var holds: Bool { problems.isEmpty }

    public init(name: String, file: String, problems: [String] = []) {
        self.name = name
        self.file = file
        self.problems = problems
    }
}

/// Runs scenarios in the real sandbox, each in a runner of its own.
public struct ScenarioRunner: Sendable {
    let isolation: any Isolation
    let manifest: Manifest
    let files: [String: [UInt8]]

    /// - Parameter files: the bundle's files by path.
    public init(isolation: any Isolation, manifest: Manifest, files: [String: [UInt8]]) {
        self.isolation = isolation
        self.manifest = manifest
        self.files = files
    }

    public func run(_ scenario: Scenario, file: String) async -> ScenarioResult {
        var result = ScenarioResult(name: scenario.name, file: file)
        let host = ScenarioHost(manifest, scenario)
        var answer: JSONValue?
        do {
            answer = try await perform(scenario, host, &result)
        } catch {
            result.problems.append("the sandbox could not be used: \(error)")
        }
        judge(scenario.expect, answer, host, &result)
        result.exchanges = host.exchanges
        result.costs = CallCost.lines(manifest.pricing, used(result, host))
        return result
    }

    private func used(_ result: ScenarioResult, _ host: ScenarioHost) -> CallCost.Used {
        let reported = host.reported.compactMap { $0["amount"]?.stringValue }
            .compactMap { DecimalText($0)?.scaled(by: 6) }
        return CallCost.Used(
            quantities: [
                .calls: Int64(result.billedCalls), .apiCalls: Int64(host.asked.count),
                .executionMs: Int64(result.executionMs), .bytes: Int64(result.bytesIn + result.bytesOut),
            ], reportedMicros: reported.reduce(0, +))
    }

    /// The last call's answer; `nil` where a call did not come to one.
    private func perform(
        _ scenario: Scenario, _ host: ScenarioHost, _ result: inout ScenarioResult
    ) async throws(SandboxError) -> JSONValue? {
        let runner = try await isolation.start(RunnerLimits(manifest.limits))
        let image = PluginImage(
            files: files, main: manifest.main, plugin: manifest.id, version: manifest.version,
            config: config(scenario), seed: 1, clock: scenario.clock)
        for (step, outcome) in [
            ("load", try await runner.load(image).outcome), ("initialize", try await ready(runner, host)),
        ] {
            guard note(outcome, step, &result) != nil else {
                await runner.kill()
                return nil
            }
        }
        var answer: JSONValue?
        for call in scenario.calls {
            guard let action = manifest.action(call.action) else {
                result.problems.append("there is no action \(call.action)")
                break
            }
            result.problems += JSONSchema(action.input).validate(call.data)
                .map { "the input of \(call.action): \($0.pointer) \($0.message)" }
            let extra = call.id.map { ["id": JSONValue.string($0)] } ?? [:]
            let done = try await runner.execute(
                action: call.action, data: call.data, extra: extra, handler: host)
            add(done, &result)
            answer = note(done.outcome, call.action, &result)
            guard let answer else { break }
            if answer["success"]?.boolValue == true { result.billedCalls += 1 }
            if answer["success"]?.boolValue == true, let output = action.output {
                result.problems += JSONSchema(output).validate(answer["data"] ?? .null)
                    .map { "the output of \(call.action): \($0.pointer) \($0.message)" }
            }
        }
        await runner.kill()
        return answer
    }

    private func ready(_ runner: PluginRunner, _ host: ScenarioHost) async throws(SandboxError)
        -> ExecutionOutcome
    {
        guard await runner.isAlive else { return .success(.null) }
        return try await runner.initialize(host).outcome
    }

    private func note(_ outcome: ExecutionOutcome, _ step: String, _ result: inout ScenarioResult)
        -> JSONValue?
    {
        switch outcome {
        case .success(let value): return value
        case .failure(let failure):
            let place = failure.file.map { " at \($0):\(failure.line ?? 0)" } ?? ""
            result.problems.append("\(step) failed: \(failure.name): \(failure.message)\(place)")
        case .ended(let limit): result.problems.append("the limit \(limit.rawValue) ended \(step)")
        }
        return nil
    }

    private func add(_ done: ExecutionResult, _ result: inout ScenarioResult) {
        result.calls += 1
        result.cpuMs += done.cpuMs
        result.wallMs += done.wallMs
        result.executionMs += done.wallMs.rounded(.up)
        result.peakMemoryKiB = max(result.peakMemoryKiB, done.peakMemoryBytes / 1_024)
        result.operations += done.operations
        result.bytesIn += done.bytesIn
        result.bytesOut += done.bytesOut
    }

    /// The schema's defaults under what the scenario sets.
    private func config(_ scenario: Scenario) -> JSONValue {
        let properties = manifest.config?["properties"]?.objectValue ?? [:]
        return .object(properties.compactMapValues { $0["default"] }.merging(scenario.config) { $1 })
    }

    private func judge(
        _ expect: [String: JSONValue], _ answer: JSONValue?, _ host: ScenarioHost,
        _ result: inout ScenarioResult
    ) {
        if let expected = expect["result"] {
            result.problems += Likeness.problems(expected, answer, "result")
        }
        if let expected = expect["operations"] {
            result.problems += Likeness.problems(
                expected, .array(host.asked.map(JSONValue.string)), "operations")
        }
        for (entity, records) in (expect["written"]?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
            let held = host.app.records(of: entity)
            for (id, record) in (records.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
                let found = held.first { $0["id"] == .string(id) }
                result.problems += Likeness.problems(record, found, "\(entity) \(id)")
            }
        }
        if let expected = expect["storage"] {
            let keys = JSONValue.array(host.storageKeys.map(JSONValue.string))
            result.problems += Likeness.problems(expected, keys, "storage")
        }
        if let expected = expect["reported"] {
            result.problems += Likeness.problems(expected, .array(host.reported), "reported")
        }
        limits(expect["limits"]?.objectValue ?? [:], &result)
        result.problems += host.problems
    }

    private func limits(_ most: [String: JSONValue], _ result: inout ScenarioResult) {
        let used = [
            ("apiCalls", "operations", Double(result.operations)), ("cpuMs", "ms of CPU", result.cpuMs),
            ("peakMemoryKiB", "KiB of memory", Double(result.peakMemoryKiB)),
        ]
        for (name, unit, value) in used {
            guard let bound = most[name]?.doubleValue, value > bound else { continue }
            result.problems.append("\(Int(value.rounded(.up))) \(unit), more than \(Int(bound))")
        }
    }
}
