public import Marketplace

/// A line of a plugin's log in production, as it stands in `logs/<day>.jsonl` of the data directory: what the plugin
/// wrote, and for a call that failed one line more that says how it ended.
public struct PluginLogLine: Sendable, Equatable {
    public var time: Instant
    public var tenant: TenantID
    public var plugin: PluginID
    public var version: Version
    /// The call's id, as the caller got it.
    public var call: String
    public var action: String
    /// `debug`, `info`, `warn` or `error`.
    public var level: String
    public var text: String

    /// The levels, the least grave first.
    public static let levels = ["debug", "info", "warn", "error"]

    public init(
        time: Instant, tenant: TenantID, plugin: PluginID, version: Version, call: String, action: String,
        level: String, text: String
    ) {
        self.time = time
        self.tenant = tenant
        self.plugin = plugin
        self.version = version
        self.call = call
        self.action = action
        self.level = level
        self.text = text
    }

    public var json: JSONValue {
        [
            "time": .string(time.description), "tenant": .string(tenant.text), "plugin": .string(plugin.text),
            "version": .string(version.description), "call": .string(call), "action": .string(action),
            "level": .string(level), "text": .string(text),
        ]
    }

    /// A line as it was written; nil for any other.
    public init?(_ bytes: [UInt8]) {
        guard let value = try? JSONValue.parse(bytes),
            let time = value["time"]?.stringValue.flatMap({ Instant($0) }),
            let tenant = value["tenant"]?.stringValue.flatMap({ TenantID($0) }),
            let plugin = value["plugin"]?.stringValue.flatMap({ PluginID($0) }),
            let version = value["version"]?.stringValue.flatMap({ Version($0) }),
            let call = value["call"]?.stringValue, let action = value["action"]?.stringValue,
            let level = value["level"]?.stringValue, let text = value["text"]?.stringValue
        else { return nil }
        self.init(
            time: time, tenant: tenant, plugin: plugin, version: version, call: call, action: action,
            level: level, text: text)
    }

    /// What to look for; what is nil does not matter.
    public struct Filter: Sendable {
        public var plugin: PluginID?
        public var publisher: PublisherID?
        public var tenant: TenantID?
        public var call: String?
        public var since: Instant?
        /// The least grave level.
        public var level: String?

        public init(
            plugin: PluginID? = nil, publisher: PublisherID? = nil, tenant: TenantID? = nil,
            call: String? = nil, since: Instant? = nil, level: String? = nil
        ) {
            self.plugin = plugin
            self.publisher = publisher
            self.tenant = tenant
            self.call = call
            self.since = since
            self.level = level
        }

        public func takes(_ line: PluginLogLine) -> Bool {
            let levels = PluginLogLine.levels
            let least = level.flatMap { levels.firstIndex(of: $0) } ?? 0
            return (plugin ?? line.plugin) == line.plugin && (tenant ?? line.tenant) == line.tenant
                && (publisher ?? line.plugin.publisher) == line.plugin.publisher
                && (call ?? line.call) == line.call && (since ?? line.time) <= line.time
                && (levels.firstIndex(of: line.level) ?? levels.count) >= least
        }
    }
}
