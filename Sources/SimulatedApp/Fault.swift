/// A fault that the simulated application produces on demand.
public struct Fault: Sendable, Equatable {
    /// What goes wrong.
    public enum Kind: Sendable, Equatable {
        /// The answer is right and comes late.
        case slow(milliseconds: Int)
        /// Status 500.
        case serverError
        /// Status 429 with `Retry-After`.
        case rateLimited(retryAfterSeconds: Int)
        /// Status 200 with a body that is no JSON.
        case malformed
    }

    public var kind: Kind
    /// `readData`, `writeData`, `triggerWorkflow` or `fetch`; nil is any.
    public var operation: String?
    /// The entity, workflow or host; nil is any.
    public var subject: String?
    /// How many requests it still spoils.
    public var remaining: Int

    public init(_ kind: Kind, operation: String? = nil, subject: String? = nil, times: Int = 1) {
        self.kind = kind
        self.operation = operation
        self.subject = subject
        self.remaining = times
    }

    func spoils(operation: String, subject: String) -> Bool {
        remaining > 0 && (self.operation ?? operation) == operation && (self.subject ?? subject) == subject
    }
}
