public import Marketplace
internal import Provenance

/// A change of what a tenant has subscribed to. It carries the price with it, so that whoever bills needs the
/// segments and nothing else.
public struct SubscriptionEvent: Hashable, Sendable {
    public enum Change: String, Sendable, CaseIterable {
        /// Installed (again): the subscription begins, or goes on after a removal.
        case install
        /// Another plan, another number of seats, or both.
        case plan
        /// Consent to new permissions or to a new price of the same plan.
        case consent
        /// Removed: the subscription ends at this moment.
        case remove
        /// The tenant's limit on its spending per month changed.
        case cap
    }

    public var id: String
    public var time: Instant
    public var node: String
    public var seq: Int64
    public var tenant: TenantID
    public var plugin: PluginID
    public var version: String
    public var change: Change
    public var plan: String
    public var seats: Int64
    /// The digest of `pricing`'s canonical bytes: which price was agreed to.
    public var price: Digest
    /// The manifest's `pricing` object itself. May be left out where the same digest was sent before.
    public var pricing: JSONValue?
    /// The customer as an invoice names it: ISO 3166 country, name, VAT id where there is one.
    public var country: String
    public var customer: String
    public var vatID: String?
    /// For `cap`: the most that the tenant will spend on this plugin in a month; nil lifts the limit.
    public var cap: Money?

    public init(
        id: String, time: Instant, node: String = "", seq: Int64 = 0, tenant: TenantID, plugin: PluginID,
        version: String, change: Change, plan: String, seats: Int64 = 1, price: Digest,
        pricing: JSONValue? = nil,
        country: String, customer: String, vatID: String? = nil, cap: Money? = nil
    ) {
        self.id = id
        self.time = time
        self.node = node
        self.seq = seq
        self.tenant = tenant
        self.plugin = plugin
        self.version = version
        self.change = change
        self.plan = plan
        self.seats = seats
        self.price = price
        // `nil` written into a place for JSON is JSON's null, which is no price list.
        self.pricing = pricing == .null ? nil : pricing
        self.country = country
        self.customer = customer
        self.vatID = vatID
        self.cap = cap
    }

    /// The identity of a price: SHA-256 of the `pricing` object's canonical JSON.
    public static func priceDigest(of pricing: JSONValue) -> Digest {
        Digest.sha256(of: pricing.serializedBytes())
    }
}
