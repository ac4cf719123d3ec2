import Foundation
public import Marketplace
public import Scanning

/// `trial.json`: what a version did when it really ran against the simulated application.
public struct TrialReport: Codable, Sendable, Equatable {
    public static let schemaName = "veroforge.trial/1"

    /// One run of every action, under one clock and data set.
    public struct Run: Codable, Sendable, Equatable {
        /// `first`, `again` (the same once more), `later` (another clock and other data).
        public var name: String
        public var clock: Instant
        public var startMs: Int64
        public var actions: [Action]
        public var peakMemoryKiB: Int64
    }

    public struct Action: Codable, Sendable, Equatable {
        public var name: String
        /// `ok`, `refused` (the plugin answered success: false), `error`, or the limit that ended it.
        public var outcome: String
        public var detail: String
        public var cpuMs: Int64
        public var wallMs: Int64
        public var operations: Int64
        public var bytesIn: Int64
        public var bytesOut: Int64
    }

    /// An operation that the plugin asked for in all runs together.
    public struct Observed: Codable, Sendable, Equatable {
        /// As a permission would be written: `readData invoices`.
        public var permission: String
        public var operation: String
        public var target: String
        public var count: Int
        public var allowed: Bool
    }

    public var schema = TrialReport.schemaName
    public var bundle: Digest
    public var id: PluginID
    public var version: Version
    /// The isolation back end that it ran on.
    public var backEnd: String
    /// How that back end really ran: the gVisor platform, the machine's acceleration.
    public var mode: String?
    /// False if the trial itself did not come to its end: then nothing here says that the plugin is good.
    public var complete: Bool
    public var runs: [Run]
    public var observed: [Observed]
    public var findings: [Finding]

    public func json() -> [UInt8] { ReportCoding.encode(self) }

    public init(json bytes: [UInt8]) throws(PipelineError) {
        self = try ReportCoding.decode(TrialReport.self, bytes, "trial.json")
    }

    init(bundle: Digest, id: PluginID, version: Version, backEnd: String, mode: String) {
        self.bundle = bundle
        self.id = id
        self.version = version
        self.backEnd = backEnd
        self.mode = mode
        complete = false
        runs = []
        observed = []
        findings = []
    }
}

/// Reports are written alike: sorted keys, indented, a line feed at the end.
enum ReportCoding {
    static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        // Strings, integers and lists alone: nothing here can fail to encode.
        return (try? encoder.encode(value)).map { Array($0) + [0x0A] } ?? []
    }

    static func decode<T: Decodable>(_ type: T.Type, _ bytes: [UInt8], _ name: String) throws(PipelineError)
        -> T
    {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw PipelineError(.incomplete, "\(name) cannot be read back: \(error)")
        }
    }
}
