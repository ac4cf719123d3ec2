/// What a version of a plugin costs. Amounts are decimal strings in the manifest and integers from here on.
public struct Pricing: Hashable, Sendable, Codable {
    public enum Model: String, Hashable, Sendable, Codable, CaseIterable {
        case payPerUse, subscription, oneTime, freemium
    }

    public let model: Model
    public let currency: Currency
    /// Ids are unique, and immutable once the version is listed.
    public let plans: [Plan]

    public init(model: Model, currency: Currency, plans: [Plan]) {
        self.model = model
        self.currency = currency
        self.plans = plans
    }

    public func plan(_ id: String) -> Plan? { plans.first { $0.id == id } }
}

/// One way to buy a plugin: a base amount per interval, an allowance, and charges for what is used.
public struct Plan: Hashable, Sendable, Codable {
    public enum Interval: String, Hashable, Sendable, Codable, CaseIterable { case month, year, once }

    public let id: String
    public let name: String?
    /// Base price for one interval, as a decimal string of the pricing's currency.
    public let amount: String
    public let interval: Interval
    public let trialDays: Int?
    /// Base price is multiplied by the seats that the customer takes.
    public let perSeat: Bool?
    /// Units a month that cost nothing, by metric.
    public let included: [Metric: Int64]?
    public let charges: [Charge]?
    /// Least and greatest sum of a month's usage charges, as decimal strings.
    public let minimum: String?
    public let maximum: String?

    public init(
        id: String, name: String? = nil, amount: String, interval: Interval, trialDays: Int? = nil,
        perSeat: Bool? = nil, included: [Metric: Int64]? = nil, charges: [Charge]? = nil,
        minimum: String? = nil,
        maximum: String? = nil
    ) {
        self.id = id
        self.name = name
        self.amount = amount
        self.interval = interval
        self.trialDays = trialDays
        self.perSeat = perSeat
        self.included = included
        self.charges = charges
        self.minimum = minimum
        self.maximum = maximum
    }
}

/// What is counted.
public enum Metric: String, Hashable, Sendable, Codable, CaseIterable, Comparable, CodingKeyRepresentable {
    /// Calls of actions that the customer is to pay for.
    case calls
    /// Operations that the plugin asked of the proxy.
    case apiCalls
    /// Wall time inside the sandbox.
    case executionMs
    /// Bytes in and out.
    case bytes
    /// Stored bytes × hours, from daily samples.
    case storageByteHours

    public static func < (a: Metric, b: Metric) -> Bool { a.rawValue < b.rawValue }
}

/// How a metric, or an amount that the plugin reports, becomes money.
public struct Charge: Hashable, Sendable, Codable {
    public enum Scheme: String, Hashable, Sendable, Codable, CaseIterable {
        /// Every unit at `unitAmount`.
        case perUnit
        /// Each tier's units at that tier's price.
        case graduated
        /// All units at the price of the tier that the total falls in.
        case volume
        /// `unitAmount` for each begun `packageSize` units.
        case package
        /// `percent` of the amounts that the plugin reports.
        case percentage
    }

    /// Absent for `percentage`.
    public let metric: Metric?
    public let scheme: Scheme
    public let unitAmount: UnitPrice?
    public let tiers: [Tier]?
    public let packageSize: Int64?
    /// A decimal string, for example `"2.9"`.
    public let percent: String?
    /// Greatest amount that one report may carry, as a decimal string; required for `percentage`.
    public let reportedMax: String?

    public init(
        metric: Metric?, scheme: Scheme, unitAmount: UnitPrice? = nil, tiers: [Tier]? = nil,
        packageSize: Int64? = nil, percent: String? = nil, reportedMax: String? = nil
    ) {
        self.metric = metric
        self.scheme = scheme
        self.unitAmount = unitAmount
        self.tiers = tiers
        self.packageSize = packageSize
        self.percent = percent
        self.reportedMax = reportedMax
    }
}

/// A step of a graduated or volume charge: units up to and including `upTo`; the last tier has none.
public struct Tier: Hashable, Sendable, Codable {
    public let upTo: Int64?
    public let unitAmount: UnitPrice
    /// Charged once when the tier is reached, as a decimal string.
    public let flatAmount: String?

    public init(upTo: Int64?, unitAmount: UnitPrice, flatAmount: String? = nil) {
        self.upTo = upTo
        self.unitAmount = unitAmount
        self.flatAmount = flatAmount
    }
}
