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
        let parts = try inParallel(parts(of: bytes)) { (part) throws(BillingError) in
            try BillingError.storing { () throws(MeteringError) in
                try MeterEvent.all(in: part, subject: subject)
            }
        }
        return Array(parts.joined())
    }

    /// Pieces of whole lines, small enough that both cores have work to the end.
    private static func parts(of bytes: [UInt8], size: Int = 1 << 20) -> [ArraySlice<UInt8>] {
        var parts: [ArraySlice<UInt8>] = []
        var start = 0
        while start < bytes.count {
            let least = min(start + size, bytes.count)
            let end = bytes[least...].firstIndex(of: 0x0A) ?? bytes.count
            parts.append(bytes[start..<end])
            start = end + 1
        }
        return parts
    }
}

extension Subscription {
    /// All subscriptions that the events speak of, each tenant's and plugin's apart.
    static func all(_ events: [SubscriptionEvent], end: Instant) -> [Subscription] {
        struct Key: Hashable {
            var tenant: TenantID
            var plugin: PluginID
        }
        // By their places: the events themselves are large, and there are hundreds of thousands.
        let groups = Dictionary(grouping: events.placesInTime) {
            Key(tenant: events[$0].tenant, plugin: events[$0].plugin)
        }
        return groups.values.compactMap { places in Subscription(places.map { events[$0] }, end: end) }
    }
}

extension [SubscriptionEvent] {
    /// The places of the events in the order in which they took effect.
    var placesInTime: [Int] {
        indices.sorted { a, b in
            let (left, right) = (self[a].time, self[b].time)
            if left != right { return left < right }
            return (self[a].node, self[a].seq, self[a].id) < (self[b].node, self[b].seq, self[b].id)
        }
    }
}
