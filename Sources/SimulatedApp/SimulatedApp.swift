public import Marketplace
import Synchronization

/// A customer's application, simulated: a field-service business with sample records, filters, writes, workflows,
/// faults on demand and records planted to see whether a plugin carries off what it has no use for.
///
/// Everything follows from the seed and the requests: two of them with the same seed and the same requests answer
/// the same bytes. It opens no socket and reads no clock; `SimulatedServers` puts HTTP before it.
public final class SimulatedApp: Sendable {
    /// One request that it answered.
    public struct LogEntry: Sendable, Equatable {
        public let number: Int
        /// `readData`, `writeData`, `triggerWorkflow` or `fetch`.
        public let operation: String
        /// The entity, workflow or host.
        public let subject: String
        /// The arguments as they came.
        public let arguments: JSONValue
        public let status: Int
    }

    private struct State {
        var tables: [String: [[String: JSONValue]]]
        var shapes: [String: EntityShape]
        var workflows: Set<String>
        var runs: [WorkflowRun] = []
        var faults: [Fault] = []
        var log: [LogEntry] = []
    }

    /// A workflow that was triggered.
    public struct WorkflowRun: Sendable, Equatable {
        public let workflow: String
        public let data: JSONValue
    }

    /// 2026-01-01T00:00:00Z: what the sample records' ages are counted from unless another time is given.
    public static let sampleTime = Instant(seconds: 1_767_225_600)

    /// Marks inside planted records; none of them belongs into anything that a plugin sends elsewhere.
    public let canaries: [String]
    /// The stand-ins that answer `fetch`.
    public let vendors: [any VendorStandIn]
    private let state: Mutex<State>

    /// - Parameters:
    ///   - seed: what all sample records are drawn from.
    ///   - now: the time that the records' ages are counted from.
    ///   - entities: names that a manifest uses and the sample lacks; they get generic records.
    ///   - workflows: the same for workflows.
    ///   - variation: other records than the plain sample's.
    ///   - vendors: stand-ins for `fetch`; hosts that none of them knows get plausible answers.
    public init(
        seed: UInt64 = 1, now: Instant = SimulatedApp.sampleTime, entities: [String] = [],
        workflows: [String] = [],
        vendors: [any VendorStandIn] = [SlackStandIn()], variation: Variation = .plain
    ) {
        var sample = SampleData(seed: seed, now: now)
        var shapes = Dictionary(uniqueKeysWithValues: EntityShape.fieldService.map { ($0.name, $0) })
        for entity in entities.sorted() where shapes[entity] == nil {
            sample.makeGeneric(entity)
            shapes[entity] = EntityShape(name: entity, fields: [], closed: false)
        }
        canaries = sample.canaries
        self.vendors = vendors
        state = Mutex(
            State(
                tables: variation.apply(to: sample.tables, canaries: sample.canaries), shapes: shapes,
                workflows: Set(Workflows.names + workflows)))
    }

    // MARK: Asking

    /// Performs `readData`, `writeData`, `triggerWorkflow` or `fetch` as the API proxy would answer a plugin.
    /// A fault's delay is not waited for; `answer` tells it.
    public func perform(_ request: OperationRequest) -> OperationOutcome {
        if request.name == "fetch" { return fetch(request.arguments) }
        return answer(request).outcome
    }

    /// Performs `readData`, `writeData` or `triggerWorkflow` and answers in the terms of the HTTP contract.
    public func answer(_ request: OperationRequest) -> AppAnswer {
        let arguments = request.arguments.objectValue ?? [:]
        let subject = arguments[request.name == "triggerWorkflow" ? "workflow" : "entity"]?.stringValue ?? ""
        return state.withLock { state in
            var answer =
                Self.takeFault(request.name, subject, &state)
                ?? Self.attempt(request.name, subject, arguments, &state)
            if let delay = Self.takeDelay(request.name, subject, &state) { answer = answer.delayed(delay) }
            Self.note(request.name, subject, request.arguments, answer.status, &state)
            return answer
        }
    }

