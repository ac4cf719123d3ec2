public import Marketplace
public import Metering

/// What the segments say of calls, by day, tenant, plugin and version: how many the customer pays for, and how many
/// ended otherwise than well. An event counts once by its id, a segment once by node and sequence.
public struct CallCounts: Sendable {
    public struct Key: Hashable, Sendable, Comparable {
        public let day: Day
        public let tenant: String
        public let plugin: String
        public let version: String

        public static func < (a: Key, b: Key) -> Bool {
            (a.day, a.plugin, a.version, a.tenant) < (b.day, b.plugin, b.version, b.tenant)
        }
    }

    public struct Count: Hashable, Sendable {
        /// Calls that the customer pays for.
        public var calls = 0
        /// Calls whose outcome is not `ok`.
        public var errors = 0
    }

    public private(set) var counts: [Key: Count] = [:]

    /// Reads the segments of the days that may hold events from `from` to `to`, both included.
    ///
    /// - Parameter publisher: counts only plugins of this publisher, and passes over other lines unread.
    public static func of(
        usage: String, from: Day, to: Day, publisher: PublisherID? = nil, disk: Disk = Disk()
    ) throws(AccountsError) -> CallCounts {
        var result = CallCounts()
        var segments: Set<String> = []
        var ids: Set<String> = []
        let folder = SegmentFolder(usage, disk: disk)
        let names = try AccountsError.usage { () throws(MeteringError) in try folder.segments() }
        let mark = publisher.map { Array("\"plugin\":\"\($0.text).".utf8) }
        // What came late stands in the segment of a later day.
        for name in names where name.day >= from && name.day <= to.adding(days: 3) {
            guard segments.insert("\(name.node) \(name.sequence)").inserted else { continue }
            let contents = try AccountsError.usage { () throws(MeteringError) in
                try SegmentReader.read(folder.path(of: name), disk: disk)
            }
            for line in contents.bytes[contents.events].split(separator: 0x0A) {
                if let mark, !Self.holds(line, mark) { continue }
                result.take(line, from, to, &ids)
            }
        }
        return result
    }

    private static func holds(_ line: ArraySlice<UInt8>, _ mark: [UInt8]) -> Bool {
        guard line.count >= mark.count else { return false }
        return line.withUnsafeBufferPointer { line in
            mark.withUnsafeBufferPointer { mark in
                let last = line.count - mark.count
                var at = 0
                while at <= last {
                    var length = 0
                    while length < mark.count, line[at + length] == mark[length] { length += 1 }
                    if length == mark.count { return true }
                    at += 1
                }
                return false
            }
        }
    }

    private mutating func take(_ line: ArraySlice<UInt8>, _ from: Day, _ to: Day, _ ids: inout Set<String>) {
        guard let event = try? JSONValue.parse(Array(line)), event["kind"] == nil,
            let id = event["id"]?.stringValue, let time = event["time"]?.stringValue.flatMap({ Instant($0) }),
            let tenant = event["tenant"]?.stringValue, let plugin = event["plugin"]?.stringValue,
            let version = event["version"]?.stringValue, time.day >= from, time.day <= to,
            ids.insert(id).inserted
        else { return }
        let key = Key(day: time.day, tenant: tenant, plugin: plugin, version: version)
        counts[key, default: Count()].calls += Int(event["calls"]?.integerValue ?? 0)
        if event["outcome"]?.stringValue != "ok" { counts[key, default: Count()].errors += 1 }
    }
}
