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
    /// Of that, what asking the engine about every file takes.
    public var cpuSecondsEngine = 0.0
    /// How often each rule spoke, by severity.
    public var findings: [String: Int] = [:]
    /// Packages by verdict.
    public var verdicts: [String: Int] = [:]
    /// Packages that are not clean, each with the rules that say so.
    public var objections: [String: [String]] = [:]

    public init() {}

    public init(json bytes: [UInt8]) throws(ScanError) { self = try JSONCoding.decode(ScanBench.self, bytes) }

    /// Adds what another worker measured.
    public mutating func add(_ other: ScanBench) {
        packages += other.packages
        files += other.files
        bytes += other.bytes
        codeBytes += other.codeBytes
        cpuSeconds += other.cpuSeconds
        cpuSecondsBytesOnly += other.cpuSecondsBytesOnly
        cpuSecondsEngine += other.cpuSecondsEngine
        verdicts.merge(other.verdicts, uniquingKeysWith: +)
        findings.merge(other.findings, uniquingKeysWith: +)
        objections.merge(other.objections) { $0 + $1 }
    }

    /// Megabytes a CPU-second.
    public var megabytesPerSecond: Double { Double(bytes) / 1e6 / max(cpuSeconds, 1e-9) }
    public var megabytesPerSecondBytesOnly: Double { Double(bytes) / 1e6 / max(cpuSecondsBytesOnly, 1e-9) }

    /// Scans one package and adds it to the sums.
    public mutating func add(
        name: String, _ bundle: UnpackedBundle, rules: RuleSet, engine: EngineQuestion? = nil
    ) {
        packages += 1
        files += bundle.entries.count
        for entry in bundle.entries {
            bytes += entry.byteCount
            let kind = FileKind.of(entry.path, entry.bytes)
            if kind == .javaScript || kind == .typeScript { codeBytes += entry.byteCount }
        }
        let begin = Self.cpu()
        let report = Scanner(rules: rules, engine: engine).scan(bundle, name: name)
        cpuSeconds += Self.cpu() - begin
        let middle = Self.cpu()
        for entry in bundle.entries { _ = try? rules.yara.scan(entry.bytes) }
        cpuSecondsBytesOnly += Self.cpu() - middle
        if let engine {
            let last = Self.cpu()
            for entry in bundle.entries where FileKind.of(entry.path, entry.bytes) == .javaScript {
                _ = engine(entry.bytes)
            }
            cpuSecondsEngine += Self.cpu() - last
        }
        for finding in report.findings where finding.severity > .info {
            findings["\(finding.rule) \(finding.severity.rawValue)", default: 0] += 1
        }
        verdicts[report.verdict.rawValue, default: 0] += 1
        guard report.verdict != .clean else { return }
        objections[name] = report.findings.filter { $0.severity >= .high }.prefix(10).map {
            "\($0.rule) \($0.file):\($0.line) \($0.message)"
        }
    }

    /// CPU time of this process, in seconds.
    static func cpu() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
