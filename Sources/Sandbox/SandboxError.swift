/// Why a runner or worker could not be started or talked to. What a plugin does wrong is not an error of the
/// sandbox: it stands in the `ExecutionResult`.
public struct SandboxError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Hashable, Sendable {
        /// The kernel or its settings do not permit what the back end needs; `cause` says what to set.
        case notPermitted
        /// A program or file that the sandbox needs is not there.
        case missing
        /// The process did not come up, or ended before it could be used.
        case startFailed
        /// The runner is not in a state in which this can be asked of it.
        case wrongState
        /// A bundle or call is larger than the protocol carries.
        case tooLarge
        /// The back end does not work on this machine.
        case unavailable
    }

    public let code: Code
    /// What it was about: a program, a path, a back end.
    public let subject: String
    public let cause: String?

    public init(_ code: Code, _ subject: String, cause: String? = nil) {
        self.code = code
        self.subject = subject
        self.cause = cause
    }

    public var description: String {
        let what =
            switch code {
            case .notPermitted: "\(subject) is not permitted on this machine"
            case .missing: "\(subject) is missing"
            case .startFailed: "\(subject) did not start"
            case .wrongState: "\(subject) cannot be done now"
            case .tooLarge: "\(subject) is too large"
            case .unavailable: "\(subject) does not work on this machine"
            }
        return cause.map { "\(what): \($0)" } ?? what
    }
}
