import Glibc
import Marketplace
import Metering
import Sandbox
import Synchronization

/// What plugins log, in `logs/<day>.jsonl` of the data directory: kept for two weeks, bounded a day, written before the
/// call is answered. A log that cannot be written fails no call.
final class PluginLogBook: Sendable {
    static let daysKept = 14
    static let dayBytesMax = 64 << 20

    private struct State {
        var day: Day?
        var descriptor: CInt = -1
        var bytes = 0
    }

    private let folder: String
    private let state = Mutex(State())

    init(data: String) { folder = "\(data)/logs" }

    deinit {
        state.withLock { state in
            if state.descriptor >= 0 { close(state.descriptor) }
        }
    }

    /// Writes a call's lines, and for a call that failed one that says how.
    func write(
        _ lines: [LogLine], of plugin: InstalledPlugin, call: String, action: String, failed: String?,
        at time: Instant
    ) {
        let all = lines + (failed.map { [LogLine(level: "error", text: $0)] } ?? [])
        guard !all.isEmpty else { return }
        var bytes: [UInt8] = []
        for line in all {
            bytes += PluginLogLine(
                time: time, tenant: plugin.tenant, plugin: plugin.plugin, version: plugin.version, call: call,
                action: action, level: line.level, text: line.text
            ).json.serializedBytes()
            bytes.append(0x0A)
        }
        state.withLock { state in
            if state.day.map({ time.day > $0 }) ?? true { open(time.day, &state) }
            guard state.descriptor >= 0, state.bytes + bytes.count <= Self.dayBytesMax else { return }
            // One write to a file opened for appending: lines of calls at the same time do not mix.
            let put = bytes.withUnsafeBytes { Glibc.write(state.descriptor, $0.baseAddress, $0.count) }
            state.bytes += max(0, put)
        }
    }

    private func open(_ day: Day, _ state: inout State) {
        if state.descriptor >= 0 { close(state.descriptor) }
        state = State(day: day)
        let disk = Disk()
        guard (try? disk.makeDirectories(folder)) != nil else { return }
        state.descriptor = Glibc.open(
            "\(folder)/\(day).jsonl", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        state.bytes = state.descriptor < 0 ? 0 : Int(lseek(state.descriptor, 0, SEEK_END))
        for name in (try? disk.list(folder)) ?? [] {
            guard let old = Day(String(name.prefix(10))), old.number + Self.daysKept <= day.number else {
                continue
            }
            try? disk.remove("\(folder)/\(name)")
        }
    }

    /// The newest lines that the filter takes, the oldest of them first.
    func read(_ filter: PluginLogLine.Filter, limit: Int) throws -> [PluginLogLine] {
        let disk = Disk()
        guard disk.exists(folder) else { return [] }
        var found: [PluginLogLine] = []
        for name in try disk.list(folder).filter({ $0.hasSuffix(".jsonl") }).sorted().reversed() {
            let lines = try disk.read("\(folder)/\(name)").split(separator: 0x0A).reversed()
            for bytes in lines {
                guard let line = PluginLogLine(Array(bytes)), filter.takes(line) else { continue }
                found.append(line)
                if found.count == limit { return found.reversed() }
            }
        }
        return found.reversed()
    }
}
