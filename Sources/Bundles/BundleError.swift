/// Why a bundle could not be packed or a stream could not be read at all.
///
/// What is wrong inside an archive that could be read is not an error but an `ArchiveProblem`.
public struct BundleError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        case missingManifest = "missing-manifest"
        case notAFolder = "not-a-folder"
        case unreadable
        case unsafeName = "unsafe-name"
        case tooLarge = "too-large"
        case link
        case library
        case badStream = "bad-stream"
    }

    public let code: Code
    /// The path or the part of the stream that is concerned.
    public let subject: String
    public let cause: String

    public init(_ code: Code, subject: String, cause: String) {
        self.code = code
        self.subject = subject
        self.cause = cause
    }

    public var description: String { "\(subject): \(cause) (\(code.rawValue))" }
}
