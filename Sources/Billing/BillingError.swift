/// What Billing refuses or fails at: a code for programs, a subject (invoice, tenant, file), the cause in words.
public struct BillingError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The disk or the database refused.
        case storage
        /// The configuration, a price, or a template does not hold.
        case configuration
        /// A number left its range.
        case limit
        /// Nothing of that name.
        case notFound
        /// Sums that must be equal are not: the night fails with the place.
        case conservation
        /// Usage is missing or in doubt, so that a period cannot be closed.
        case incomplete
        /// A file from outside (bank statement, billing case) cannot be read.
        case input
        /// The payment rail cannot carry this.
        case rail
        /// An issued document would have to change.
        case immutable
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
