internal import Marketplace

/// The lockfiles of npm, yarn and pnpm in all their versions. What cannot be read is said, never passed over.
enum Lockfile {
    enum Kind { case npm, yarn, pnpm }

    static func kind(_ path: String) -> Kind? {
        switch path.split(separator: "/").last.map(String.init) ?? path {
        case "package-lock.json", "npm-shrinkwrap.json", ".package-lock.json": .npm
        case "yarn.lock": .yarn
        case "pnpm-lock.yaml", "pnpm-lock.yml": .pnpm
        default: nil
        }
    }

    static func isLockfile(_ path: String) -> Bool { kind(path) != nil }

    /// - Returns: the packages in the order of name and version, or why the file cannot be read.
    static func read(_ bytes: [UInt8], path: String) -> Result<[ResolvedDependency], ScanError> {
        let found: Result<[ResolvedDependency], ScanError>
        switch kind(path) {
        case .npm: found = NPMLockfile.read(bytes, path: path)
        case .yarn: found = YarnLockfile.read(bytes, path: path)
        case .pnpm: found = PNPMLockfile.read(bytes, path: path)
        case nil: found = .failure(ScanError(.badReport, subject: path, cause: "it is no lockfile"))
        }
        return found.map {
            Array(Set($0)).sorted { ($0.name, $0.version, $0.line) < ($1.name, $1.version, $1.line) }
        }
    }

    private static let registries: Set<String> = [
        "registry.npmjs.org", "registry.yarnpkg.com", "npm.pkg.github.com",
    ]

    /// Where a package comes from, by its `resolved` address.
    static func source(_ resolved: String?, inBundle: Bool) -> String {
        if inBundle { return "bundled" }
        guard let resolved, !resolved.isEmpty else { return "unknown" }
        if resolved.hasPrefix("git") || resolved.contains(".git#") || resolved.hasPrefix("github:")
            || resolved.hasPrefix("https://codeload.github.com/")
        {
            return "git"
        }
        if resolved.hasPrefix("file:") { return "file" }
        if resolved.hasPrefix("link:") || resolved.hasPrefix("workspace:") || resolved.hasPrefix("portal:") {
            return "link"
        }
        if resolved.hasPrefix("https://"), let host = Permission.host(ofURL: resolved) {
            return registries.contains(host) ? "registry" : "remote"
        }
        return Version(resolved) != nil ? "registry" : "remote"
    }

    /// `name@rest`, where the name may begin with `@`.
    static func parted(_ text: Substring) -> (name: String, rest: String)? {
        guard let at = text.dropFirst().firstIndex(of: "@") else { return nil }
        return (String(text[..<at]), String(text[text.index(after: at)...]))
    }

    /// What is really installed under another name: `npm:real@1.2.3`.
    static func alias(_ text: String) -> (name: String, version: String)? {
        guard text.hasPrefix("npm:") else { return nil }
        return parted(text.dropFirst(4)).map { ($0.name, $0.rest) }
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

/// package-lock.json, versions 1 to 3.
enum NPMLockfile {
    static func read(_ bytes: [UInt8], path: String) -> Result<[ResolvedDependency], ScanError> {
        let document: JSONValue
        do {
            document = try JSONValue.parse(bytes)
        } catch {
            return .failure(ScanError(.badReport, subject: path, cause: error.description))
        }
        let lines = Lockfile.Lines(bytes)
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
        return .success(found)
    }

    private static func package(
        key: String, _ item: JSONValue, path: String, line: Int
    ) -> ResolvedDependency {
        let fromKey = key.split(separator: "/", omittingEmptySubsequences: false)
        let marker = fromKey.lastIndex(of: "node_modules").map { fromKey[($0 + 1)...].joined(separator: "/") }
        let resolved = item["resolved"]?.stringValue
        let isLink = item["link"]?.boolValue ?? false
        return ResolvedDependency(
            // Under an alias the folder has the one name and `name` the other, which is the package's own.
            name: item["name"]?.stringValue ?? marker ?? key, version: item["version"]?.stringValue ?? "",
            source: isLink
                ? "link"
                : marker == nil
                    ? "file" : Lockfile.source(resolved, inBundle: item["inBundle"]?.boolValue ?? false),
            resolved: resolved, integrity: item["integrity"]?.stringValue,
            license: item["license"]?.stringValue,
            isDevelopment: item["dev"]?.boolValue ?? false,
            hasInstallScript: item["hasInstallScript"]?.boolValue ?? false, file: path, line: line)
    }

    private static func walk(
        _ dependencies: [String: JSONValue], path: String, lines: Lockfile.Lines, depth: Int,
        into found: inout [ResolvedDependency]
    ) {
        guard depth < 64 else { return }
        for name in dependencies.keys.sorted() {
            guard let item = dependencies[name] else { continue }
            var version = item["version"]?.stringValue ?? ""
            var real = name
            var kind = Lockfile.source(
                item["resolved"]?.stringValue ?? version, inBundle: item["bundled"]?.boolValue ?? false)
            if let alias = Lockfile.alias(version) {
                (real, version) = alias
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
}
