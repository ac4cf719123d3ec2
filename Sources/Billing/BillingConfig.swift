public import Marketplace

/// What the operator fixes for billing, read from `veroforge.yaml` by the caller.
public struct BillingConfig: Hashable, Sendable, Codable {
    /// Who sells: stands on every invoice.
    public struct Issuer: Hashable, Sendable, Codable {
        public var name: String
        public var address: String
        public var country: String
        public var vatID: String
        public var iban: String
        public var bic: String

        public init(name: String, address: String, country: String, vatID: String, iban: String, bic: String)
        {
            self.name = name
            self.address = address
            self.country = country
            self.vatID = vatID
            self.iban = iban
            self.bic = bic
        }
    }

    /// A row of the tax table: in force for a country (or `*`) from a day on.
    public struct TaxRate: Hashable, Sendable, Codable {
        /// EN 16931 category: `S` standard, `AE` reverse charge, `O` outside the scope, `E` exempt, `Z` zero.
        public var category: String
        public var country: String
        /// Whether the row is for customers with a VAT id (true), without one (false), or for both (nil).
        public var withVATID: Bool?
        /// Percent, as a decimal string.
        public var rate: String
        public var from: Day

        public init(category: String, country: String, withVATID: Bool? = nil, rate: String, from: Day) {
            self.category = category
            self.country = country
            self.withVATID = withVATID
            self.rate = rate
            self.from = from
        }
    }

    /// The developer's part in 1/10,000, for all plugins or one, for all its versions or one, from a day on.
    public struct Share: Hashable, Sendable, Codable {
        public var plugin: PluginID?
        public var version: String?
        public var basisPoints: Int64
        public var from: Day

        public init(plugin: PluginID? = nil, version: String? = nil, basisPoints: Int64, from: Day) {
            self.plugin = plugin
            self.version = version
            self.basisPoints = basisPoints
            self.from = from
        }
    }

    /// A discount on a tenant's invoices, taken off before tax and shared by the lines it covers.
    public struct Coupon: Hashable, Sendable, Codable {
        public var id: String
        public var tenant: TenantID
        public var plugin: PluginID?
        /// One of the two: percent of the lines, or an amount of one currency.
        public var percent: String?
        public var amount: Money?
        public var from: Day
        /// The first day on which it no longer holds.
        public var until: Day?

        public init(
            id: String, tenant: TenantID, plugin: PluginID? = nil, percent: String? = nil,
            amount: Money? = nil,
            from: Day, until: Day? = nil
        ) {
            self.id = id
            self.tenant = tenant
            self.plugin = plugin
            self.percent = percent
            self.amount = amount
            self.from = from
            self.until = until
        }
    }

    /// A held invoice that somebody has looked at and lets go.
    public struct Release: Hashable, Sendable, Codable {
        public var period: BillingPeriod
        public var tenant: TenantID

        public init(period: BillingPeriod, tenant: TenantID) {
            self.period = period
            self.tenant = tenant
        }
    }

    public var issuer: Issuer
    public var taxRates: [TaxRate]
    public var shares: [Share]
    public var coupons: [Coupon]
    public var releases: [Release]
    public var invoicePrefix: String
    /// How long after a period's end its invoices are issued; what comes later goes to the next invoice.
    public var latenessHours: Int
    public var paymentTermsDays: Int
    /// How long a collected share is held before it is paid out.
    public var payoutHoldDays: Int
    /// Least payout by currency, in decimal strings; what is less is carried forward.
    public var payoutMinimums: [String: String]
    /// After so many days without a movement a publisher's debt is given up; nil: never.
    public var writeOffDays: Int?
    /// What happens to an invoice that is not paid: a state's name and the days after which it is reached, ascending.
    public var dunning: [DunningStep]
    /// Percentages of a tenant's own limit at which it is told.
    public var capAlertPercents: [Int]

    public init(
        issuer: Issuer, taxRates: [TaxRate], shares: [Share] = [], coupons: [Coupon] = [],
        releases: [Release] = [], invoicePrefix: String = "VF", latenessHours: Int = 48,
        paymentTermsDays: Int = 14, payoutHoldDays: Int = 7,
        payoutMinimums: [String: String] = [:], writeOffDays: Int? = 365,
        dunning: [DunningStep] = DunningStep.standard, capAlertPercents: [Int] = [50, 80, 100]
    ) {
        self.issuer = issuer
        self.taxRates = taxRates
        self.shares = shares
        self.coupons = coupons
        self.releases = releases
        self.invoicePrefix = invoicePrefix
        self.latenessHours = latenessHours
        self.paymentTermsDays = paymentTermsDays
        self.payoutHoldDays = payoutHoldDays
        self.payoutMinimums = payoutMinimums
        self.writeOffDays = writeOffDays
        self.dunning = dunning
        self.capAlertPercents = capAlertPercents
    }

    public static let standardShareBasisPoints: Int64 = 7_000

