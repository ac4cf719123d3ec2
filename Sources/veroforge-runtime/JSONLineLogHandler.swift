import Glibc
import Logging
import Marketplace

/// Writes one JSON object a line to standard error: what a log collector takes without rules of its own.
struct JSONLineLogHandler: LogHandler {
    let label: String
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    init(label: String) { self.label = label }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let now = Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
        var members: [String: JSONValue] = [
            "time": .string(now.description), "level": .string(event.level.rawValue), "label": .string(label),
            "message": .string("\(event.message)"),
        ]
        for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 })
        where members[key] == nil {
            members[key] = .string("\(value)")
        }
        let line = JSONValue.object(members).serializedBytes() + [0x0A]
        LogSink.shared.put(line)
    }
}
