/// What a sandboxed plugin asks of its host. The names and arguments are the SDK's:
/// `readData {entity, filters}`, `writeData {entity, data}`, `triggerWorkflow {workflow, data}`,
/// `fetch {url, method, headers, body, auth}`, `secret {name}`, `crypto.sign`, `crypto.verifyHmac`,
/// `storage.get|set|delete|list`, `usage.report {amount, currency}`.
public struct OperationRequest: Hashable, Sendable {
    public let name: String
    public let arguments: JSONValue

    public init(name: String, arguments: JSONValue) {
        self.name = name
        self.arguments = arguments
    }
}

/// The names of the operations that reach beyond the runner, and whether a permission must be declared for them.
public enum OperationName {
    public static let needingPermission = ["readData", "writeData", "triggerWorkflow", "fetch"]
    public static let ofTheInstallation = [
        "secret", "crypto.sign", "crypto.verifyHmac", "storage.get", "storage.set", "storage.delete",
        "storage.list",
        "usage.report",
    ]
}

/// Why an operation was not done, in a code that plugins may branch on and a sentence for people.
public struct OperationError: Error, Hashable, Sendable, Codable {
    /// One of: `denied`, `invalid`, `notFound`, `rateLimited`, `limit`, `timeout`, `upstream`, `unavailable`.
    public let code: String
    public let message: String

    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}

/// The answer to an operation.
public enum OperationOutcome: Hashable, Sendable {
    case success(JSONValue)
    case failure(OperationError)
}
