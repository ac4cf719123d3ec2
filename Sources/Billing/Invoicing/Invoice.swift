public import Marketplace

/// A tier of a line, with the part of the line's amount that falls to it: the parts add up to the line.
public struct InvoiceTier: Hashable, Sendable, Codable {
    public var upTo: Int64?
    public var quantity: Int64
    public var unitAmount: UnitPrice
    public var flatAmount: Money?
    public var amount: Money
}

/// One line: rounded once, then never again.
public struct InvoiceLine: Hashable, Sendable, Codable {
    public enum Kind: String, Hashable, Sendable, Codable {
        /// The plan's base price, a seat's price included.
        case base
        /// A one-time purchase.
        case purchase
        case usage
        /// What is missing to the plan's least monthly charge, and what exceeds its greatest.
        case minimum, maximum
        /// What exceeds the tenant's own limit on its spending.
        case spendCap
    }

    public var number: Int
    public var kind: Kind
    public var plugin: PluginID
    public var version: String
    public var plan: String
    public var description: String
    /// Half-open: `to` is the first day that is not covered.
    public var from: Day
    public var to: Day
    public var price: Digest
    public var metric: String?
    public var scheme: String?
    /// What was used, what of it is free by the plan, and what is charged.
    public var quantity: Int64
    public var included: Int64
    public var charged: Int64
    public var unitAmount: UnitPrice?
    public var packageSize: Int64?
    public var percent: String?
    public var tiers: [InvoiceTier]
    public var days: Int?
    public var periodDays: Int?
    public var seats: Int64?
    /// Days before the period whose usage came late and stands in this line.
    public var lateDays: [Day]
    /// Before and after discounts; the share and the tax are taken of `net`.
    public var amount: Money
    public var discount: Money
    public var net: Money
    public var taxCategory: String
    public var taxRate: String
    public var shareBasisPoints: Int64
}

/// A discount on the lines, before tax.
public struct InvoiceDiscount: Hashable, Sendable, Codable {
    public var coupon: String
    public var amount: Money
}

public struct InvoiceTax: Hashable, Sendable, Codable {
    public var category: String
    public var rate: String
    public var taxable: Money
    public var tax: Money
}

/// What of the nets is whose: adds up to the sum of the nets.
public struct InvoiceShare: Hashable, Sendable, Codable {
    public var publisher: PublisherID
    public var nets: Money
    public var developer: Money
    public var platform: Money
}

/// An invoice: immutable once it has a number, each naming the digest of the one before.
public struct Invoice: Hashable, Sendable, Codable {
    public struct Party: Hashable, Sendable, Codable {
        public var name: String
        public var address: String?
        public var country: String
        public var vatID: String?
    }

    public var schema: Int
    /// Empty in a draft.
    public var number: String
    public var tenant: TenantID
    public var period: BillingPeriod
    public var issued: Day
    public var due: Day
    public var currency: Currency
    public var seller: Party
    public var customer: Party
    public var lines: [InvoiceLine]
    public var discounts: [InvoiceDiscount]
    public var taxes: [InvoiceTax]
    public var shares: [InvoiceShare]
    public var net: Money
    public var tax: Money
    public var total: Money
    /// The digest of the invoice before, in the order of the numbers.
    public var previous: Digest?
    /// How to pay: reference, account.
    public var paymentReference: String
    public var iban: String
    public var bic: String

    /// What must hold of every invoice, drafts included: the reason where it does not.
    public func firstViolation() -> String? {
        let zero = Money.zero(currency)
        for (index, line) in lines.enumerated() {
            if line.number != index + 1 { return "line \(index + 1) is numbered \(line.number)" }
            if line.amount - line.discount != line.net {
                return "line \(line.number): amount − discount ≠ net"
            }
            if !line.tiers.isEmpty, line.tiers.map(\.amount).reduce(zero, +) != line.amount {
                return "line \(line.number): the tiers do not add up"
            }
        }
        if lines.map(\.net).reduce(zero, +) != net { return "the lines do not add up to the net" }
        if lines.map(\.discount).reduce(zero, +) != discounts.map(\.amount).reduce(zero, +) {
            return "the lines' discounts are not the discounts"
        }
        if taxes.map(\.taxable).reduce(zero, +) != net { return "the tax groups do not cover the net" }
        if taxes.map(\.tax).reduce(zero, +) != tax { return "the taxes do not add up" }
        if net + tax != total { return "net + tax ≠ total" }
        if shares.map(\.nets).reduce(zero, +) != net { return "the shares do not cover the net" }
        for share in shares where share.developer + share.platform != share.nets {
            return "\(share.publisher.text): developer + platform ≠ nets"
        }
        return nil
    }
}

/// What the stages after issuing need of an invoice.
struct InvoiceHead: Hashable, Codable {
    var number: String
    var tenant: TenantID
    var period: BillingPeriod
    var currency: Currency
    var issued: Day
    var due: Day
    var total: Money

    init(_ invoice: Invoice) {
        number = invoice.number
        tenant = invoice.tenant
        period = invoice.period
        currency = invoice.currency
        issued = invoice.issued
        due = invoice.due
        total = invoice.total
    }

    init(_ note: CreditNote) {
        number = note.number
        tenant = note.tenant
        period = note.issued.period
        currency = note.currency
        issued = note.issued
        due = note.issued
        total = -note.total
    }
}
