import Marketplace
public import Sandbox

/// `plugin logs`: what a plugin logged in production, from `logs/<day>.jsonl` of a data directory.
public struct PluginLogs: Sendable {
    let folder: String

    public init(_ data: DataDirectory) { folder = data.root + "/logs" }

    /// Where reading stopped, so that the next look goes on from there.
    public struct Mark: Sendable {
        var bytes: [String: Int] = [:]

        public init() {}
    }

    /// The lines after the mark that the filter takes, in the order of writing; moves the mark. What is being written
    /// at the moment is left for the next look.
    public func lines(
        _ filter: PluginLogLine.Filter, after mark: inout Mark
    ) throws(PipelineError) -> [PluginLogLine] {
        var lines: [PluginLogLine] = []
        for name in Files.list(folder).filter({ $0.hasSuffix(".jsonl") }).sorted() {
            let bytes = try Files.readIfPresent("\(folder)/\(name)") ?? []
            let begin = min(mark.bytes[name] ?? 0, bytes.count)
            let end = (bytes[begin...].lastIndex(of: 0x0A) ?? begin - 1) + 1
            mark.bytes[name] = end
            lines += bytes[begin..<end].split(separator: 0x0A).compactMap { PluginLogLine(Array($0)) }
                .filter(filter.takes)
        }
        return lines
    }

    /// `2026-01-05T08:00:00Z  info  acme  remind  <call>  reminded`
    public static func text(_ line: PluginLogLine) -> String {
        let level = line.level + String(repeating: " ", count: max(0, 5 - line.level.count))
        // A line of a stranger's must stay one line, without codes for the terminal.
        let text = line.text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : String($0) }
            .joined()
        return "\(line.time)  \(level)  \(line.tenant)  \(line.action)  \(line.call)  \(text)"
    }
}
