import Foundation

/// Sees that a plugin's folder has changed: by names, sizes and times of what its author writes.
public struct FolderWatch: Sendable {
    private let folder: String
    private var seen: [String: String]

    public init(_ folder: String) {
        self.folder = folder
        seen = Self.look(folder)
    }

    /// The paths that have changed since the last look, sorted.
    public mutating func changes() -> [String] {
        let now = Self.look(folder)
        let changed = Set(now.keys).union(seen.keys).filter { now[$0] != seen[$0] }
        seen = now
        return changed.sorted()
    }

    private static func look(_ folder: String) -> [String: String] {
        var found: [String: String] = [:]
        let builds = Files.exists("\(folder)/src/index.ts")
        for path in FileManager.default.subpaths(atPath: folder) ?? [] {
            // What building writes is no change; nor is what tools keep for themselves.
            if (builds && path.hasPrefix("dist")) || path.hasPrefix(".") || path.hasPrefix("node_modules") {
                continue
            }
            guard let attributes = try? FileManager.default.attributesOfItem(atPath: "\(folder)/\(path)"),
                attributes[.type] as? FileAttributeType == .typeRegular
            else { continue }
            let time = (attributes[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
            found[path] = "\(time) \(attributes[.size] ?? 0)"
        }
        return found
    }
}
