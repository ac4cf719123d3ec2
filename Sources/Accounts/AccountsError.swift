import Billing
import Metering
import Registry

/// What goes wrong while an account's figures are put together.
public struct AccountsError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The registry refused or failed.
        case registry
        /// The usage segments cannot be read.
        case usage
        /// A file of the books cannot be read.
        case books
    }

    public let code: Code
    public let subject: String
    public let cause: String
    /// Whether what was asked for is not there.
    public var isMissing = false

    init(_ code: Code, _ subject: String, _ cause: String) {
        self.code = code
        self.subject = subject
        self.cause = cause
    }

    init(_ error: RegistryError) {
        self.init(.registry, error.subject, error.cause)
        isMissing = error.code == .notFound
    }

    public var description: String { "\(subject): \(cause)" }

    static func registry<T>(_ body: () throws(RegistryError) -> T) throws(AccountsError) -> T {
        do { return try body() } catch { throw AccountsError(error) }
    }

    static func usage<T>(_ body: () throws(MeteringError) -> T) throws(AccountsError) -> T {
        do { return try body() } catch { throw AccountsError(.usage, error.subject, error.cause) }
    }

    static func books<T>(_ body: () throws(BillingError) -> T) throws(AccountsError) -> T {
        do { return try body() } catch { throw AccountsError(.books, error.subject, error.cause) }
    }
}
