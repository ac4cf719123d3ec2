/// Atom feeds. Every date in them is a version's own.
struct Feeds {
    let catalogue: Catalogue

    private struct Item {
        let id: String
        let title: String
        let link: String
        let at: String
        let text: String
    }

    static let length = 50

    func render() -> [SiteFile] {
        var new: [Item] = []
        var updates: [Item] = []
        var security: [Item] = []
        var byPublisher: [String: [Item]] = [:]
        var files: [SiteFile] = []
        for entry in catalogue.entries {
            var own: [Item] = []
            for version in entry.versions {
                let item = Item(
                    id: "\(entry.id)/\(version.version)", title: "\(entry.title) \(version.version)",
                    link: entry.path(of: version), at: version.listedAt, text: entry.summary)
                own.append(item)
                if version.version == entry.versions.last?.version {
                    new.append(item)
                } else {
                    updates.append(item)
                }
                if version.status == .yanked || version.status == .revoked {
                    security.append(
                        Item(
                            id: "\(entry.id)/\(version.version)/\(version.status.rawValue)",
                            title: "\(entry.title) \(version.version) was \(version.status.rawValue)",
                            link: entry.path(of: version), at: version.statusAt ?? version.listedAt,
                            text: version.statusReason ?? ""))
                }
            }
            files.append(feed("feeds/plugins/\(entry.id).atom", entry.title, entry.path, own))
            byPublisher[entry.publisher, default: []] += own
        }
        for id in Set(byPublisher.keys).union(catalogue.publishers.keys).sorted() {
            files.append(
                feed(
                    "feeds/publishers/\(id).atom", catalogue.publisherName(id), "publishers/\(id)/",
                    byPublisher[id] ?? []))
        }
        files.append(feed("feeds/new.atom", "New plugins", "browse/new/", new))
        files.append(feed("feeds/updates.atom", "Updates", "browse/new/", updates))
        files.append(feed("feeds/security.atom", "Withdrawn versions", "browse/", security))
        return files
    }

    private func feed(_ path: String, _ title: String, _ page: String, _ items: [Item]) -> SiteFile {
        let base = catalogue.settings.baseURL
        let shown = items.sorted { ($0.at, $0.id) > ($1.at, $1.id) }.prefix(Self.length)
        var out = """
            <?xml version="1.0" encoding="utf-8"?>
            <feed xmlns="http://www.w3.org/2005/Atom">
            <id>\(escaped(base + path))</id>
            <title>\(escaped("\(title) · \(catalogue.settings.name)"))</title>
            <updated>\(escaped(shown.first?.at ?? catalogue.model.asOf))</updated>
            <link rel="self" href="\(escaped(base + path))"/>
            <link href="\(escaped(base + page))"/>
            <author><name>\(escaped(catalogue.settings.name))</name></author>

            """
        for item in shown {
            out += """
                <entry>
                <id>\(escaped("\(base)feeds/\(item.id)"))</id>
                <title>\(escaped(item.title))</title>
                <updated>\(escaped(item.at))</updated>
                <link href="\(escaped(base + item.link))"/>
                <summary>\(escaped(item.text))</summary>
                </entry>

                """
        }
        return SiteFile(path, text: out + "</feed>\n")
    }

    private func escaped(_ text: String) -> String { HTMLEscape.text(text) }
}

/// Files for machines that crawl: sitemap, robots.txt, security.txt.
enum CrawlerFiles {
    /// From the record of written pages, so that it can name no page that is not there.
    static func sitemap(pages: [String], baseURL: String) -> [UInt8] {
        var out = Array("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n".utf8)
        out += Array("<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n".utf8)
        for page in pages.sorted() where page.hasSuffix("index.html") && !page.hasPrefix("search/") {
            out += Array("<url><loc>\(HTMLEscape.text(baseURL + page.dropLast(10)))</loc></url>\n".utf8)
        }
        return out + Array("</urlset>\n".utf8)
    }

    static func robots(baseURL: String) -> String {
        "User-agent: *\nAllow: /\n\nSitemap: \(baseURL)sitemap.xml\n"
    }

    static func security(_ settings: SiteSettings) -> String {
        """
        Contact: \(settings.securityContact)
        Expires: \(settings.securityExpires)
        Canonical: \(settings.baseURL).well-known/security.txt
        Preferred-Languages: en

        """
    }
}
