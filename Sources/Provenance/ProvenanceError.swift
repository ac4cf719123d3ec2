/// What went wrong while something was signed, sealed, logged or verified.
public struct ProvenanceError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of failure, one word for programs.
    public enum Code: String, Sendable {
        /// A file or folder could not be read or written.
        case io
        /// Bytes that are not the format they should be.
        case malformed
        /// A signature that does not verify, or too few that do.
        case badSignature
        /// A key that the verifier does not know, or may not use for this.
        case untrustedKey
        /// A digest or length that differs from the signed one.
        case mismatch
        /// Metadata past its expiry at the time asked about.
        case expired
        /// A version older than one already trusted.
        case rollback
        /// A log or key file that would be overwritten or shortened.
        case conflict
        /// A key that is needed and not there.
        case missingKey
        /// A sealed value that was changed, or sealed under another key or name.
        case cannotOpen
    }

    public var code: Code
    /// The file, key or statement it is about.
    public var subject: String
    /// What is wrong with it, in words.
    public var cause: String

    public init(_ code: Code, _ subject: String, _ cause: String) {
        self.code = code
        self.subject = subject
        self.cause = cause
    }

    public var description: String { "\(subject): \(cause)" }
}
