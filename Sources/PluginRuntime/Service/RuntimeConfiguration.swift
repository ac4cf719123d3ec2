internal import FoundationEssentials
import Marketplace
import Metering
public import Sandbox
internal import Yams

/// What the service is told: by `veroforge.yaml` in the data directory (the key `catalogue` and the section `runtime`),
/// over it by `VEROFORGE_RUNTIME_…` variables, over them by flags.
public struct RuntimeConfiguration: Sendable, Equatable {
    public var data: String
    public var host = "127.0.0.1"
    /// 0 takes a free port and reports it.
    public var port = 8460
    /// Names this node's usage segments.
    public var node = "a"
    /// The public directory of the marketplace.
    public var catalogue: String
    /// Hosts that `fetch` reaches on loopback instead: host → `127.0.0.1:port`. For tests and demonstrations.
    public var loopbackHosts: [String: String] = [:]
    /// A file that holds the time of events; in demonstration directories only.
    public var clockFile: String?
    /// The root metadata that the catalogue is checked from.
    public var catalogueRoot: String
    /// PEM certificates that are trusted beside the system's, for applications with a certificate authority of their own.
    public var applicationRoots: String?
    public var certificate: String?
    public var privateKey: String?
    /// Folder that holds `veroforge-runner` and `veroforge-worker`; empty is the folder of this program.
    public var programs = ""
    public var callsPerSecond = 2_000
    public var operationsPerSecond = 2_000
    public var runningCallsMax = 256
    public var runnersPerInstallationMax = 4
    public var idleSeconds = 600
    /// Connections that are open at one time; more wait to be accepted.
    public var connectionsMax = 4_096
    /// How long a request may take to arrive.
    public var requestSeconds = 30
    public var spareRunners = 2
    public var requestBytesMax = 4 * 1_048_576
    public var answerBytesMax = 4 * 1_048_576
    public var drainSeconds = 30
    /// Which back end keeps which plugin apart: the section `isolation`, beside `runtime`.
    public var isolation = IsolationPolicy()

    /// Whether `veroforge.yaml` marks the directory as a demonstration's.
    public var isDemo = false

    public init(data: String) {
        self.data = data
        catalogue = "\(data)/site/public"
        catalogueRoot = "\(data)/keys/roots/1.root.json"
    }

    /// The newest `format` of a data directory that this program knows.
    public static let formatMax = 1

    /// Reads files and environment. Flags are set by the caller afterwards, and then `check` is called.
    ///
    /// - Throws: `configuration` for an unknown key or a wrong value, `newer-data` for a directory of a newer format.
    public static func read(
        data: String, environment: [String: String]
    ) throws(RuntimeError) -> RuntimeConfiguration {
        var configuration = RuntimeConfiguration(data: data)
        guard let marketplace = try mapping("\(data)/veroforge.yaml") else {
            throw RuntimeError(
                .configuration, data,
                "is no data directory: it has no veroforge.yaml; make one with `veroforge init`")
        }
        let format = marketplace["format"]?.int ?? 0
        if format > formatMax {
            throw RuntimeError(
                .newerData, data,
                "was written by a newer version (format \(format), this one reads \(formatMax)); use the newer program"
            )
        }
        configuration.isDemo = marketplace["demo"]?.bool ?? false
        if let catalogue = marketplace["catalogue"]?.string {
            try configuration.set("catalogue", catalogue, at: "\(data)/veroforge.yaml")
        }
        for (key, value) in marketplace["isolation"]?.mapping ?? [:] {
            if let problem = configuration.isolation.set(key.string ?? "", value.string ?? "") {
                throw RuntimeError(.configuration, "\(data)/veroforge.yaml: isolation", problem)
            }
        }
        if let section = marketplace["runtime"] {
            try configuration.apply(section, "\(data)/veroforge.yaml: runtime")
        }
        for (name, value) in environment.sorted(by: { $0.key < $1.key })
        where name.hasPrefix(environmentPrefix) {
            let words = name.dropFirst(environmentPrefix.count).lowercased().split(separator: "_")
            let key = words.enumerated().map {
                $0 == 0 ? String($1) : $1.prefix(1).uppercased() + $1.dropFirst()
            }
            .joined()
            try configuration.set(key, value, at: name)
        }
        return configuration
    }

    /// Checks what only holds together.
    public func check() throws(RuntimeError) {
        if let clockFile, !isDemo {
            throw RuntimeError(
                .configuration, clockFile,
                "the clock is set only in a data directory that is marked `demo: true`")
        }
        if (certificate == nil) != (privateKey == nil) {
            throw RuntimeError(.configuration, "certificate", "certificate and privateKey belong together")
        }
    }

    private static let environmentPrefix = "VEROFORGE_RUNTIME_"

    private static func mapping(_ path: String) throws(RuntimeError) -> Node.Mapping? {
        let bytes: [UInt8]?
        do { bytes = try Disk().readIfPresent(path) } catch {
            throw RuntimeError(.configuration, path, error.cause)
        }
        guard let bytes else { return nil }
        let node: Node?
        do { node = try Yams.compose(yaml: String(decoding: bytes, as: UTF8.self)) } catch {
            throw RuntimeError(.configuration, path, "is no YAML: \(error)")
        }
        guard let node else { return [:] }
        guard let mapping = node.mapping else { throw RuntimeError(.configuration, path, "is no mapping") }
        return mapping
    }

