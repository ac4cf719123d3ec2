public import Marketplace

/// One call of a plugin, as it is metered. Quantities are whole numbers and never negative.
public struct UsageEvent: Hashable, Sendable {
    /// Unique for ever: a UUID, or `<node>-<seq>`.
    public var id: String
    public var time: Instant
    /// Which node wrote it, and the how-manieth event of that node it is; `SegmentWriter` stamps both.
    public var node: String
    public var seq: Int64
    public var tenant: TenantID
    public var plugin: PluginID
    public var version: String
    public var action: String
    public var plan: String
    /// How the call ended: `ok`, `failed`, or the name of the limit that ended it.
    public var outcome: String
    /// 1 where the customer pays for the call, else 0.
    public var calls: Int64
    public var apiCalls: Int64
    public var executionMs: Int64
    public var bytesIn: Int64
    public var bytesOut: Int64
    public var storageBytes: Int64

    public init(
        id: String, time: Instant, node: String = "", seq: Int64 = 0, tenant: TenantID, plugin: PluginID,
        version: String, action: String, plan: String, outcome: String, calls: Int64, apiCalls: Int64 = 0,
        executionMs: Int64 = 0, bytesIn: Int64 = 0, bytesOut: Int64 = 0, storageBytes: Int64 = 0
    ) {
        self.id = id
        self.time = time
        self.node = node
        self.seq = seq
        self.tenant = tenant
        self.plugin = plugin
        self.version = version
        self.action = action
        self.plan = plan
        self.outcome = outcome
        self.calls = calls
        self.apiCalls = apiCalls
        self.executionMs = executionMs
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.storageBytes = storageBytes
    }
}

/// The storage that an installation holds, sampled once a day: billed as `storageBytes × hours`.
public struct StorageSample: Hashable, Sendable {
    public var id: String
    public var time: Instant
    public var node: String
    public var seq: Int64
    public var tenant: TenantID
    public var plugin: PluginID
    public var version: String
    public var plan: String
    public var storageBytes: Int64
    /// For how many hours the sample stands; 24 for the daily one.
    public var hours: Int64

    public init(
        id: String, time: Instant, node: String = "", seq: Int64 = 0, tenant: TenantID, plugin: PluginID,
        version: String, plan: String, storageBytes: Int64, hours: Int64 = 24
    ) {
        self.id = id
        self.time = time
        self.node = node
        self.seq = seq
        self.tenant = tenant
        self.plugin = plugin
        self.version = version
        self.plan = plan
        self.storageBytes = storageBytes
        self.hours = hours
    }
}

/// An amount of money that a plugin reports for percentage pricing.
public struct AmountEvent: Hashable, Sendable {
    public var id: String
    public var time: Instant
    public var node: String
    public var seq: Int64
    public var tenant: TenantID
    public var plugin: PluginID
    public var version: String
    public var plan: String
    public var amount: Money

    public init(
        id: String, time: Instant, node: String = "", seq: Int64 = 0, tenant: TenantID, plugin: PluginID,
        version: String, plan: String, amount: Money
    ) {
        self.id = id
        self.time = time
        self.node = node
        self.seq = seq
        self.tenant = tenant
        self.plugin = plugin
        self.version = version
        self.plan = plan
        self.amount = amount
    }
}
