public import Bundles
internal import Glibc

/// How fast the scan is, and how it judges packages that are known to be harmless: what `veroforge bench` prints.
public struct ScanBench: Codable, Equatable, Sendable {
    public var packages = 0
    public var files = 0
    public var bytes = 0
    public var codeBytes = 0
    /// CPU time of everything, and of the byte rules alone over the same files.
    public var cpuSeconds = 0.0
    public var cpuSecondsBytesOnly = 0.0
    /// Packages by verdict.
    public var verdicts: [String: Int] = [:]
    /// Packages that are not clean, each with the rules that say so.
    public var objections: [String: [String]] = [:]

    public init() {}

    /// Megabytes a CPU-second.
    public var megabytesPerSecond: Double { Double(bytes) / 1e6 / max(cpuSeconds, 1e-9) }
    public var megabytesPerSecondBytesOnly: Double { Double(bytes) / 1e6 / max(cpuSecondsBytesOnly, 1e-9) }

    /// Scans one package and adds it to the sums.
    public mutating func add(name: String, _ bundle: UnpackedBundle, rules: RuleSet) {
        packages += 1
        files += bundle.entries.count
        for entry in bundle.entries {
            bytes += entry.bytes.count
            let kind = FileKind.of(entry.path, entry.bytes)
            if kind == .javaScript || kind == .typeScript { codeBytes += entry.bytes.count }
        }
        let begin = Self.cpu()
        let report = Scanner(rules: rules).scan(bundle, name: name)
        cpuSeconds += Self.cpu() - begin
        let middle = Self.cpu()
        for entry in bundle.entries { _ = try? rules.yara.scan(entry.bytes) }
        cpuSecondsBytesOnly += Self.cpu() - middle
        verdicts[report.verdict.rawValue, default: 0] += 1
        guard report.verdict != .clean else { return }
        objections[name] = report.findings.filter { $0.severity >= .high }.map {
            "\($0.rule) \($0.file):\($0.line)"
        }
    }

    /// CPU time of this process, in seconds.
    static func cpu() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