    /// Answers a vendor request `{url, method, headers, body}` by the stand-in of its host.
    public func fetch(_ arguments: JSONValue) -> OperationOutcome {
        var headers: [String: String] = [:]
        for (name, value) in arguments["headers"]?.objectValue ?? [:] {
            headers[name] = value.stringValue ?? ""
        }
        guard let url = arguments["url"]?.stringValue,
            let request = VendorRequest(
                method: arguments["method"]?.stringValue ?? "GET", url: url, headers: headers,
                body: arguments["body"]?.stringValue ?? "")
        else { return .failure(OperationError(code: "invalid", message: "fetch needs an https address")) }
        let answer = answer(request, arguments: arguments)
        return .success([
            "status": .integer(Int64(answer.status)),
            "headers": .object(answer.headers.mapValues(JSONValue.string)),
            "body": .string(answer.body),
        ])
    }

    /// Answers a vendor request by the stand-in of its host.
    public func answer(_ request: VendorRequest, arguments: JSONValue? = nil) -> VendorAnswer {
        let spoilt = state.withLock { Self.takeFault("fetch", request.host, &$0) }
        let answer: VendorAnswer
        switch spoilt?.body {
        case .json(let body): answer = VendorAnswer(status: spoilt?.status ?? 500, json: body)
        case .broken(let text): answer = VendorAnswer(status: 200, body: text)
        case nil:
            let vendor =
                vendors.first { $0.answers(for: request.host) } ?? PlausibleStandIn(hosts: [request.host])
            answer = vendor.answer(request)
        }
        let noted: JSONValue = arguments ?? ["url": .string("https://\(request.host)\(request.path)")]
        state.withLock { Self.note("fetch", request.host, noted, answer.status, &$0) }
        return answer
    }

    // MARK: Looking and steering

    /// The requests so far, in order.
    public var log: [LogEntry] { state.withLock { $0.log } }
    /// The workflows triggered so far, in order.
    public var workflowRuns: [WorkflowRun] { state.withLock { $0.runs } }
    /// The entities, sorted.
    public var entities: [String] { state.withLock { $0.shapes.keys.sorted() } }
    /// The workflows, sorted.
    public var workflows: [String] { state.withLock { $0.workflows.sorted() } }
    /// The fields of an entity.
    public func shape(of entity: String) -> EntityShape? { state.withLock { $0.shapes[entity] } }
    /// The records of an entity as they are now.
    public func records(of entity: String) -> [JSONValue] {
        state.withLock { ($0.tables[entity] ?? []).map(JSONValue.object) }
    }
    /// What the stand-ins found wrong with the requests so far, each with its vendor's name.
    public var violations: [String] {
        vendors.flatMap { vendor in vendor.violations.map { "\(vendor.name): \($0)" } }
    }
    /// Puts records in place of an entity's, as a scenario gives them.
    public func replace(_ entity: String, with records: [[String: JSONValue]]) {
        state.withLock { state in
            state.tables[entity] = records
            if state.shapes[entity] == nil {
                state.shapes[entity] = EntityShape(name: entity, fields: [], closed: false)
            }
        }
    }
    /// Adds a fault; faults are used up in the order in which they came.
    public func inject(_ fault: Fault) { state.withLock { $0.faults.append(fault) } }
    /// The planted marks that occur in a text that left the sandbox.
    public func canaries(in text: String) -> [String] { canaries.filter { text.contains($0) } }

    // MARK: The work

    private static func note(
        _ operation: String, _ subject: String, _ arguments: JSONValue, _ status: Int, _ state: inout State
    ) {
        state.log.append(
            LogEntry(
                number: state.log.count + 1, operation: operation, subject: subject, arguments: arguments,
                status: status))
    }

    private static func takeFault(_ operation: String, _ subject: String, _ state: inout State) -> AppAnswer?
    {
        let index = state.faults.firstIndex { fault in
            if case .slow = fault.kind { return false }
            return fault.spoils(operation: operation, subject: subject)
        }
        guard let index else { return nil }
        state.faults[index].remaining -= 1
        switch state.faults[index].kind {
        case .serverError: return AppAnswer(SimulationError(.upstream, "the application failed"))
        case .rateLimited(let seconds):
            return AppAnswer(SimulationError(.rateLimited, "too many requests"), retryAfterSeconds: seconds)
        case .malformed: return AppAnswer(status: 200, body: .broken("{\"half\": "))
        case .slow: return nil
        }
    }

    private static func takeDelay(_ operation: String, _ subject: String, _ state: inout State) -> Int? {
        for index in state.faults.indices
        where state.faults[index].spoils(operation: operation, subject: subject) {
            if case .slow(let milliseconds) = state.faults[index].kind {
                state.faults[index].remaining -= 1
                return milliseconds
            }
        }
        return nil
    }

