public import Marketplace

/// Why the simulated application refused or failed a request.
public struct SimulationError: Error, Sendable, Equatable {
    /// The kinds of refusal; the raw value is the code that a plugin sees (`OperationError.code`).
    public enum Code: String, Sendable {
        case invalid, notFound, rateLimited, upstream

        /// The HTTP status of the same refusal.
        public var status: Int {
            switch self {
            case .invalid: 422
            case .notFound: 404
            case .rateLimited: 429
            case .upstream: 500
            }
        }
    }

    public let code: Code
    public let subject: String

    init(_ code: Code, _ subject: String) {
        self.code = code
        self.subject = subject
    }

    /// The same refusal in the vocabulary of operations.
    public var operationError: OperationError {
        OperationError(code: code.rawValue, message: subject)
    }
}
