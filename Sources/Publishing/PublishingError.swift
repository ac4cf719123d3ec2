/// What went wrong while pages were made or swapped.
public struct PublishingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of thing went wrong.
    public enum Code: String, Sendable {
        /// A template is missing, does not parse, or names something that the model lacks.
        case template
        /// The model contradicts itself: two plugins of one id, a path that leaves the site.
        case model
        /// A link or anchor inside the site leads nowhere.
        case brokenLink
        /// A file could not be written, read or renamed.
        case file
    }

    public var code: Code
    /// The page, template or file.
    public var subject: String
    /// What is wrong with it, and what to do.
    public var cause: String

    public init(_ code: Code, subject: String, cause: String) {
        self.code = code
        self.subject = subject
        self.cause = cause
    }

    public var description: String { "\(subject): \(cause)" }
}
