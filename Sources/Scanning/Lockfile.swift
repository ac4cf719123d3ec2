internal import Marketplace

/// package-lock.json in its three versions. What cannot be read is said, never passed over.
enum Lockfile {
    static func isLockfile(_ path: String) -> Bool {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return name == "package-lock.json" || name == "npm-shrinkwrap.json"
    }

    /// - Returns: the packages in the order of name and version, or why the file cannot be read.
    static func read(_ bytes: [UInt8], path: String) -> Result<[ResolvedDependency], ScanError> {
        let document: JSONValue
        do {
            document = try JSONValue.parse(bytes)
        } catch {
            return .failure(ScanError(.badReport, subject: path, cause: error.description))
        }
        let lines = Lines(bytes)
        var found: [ResolvedDependency] = []
        if let packages = document["packages"]?.objectValue {
            for key in packages.keys.sorted() where !key.isEmpty {
                guard let item = packages[key] else { continue }
                found.append(package(key: key, item, path: path, line: lines.line(of: key)))
            }
        } else if let dependencies = document["dependencies"]?.objectValue {
            walk(dependencies, path: path, lines: lines, depth: 0, into: &found)
        } else if document["lockfileVersion"] == nil {
            return .failure(ScanError(.badReport, subject: path, cause: "it is no package-lock.json"))
        }
        return .success(
            Array(Set(found)).sorted { ($0.name, $0.version, $0.line) < ($1.name, $1.version, $1.line) })
    }

    private static func package(key: String, _ item: JSONValue, path: String, line: Int) -> ResolvedDependency
    {
        let fromKey = key.split(separator: "/", omittingEmptySubsequences: false)
        let marker = fromKey.lastIndex(of: "node_modules").map { fromKey[($0 + 1)...].joined(separator: "/") }
        let resolved = item["resolved"]?.stringValue
        let isLink = item["link"]?.boolValue ?? false
        return ResolvedDependency(
            name: item["name"]?.stringValue ?? marker ?? key, version: item["version"]?.stringValue ?? "",
            source: isLink
                ? "link"
                : marker == nil ? "file" : source(resolved, inBundle: item["inBundle"]?.boolValue ?? false),
            resolved: resolved, integrity: item["integrity"]?.stringValue,
            license: item["license"]?.stringValue,
            isDevelopment: item["dev"]?.boolValue ?? false,
            hasInstallScript: item["hasInstallScript"]?.boolValue ?? false, file: path, line: line)
    }

    private static func walk(
        _ dependencies: [String: JSONValue], path: String, lines: Lines, depth: Int,
        into found: inout [ResolvedDependency]
    ) {
        guard depth < 64 else { return }
        for name in dependencies.keys.sorted() {
            guard let item = dependencies[name] else { continue }
            var version = item["version"]?.stringValue ?? ""
            var real = name
            var kind = source(
                item["resolved"]?.stringValue ?? version, inBundle: item["bundled"]?.boolValue ?? false)
            if version.hasPrefix("npm:") {
                let alias = version.dropFirst(4)
                if let at = alias.lastIndex(of: "@"), at != alias.startIndex {
                    real = String(alias[..<at])
                    version = String(alias[alias.index(after: at)...])
                }
                kind = "registry"
            } else if item["resolved"] == nil && Version(version) != nil {
                kind = "registry"
            }
            found.append(
                ResolvedDependency(
                    name: real, version: version, source: kind, resolved: item["resolved"]?.stringValue,
                    integrity: item["integrity"]?.stringValue, isDevelopment: item["dev"]?.boolValue ?? false,
                    hasInstallScript: false, file: path, line: lines.line(of: name)))
            if let nested = item["dependencies"]?.objectValue {
                walk(nested, path: path, lines: lines, depth: depth + 1, into: &found)
            }
        }
    }

    /// Where a package comes from, by its `resolved` address.
    static func source(_ resolved: String?, inBundle: Bool) -> String {
        if inBundle { return "bundled" }
        guard let resolved, !resolved.isEmpty else { return "unknown" }
        if resolved.hasPrefix("git") || resolved.contains(".git#") || resolved.hasPrefix("github:") {
            return "git"
        }
        if resolved.hasPrefix("file:") { return "file" }
        if resolved.hasPrefix("link:") { return "link" }
        let hosts = ["registry.npmjs.org", "registry.yarnpkg.com", "npm.pkg.github.com"]
        if resolved.hasPrefix("https://"), let host = Permission.host(ofURL: resolved) {
            return hosts.contains(host) ? "registry" : "remote"
        }
        return Version(resolved) != nil ? "registry" : "remote"
    }

    /// Finds the line on which a key stands, in one pass.
    struct Lines {
        private var byKey: [String: Int] = [:]

        init(_ bytes: [UInt8]) {
            var line = 1
            var start = bytes.startIndex
            while start < bytes.endIndex {
                let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.endIndex
                let content = bytes[start..<end].drop { $0 == 0x20 || $0 == 0x09 }
                if content.first == UInt8(ascii: "\""),
                    let close = content.dropFirst().firstIndex(of: UInt8(ascii: "\"")),
                    content[close...].dropFirst().first(where: { $0 != 0x20 }) == UInt8(ascii: ":")
                {
                    let key = String(decoding: content[(content.startIndex + 1)..<close], as: UTF8.self)
                    if byKey[key] == nil { byKey[key] = line }
                }
                line += 1
                start = end == bytes.endIndex ? end : end + 1
            }
        }

        func line(of key: String) -> Int { byKey[key] ?? 0 }
    }
}
