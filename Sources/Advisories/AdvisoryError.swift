/// Why a store of advisories could not be made or read.
public struct AdvisoryError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        case notFound = "not-found"
        case badRecord = "bad-record"
        case empty
        case database
    }

    public let code: Code
    public let subject: String
    public let cause: String

    public init(_ code: Code, subject: String, cause: String) {
        self.code = code
        self.subject = subject
        self.cause = cause
    }

    public var description: String { "\(subject): \(cause) (\(code.rawValue))" }
}
