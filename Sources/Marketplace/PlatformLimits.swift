/// The platform's bounds. A manifest may ask for less, never for more.
public enum PlatformLimits {
    /// Bundle limits, counted while inflating and never taken from headers.
    public enum BundleBytes {
        public static let packedMax = 64 * 1_048_576
        public static let unpackedMax = 256 * 1_048_576
        public static let fileMax = 16 * 1_048_576
        public static let entriesMax = 5_000
        public static let ratioMax = 100
        public static let pathBytesMax = 1_024
        public static let nestingMax = 3
    }

    /// The largest manifest that is read.
    public static let manifestBytesMax = 256 * 1_024
    /// The largest untrusted Markdown text that is rendered.
    public static let markdownBytesMax = 64 * 1_024
}

/// Limits of one call of a plugin, and of one runner's life where that makes sense.
public struct Limits: Hashable, Sendable, Codable {
    /// CPU time of one call.
    public var cpuMs: Int64
    /// Wall time of one call, waiting for the application included.
    public var wallMs: Int64
    public var memoryMiB: Int64
    public var tempMiB: Int64
    public var storageMiB: Int64
    /// Operations in one call.
    public var apiCalls: Int64
    /// Bytes sent out by `fetch` in one call.
    public var egressBytes: Int64
    public var egressBytesPerSecond: Int64

    public init(
        cpuMs: Int64, wallMs: Int64, memoryMiB: Int64, tempMiB: Int64, storageMiB: Int64, apiCalls: Int64,
        egressBytes: Int64, egressBytesPerSecond: Int64
    ) {
        self.cpuMs = cpuMs
        self.wallMs = wallMs
        self.memoryMiB = memoryMiB
        self.tempMiB = tempMiB
        self.storageMiB = storageMiB
        self.apiCalls = apiCalls
        self.egressBytes = egressBytes
        self.egressBytesPerSecond = egressBytesPerSecond
    }

    /// What a plugin gets that asks for nothing.
    public static let standard = Limits(
        cpuMs: 1_000, wallMs: 10_000, memoryMiB: 64, tempMiB: 16, storageMiB: 16, apiCalls: 100,
        egressBytes: 1_048_576, egressBytesPerSecond: 262_144)

    /// The most that a manifest may ask for.
    public static let maximum = Limits(
        cpuMs: 10_000, wallMs: 60_000, memoryMiB: 256, tempMiB: 64, storageMiB: 1_024, apiCalls: 1_000,
        egressBytes: 64 * 1_048_576, egressBytesPerSecond: 8 * 1_048_576)
}

/// The name of the limit that ended a plugin, as it stands in results, reports and docs.
public enum LimitName: String, Hashable, Sendable, Codable, CaseIterable {
    case cpu, wall, memory, processes, files, temp, storage, apiCalls, egress, output, syscall
}
