internal import Marketplace

/// Lines with their indentation: all that the lockfiles of yarn and pnpm need of YAML, and no more, because these bytes
/// are a stranger's.
struct IndentedLines {
    struct Line {
        var number: Int
        var indent: Int
        /// Without blanks around it; quotes are still there.
        var text: Substring

        /// `key: value`, or yarn's `key value`, with quotes taken off.
        var pair: (key: String, value: String) {
            let separator: Substring.Index?
            if let quote = text.first, quote == "\"" || quote == "'",
                let close = text.dropFirst().firstIndex(of: quote)
            {
                separator = text[close...].firstIndex { $0 == ":" || $0 == " " }
            } else if let colon = text.range(ofColon: ()) {
                separator = colon
            } else {
                separator = text.firstIndex(of: " ")
            }
            guard let separator else { return (IndentedLines.unquoted(text), "") }
            let value = text[separator...].drop { $0 == ":" || $0 == " " }
            return (IndentedLines.unquoted(text[..<separator]), IndentedLines.unquoted(value))
        }
    }

    private(set) var lines: [Line] = []
    private static let linesMax = 2_000_000

    /// nil where it is not UTF-8 or longer than any lockfile.
    init?(_ bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        var number = 0
        for raw in text.split(separator: "\n", omittingEmptySubsequences: false) {
            number += 1
            guard number <= Self.linesMax else { return nil }
            let body = raw.last == "\r" ? raw.dropLast() : raw
            let content = body.drop { $0 == " " }
            guard !content.isEmpty, !content.hasPrefix("#"), content != "---" else { continue }
            lines.append(Line(number: number, indent: body.count - content.count, text: content))
        }
    }

    static func unquoted(_ text: Substring) -> String {
        guard let quote = text.first, quote == "\"" || quote == "'", text.last == quote, text.count >= 2
        else {
            return String(text)
        }
        return String(text.dropFirst().dropLast())
    }
}

extension Substring {
    /// The colon that ends a key: one with a blank or nothing behind it.
    fileprivate func range(ofColon: Void) -> Index? {
        var index = startIndex
        while index < endIndex {
            if self[index] == ":" {
                let next = self.index(after: index)
                if next == endIndex || self[next] == " " { return index }
            }
            index = self.index(after: index)
        }
        return nil
    }
}

/// yarn.lock, of yarn 1 and of the later ones ("berry").
enum YarnLockfile {
    private struct Entry {
        var keys: String
        var line: Int
        var values: [String: String] = [:]
    }

    static func read(_ bytes: [UInt8], path: String) -> Result<[ResolvedDependency], ScanError> {
        func fail(_ cause: String) -> Result<[ResolvedDependency], ScanError> {
            .failure(ScanError(.badReport, subject: path, cause: cause))
        }
        guard let content = IndentedLines(bytes) else { return fail("it is no text") }
        var entries: [Entry] = []
        for line in content.lines {
            if line.indent == 0 {
                guard line.text.hasSuffix(":") else { return fail("line \(line.number) is no entry") }
                entries.append(Entry(keys: String(line.text.dropLast()), line: line.number))
            } else if line.indent == 2, !entries.isEmpty {
                let (key, value) = line.pair
                if !value.isEmpty { entries[entries.count - 1].values[key] = value }
            }
        }
        let isEmpty = String(decoding: bytes.prefix(200), as: UTF8.self).contains("yarn lockfile")
        guard !entries.isEmpty || isEmpty else { return fail("it is no yarn.lock") }
        let isBerry = entries.contains { $0.keys == "__metadata" }
        var found: [ResolvedDependency] = []
        for entry in entries where entry.keys != "__metadata" {
            guard let version = entry.values["version"] else {
                return fail("the entry on line \(entry.line) has no version")
            }
            guard let item = isBerry ? berry(entry, version, path) : classic(entry, version, path) else {
                return fail("the entry on line \(entry.line) has no name")
            }
            found.append(item)
        }
        return .success(found)
    }

    private static func classic(_ entry: Entry, _ version: String, _ path: String) -> ResolvedDependency? {
        let first = IndentedLines.unquoted(Substring(entry.keys.split(separator: ",")[0]))
        guard let (name, range) = Lockfile.parted(Substring(first)) else { return nil }
        let resolved = entry.values["resolved"]
        return ResolvedDependency(
            name: Lockfile.alias(range)?.name ?? name, version: version,
            source: resolved == nil && (range.hasPrefix("file:") || range.hasPrefix("link:"))
                ? String(range.prefix(4)) : Lockfile.source(resolved, inBundle: false),
            // yarn writes SHA-1 behind the address, where there is no integrity of its own.
            resolved: resolved,
            integrity: entry.values["integrity"] ?? (resolved?.contains("#") ?? false ? "sha1-" : nil),
            file: path,
            line: entry.line)
    }