    private mutating func apply(_ section: Node, _ place: String) throws(RuntimeError) {
        guard let members = section.mapping else {
            throw RuntimeError(.configuration, place, "is no mapping")
        }
        for (key, value) in members {
            let name = key.string ?? ""
            if name == "allowLoopbackHosts" {
                for (host, target) in value.mapping ?? [:] {
                    try allow(host.string ?? "", target.string ?? "", at: "\(place).\(name)")
                }
            } else {
                try set(name, value.string ?? "", at: "\(place).\(name)")
            }
        }
    }

    /// Sets one key from its text.
    public mutating func set(_ key: String, _ value: String, at place: String) throws(RuntimeError) {
        func number(_ range: ClosedRange<Int>) throws(RuntimeError) -> Int {
            guard let number = Int(value), range.contains(number) else {
                throw RuntimeError(
                    .configuration, place, "needs a number from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }
        switch key {
        case "host": host = value
        case "port": port = try number(0...65535)
        case "node":
            guard SegmentName.isNode(value) else {
                throw RuntimeError(.configuration, place, "a node has lower-case letters, digits and hyphens")
            }
            node = value
        case "catalogue":
            catalogue =
                value.hasPrefix("https://") || value.hasPrefix("http://") ? value : absolute(value)
        case "catalogueRoot": catalogueRoot = absolute(value)
        case "applicationRoots": applicationRoots = absolute(value)
        case "connectionsMax": connectionsMax = try number(1...1_000_000)
        case "requestSeconds": requestSeconds = try number(1...3_600)
        case "clock": clockFile = value
        case "certificate": certificate = absolute(value)
        case "privateKey": privateKey = absolute(value)
        case "programs": programs = value
        case "callsPerSecond": callsPerSecond = try number(1...1_000_000)
        case "operationsPerSecond": operationsPerSecond = try number(1...1_000_000)
        case "runningCallsMax": runningCallsMax = try number(1...100_000)
        case "runnersPerInstallationMax": runnersPerInstallationMax = try number(1...64)
        case "idleSeconds": idleSeconds = try number(1...86_400)
        case "spareRunners": spareRunners = try number(0...64)
        case "requestBytesMax": requestBytesMax = try number(1_024...67_108_864)
        case "answerBytesMax": answerBytesMax = try number(1_024...67_108_864)
        case "drainSeconds": drainSeconds = try number(0...600)
        case "allowLoopbackHosts":
            for pair in value.split(separator: ",") {
                let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
                try allow(parts.first ?? "", parts.last ?? "", at: place)
            }
        default: throw RuntimeError(.configuration, place, "there is no setting `\(key)`")
        }
    }

    /// Puts a host on a loopback stand-in.
    private mutating func allow(_ host: String, _ target: String, at place: String) throws(RuntimeError) {
        let parts = target.split(separator: ":")
        guard !host.isEmpty, parts.count == 2, parts[0] == "127.0.0.1", UInt16(parts[1]) != nil else {
            throw RuntimeError(.configuration, place, "a loopback host is `host: 127.0.0.1:port`")
        }
        loopbackHosts[host.lowercased()] = target
    }

    private func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(data)/\(path)" }

    /// The settings in force, as `--print-config` shows them: YAML, sorted.
    public var printed: String {
        var lines: [(String, String)] = [
            ("answerBytesMax", "\(answerBytesMax)"), ("callsPerSecond", "\(callsPerSecond)"),
            ("applicationRoots", applicationRoots ?? "~"), ("catalogue", catalogue),
            ("catalogueRoot", catalogueRoot), ("connectionsMax", "\(connectionsMax)"),
            ("requestSeconds", "\(requestSeconds)"), ("certificate", certificate ?? "~"),
            ("clock", clockFile ?? "~"),
            ("data", data), ("drainSeconds", "\(drainSeconds)"), ("host", host),
            ("idleSeconds", "\(idleSeconds)"),
            ("node", node), ("operationsPerSecond", "\(operationsPerSecond)"), ("port", "\(port)"),
            ("privateKey", privateKey ?? "~"), ("programs", programs.isEmpty ? "~" : programs),
            ("requestBytesMax", "\(requestBytesMax)"),
            ("runnersPerInstallationMax", "\(runnersPerInstallationMax)"),
            ("runningCallsMax", "\(runningCallsMax)"),
            ("spareRunners", "\(spareRunners)"),
        ]
        for (trust, backEnd) in isolation.byTrust {
            lines.append(("isolation.\(trust.rawValue)", backEnd.rawValue))
        }
        for (plugin, backEnd) in isolation.byPlugin {
            lines.append(("isolation.\(plugin.text)", backEnd.rawValue))
        }
        for (host, target) in loopbackHosts { lines.append(("allowLoopbackHosts.\(host)", target)) }
        return lines.sorted { $0.0 < $1.0 }.map { "\($0.0): \($0.1)\n" }.joined()
    }
}
