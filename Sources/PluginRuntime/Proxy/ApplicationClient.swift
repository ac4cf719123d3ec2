import AsyncHTTPClient
import Marketplace
import NIOCore
import NIOHTTP1

/// A tenant's application, as its row in the registry names it.
struct ApplicationTarget: Sendable {
    /// Without a slash at the end.
    let baseURL: String
    /// The tenant's credential, opened; only the proxy ever holds it.
    let credential: String
}

/// Speaks the contract that a customer's application implements.
struct ApplicationClient: Sendable {
    let client: HTTPClient
    let answerBytesMax: Int

    /// Performs `readData`, `writeData` or `triggerWorkflow` on the application.
    ///
    /// - Parameter key: the same for a repetition of the same operation; the application may use it to write once.
    func perform(
        _ operation: CheckedOperation, on target: ApplicationTarget, key: String,
        deadline: ContinuousClock.Instant
    ) async throws(OperationError) -> JSONValue {
        var request: HTTPClientRequest
        switch operation {
        case .readData(let entity, let filters):
            var url = "\(target.baseURL)/entities/\(PercentEncoding.encode(entity))"
            if filters != [] { url += "?filter=" + PercentEncoding.encode(filters.serialized()) }
            request = HTTPClientRequest(url: url)
        case .writeData(let entity, let data):
            request = HTTPClientRequest(url: "\(target.baseURL)/entities/\(PercentEncoding.encode(entity))")
            Self.attach(data, key, to: &request)
        case .triggerWorkflow(let workflow, let data):
            request = HTTPClientRequest(
                url: "\(target.baseURL)/workflows/\(PercentEncoding.encode(workflow))")
            Self.attach(data, key, to: &request)
        }
        request.headers.replaceOrAdd(name: "authorization", value: "Bearer \(target.credential)")
        request.headers.replaceOrAdd(name: "accept", value: "application/json")
        let left = ContinuousClock.now.duration(to: deadline).wholeMilliseconds
        request.headers.replaceOrAdd(name: "veroforge-timeout-ms", value: "\(max(1, left))")
        let answer = try await Upstream.send(
            request, by: client, deadline: deadline, answerBytesMax: answerBytesMax)
        return try Self.read(answer, of: operation)
    }

    private static func attach(_ data: JSONValue, _ key: String, to request: inout HTTPClientRequest) {
        request.method = .POST
        request.headers.replaceOrAdd(name: "content-type", value: "application/json")
        request.headers.replaceOrAdd(name: "idempotency-key", value: key)
        request.body = .bytes(ByteBuffer(bytes: data.serializedBytes()))
    }

    private static func read(
        _ answer: UpstreamAnswer, of operation: CheckedOperation
    ) throws(OperationError) -> JSONValue {
        let value: JSONValue? = answer.body.isEmpty ? JSONValue.null : try? JSONValue.parse(answer.body)
        guard (200..<300).contains(answer.status) else {
            let words = value?["message"]?.stringValue ?? value?["detail"]?.stringValue
            throw OperationError(
                code: code(answer.status),
                message: words.map { String($0.prefix(512)) } ?? "the application answered \(answer.status)")
        }
        guard let value else {
            throw OperationError(code: "upstream", message: "the application's answer is no JSON")
        }
        switch operation {
        case .readData:
            guard value.arrayValue != nil else {
                throw OperationError(
                    code: "upstream", message: "the application's answer is no list of records")
            }
        case .writeData:
            guard value.objectValue != nil else {
                throw OperationError(code: "upstream", message: "the application's answer is no record")
            }
        case .triggerWorkflow: return .null
        }
        return value
    }

    private static func code(_ status: Int) -> String {
        switch status {
        case 400, 409, 413, 422: "invalid"
        case 401, 403: "denied"
        case 404, 410: "notFound"
        case 408, 504: "timeout"
        case 429: "rateLimited"
        case 502, 503: "unavailable"
        default: "upstream"
        }
    }
}

/// An operation on the application whose arguments have been checked.
enum CheckedOperation: Sendable {
    case readData(entity: String, filters: JSONValue)
    case writeData(entity: String, data: JSONValue)
    case triggerWorkflow(workflow: String, data: JSONValue)

    private static let comparisons: Set<String> = ["eq", "ne", "lt", "lte", "gt", "gte", "contains", "in"]

    /// Checks the arguments of `readData`, `writeData` and `triggerWorkflow`.
    init(_ request: OperationRequest) throws(OperationError) {
        let arguments = request.arguments
        switch request.name {
        case "readData":
            let entity = try Self.name(arguments["entity"], "entity")
            self = .readData(entity: entity, filters: try Self.filters(arguments["filters"] ?? .null))
        case "writeData":
            let entity = try Self.name(arguments["entity"], "entity")
            guard let data = arguments["data"], data.objectValue != nil else {
                throw OperationError(code: "invalid", message: "data is an object")
            }
            self = .writeData(entity: entity, data: data)
        case "triggerWorkflow":
            self = .triggerWorkflow(
                workflow: try Self.name(arguments["workflow"], "workflow"), data: arguments["data"] ?? .null)
        default: throw OperationError(code: "invalid", message: "there is no operation \(request.name)")
        }
    }

    private static func name(_ value: JSONValue?, _ what: String) throws(OperationError) -> String {
        guard let name = value?.stringValue, !name.isEmpty, name.utf8.count <= 256, name != ".", name != ".."
        else {
            throw OperationError(code: "invalid", message: "the \(what) is not named")
        }
        return name
    }

    private static func filters(_ value: JSONValue) throws(OperationError) -> JSONValue {
        if value.isNull { return [] }
        guard let filters = value.arrayValue, filters.count <= 64 else {
            throw OperationError(code: "invalid", message: "filters are an array of at most 64")
        }
        for filter in filters {
            guard let members = filter.objectValue, members.count == 3, members["field"]?.stringValue != nil,
                let op = members["op"]?.stringValue, comparisons.contains(op), let operand = members["value"]
            else {
                throw OperationError(
                    code: "invalid",
                    message:
                        "a filter is {field, op, value}, op one of \(comparisons.sorted().joined(separator: ", "))"
                )
            }
            if operand.objectValue != nil || (operand.arrayValue != nil) != (op == "in") {
                throw OperationError(
                    code: "invalid", message: "the value of a filter with `in` is a list, of others not")
            }
        }
        return value
    }
}