    private static func berry(_ entry: Entry, _ version: String, _ path: String) -> ResolvedDependency? {
        let resolution = entry.values["resolution"] ?? IndentedLines.unquoted(Substring(entry.keys))
        guard let (name, place) = Lockfile.parted(Substring(resolution)) else { return nil }
        let protocolName = place.prefix { $0 != ":" }
        let source: String
        switch protocolName {
        case "npm", "patch": source = "registry"
        case "workspace", "link", "portal": source = "link"
        case "file": source = "file"
        default: source = Lockfile.source(place, inBundle: false)
        }
        return ResolvedDependency(
            name: name, version: version, source: source, resolved: source == "registry" ? nil : place,
            integrity: entry.values["checksum"].map { "yarn-" + $0 }, file: path, line: entry.line)
    }
}

/// pnpm-lock.yaml, versions 5 to 9.
enum PNPMLockfile {
    static func read(_ bytes: [UInt8], path: String) -> Result<[ResolvedDependency], ScanError> {
        func fail(_ cause: String) -> Result<[ResolvedDependency], ScanError> {
            .failure(ScanError(.badReport, subject: path, cause: cause))
        }
        guard let content = IndentedLines(bytes) else { return fail("it is no text") }
        guard
            let head = content.lines.first(where: { $0.indent == 0 && $0.text.hasPrefix("lockfileVersion") }),
            let major = Int(head.pair.value.prefix { $0.isNumber })
        else { return fail("it has no lockfileVersion") }
        guard (5...9).contains(major) else { return fail("lockfileVersion \(head.pair.value) is not known") }
        var found: [ResolvedDependency] = []
        var section = ""
        var current: ResolvedDependency?
        var isOverridden = false
        for line in content.lines {
            let (key, value) = line.pair
            switch line.indent {
            case 0:
                if let item = current { found.append(item) }
                current = nil
                section = key
            case 2 where section == "packages":
                if let item = current { found.append(item) }
                guard let item = package(key, major, path, line.number) else {
                    return fail("line \(line.number) names no package: \(key.prefix(80))")
                }
                current = item
                isOverridden = false
            case 4... where section == "packages" && current != nil:
                switch key {
                case "resolution", "integrity", "tarball", "commit", "repo", "type":
                    resolve(key, value, &current)
                case "dev" where line.indent == 4: current?.isDevelopment = value == "true"
                case "requiresBuild" where line.indent == 4: current?.hasInstallScript = value == "true"
                // What does not come from the registry has its name and version beside its address.
                case "name" where line.indent == 4: current?.name = value
                case "version" where line.indent == 4 && !isOverridden:
                    current?.version = value
                    isOverridden = true
                default: break
                }
            default: break
            }
        }
        if let item = current { found.append(item) }
        return .success(found)
    }

    /// `/name/1.2.3_peer@1` (5), `/name@1.2.3(peer@1)` (6), `name@1.2.3` (9), or an address.
    private static func package(
        _ key: String, _ major: Int, _ path: String, _ line: Int
    ) -> ResolvedDependency? {
        func item(_ name: String, _ version: String, _ source: String, _ resolved: String? = nil)
            -> ResolvedDependency
        {
            ResolvedDependency(
                name: name, version: version, source: source, resolved: resolved, file: path, line: line)
        }
        if key.hasPrefix("file:") || key.hasPrefix("link:") {
            return item(key, "", String(key.prefix(4)), key)
        }
        let bare = key.prefix { $0 != "(" }
        if !key.hasPrefix("/"), major < 9 {
            return item(String(bare), "", Lockfile.source("https://" + bare, inBundle: false), String(bare))
        }
        let text = bare.hasPrefix("/") ? bare.dropFirst() : bare
        if major == 5 {
            let parts = text.split(separator: "/")
            let count = text.hasPrefix("@") ? 2 : 1
            guard parts.count == count + 1 else { return nil }
            let version = parts[count].prefix { $0 != "_" }
            return item(parts[..<count].joined(separator: "/"), String(version), "registry")
        }
        guard let (name, place) = Lockfile.parted(text) else { return nil }
        if Version(place) != nil { return item(name, place, "registry") }
        if place.hasPrefix("file:") || place.hasPrefix("link:") {
            return item(name, "", String(place.prefix(4)), place)
        }
        return item(name, "", Lockfile.source(place, inBundle: false), place)
    }

    /// `{integrity: sha512-…, tarball: https://…}`, on one line or on several.
    private static func resolve(_ key: String, _ value: String, _ item: inout ResolvedDependency?) {
        var pairs = [(key, value)]
        if value.hasPrefix("{") {
            pairs = value.dropFirst().prefix { $0 != "}" }.split(separator: ",").compactMap { part in
                guard let colon = part.firstIndex(of: ":") else { return nil }
                let text = part[part.index(after: colon)...].drop { $0 == " " }
                return (String(part[..<colon].filter { $0 != " " }), IndentedLines.unquoted(text))
            }
        }
        for (name, text) in pairs {
            switch name {
            case "integrity": item?.integrity = text
            case "tarball":
                item?.resolved = text
                item?.source = Lockfile.source(text, inBundle: false)
            case "repo":
                item?.resolved = text
                item?.source = "git"
            default: break
            }
        }
    }
}
