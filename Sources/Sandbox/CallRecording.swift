import Frames
public import Marketplace

/// Everything that the outcome of one call depends on, written down: the plugin's settings, the clock and the seed
/// that its runner was started with, the call, and each operation with its answer in the order of asking and
/// answering. With the same bundle a replay of it gives the same bytes.
///
/// Operations are recorded as the sandbox sees them: a secret is a mark in them, never a value.
public struct CallRecording: Sendable, Equatable {
    public static let schema = "veroforge.replay/1"

    /// The name of a timer among the questions.
    public static let timer = FrameProtocol.timer

    /// What crossed the border of the sandbox, in its order.
    public enum Step: Sendable, Equatable {
        /// The plugin asks; `number` counts from 0 in the order of asking. A timer is the question `timer {ms}`.
        case ask(number: Int, OperationRequest)
        /// The answer reaches the plugin, so many milliseconds after the runner was started.
        case answer(number: Int, OperationOutcome, afterMs: Int64)
    }

    public var plugin: PluginID
    public var version: Version
    /// SHA-256 of the bundle that ran.
    public var bundle: String
    public var config: JSONValue
    public var limits: Limits
    public var seed: UInt64
    /// The time that the plugin saw.
    public var clock: Instant
    public var action: String
    public var data: JSONValue
    /// Members of the plugin's request beside `action` and `data`: `id`, `time`.
    public var extra: [String: JSONValue]
    public var steps: [Step]
    /// How it ended, and what the plugin logged.
    public var output: CallOutput

    public init(
        plugin: PluginID, version: Version, bundle: String, config: JSONValue, limits: Limits, seed: UInt64,
        clock: Instant, action: String, data: JSONValue, extra: [String: JSONValue], steps: [Step],
        output: CallOutput
    ) {
        self.plugin = plugin
        self.version = version
        self.bundle = bundle
        self.config = config
        self.limits = limits
        self.seed = seed
        self.clock = clock
        self.action = action
        self.data = data
        self.extra = extra
        self.steps = steps
        self.output = output
    }
}

/// What came of a call, in a form of which equal calls give equal bytes.
public struct CallOutput: Sendable, Equatable {
    public static let messageCharactersMax = 2_000

    /// `{"answer": …}`, `{"failed": {code, name, message}}` or `{"limit": NAME}`; `"start": true` beside it where
    /// the plugin did not come as far as the call.
    public var ending: JSONValue
    public var logs: [LogLine]

    public init(ending: JSONValue, logs: [LogLine]) {
        self.ending = ending
        self.logs = logs
    }

    public init(_ outcome: ExecutionOutcome, logs: [LogLine], inStart: Bool = false) {
        var members: [String: JSONValue]
        switch outcome {
        case .success(let answer): members = ["answer": answer]
        case .failure(let failure):
            members = ["failed": Self.failure(failure.code, failure.name, failure.message)]
        case .ended(let limit): members = ["limit": .string(limit.rawValue)]
        }
        if inStart { members["start"] = true }
        self.init(ending: .object(members), logs: logs)
    }

    public static func failure(_ code: String, _ name: String, _ message: String) -> JSONValue {
        [
            "code": .string(code), "name": .string(name),
            "message": .string(String(message.prefix(messageCharactersMax))),
        ]
    }

    public var json: JSONValue {
        [
            "ending": ending,
            "logs": .array(logs.map { ["level": .string($0.level), "text": .string($0.text)] }),
        ]
    }

    init?(_ value: JSONValue?) {
        guard let ending = value?["ending"], let lines = value?["logs"]?.arrayValue else { return nil }
        self.init(
            ending: ending,
            logs: lines.compactMap { line in
                guard let level = line["level"]?.stringValue, let text = line["text"]?.stringValue else {
                    return nil
                }
                return LogLine(level: level, text: text)
            })
    }
}

// MARK: JSON

