internal import Marketplace
internal import Metering

/// A stretch of time in which a tenant had one plan of one plugin at one price: half-open.
struct SubscriptionSegment: Hashable {
    var plan: String
    var seats: Int64
    var price: Digest
    var version: String
    var from: Instant
    var to: Instant
}

/// What the subscription events of one (tenant, plugin) amount to.
struct Subscription {
    let tenant: TenantID
    let plugin: PluginID
    private(set) var segments: [SubscriptionSegment] = []
    /// When the tenant first installed it: the trial counts from here, once.
    private(set) var firstInstalled: Instant
    private(set) var caps: [(from: Instant, cap: Money?)] = []
    /// The customer as last told.
    private(set) var customer: Customer

    /// `events` are of one tenant and plugin, sorted by time then id; the open segment ends at `end`.
    init?(_ events: [SubscriptionEvent], end: Instant) {
        guard let first = events.first(where: { $0.change == .install }) else { return nil }
        tenant = first.tenant
        plugin = first.plugin
        firstInstalled = first.time
        customer = Customer(first)
        var open: SubscriptionSegment?
        for event in events where event.time < end {
            customer = Customer(event, fallback: customer)
            switch event.change {
            case .cap:
                caps.append((event.time, event.cap))
                continue
            case .remove:
                close(&open, at: event.time)
                continue
            case .plan, .consent:
                // A change without a subscription begins none.
                if open == nil { continue }
            case .install: break
            }
            let next = SubscriptionSegment(
                plan: event.plan, seats: event.seats, price: event.price, version: event.version,
                from: event.time,
                to: end)
            if let current = open, current.plan == next.plan, current.seats == next.seats,
                current.price == next.price
            {
                open!.version = next.version
                continue
            }
            close(&open, at: event.time)
            open = next
        }
        close(&open, at: end)
    }

    private mutating func close(_ open: inout SubscriptionSegment?, at time: Instant) {
        guard var segment = open else { return }
        open = nil
        segment.to = time
        if segment.from < segment.to { segments.append(segment) }
    }

    /// The tenant's own limit at a moment; nil where there is none.
    func cap(at time: Instant) -> Money? {
        caps.last { $0.from < time }?.cap
    }

    /// The terms under which usage of a plan on a day is billed: those in force when that day began, or the first
    /// that began in it; for a plan that was not in force on the day, the last one before.
    func terms(plan: String, on day: Day) -> SubscriptionSegment? {
        // Mostly there is only one.
        if segments.count == 1 { return segments[0].plan == plan ? segments[0] : nil }
        let end = day.adding(days: 1).start
        let touching = segments.first { $0.plan == plan && $0.from < end && $0.to > day.start }
        return touching ?? segments.last { $0.plan == plan && $0.from < end }
            ?? segments.first { $0.plan == plan }
    }
}

/// A customer as an invoice names it.
struct Customer: Hashable, Codable {
    var tenant: TenantID
    var name: String
    var country: String
    var vatID: String?

    init(_ event: SubscriptionEvent, fallback: Customer? = nil) {
        tenant = event.tenant
        name = event.customer.isEmpty ? fallback?.name ?? event.tenant.text : event.customer
        country = event.country.isEmpty ? fallback?.country ?? "" : event.country
        vatID = event.vatID ?? fallback?.vatID
    }
}
