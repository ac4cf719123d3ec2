import Synchronization

/// Counts and durations for Prometheus. Labels name operations, outcomes and plugins, never tenants.
public final class RuntimeMetrics: Sendable {
    /// Upper bounds of the duration buckets, in seconds.
    static let bounds: [Double] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

    private struct Series: Hashable, Comparable {
        let name: String
        let labels: String

        static func < (a: Series, b: Series) -> Bool { (a.name, a.labels) < (b.name, b.labels) }
    }

    private struct Histogram {
        var buckets = [UInt64](repeating: 0, count: RuntimeMetrics.bounds.count + 1)
        var sum: Double = 0
        var count: UInt64 = 0
    }

    private struct State {
        var counters: [Series: UInt64] = [:]
        var histograms: [Series: Histogram] = [:]
    }

    private let state = Mutex(State())

    public init() {}

    func operation(_ name: String, outcome: String, took: Duration) {
        let known = Self.operationNames.contains(name) ? name : "unknown"
        state.withLock { state in
            Self.add(&state, "veroforge_operations_total", "operation=\"\(known)\",outcome=\"\(outcome)\"")
            Self.observe(&state, "veroforge_operation_duration_seconds", "operation=\"\(known)\"", took)
        }
    }

    func call(plugin: String, outcome: String, took: Duration) {
        state.withLock { state in
            Self.add(&state, "veroforge_calls_total", "plugin=\"\(plugin)\",outcome=\"\(outcome)\"")
            Self.observe(&state, "veroforge_call_duration_seconds", "", took)
        }
    }

    func request(route: String, status: Int, took: Duration) {
        state.withLock { state in
            Self.add(&state, "veroforge_http_requests_total", "route=\"\(route)\",status=\"\(status)\"")
            Self.observe(&state, "veroforge_http_request_duration_seconds", "", took)
        }
    }

    func rateLimited(_ what: String) { count("veroforge_rate_limited_total", "what=\"\(what)\"") }
    func runnerStarted(took: Duration) {
        state.withLock { state in
            Self.add(&state, "veroforge_runner_starts_total", "")
            Self.observe(&state, "veroforge_runner_start_duration_seconds", "", took)
        }
    }
    func runnerEnded(_ why: String) { count("veroforge_runner_ends_total", "why=\"\(why)\"") }
    func usageEvent() { count("veroforge_usage_events_total", "") }
    func usageFailure() { count("veroforge_usage_failures_total", "") }

    private func count(_ name: String, _ labels: String) {
        state.withLock { Self.add(&$0, name, labels) }
    }

    private static func add(_ state: inout State, _ name: String, _ labels: String) {
        state.counters[Series(name: name, labels: labels), default: 0] += 1
    }

    private static func observe(_ state: inout State, _ name: String, _ labels: String, _ took: Duration) {
        let seconds = took.seconds
        let bucket = bounds.firstIndex { seconds <= $0 } ?? bounds.count
        state.histograms[Series(name: name, labels: labels), default: Histogram()].buckets[bucket] += 1
        state.histograms[Series(name: name, labels: labels)]!.sum += seconds
        state.histograms[Series(name: name, labels: labels)]!.count += 1
    }

    private static let operationNames: Set<String> = [
        "readData", "writeData", "triggerWorkflow", "fetch", "secret", "crypto.sign", "crypto.verifyHmac",
        "storage.get", "storage.set", "storage.delete", "storage.list", "usage.report",
    ]

    private static let help: [String: String] = [
        "veroforge_calls_total": "Calls of plugins' actions, by plugin and how they ended.",
        "veroforge_call_duration_seconds": "Time from a call's arrival to its answer.",
        "veroforge_operations_total": "Operations that plugins asked of the proxy, by outcome.",
        "veroforge_operation_duration_seconds": "Time that the proxy took for an operation.",
        "veroforge_http_requests_total": "Requests to the HTTP API, by route and status.",
        "veroforge_http_request_duration_seconds": "Time that a request took.",
        "veroforge_rate_limited_total": "Requests and operations refused by a rate limit.",
        "veroforge_runner_starts_total": "Runners started.",
        "veroforge_runner_start_duration_seconds": "Time from asking for a runner to its plugin being ready.",
        "veroforge_runner_ends_total": "Runners ended, by why.",
        "veroforge_usage_events_total": "Usage events written.",
        "veroforge_usage_failures_total": "Usage events that could not be written; their calls were refused.",
        "veroforge_runners": "Runners now, by state.",
        "veroforge_installations": "Installations held by this node, by state.",
        "veroforge_catalogue_age_seconds": "Seconds since the catalogue was read with success.",
    ]

    /// The text exposition format, with gauges that the caller has read just now.
    func exposition(gauges: [(name: String, labels: String, value: Double)]) -> String {
        let (counters, histograms) = state.withLock { ($0.counters, $0.histograms) }
        var blocks: [String: [String]] = [:]
        var types: [String: String] = [:]
        for (series, value) in counters.sorted(by: { $0.key < $1.key }) {
            types[series.name] = "counter"
            blocks[series.name, default: []].append("\(series.name)\(braces(series.labels)) \(value)")
        }
        for (series, histogram) in histograms.sorted(by: { $0.key < $1.key }) {
            types[series.name] = "histogram"
            blocks[series.name, default: []] += lines(series, histogram)
        }
        for gauge in gauges {
            types[gauge.name] = "gauge"
            blocks[gauge.name, default: []].append(
                "\(gauge.name)\(braces(gauge.labels)) \(number(gauge.value))")
        }
        return blocks.sorted { $0.key < $1.key }.map { name, lines in
            "# HELP \(name) \(Self.help[name] ?? name)\n# TYPE \(name) \(types[name] ?? "untyped")\n"
                + lines.joined(separator: "\n") + "\n"
        }.joined()
    }

    private func lines(_ series: Series, _ histogram: Histogram) -> [String] {
        var total: UInt64 = 0
        var lines: [String] = []
        let prefix = series.labels.isEmpty ? "" : series.labels + ","
        for (index, count) in histogram.buckets.enumerated() {
            total += count
            let bound = index < Self.bounds.count ? number(Self.bounds[index]) : "+Inf"
            lines.append("\(series.name)_bucket{\(prefix)le=\"\(bound)\"} \(total)")
        }
        lines.append("\(series.name)_sum\(braces(series.labels)) \(number(histogram.sum))")
        lines.append("\(series.name)_count\(braces(series.labels)) \(histogram.count)")
        return lines
    }

    private func braces(_ labels: String) -> String { labels.isEmpty ? "" : "{\(labels)}" }

    private func number(_ value: Double) -> String {
        Int64(exactly: value).map(String.init) ?? value.description
    }
}