    /// The most particular row that is in force on the day; nil where the table says nothing.
    public func tax(country: String, hasVATID: Bool, on day: Day) -> TaxRate? {
        taxRates.filter { row in
            row.from <= day && (row.country == country || row.country == "*")
                && (row.withVATID == nil || row.withVATID == hasVATID)
        }.max { a, b in
            func rank(_ row: TaxRate) -> (Int, Int, Int) {
                (row.country == "*" ? 0 : 1, row.withVATID == nil ? 0 : 1, row.from.number)
            }
            return rank(a) < rank(b)
        }
    }

    public func shareBasisPoints(plugin: PluginID, version: String, on day: Day) -> Int64 {
        let row = shares.filter { share in
            share.from <= day && (share.plugin == nil || share.plugin == plugin)
                && (share.version == nil || share.version == version)
        }.max { a, b in
            func rank(_ share: Share) -> (Int, Int, Int) {
                (share.plugin == nil ? 0 : 1, share.version == nil ? 0 : 1, share.from.number)
            }
            return rank(a) < rank(b)
        }
        return row?.basisPoints ?? Self.standardShareBasisPoints
    }

    /// Everything that would fail in the middle of a night, found before it.
    public func check() throws(BillingError) {
        func fail(_ what: String, _ why: String) -> BillingError { BillingError(.configuration, what, why) }
        guard !taxRates.isEmpty else { throw fail("taxRates", "there is none") }
        for row in taxRates {
            guard ["S", "AE", "O", "E", "Z", "G", "K"].contains(row.category) else {
                throw fail("taxRates", "no category of EN 16931: \(row.category)")
            }
            guard let ratio = Exact.ratio(percent: row.rate), ratio >= 0, ratio <= Exact.power(12) else {
                throw fail("taxRates", "no percentage: \(row.rate)")
            }
            guard row.category == "S" || ratio == 0 else {
                throw fail("taxRates", "category \(row.category) has no rate but 0")
            }
        }
        for share in shares where !(0...RevenueShare.wholeBasisPoints).contains(share.basisPoints) {
            throw fail("shares", "\(share.basisPoints) is not between 0 and \(RevenueShare.wholeBasisPoints)")
        }
        for coupon in coupons {
            guard (coupon.percent == nil) != (coupon.amount == nil) else {
                throw fail("coupons", "\(coupon.id) has either a percentage or an amount")
            }
            if let percent = coupon.percent {
                guard let ratio = Exact.ratio(percent: percent), ratio >= 0, ratio <= Exact.power(12) else {
                    throw fail("coupons", "\(coupon.id): no percentage: \(percent)")
                }
            }
            if let amount = coupon.amount, amount.minor < 0 {
                throw fail("coupons", "\(coupon.id) is negative")
            }
        }
        let prefix = Array(invoicePrefix.utf8)
        guard !prefix.isEmpty, prefix.count <= 12,
            prefix.allSatisfy({ (65...90).contains($0) || (48...57).contains($0) })
        else { throw fail("invoicePrefix", "1 to 12 capital letters and digits") }
        guard latenessHours >= 0, latenessHours <= 744 else { throw fail("latenessHours", "0 to 744") }
        guard payoutHoldDays >= 0, payoutHoldDays <= 366 else { throw fail("payoutHoldDays", "0 to 366") }
        guard paymentTermsDays >= 0, paymentTermsDays <= 366 else {
            throw fail("paymentTermsDays", "0 to 366")
        }
        guard writeOffDays.map({ $0 > 0 }) ?? true else { throw fail("writeOffDays", "more than 0, or none") }
        guard zip(dunning, dunning.dropFirst()).allSatisfy({ $0.daysOverdue < $1.daysOverdue }),
            dunning.allSatisfy({ $0.daysOverdue > 0 }), Set(dunning.map(\.state)).count == dunning.count,
            !dunning.contains(where: { $0.state == DunningStep.settled })
        else { throw fail("dunning", "the days are ascending, the names are different") }
        guard capAlertPercents.allSatisfy({ (1...100).contains($0) }) else {
            throw fail("capAlertPercents", "1 to 100")
        }
        for (code, text) in payoutMinimums {
            guard let currency = Currency(code), let least = Money(text, currency), least.minor >= 0 else {
                throw fail("payoutMinimums", "no amount of \(code): \(text)")
            }
        }
    }
}

/// A state of an unpaid invoice, and how many days after its due date it is reached.
public struct DunningStep: Hashable, Sendable, Codable {
    /// What an invoice reaches when nothing of it is open any more.
    static let settled = "settled"

    public var state: String
    public var daysOverdue: Int

    public init(_ state: String, daysOverdue: Int) {
        self.state = state
        self.daysOverdue = daysOverdue
    }

    public static let standard: [DunningStep] = [
        .init("reminded", daysOverdue: 3), .init("warned", daysOverdue: 14),
        .init("final-notice", daysOverdue: 30), .init("collection", daysOverdue: 60),
    ]
}

/// A publisher as a payout needs it.
public struct PublisherAccount: Hashable, Sendable, Codable {
    public var id: PublisherID
    public var name: String
    public var country: String
    public var iban: String
    public var bic: String

    public init(id: PublisherID, name: String, country: String, iban: String = "", bic: String = "") {
        self.id = id
        self.name = name
        self.country = country
        self.iban = iban
        self.bic = bic
    }
}
