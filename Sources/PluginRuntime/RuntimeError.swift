public import Marketplace

/// What the runtime refuses or fails at: a code for programs, a subject (what it is about) and the cause in words.
public struct RuntimeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Each code is one problem type of the HTTP API; its raw value ends the type's address.
    public enum Code: String, Sendable, CaseIterable {
        case badRequest = "bad-request"
        case unauthorized
        case forbidden
        case notFound = "not-found"
        case methodNotAllowed = "method-not-allowed"
        case conflict
        case consentNeeded = "consent-needed"
        case suspended
        case tooLarge = "too-large"
        case unsupportedMedia = "unsupported-media-type"
        case invalid
        case rateLimited = "rate-limited"
        case limit
        case pluginFailed = "plugin-failed"
        case pluginAnswerInvalid = "plugin-answer-invalid"
        case busy
        case unavailable
        case usageNotRecorded = "usage-not-recorded"
        case internalError = "internal-error"
        // Only at the start of the service.
        case portInUse = "port-in-use"
        case newerData = "newer-data"
        case configuration
    }

    public let code: Code
    public let subject: String
    public let cause: String
    /// Seconds after which trying again makes sense.
    public var retryAfterSeconds: Int?
    /// Further members of the problem document.
    public var details: [String: JSONValue]

    public init(
        _ code: Code, _ subject: String, _ cause: String, retryAfterSeconds: Int? = nil,
        details: [String: JSONValue] = [:]
    ) {
        self.code = code
        self.subject = subject
        self.cause = cause
        self.retryAfterSeconds = retryAfterSeconds
        self.details = details
    }

    public var description: String { "\(subject): \(cause) (\(code.rawValue))" }
}

extension RuntimeError.Code {
    /// The HTTP status of the code.
    public var status: Int {
        switch self {
        case .badRequest: 400
        case .unauthorized: 401
        case .forbidden, .suspended: 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .conflict, .consentNeeded: 409
        case .tooLarge: 413
        case .unsupportedMedia: 415
        case .invalid: 422
        case .rateLimited: 429
        case .limit, .pluginFailed, .pluginAnswerInvalid: 502
        case .busy, .unavailable, .usageNotRecorded: 503
        case .internalError, .portInUse, .newerData, .configuration: 500
        }
    }

    /// The problem's title: one short sentence that does not change from case to case.
    public var title: String {
        switch self {
        case .badRequest: "The request cannot be read"
        case .unauthorized: "A valid bearer token is needed"
        case .forbidden: "The token does not allow this"
        case .notFound: "There is no such thing"
        case .methodNotAllowed: "The method is not allowed here"
        case .conflict: "The present state does not allow this"
        case .consentNeeded: "Permissions must be accepted first"
        case .suspended: "The plugin is suspended"
        case .tooLarge: "The request is too large"
        case .unsupportedMedia: "The content type is not taken here"
        case .invalid: "The request does not satisfy its schema"
        case .rateLimited: "Too many requests"
        case .limit: "The plugin was ended by a limit"
        case .pluginFailed: "The plugin failed"
        case .pluginAnswerInvalid: "The plugin's answer does not satisfy its schema"
        case .busy: "The runtime is at its capacity"
        case .unavailable: "Something that is needed is not there"
        case .usageNotRecorded: "Usage cannot be recorded, so nothing is run"
        case .internalError: "The runtime failed"
        case .portInUse: "The port is in use"
        case .newerData: "The data directory is of a newer version"
        case .configuration: "The configuration is wrong"
        }
    }

    /// The exit code when the service ends with this error.
    public var exitCode: ExitCode {
        switch self {
        case .portInUse, .busy, .unavailable: .tryLater
        case .notFound, .forbidden: .notFound
        default: .usage
        }
    }
}
