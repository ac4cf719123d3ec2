public import Marketplace

/// What a publisher is told with a payout: opening + earned − reversed − held − paid = closing (a debt that
/// was given up is added), where opening and
/// closing are what was free to be paid, and `held` is by how much what waits has grown.
public struct PayoutStatement: Hashable, Sendable, Codable {
    /// What one invoice gave: the customer is not named.
    public struct Row: Hashable, Sendable, Codable {
        public var invoice: String
        public var period: BillingPeriod
        public var nets: Money
        public var share: Money
    }

    public var schema: Int
    public var number: String
    public var publisher: PublisherID
    public var name: String
    public var country: String
    public var iban: String
    public var bic: String
    public var payer: String
    public var payerVATID: String
    public var currency: Currency
    /// The last day of the statement before, and the day of this one.
    public var after: Day?
    public var day: Day
    public var rows: [Row]
    public var opening: Money
    public var earned: Money
    public var reversed: Money
    public var held: Money
    public var paid: Money
    public var closing: Money
    /// What waits in all: not collected yet, inside its hold, or disputed.
    public var waiting: Money
    /// A debt of the publisher that was given up, since the statement before and in all.
    public var writtenOff: Money
    public var writtenOffInAll: Money

    public func firstViolation() -> String? {
        if opening + earned - reversed + writtenOff - held - paid != closing {
            return "opening + earned − reversed + written off − held − paid ≠ closing"
        }
        if rows.map(\.share).reduce(.zero(currency), +) != earned - reversed {
            return "the rows do not add up"
        }
        if paid.minor <= 0 { return "nothing is paid" }
        return nil
    }
}
