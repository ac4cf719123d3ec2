import Billing
public import Marketplace
import Yams

/// The part `billing` of `veroforge.yaml`: what finance sets beside the share, the hold and the taxes that stand in the
/// file itself. Everything has a default; an unknown key is an error at every depth.
public struct BillingSettings: Sendable, Codable, Equatable {
    /// The developers' part for a plugin, or one version of it, of what is charged from a day on.
    public struct Share: Sendable, Codable, Equatable {
        public let plugin: PluginID?
        public let version: String?
        /// A decimal string between 0 and 1, with at most four decimals.
        public let share: String
        public let from: Day
    }

    /// A discount on a tenant's lines, or on those of one plugin: a percentage, or an amount of one currency.
    public struct Coupon: Sendable, Codable, Equatable {
        public let id: String
        public let tenant: TenantID
        public let plugin: PluginID?
        public let percent: String?
        public let amount: String?
        public let currency: Currency?
        public let from: Day
        /// The first day on which it no longer holds.
        public let until: Day?
    }

    /// A held invoice that somebody has looked at and lets go.
    public struct Release: Sendable, Codable, Equatable {
        public let period: BillingPeriod
        public let tenant: TenantID
    }

    public struct Reminder: Sendable, Codable, Equatable {
        public let state: String
        public let daysOverdue: Int
    }

    public let shares: [Share]?
    public let coupons: [Coupon]?
    public let releases: [Release]?
    public let latenessHours: Int?
    public let paymentTermsDays: Int?
    /// Least payout by currency, as decimal strings.
    public let payoutMinimums: [String: String]?
    /// 0: a publisher's debt is never given up.
    public let writeOffDays: Int?
    public let reminders: [Reminder]?
    public let spendAlertPercents: [Int]?

    /// The keys of the part itself (under the empty name) and of the entries of its lists.
    private static let keys: [String: Set<String>] = [
        "": [
            "shares", "coupons", "releases", "latenessHours", "paymentTermsDays", "payoutMinimums",
            "writeOffDays", "reminders", "spendAlertPercents",
        ],
        "shares": ["plugin", "version", "share", "from"],
        "coupons": ["id", "tenant", "plugin", "percent", "amount", "currency", "from", "until"],
        "releases": ["period", "tenant"],
        "reminders": ["state", "daysOverdue"],
    ]

    /// The first key that is unknown, with its line; nil where there is none.
    static func unknownKey(in node: Node) -> (key: String, line: Int, known: Set<String>)? {
        func first(_ mapping: Node.Mapping, _ known: Set<String>) -> (String, Int, Set<String>)? {
            for (key, _) in mapping where !known.contains(key.string ?? "") {
                return (key.string ?? "a key", key.mark?.line ?? 0, known)
            }
            return nil
        }
        guard let mapping = node.mapping else { return nil }
        if let found = first(mapping, keys[""]!) { return found }
        for (name, value) in mapping {
            guard let known = keys[name.string ?? ""] else { continue }
            for entry in value.sequence ?? [] {
                if let own = entry.mapping, let found = first(own, known) { return found }
            }
        }
        return nil
    }

    /// Puts what is set here over the defaults of `config`.
    func apply(to config: inout BillingConfig) throws(PipelineError) {
        func wrong(_ what: String) -> PipelineError { PipelineError(.usage, "billing: \(what)") }
        for share in shares ?? [] {
            guard let points = DecimalText(share.share)?.scaled(by: 4), (0...10_000).contains(points) else {
                throw wrong("shares: `\(share.share)` is no decimal between 0 and 1 of at most four decimals")
            }
            config.shares.append(
                .init(
                    plugin: share.plugin, version: share.version, basisPoints: Int64(points),
                    from: share.from))
        }
        for coupon in coupons ?? [] {
            var amount: Money?
            if let text = coupon.amount {
                guard let currency = coupon.currency, let money = Money(text, currency) else {
                    throw wrong("coupons: \(coupon.id): `\(text)` needs a currency that it is an amount of")
                }
                amount = money
            }
            config.coupons.append(
                .init(
                    id: coupon.id, tenant: coupon.tenant, plugin: coupon.plugin, percent: coupon.percent,
                    amount: amount, from: coupon.from, until: coupon.until))
        }
        config.releases += (releases ?? []).map { .init(period: $0.period, tenant: $0.tenant) }
        if let latenessHours { config.latenessHours = latenessHours }
        if let paymentTermsDays { config.paymentTermsDays = paymentTermsDays }
        if let payoutMinimums { config.payoutMinimums = payoutMinimums }
        if let writeOffDays { config.writeOffDays = writeOffDays == 0 ? nil : writeOffDays }
        if let reminders {
            config.dunning = reminders.map { DunningStep($0.state, daysOverdue: $0.daysOverdue) }
        }
        if let spendAlertPercents { config.capAlertPercents = spendAlertPercents }
    }
}
