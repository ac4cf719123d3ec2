public import Marketplace

/// What went wrong in a batch job: what, where, and what to do. Its code is the process's exit code.
public struct PipelineError: Error, Sendable, CustomStringConvertible {
    public let code: ExitCode
    /// What happened, and where.
    public let message: String
    /// What to do about it; empty if the message says it.
    public let remedy: String

    public init(_ code: ExitCode, _ message: String, remedy: String = "") {
        self.code = code
        self.message = message
        self.remedy = remedy
    }

    public var description: String { remedy.isEmpty ? message : "\(message)\n  \(remedy)" }
}
