import Foundation
import Pipeline

/// A catalogue of many versions: built, rescanned, verified.
struct RegistryMeasure: MeasuredBench {
    let name = "registry"
    let summary = "building, rescanning and verifying a catalogue of 2,000 versions"

    func run(_ programs: ProgramFiles, count: Int?) async throws -> String {
        let kept = ProcessInfo.processInfo.environment["VEROFORGE_BENCH_DATA"]
        let folder = kept ?? NSTemporaryDirectory() + "/veroforge-bench-\(UUID().uuidString)"
        defer { if kept == nil { try? FileManager.default.removeItem(atPath: folder) } }
        return try await RegistryBench(programs, folder: folder, versions: count ?? 2_000).run()
    }
}
