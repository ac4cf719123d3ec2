/// What the registry refuses, or cannot do.
public struct RegistryError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// No such row.
        case notFound
        /// A name, version or state that is taken or does not allow this.
        case conflict
        /// A move that the table of states does not hold.
        case illegalTransition
        /// The lease ran out or was taken over: another worker has the item.
        case leaseLost
        /// The caller may not do this.
        case notAllowed
        /// A value that breaks a rule.
        case invalid
        /// A quota that is used up.
        case limit
        /// The file was written by a newer version of the program.
        case newerDatabase
        /// SQLite failed.
        case database
        /// A sealed value, key or signature.
        case provenance
    }

    public var code: Code
    public var subject: String
    public var cause: String

    public init(_ code: Code, _ subject: String, _ cause: String) {
        self.code = code
        self.subject = subject
        self.cause = cause
    }

    public var description: String { "\(subject): \(cause)" }
}
