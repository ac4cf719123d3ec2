public import Marketplace

/// One file of a plugin's `scenarios/`: given entities, when an action, expect an answer. `docs/testing.md` says what
/// each member means; `plugins/sdk/scenario.schema.json` is its schema.
public struct Scenario: Sendable {
    public struct Call: Sendable {
        public let action: String
        public let data: JSONValue
        public let id: String?
    }

    /// What goes wrong, and how often: `operation` is a label like `writeData notes`.
    struct ScriptedFault: Sendable {
        let operation: String
        let error: OperationError
        var times: Int64
    }

    /// One exchange with a vendor, in the order in which it must happen.
    struct Exchange: Sendable {
        let request: JSONValue
        let answer: JSONValue

        var title: String {
            "\(request["method"]?.stringValue ?? "") \(request["url"]?.stringValue ?? "")"
        }
    }

    public let name: String
    public let calls: [Call]
    let clock: Instant?
    let config: [String: JSONValue]
    let secrets: [String: String]
    /// `nil`: the sample business.
    let entities: [String: [[String: JSONValue]]]?
    let storage: [String: JSONValue]
    let faults: [ScriptedFault]
    let vendor: [Exchange]
    /// The stateful stand-ins of the simulator answer in place of a script.
    let usesStandIns: Bool
    let expect: [String: JSONValue]

    /// A scenario, or everything that is wrong with the file.
    public enum Reading: Sendable {
        case scenario(Scenario)
        case problems([String])
    }

    /// Reads a file by its schema.
    public static func read(_ bytes: [UInt8], schema: JSONSchema) -> Reading {
        let value: JSONValue
        do {
            value = try JSONValue.parse(bytes)
        } catch {
            return .problems(["the file is no JSON: \(error)"])
        }
        let violations = schema.validate(value)
        guard violations.isEmpty else {
            return .problems(violations.map { "the file: \($0.pointer) \($0.message)" })
        }
        return .scenario(Scenario(value))
    }

    /// The schema has been held: what is missing here is absent.
    private init(_ value: JSONValue) {
        name = value["name"]?.stringValue ?? ""
        clock = value["clock"]?.stringValue.flatMap { Instant($0) }
        config = value["config"]?.objectValue ?? [:]
        secrets = (value["secrets"]?.objectValue ?? [:]).compactMapValues(\.stringValue)
        entities = value["entities"]?.objectValue?.mapValues {
            $0.arrayValue?.compactMap(\.objectValue) ?? []
        }
        storage = value["storage"]?.objectValue ?? [:]
        faults = (value["faults"]?.arrayValue ?? []).map { fault in
            ScriptedFault(
                operation: fault["operation"]?.stringValue ?? "",
                error: OperationError(
                    code: fault["code"]?.stringValue ?? "unavailable",
                    message: fault["message"]?.stringValue ?? "a fault of the scenario"),
                times: fault["times"]?.integerValue ?? 1)
        }
        usesStandIns = value["vendor"]?.stringValue != nil
        vendor = (value["vendor"]?.arrayValue ?? []).map {
            Exchange(request: $0["request"] ?? [:], answer: $0["answer"] ?? [:])
        }
        let when = value["when"] ?? []
        calls = (when.arrayValue ?? [when]).map {
            Call(
                action: $0["action"]?.stringValue ?? "", data: $0["data"] ?? [:], id: $0["id"]?.stringValue)
        }
        expect = value["expect"]?.objectValue ?? [:]
    }
}

/// How what was expected is held against what came: each member that is named must be equal, others are not looked at.
enum Likeness {
    static func problems(_ expected: JSONValue, _ actual: JSONValue?, _ place: String) -> [String] {
        func differs() -> [String] {
            ["\(place) is \(actual?.serialized() ?? "absent"), not \(expected.serialized())"]
        }
        switch expected {
        case .object(let members):
            guard let held = actual?.objectValue else { return differs() }
            return members.sorted { $0.key < $1.key }.flatMap { problems($1, held[$0], "\(place)/\($0)") }
        case .array(let items):
            guard let held = actual?.arrayValue, held.count == items.count else { return differs() }
            return zip(items, held).enumerated().flatMap { problems($1.0, $1.1, "\(place)/\($0)") }
        case .integer, .number:
            return expected.doubleValue == actual?.doubleValue ? [] : differs()
        default:
            return expected == actual ? [] : differs()
        }
    }
}
