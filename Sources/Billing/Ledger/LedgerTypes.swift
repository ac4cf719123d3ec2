internal import Marketplace

/// One side of a booking: a debit is positive, a credit negative.
struct Posting: Hashable {
    var account: String
    var money: Money
}

/// A booking whose postings add up to zero in every currency. `key` makes it happen once.
struct Booking: Hashable {
    enum Kind: String {
        case invoice, payment, settlement, payout, credit, refund, hold, release, writeOff
    }

    var key: String
    var day: Day
    var kind: Kind
    /// The invoice it is about, if any.
    var invoice: String?
    var description: String
    var postings: [Posting]

    var imbalance: String? {
        var sums: [Currency: Int64] = [:]
        for posting in postings { sums[posting.money.currency, default: 0] += posting.money.minor }
        return sums.sorted { $0.key < $1.key }.first { $0.value != 0 }.map {
            "\(Money(minor: $0.value, $0.key)) over"
        }
    }
}

/// The accounts of the books.
enum Account {
    static let bank = "assets:bank"
    static let platform = "revenue:platform"
    static let suspense = "liabilities:suspense"
    static let writeOff = "expenses:write-off"
    /// Given back to customers, on its way.
    static let refunds = "liabilities:refunds"

    static func receivable(_ tenant: TenantID) -> String { "assets:receivable:\(tenant.text)" }
    static func credit(_ tenant: TenantID) -> String { "liabilities:customers:\(tenant.text):credit" }
    static func tax(_ category: String, _ rate: String) -> String { "liabilities:tax:\(category)-\(rate)" }
    /// Earned with an invoice, not collected yet.
    static func accrued(_ publisher: PublisherID) -> String {
        "liabilities:publishers:\(publisher.text):accrued"
    }
    /// Collected, to be paid out once its hold ends.
    static func payable(_ publisher: PublisherID) -> String {
        "liabilities:publishers:\(publisher.text):payable"
    }
    /// Collected, but disputed: kept back until that is decided.
    static func held(_ publisher: PublisherID) -> String { "liabilities:publishers:\(publisher.text):held" }

    /// The publisher of an account of its own, of one kind.
    static func publisher(of account: String, _ kind: String) -> PublisherID? {
        let (head, tail) = ("liabilities:publishers:", ":" + kind)
        guard account.utf8.count > head.utf8.count + tail.utf8.count, account.hasPrefix(head),
            account.hasSuffix(tail)
        else { return nil }
        return PublisherID(
            String(Substring(account.utf8.dropFirst(head.utf8.count).dropLast(tail.utf8.count))))
    }
}

/// A night's claim that a period is finished.
struct Closing: Hashable {
    var period: BillingPeriod
    var day: Day
    /// Tenants whose invoices waited, each with why.
    var held: [String: String]
}