extension CallRecording {
    public var json: JSONValue {
        [
            "schema": .string(Self.schema), "plugin": .string(plugin.text),
            "version": .string(version.description), "bundle": .string(bundle), "config": config,
            "limits": .object(Self.names.mapValues { .integer(limits[keyPath: $0]) }),
            // JSON numbers of readers elsewhere end at 2⁵³.
            "seed": .string(String(seed)), "clock": .string(clock.description), "action": .string(action),
            "data": data, "extra": .object(extra), "steps": .array(steps.map(\.json)), "output": output.json,
        ]
    }

    /// A recording from its file; the sentence says what is wrong with another.
    public static func read(_ value: JSONValue) -> Result<CallRecording, RecordingProblem> {
        guard value["schema"]?.stringValue == schema else {
            return .failure(RecordingProblem(text: "its schema is not \(schema)"))
        }
        guard let plugin = value["plugin"]?.stringValue.flatMap({ PluginID($0) }),
            let version = value["version"]?.stringValue.flatMap({ Version($0) }),
            let bundle = value["bundle"]?.stringValue, let config = value["config"],
            let seed = value["seed"]?.stringValue.flatMap({ UInt64($0) }),
            let clock = value["clock"]?.stringValue.flatMap({ Instant($0) }),
            let action = value["action"]?.stringValue, let data = value["data"],
            let extra = value["extra"]?.objectValue, let output = CallOutput(value["output"])
        else { return .failure(RecordingProblem(text: "a member is missing or of another kind")) }
        var limits = Limits.standard
        for (name, path) in names {
            guard let number = value["limits"]?[name]?.integerValue else {
                return .failure(RecordingProblem(text: "limits.\(name) is missing"))
            }
            limits[keyPath: path] = number
        }
        let given = value["steps"]?.arrayValue ?? []
        let steps = given.compactMap(Step.init)
        guard steps.count == given.count else {
            return .failure(RecordingProblem(text: "a step is neither a question nor an answer"))
        }
        return .success(
            CallRecording(
                plugin: plugin, version: version, bundle: bundle, config: config, limits: limits, seed: seed,
                clock: clock, action: action, data: data, extra: extra, steps: steps, output: output))
    }

    private static var names: [String: WritableKeyPath<Limits, Int64>] {
        [
            "cpuMs": \.cpuMs, "wallMs": \.wallMs, "memoryMiB": \.memoryMiB, "tempMiB": \.tempMiB,
            "storageMiB": \.storageMiB, "apiCalls": \.apiCalls, "egressBytes": \.egressBytes,
            "egressBytesPerSecond": \.egressBytesPerSecond,
        ]
    }
}

/// Why a file is no recording.
public struct RecordingProblem: Error, Sendable, CustomStringConvertible {
    public let text: String
    public var description: String { text }
}

extension CallRecording.Step {
    var json: JSONValue {
        switch self {
        case .ask(let number, let request):
            return [
                "ask": .integer(Int64(number)), "operation": .string(request.name),
                "arguments": request.arguments,
            ]
        case .answer(let number, .success(let value), let afterMs):
            return ["answer": .integer(Int64(number)), "value": value, "afterMs": .integer(afterMs)]
        case .answer(let number, .failure(let error), let afterMs):
            return [
                "answer": .integer(Int64(number)), "afterMs": .integer(afterMs),
                "error": ["code": .string(error.code), "message": .string(error.message)],
            ]
        }
    }

    init?(_ value: JSONValue) {
        if let number = value["ask"]?.integerValue, let name = value["operation"]?.stringValue,
            let arguments = value["arguments"]
        {
            self = .ask(number: Int(number), OperationRequest(name: name, arguments: arguments))
            return
        }
        guard let number = value["answer"]?.integerValue, let afterMs = value["afterMs"]?.integerValue else {
            return nil
        }
        if let code = value["error"]?["code"]?.stringValue {
            let message = value["error"]?["message"]?.stringValue ?? ""
            self = .answer(
                number: Int(number), .failure(OperationError(code: code, message: message)), afterMs: afterMs)
        } else if let answer = value["value"] {
            self = .answer(number: Int(number), .success(answer), afterMs: afterMs)
        } else {
            return nil
        }
    }
}
