internal import Bundles
internal import Marketplace

/// What package.json files say: packages that lie in `node_modules` whole, and ranges that no lockfile resolves.
enum DeclaredDependencies {
    /// - Parameter locked: the folders that have a lockfile.
    static func read(_ entries: [UnpackedEntry], locked: Set<String>) -> [ResolvedDependency] {
        var found: [ResolvedDependency] = []
        for entry in entries where entry.path == "package.json" || entry.path.hasSuffix("/package.json") {
            guard let document = try? JSONValue.parse(entry.bytes) else { continue }
            let folder = String(entry.path.dropLast("package.json".count))
            if let item = bundled(entry.path, folder, document) {
                found.append(item)
            } else if !folder.contains("node_modules/"), !locked.contains(where: folder.hasPrefix) {
                found += ranges(entry, document)
            }
        }
        return found
    }

    /// `node_modules/name/package.json`: exactly this version is here.
    private static func bundled(_ path: String, _ folder: String, _ document: JSONValue)
        -> ResolvedDependency?
    {
        let parts = folder.split(separator: "/")
        guard let at = parts.lastIndex(of: "node_modules"), at + 1 < parts.count else { return nil }
        let rest = parts[(at + 1)...]
        guard rest.count == (rest.first?.hasPrefix("@") ?? false ? 2 : 1) else { return nil }
        guard let version = document["version"]?.stringValue else { return nil }
        let hooks = ["preinstall", "install", "postinstall"]
        return ResolvedDependency(
            name: document["name"]?.stringValue ?? rest.joined(separator: "/"), version: version,
            source: "bundled",
            license: document["license"]?.stringValue,
            hasInstallScript: hooks.contains { document["scripts"]?[$0]?.stringValue != nil }, file: path,
            line: 1)
    }

    private static func ranges(_ entry: UnpackedEntry, _ document: JSONValue) -> [ResolvedDependency] {
        let lines = Lockfile.Lines(entry.bytes)
        let overrides = overrides(document)
        var found: [ResolvedDependency] = []
        for (section, isDevelopment) in [
            ("dependencies", false), ("optionalDependencies", false), ("devDependencies", true),
        ] {
            for (name, value) in (document[section]?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
                guard var range = value.stringValue else { continue }
                var real = name
                range = overrides[name] ?? range
                if let alias = Lockfile.alias(range) { (real, range) = alias }
                let isRange = VersionRange(range) != nil || range == "latest" || range == "next"
                found.append(
                    ResolvedDependency(
                        name: real, version: range,
                        source: isRange ? "range" : Lockfile.source(range, inBundle: false),
                        resolved: isRange ? nil : range, isDevelopment: isDevelopment, file: entry.path,
                        line: lines.line(of: name)))
            }
        }
        return found
    }

    /// npm's `overrides`, yarn's `resolutions`, pnpm's `overrides`: names alone, without a path before them.
    private static func overrides(_ document: JSONValue) -> [String: String] {
        var result: [String: String] = [:]
        for list in [document["overrides"], document["resolutions"], document["pnpm"]?["overrides"]] {
            for (key, value) in list?.objectValue ?? [:] {
                let name = key.hasPrefix("**/") ? String(key.dropFirst(3)) : key
                if let text = value.stringValue ?? value["."]?.stringValue { result[name] = text }
            }
        }
        return result
    }
}
