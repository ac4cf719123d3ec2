public import Marketplace

/// What the application answers, in the terms of its HTTP contract; the HTTP face only writes it out.
public struct AppAnswer: Sendable, Equatable {
    public let status: Int
    /// The JSON body, or for a malformed answer the bytes that are no JSON.
    public let body: Body
    /// How late the answer comes; the library does not sleep, the HTTP face does.
    public let delayMs: Int
    public let retryAfterSeconds: Int?

    /// A JSON value or the bytes of a broken one.
    public enum Body: Sendable, Equatable {
        case json(JSONValue)
        case broken(String)
    }

    init(status: Int, body: Body, delayMs: Int = 0, retryAfterSeconds: Int? = nil) {
        self.status = status
        self.body = body
        self.delayMs = delayMs
        self.retryAfterSeconds = retryAfterSeconds
    }

    init(_ error: SimulationError, retryAfterSeconds: Int? = nil) {
        self.init(
            status: error.code.status,
            body: .json(.object(["code": .string(error.code.rawValue), "message": .string(error.subject)])),
            retryAfterSeconds: retryAfterSeconds)
    }

    func delayed(_ milliseconds: Int) -> AppAnswer {
        AppAnswer(
            status: status, body: body, delayMs: delayMs + milliseconds, retryAfterSeconds: retryAfterSeconds)
    }

    /// The same answer as a plugin sees it through the API proxy.
    public var outcome: OperationOutcome {
        guard case .json(let value) = body else {
            return .failure(OperationError(code: "upstream", message: "the application's answer is no JSON"))
        }
        if status < 300 { return .success(value) }
        guard case .object(let fields) = value, case .string(let code)? = fields["code"],
            case .string(let message)? = fields["message"]
        else { return .failure(OperationError(code: "upstream", message: "status \(status)")) }
        return .failure(OperationError(code: code, message: message))
    }
}
