import Foundation
import Marketplace
import Metering

enum Samples {
    static let start = Instant("2026-01-05T10:00:00Z")!

    static func call(_ number: Int) -> UsageEvent {
        UsageEvent(
            id: "event-\(number)", time: start.adding(seconds: Int64(number)), tenant: TenantID("acme")!,
            plugin: PluginID("sample.pings")!, version: "1.0.0", action: "ping", plan: "metered",
            outcome: "ok",
            calls: 1, apiCalls: 2, executionMs: Int64(number), bytesIn: 10, bytesOut: 20)
    }

    /// A folder for one test, removed at its end.
    static func withFolder<T>(_ body: (String) throws -> T) throws -> T {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "metering-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder.path)
    }
}

/// A seeded source of numbers: the same test on every machine.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
