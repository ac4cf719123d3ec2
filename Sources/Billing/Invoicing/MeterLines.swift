internal import Marketplace
internal import Metering

/// Lists of metered events in files of a period, one JSON object a line.
enum MeterLines {
    static func write<T: Sendable>(
        _ events: [T], _ event: @Sendable (T) -> MeterEvent
    ) -> [UInt8] {
        let parts = inParallel(stretches(of: events.count, size: 4_096)) { range -> [UInt8] in
            var bytes: [UInt8] = []
            for own in events[range] { event(own).appendLine(to: &bytes) }
            return bytes
        }
        return parts.together()
    }

    static func subscriptions(_ bytes: [UInt8], subject: String) throws(BillingError) -> [SubscriptionEvent] {
        try read(bytes, subject) { if case .subscription(let own) = $0 { own } else { nil } }
    }

    static func amounts(_ bytes: [UInt8], subject: String) throws(BillingError) -> [AmountEvent] {
        try read(bytes, subject) { if case .amount(let own) = $0 { own } else { nil } }
    }

    private static func read<T: Sendable>(
        _ bytes: [UInt8], _ subject: String, _ own: @Sendable (MeterEvent) -> T?
    ) throws(BillingError) -> [T] {
        let parts = try inParallel(bytes.wholeLines(size: 1 << 20)) { (part) throws(BillingError) -> [T] in
            let events = try BillingError.storing { () throws(MeteringError) in
                try MeterEvent.all(in: part, subject: subject)
            }
            let found = events.compactMap(own)
            if found.count < events.count {
                throw BillingError(.storage, subject, "holds another kind of event")
            }
            return found
        }
        return parts.together()
    }
}

extension [UInt8] {
    /// Pieces of whole lines of at least so many bytes, without the ends; with a size of 1 each line is a piece.
    func wholeLines(size: Int) -> [ArraySlice<UInt8>] {
        var parts: [ArraySlice<UInt8>] = []
        var start = 0
        while start < count {
            let end = self[Swift.min(start + size, count)...].firstIndex(of: 0x0A) ?? count
            parts.append(self[start..<end])
            start = end + 1
        }
        return parts
    }
}

extension Subscription {
    /// All subscriptions that the events speak of, each tenant's and plugin's apart: by tenant, then plugin.
    static func all(_ events: [SubscriptionEvent], end: Instant) -> [Subscription] {
        // By their places: the events themselves are large, and there are hundreds of thousands.
        let byTenant = Dictionary(grouping: events.placesInTime) { events[$0].tenant }
        let tenants = byTenant.keys.sorted()
        let parts = inParallel(stretches(of: tenants.count, size: 16)) { range in
            tenants[range].flatMap { tenant in
                let byPlugin = Dictionary(grouping: byTenant[tenant]!) { events[$0].plugin }
                return byPlugin.keys.sorted().compactMap { plugin in
                    Subscription(byPlugin[plugin]!.map { events[$0] }, end: end)
                }
            }
        }
        return parts.together()
    }
}

extension [SubscriptionEvent] {
    /// The places of the events in the order in which they took effect.
    var placesInTime: [Int] {
        indices.sorted { a, b in
            if self[a].time != self[b].time { return self[a].time < self[b].time }
            if self[a].node != self[b].node { return self[a].node < self[b].node }
            return self[a].seq != self[b].seq ? self[a].seq < self[b].seq : self[a].id < self[b].id
        }
    }
}