    private static func attempt(
        _ operation: String, _ subject: String, _ arguments: [String: JSONValue], _ state: inout State
    ) -> AppAnswer {
        do throws(SimulationError) {
            switch operation {
            case "readData": return try read(subject, arguments, state)
            case "writeData": return try write(subject, arguments["data"], &state)
            case "triggerWorkflow": return try trigger(subject, arguments["data"] ?? .null, &state)
            default: throw SimulationError(.invalid, "the application has no operation \(operation)")
            }
        } catch {
            return AppAnswer(error)
        }
    }

    private static func read(
        _ entity: String, _ arguments: [String: JSONValue], _ state: State
    ) throws(SimulationError) -> AppAnswer {
        guard let shape = state.shapes[entity] else {
            throw SimulationError(.notFound, "no entity \(entity)")
        }
        let filters = try Filter.list(arguments["filters"])
        if shape.closed,
            let filter = filters.first(where: { $0.field != "id" && shape.field($0.field) == nil })
        {
            throw SimulationError(.invalid, "\(entity) has no field \(filter.field)")
        }
        let records = (state.tables[entity] ?? []).filter { record in
            filters.allSatisfy { $0.matches(record) }
        }
        return AppAnswer(status: 200, body: .json(.array(records.map(JSONValue.object))))
    }

    private static func write(
        _ entity: String, _ data: JSONValue?, _ state: inout State
    ) throws(SimulationError) -> AppAnswer {
        guard let shape = state.shapes[entity] else {
            throw SimulationError(.notFound, "no entity \(entity)")
        }
        guard case .object(let fields)? = data else { throw SimulationError(.invalid, "data is an object") }
        try check(fields, shape, state)
        if let id = fields["id"] {
            guard let index = state.tables[entity]?.firstIndex(where: { $0["id"] == id }) else {
                throw SimulationError(.notFound, "no record with that id in \(entity)")
            }
            state.tables[entity]?[index].merge(fields) { _, new in new }
            return AppAnswer(status: 200, body: .json(.object(state.tables[entity]?[index] ?? [:])))
        }
        if let missing = shape.fields.first(where: { $0.required && (fields[$0.name] ?? .null).isNull }) {
            throw SimulationError(.invalid, "a new record of \(entity) needs \(missing.name)")
        }
        var record = fields
        record["id"] = .string(SampleData.id(entity, 10_001 + (state.tables[entity]?.count ?? 0)))
        state.tables[entity, default: []].append(record)
        return AppAnswer(status: 201, body: .json(.object(record)))
    }

    private static func check(
        _ fields: [String: JSONValue], _ shape: EntityShape, _ state: State
    ) throws(SimulationError) {
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) where name != "id" && shape.closed {
            guard let field = shape.field(name) else {
                throw SimulationError(.invalid, "\(shape.name) has no field \(name)")
            }
            guard value.isNull || field.kind.accepts(value) else {
                throw SimulationError(.invalid, "\(shape.name).\(name) is of kind \(field.kind.rawValue)")
            }
            if let target = field.target, !value.isNull,
                !(state.tables[target] ?? []).contains(where: { $0["id"] == value })
            {
                throw SimulationError(.invalid, "\(shape.name).\(name) names no record of \(target)")
            }
        }
    }

    private static func trigger(
        _ workflow: String, _ data: JSONValue, _ state: inout State
    ) throws(SimulationError) -> AppAnswer {
        guard state.workflows.contains(workflow) else {
            throw SimulationError(.notFound, "no workflow \(workflow)")
        }
        try Workflows.apply(workflow, data: data.objectValue ?? [:], tables: &state.tables)
        state.runs.append(WorkflowRun(workflow: workflow, data: data))
        return AppAnswer(status: 202, body: .json(["run": .string("run-\(state.runs.count)")]))
    }
}

extension EntityShape.Kind {
    fileprivate func accepts(_ value: JSONValue) -> Bool {
        switch self {
        case .text, .reference: value.stringValue != nil
        case .integer: value.integerValue != nil
        case .decimal: value.stringValue.flatMap(DecimalText.init) != nil
        case .instant: value.stringValue.flatMap { Instant($0) } != nil
        case .flag: value.boolValue != nil
        case .list: value.arrayValue != nil
        }
    }
}
