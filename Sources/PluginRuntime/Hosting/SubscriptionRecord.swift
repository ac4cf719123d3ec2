import Marketplace
import Metering
import Provenance
import Registry

extension SubscriptionEvent {
    /// What billing needs to know of a change, so that it needs nothing else.
    init(
        _ change: Change, id: String, time: Instant, _ row: Installation, _ version: ListedVersion,
        _ tenant: Tenant,
        seats: Int64 = 1, cap: Money? = nil
    ) {
        let pricing = version.manifest["pricing"] ?? .null
        self.init(
            id: id, time: time, tenant: row.tenant, plugin: row.plugin, version: row.version.description,
            change: change, plan: row.plan, seats: seats, price: SubscriptionEvent.priceDigest(of: pricing),
            pricing: pricing, country: tenant.country, customer: tenant.name, vatID: tenant.taxID, cap: cap)
    }
}

/// Writes the usage event of removals: those that come through this node's API, and those that others make in the
/// registry, as a revocation does. Whatever happens between, an installation's removal is one event.
struct RemovalRecord: Sendable {
    let registry: Registry
    let recorder: UsageRecorder
    /// Where the last event that was looked at is written down.
    let cursorPath: String

    private static let scope = "runtime"

    /// Records the removal of an installation once; `time` is when it was removed.
    func record(_ row: Installation, at time: Instant, now: Instant) throws {
        let key = "removed-\(row.id)"
        let mark = Digest.sha256(of: key)
        guard try registry.idempotency(scope: Self.scope, key: key, request: mark) == .new else { return }
        let version = try registry.version(row.plugin, row.version)
        let event = SubscriptionEvent(
            .remove, id: key, time: time, row, version, try registry.tenant(row.tenant))
        try recorder.record([.subscription(event)])
        try registry.keepAnswer(scope: Self.scope, key: key, request: mark, status: 204, body: [], now: now)
    }

    /// Marks an installation whose beginning was never recorded.
    func disclaim(_ row: Installation, now: Instant) throws {
        let key = "removed-\(row.id)"
        try registry.keepAnswer(
            scope: Self.scope, key: key, request: Digest.sha256(of: key), status: 204, body: [], now: now)
    }

    /// Looks through what has happened in the registry since the last look. Returns how many removals it saw.
    @discardableResult
    func follow(now: Instant) throws -> Int {
        let disk = Disk()
        var last: Int64
        if let bytes = try disk.readIfPresent(cursorPath),
            let value = try JSONValue.parse(bytes)["event"]?.integerValue
        {
            last = value
        } else {
            // A node's first start: what happened before was told by others.
            last = try registry.lastEvent()
            try keep(last)
        }
        var removals = 0
        while true {
            let events = try registry.allEvents(after: last)
            guard let newest = events.last else { return removals }
            for event in events where event.kind == .removed {
                try record(try registry.installation(id: event.installation), at: event.at, now: now)
                removals += 1
            }
            last = newest.id
            try keep(last)
        }
    }

    private func keep(_ event: Int64) throws {
        try Disk().replace(cursorPath, with: (["event": .integer(event)] as JSONValue).serializedBytes())
    }
}
