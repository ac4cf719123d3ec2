import Foundation
public import Marketplace
import Sandbox

/// What a runtime has kept of a tenant beside the registry and the books: lines of plugins' logs, and recordings of failed
/// calls, which hold the customer's own data.
public struct TenantTraces: Sendable {
    private let data: DataDirectory
    private let tenant: TenantID

    public init(of tenant: TenantID, in data: DataDirectory) {
        self.data = data
        self.tenant = tenant
    }

    /// Erases them, while runtimes go on writing. Returns how many log lines and recordings went.
    public func erase() throws(PipelineError) -> (lines: Int, recordings: Int) {
        let folder = "\(data.root)/replays/\(tenant)"
        let recordings = ((try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? [])
            .count { $0.hasSuffix(".json") }
        var lines = 0
        do {
            if FileManager.default.fileExists(atPath: folder) {
                try FileManager.default.removeItem(atPath: folder)
            }
            for name in Files.list("\(data.root)/logs") where name.hasSuffix(".jsonl") {
                lines += try blank("\(data.root)/logs/\(name)")
            }
        } catch {
            throw PipelineError(.incomplete, "not all that was kept of \(tenant) is erased: \(error)")
        }
        return (lines, recordings)
    }

    /// Overwrites the tenant's lines with blanks, where they stand: the runtime appends to the same file meanwhile, and
    /// whoever reads it passes over what is no line.
    private func blank(_ path: String) throws -> Int {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        defer { try? handle.close() }
        var count = 0
        for line in bytes.split(separator: 0x0A) where PluginLogLine(Array(line))?.tenant == tenant {
            try handle.seek(toOffset: UInt64(line.startIndex))
            try handle.write(contentsOf: Data(repeating: UInt8(ascii: " "), count: line.count))
            count += 1
        }
        try handle.synchronize()
        return count
    }
}
