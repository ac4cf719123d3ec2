public import Marketplace

/// Where a payment stands.
public enum PaymentState: String, Sendable, Hashable, Codable {
    /// The intent is written, nothing was asked yet.
    case requested
    /// Asked for; the money is awaited.
    case pending
    /// The answer was lost: it must be found out before anything is asked again.
    case unknown
    case succeeded
    case failed
}

/// What is to be collected. `key` is the same for every attempt, so that a processor can tell a repetition.
public struct PaymentIntent: Sendable, Hashable {
    public let key: String
    public let invoice: String
    public let tenant: TenantID
    public let money: Money

    public init(key: String, invoice: String, tenant: TenantID, money: Money) {
        self.key = key
        self.invoice = invoice
        self.tenant = tenant
        self.money = money
    }
}

/// Money that came in.
public struct PaymentReceipt: Sendable, Hashable {
    /// Unique for ever at this processor.
    public let id: String
    /// The value date.
    public let day: Day
    public let money: Money
    /// What the payer wrote, or the intent's key.
    public let reference: String

    public init(id: String, day: Day, money: Money, reference: String) {
        self.id = id
        self.day = day
        self.money = money
        self.reference = reference
    }
}

/// Whoever moves the money. The night writes the intent, then asks; after a crash it looks an intent up before it
/// asks again.
public protocol PaymentProcessor: Sendable {
    var name: String { get }
    /// True where asking for a payment asks nobody: the invoice itself asks.
    var isPassive: Bool { get }
    /// Why the rail cannot carry this amount; nil where it can.
    func refusal(of intent: PaymentIntent) -> String?
    /// Asks for the payment, idempotent by its key.
    func request(_ intent: PaymentIntent) throws(BillingError) -> PaymentState
    /// What became of an intent whose answer is not known; nil where the processor never heard of it.
    func lookUp(_ intent: PaymentIntent) throws(BillingError) -> PaymentState?
    /// Every receipt that the processor tells of; the caller drops those that it has.
    func receipts() throws(BillingError) -> [PaymentReceipt]
    /// Sends money back, idempotent by the refund's key; `.pending` where a transfer file does it.
    func refund(_ order: RefundOrder) throws(BillingError) -> PaymentState
    /// What became of a refund whose answer is not known; nil where the processor never heard of it.
    func lookUp(_ order: RefundOrder) throws(BillingError) -> PaymentState?
}

extension PaymentProcessor {
    public var isPassive: Bool { false }
}

/// What is to be given back of an intent's money.
public struct RefundOrder: Sendable, Hashable {
    public let key: String
    /// The key of the intent that brought the money.
    public let intent: String
    public let money: Money

    public init(key: String, intent: String, money: Money) {
        self.key = key
        self.intent = intent
        self.money = money
    }
}
