public import Marketplace
public import Metering
internal import Provenance

/// What a bill would be today, by the night's own code on the log as far as it is written.
extension BillingNight {
    /// A plan that a tenant thinks of: from this moment on it would have that one.
    public struct WhatIf: Sendable, Hashable {
        public var plugin: PluginID
        public var plan: String
        /// As many as now where nothing is said.
        public var seats: Int64?

        public init(plugin: PluginID, plan: String, seats: Int64? = nil) {
            self.plugin = plugin
            self.plan = plan
            self.seats = seats
        }
    }

    /// A tenant's next invoices: drafts of the last open period. Nothing is written, sealed or numbered.
    public func preview(_ tenant: TenantID, whatIf: [WhatIf] = []) throws(BillingError) -> [Invoice] {
        guard let (period, result, inputs) = try partialRollUp() else { return [] }
        var events = try subscriptions(period, result).filter { $0.tenant == tenant }
        var book = prices
        try book.thaw(from: paths.prices, disk)
        for event in events {
            if let pricing = event.pricing { try book.add(pricing) }
        }
        for (index, change) in whatIf.enumerated() {
            events.append(try self.change(change, tenant, events, book, index))
        }
        let usage = UsageTable(result.rows().filter { $0.tenant == tenant.text })
        var drafter = Drafter(
            period: period, config: config, prices: book.prices, usage: usage,
            amounts: result.amounts.filter { $0.tenant == tenant },
            held: inputs.held.filter { $0.key == tenant.text })
        return try drafter.draft(Subscription.all(events, end: period.endDay.start))
    }

    /// The event that moves a tenant to another plan of the price that it agreed to, from this moment on.
    public func planChange(_ wish: WhatIf, _ tenant: TenantID, id: String) throws(BillingError)
        -> SubscriptionEvent
    {
        guard let (period, result, _) = try partialRollUp() else {
            throw BillingError(.notFound, tenant.text, "there is no usage log")
        }
        let events = try subscriptions(period, result).filter { $0.tenant == tenant }
        var book = prices
        try book.thaw(from: paths.prices, disk)
        for event in events {
            if let pricing = event.pricing { try book.add(pricing) }
        }
        var event = try change(wish, tenant, events, book, 0)
        event.id = id
        return event
    }

    /// What a tenant has subscribed to at this moment.
    public struct Subscribed: Sendable, Hashable, Codable {
        public var plugin: PluginID
        public var version: String
        public var plan: String
        public var seats: Int64
        public var since: Instant
        public var price: Digest
        /// The plans of that price, in its order.
        public var plans: [String]
        public var spendCap: Money?
    }

    public func subscriptions(of tenant: TenantID) throws(BillingError) -> [Subscribed] {
        guard let (period, result, _) = try partialRollUp() else { return [] }
        let events = try subscriptions(period, result).filter { $0.tenant == tenant }
        var book = prices
        try book.thaw(from: paths.prices, disk)
        for event in events {
            if let pricing = event.pricing { try book.add(pricing) }
        }
        let end = asOf.adding(seconds: 1)
        return Subscription.all(events, end: end).compactMap { subscription in
            guard let last = subscription.segments.last, last.to == end else { return nil }
            return Subscribed(
                plugin: subscription.plugin, version: last.version, plan: last.plan, seats: last.seats,
                since: last.from, price: last.price,
                plans: book.prices[last.price]?.plans.map(\.id) ?? [], spendCap: subscription.cap(at: end))
        }.sorted { $0.plugin < $1.plugin }
    }

    private func change(
        _ wish: WhatIf, _ tenant: TenantID, _ events: [SubscriptionEvent], _ book: PriceBook, _ index: Int
    ) throws(BillingError) -> SubscriptionEvent {
        let own = events.filter { $0.plugin == wish.plugin && $0.time <= asOf }
        let subscription = Subscription.all(own, end: asOf.adding(seconds: 1)).first
        guard let now = subscription?.segments.last, now.to > asOf, let last = own.last else {
            throw BillingError(
                .notFound, wish.plugin.text, "the tenant has no subscription that could change")
        }
        guard let plans = book.prices[now.price]?.plans, plans.contains(where: { $0.id == wish.plan }) else {
            throw BillingError(.notFound, wish.plan, "is no plan of the price that the tenant agreed to")
        }
        return SubscriptionEvent(
            id: "what-if-\(index)", time: asOf, tenant: tenant, plugin: wish.plugin, version: now.version,
            change: .plan, plan: wish.plan, seats: wish.seats ?? now.seats, price: now.price,
            country: last.country, customer: last.customer, vatID: last.vatID)
    }
}
