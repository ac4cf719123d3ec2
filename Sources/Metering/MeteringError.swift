/// What Metering refuses or fails at: a code for programs, a subject (file, line or id), and the cause in words.
public struct MeteringError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The operating system refused a read or a write.
        case storage
        /// A name (node, file) does not have the form that segments need.
        case badName
        /// Another process holds this node's segments.
        case nodeInUse
        /// A segment's header, line, seal, or chain does not hold.
        case badSegment
        /// A sum or a count left its limits.
        case limit
        /// The writer was closed.
        case closed
    }

    public let code: Code
    public let subject: String
    public let cause: String

    public init(_ code: Code, _ subject: String, _ cause: String) {
        self.code = code
        self.subject = subject
        self.cause = cause
    }

    public var description: String { "\(subject): \(cause) (\(code.rawValue))" }
}
