/// Reads the links and anchors of our own pages. It is no HTML parser and needs none: our templates write every
/// attribute as ` name="value"`, and every `"` in text is escaped.
struct PageLinks: Sendable {
    /// Values of `href` and `src`.
    var targets: [String] = []
    var ids: Set<String> = []

    init(html: [UInt8]) {
        html.withUnsafeBufferPointer { bytes in
            var position = 0
            while position + 5 < bytes.count {
                guard bytes[position] == UInt8(ascii: "="), bytes[position + 1] == UInt8(ascii: "\"") else {
                    position += 1
                    continue
                }
                let kind = Self.attribute(before: position, in: bytes)
                let start = position + 2
                var end = start
                while end < bytes.count, bytes[end] != UInt8(ascii: "\"") { end += 1 }
                position = end + 1
                if kind == .none { continue }
                let value = Self.unescaped(String(decoding: bytes[start..<end], as: UTF8.self))
                if kind == .id { ids.insert(value) } else { targets.append(value) }
            }
        }
    }

    private enum Kind { case none, id, target }

    private static func attribute(before end: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Kind {
        var start = end
        while start > 0, (97...122).contains(bytes[start - 1]) || bytes[start - 1] == UInt8(ascii: "-") {
            start -= 1
        }
        guard start > 0, bytes[start - 1] <= 32 else { return .none }
        switch end - start {
        case 2:
            return bytes[start] == UInt8(ascii: "i") && bytes[start + 1] == UInt8(ascii: "d") ? .id : .none
        case 3: return "src".utf8.elementsEqual(bytes[start..<end]) ? .target : .none
        case 4: return "href".utf8.elementsEqual(bytes[start..<end]) ? .target : .none
        default: return .none
        }
    }

    private static func unescaped(_ value: String) -> String {
        guard value.utf8.contains(UInt8(ascii: "&")) else { return value }
        var out = value
        for (entity, text) in [
            ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&"),
        ] {
            out = out.split(separator: entity, omittingEmptySubsequences: false).joined(separator: text)
        }
        return out
    }
}

/// Where the links of a page lead.
struct LinkResolver {
    /// Where the site stands; absolute links below it are internal too.
    let baseURL: String

    /// The file and anchor that an internal link names; nil for a link that leaves the site.
    func resolve(_ target: String, from page: String) -> (path: String, fragment: String?)? {
        var target = target
        if !baseURL.isEmpty, target.hasPrefix(baseURL) {
            target = "/" + target.dropFirst(baseURL.count)
        } else if LinkSafety.scheme(of: target.utf8) != nil || target.hasPrefix("//") {
            return nil
        }
        let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let fragment = parts.count > 1 ? String(parts[1]) : nil
        let path = String(parts[0].split(separator: "?", omittingEmptySubsequences: false).first ?? "")
        if path.isEmpty { return (page, fragment) }
        var components = path.hasPrefix("/") ? [] : page.split(separator: "/").dropLast().map(String.init)
        for component in path.split(separator: "/") {
            switch component {
            case ".": continue
            case "..":
                if components.popLast() == nil { return ("(outside the site)", nil) }
            default: components.append(Self.percentDecoded(String(component)))
            }
        }
        if path.hasSuffix("/") || path.hasSuffix("/.") || path.hasSuffix("..") || path == "." {
            components.append("index.html")
        }
        return (components.joined(separator: "/"), fragment)
    }

    static func percentDecoded(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        var out: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                out.append(value)
                rest = rest.dropFirst(2)
            } else {
                out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}

/// The links of the pages of a build, and whether they lead somewhere.
struct LinkCheck: Sendable {
    private struct Link: Hashable {
        var path: String
        var fragment: String?
    }

    /// Pages that were read.
    private(set) var pages: Set<String> = []
    /// What is linked to, each with the first page that does.
    private var links: [Link: String] = [:]
    private var problems: [String] = []
    /// Links into pages from pages that were not read, because they were taken over.
    private var adopted: [BuildRecord.Anchor] = []

    /// Takes a page's links up; returns those that lead to a place inside another page.
    mutating func note(_ found: PageLinks, on page: String, baseURL: String) -> [BuildRecord.Anchor] {
        let resolver = LinkResolver(baseURL: baseURL)
        pages.insert(page)
        var anchors: [BuildRecord.Anchor] = []
        for target in Set(found.targets) {
            guard let (path, fragment) = resolver.resolve(target, from: page) else { continue }
            if path == page {
                if let fragment, !fragment.isEmpty, !found.ids.contains(LinkResolver.percentDecoded(fragment))
                {
                    problems.append("\(page): \(target) has no anchor")
                }
            } else {
                add(Link(path: path, fragment: fragment), from: page)
                if let fragment, !fragment.isEmpty {
                    anchors.append(BuildRecord.Anchor(page: page, path: path, fragment: fragment))
                }
            }
        }
        return anchors.sorted { ($0.path, $0.fragment) < ($1.path, $1.fragment) }
    }

    private mutating func add(_ link: Link, from page: String) {
        if links[link].map({ page < $0 }) ?? true { links[link] = page }
    }

    mutating func merge(_ other: LinkCheck) {
        pages.formUnion(other.pages)
        problems += other.problems
        for (link, page) in other.links { add(link, from: page) }
    }

    mutating func adopt(_ anchors: [BuildRecord.Anchor]) { adopted += anchors }

    /// Throws when a link leads nowhere; names up to twenty of them. A page that was taken over was right when it was
    /// made: of its links only those into pages that were made anew are looked at.
    ///
    /// - Parameter idsOf: the ids in a page.
    func check(
        records: [String: SiteFileRecord], later: Set<String>,
        idsOf: (String) throws(PublishingError) -> Set<String>
    ) throws(PublishingError) {
        var all = self
        for anchor in adopted where pages.contains(anchor.path) {
            all.add(Link(path: anchor.path, fragment: anchor.fragment), from: anchor.page)
        }
        var problems = problems
        var ids: [String: Set<String>] = [:]
        // Where one server answers for both, these are the runtime's.
        let live = ["account/", "publisher/", "review/", "v1/"]
        for (link, page) in all.links where !live.contains(where: { link.path.hasPrefix($0) }) {
            guard records[link.path] != nil || later.contains(link.path) else {
                problems.append("\(page): links to \(link.path), which is not in the site")
                continue
            }
            guard let fragment = link.fragment, !fragment.isEmpty, link.path.hasSuffix(".html") else {
                continue
            }
            if ids[link.path] == nil { ids[link.path] = try idsOf(link.path) }
            if ids[link.path]?.contains(LinkResolver.percentDecoded(fragment)) != true {
                problems.append("\(page): links to \(link.path)#\(fragment), which has no such anchor")
            }
        }
        guard problems.isEmpty else {
            let shown = problems.sorted().prefix(20).joined(separator: "; ")
            throw PublishingError(
                .brokenLink, subject: Words.count(problems.count, "broken link"), cause: shown)
        }
    }
}
