/// Why a scan could not be set up. What goes wrong during one is a `scan.incomplete` finding instead.
public struct ScanError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        case badRule = "bad-rule"
        case badPolicy = "bad-policy"
        case badExemptions = "bad-exemptions"
        case badReport = "bad-report"
        case missingRules = "missing-rules"
        case library
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
