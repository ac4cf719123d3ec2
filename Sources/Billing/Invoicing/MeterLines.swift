internal import Marketplace
internal import Metering

/// Lists of metered events in files of a period, one JSON object a line.
enum MeterLines {
    static func write(_ events: [MeterEvent]) -> [UInt8] {
        events.flatMap { $0.line }
    }

    static func subscriptions(_ bytes: [UInt8], subject: String) throws(BillingError) -> [SubscriptionEvent] {
        var events: [SubscriptionEvent] = []
        for event in try read(bytes, subject) {
            guard case .subscription(let own) = event else {
                throw BillingError(.storage, subject, "holds another kind of event")
            }
            events.append(own)
        }
        return events
    }

    static func amounts(_ bytes: [UInt8], subject: String) throws(BillingError) -> [AmountEvent] {
        var events: [AmountEvent] = []
        for event in try read(bytes, subject) {
            guard case .amount(let own) = event else {
                throw BillingError(.storage, subject, "holds another kind of event")
            }
            events.append(own)
        }
        return events
    }

    private static func read(_ bytes: [UInt8], _ subject: String) throws(BillingError) -> [MeterEvent] {
        var events: [MeterEvent] = []
        for line in bytes.split(separator: 0x0A) {
            events.append(
                try BillingError.storing { () throws(MeteringError) in
                    try MeterEvent(line: Array(line), subject: subject)
                })
        }
        return events
    }
}

extension Subscription {
    /// All subscriptions that the events speak of, each tenant's and plugin's apart.
    static func all(_ events: [SubscriptionEvent], end: Instant) -> [Subscription] {
        struct Key: Hashable {
            var tenant: TenantID
            var plugin: PluginID
        }
        let sorted = events.sorted { ($0.time, $0.node, $0.seq, $0.id) < ($1.time, $1.node, $1.seq, $1.id) }
        let groups = Dictionary(grouping: sorted) { Key(tenant: $0.tenant, plugin: $0.plugin) }
        return groups.values.compactMap { Subscription($0, end: end) }
    }
}
