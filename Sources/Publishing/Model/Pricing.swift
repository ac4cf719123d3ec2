/// A price list in the catalogue. Amounts are decimal strings of the currency's major unit, as the manifest
/// writes them; nothing is computed from them here.
public struct PricingInfo: Codable, Sendable, Equatable {
    /// `payPerUse`, `subscription`, `oneTime`, `freemium`, or `free` where there is no plan that costs.
    public var model: String
    /// ISO 4217.
    public var currency: String
    public var plans: [PlanInfo]
    /// An example that Billing rated, with its lines.
    public var example: WorkedExample?

    public init(
        model: String, currency: String = "USD", plans: [PlanInfo] = [], example: WorkedExample? = nil
    ) {
        self.model = model
        self.currency = currency
        self.plans = plans
        self.example = example
    }
}

/// A plan of a price list.
public struct PlanInfo: Codable, Sendable, Equatable {
    public var id: String
    /// `29.00`; `0` is free.
    public var amount: String
    /// `month`, `year`, `once`, or empty where there is no fixed fee.
    public var interval: String
    public var trialDays: Int
    public var included: [IncludedQuantity]
    public var charges: [ChargeInfo]

    public init(
        id: String, amount: String = "0", interval: String = "", trialDays: Int = 0,
        included: [IncludedQuantity] = [], charges: [ChargeInfo] = []
    ) {
        self.id = id
        self.amount = amount
        self.interval = interval
        self.trialDays = trialDays
        self.included = included
        self.charges = charges
    }
}

/// A quantity that the fixed fee covers.
public struct IncludedQuantity: Codable, Sendable, Equatable {
    public var metric: String
    public var quantity: Int

    public init(metric: String, quantity: Int) {
        self.metric = metric
        self.quantity = quantity
    }
}

/// A charge by use.
public struct ChargeInfo: Codable, Sendable, Equatable {
    public var metric: String
    /// `perUnit`, `graduated`, `volume`, `package` or `percentage`.
    public var scheme: String
    public var tiers: [TierInfo]

    public init(metric: String, scheme: String, tiers: [TierInfo] = []) {
        self.metric = metric
        self.scheme = scheme
        self.tiers = tiers
    }
}

/// One step of a charge; `upTo` absent means without end.
public struct TierInfo: Codable, Sendable, Equatable {
    public var upTo: Int?
    /// Price of one unit (or package, or per cent), a decimal string.
    public var unitAmount: String
    /// Units in a package.
    public var packageSize: Int?

    public init(upTo: Int? = nil, unitAmount: String, packageSize: Int? = nil) {
        self.upTo = upTo
        self.unitAmount = unitAmount
        self.packageSize = packageSize
    }
}

/// An example bill.
public struct WorkedExample: Codable, Sendable, Equatable {
    /// "25,000 calls in a month on plan pro".
    public var title: String
    public var lines: [PriceLine]
    public var total: String

    public init(title: String, lines: [PriceLine] = [], total: String) {
        self.title = title
        self.lines = lines
        self.total = total
    }
}

/// A line of an example or of a cost so far.
public struct PriceLine: Codable, Sendable, Equatable {
    public var label: String
    /// With its currency.
    public var amount: String

    public init(label: String, amount: String) {
        self.label = label
        self.amount = amount
    }
}
