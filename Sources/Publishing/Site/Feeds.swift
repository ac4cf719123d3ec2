import Marketplace

/// Atom feeds. Every date in them is a version's own.
enum Feeds {
    private struct Item {
        let id: String
        let title: String
        let link: String
        let at: String
        let text: String

        init(_ version: ListedVersion, of entry: CatalogueEntry) {
            id = "\(entry.id)/\(version.version)"
            title = "\(entry.title) \(version.version)"
            link = entry.path(of: version)
            at = version.listedAt
            text = entry.summary
        }

        /// That a version was withdrawn.
        init(withdrawn version: ListedVersion, of entry: CatalogueEntry) {
            id = "\(entry.id)/\(version.version)/\(version.status.rawValue)"
            title = "\(entry.title) \(version.version) was \(version.status.rawValue)"
            link = entry.path(of: version)
            at = version.statusAt ?? version.listedAt
            text = version.statusReason ?? ""
        }
    }

    static let length = 50

    /// What is new, updated and withdrawn in the whole catalogue.
    static func catalogue(_ catalogue: Catalogue) -> [SiteFile] {
        var new: [Item] = []
        var updates: [Item] = []
        var security: [Item] = []
        for entry in catalogue.entries {
            for (index, version) in entry.versions.enumerated() {
                let isFirst = index == entry.versions.count - 1
                if isFirst {
                    new.append(Item(version, of: entry))
                } else {
                    updates.append(Item(version, of: entry))
                }
                if version.status == .yanked || version.status == .revoked {
                    security.append(Item(withdrawn: version, of: entry))
                }
            }
        }
        let (settings, asOf) = (catalogue.settings, catalogue.model.asOf)
        return [
            feed("feeds/new.atom", "New plugins", "browse/new/", new, settings, asOf),
            feed("feeds/updates.atom", "Updates", "browse/new/", updates, settings, asOf),
            feed("feeds/security.atom", "Withdrawn versions", "browse/", security, settings, asOf),
        ]
    }

    static func plugin(_ entry: CatalogueEntry, _ settings: SiteSettings) -> SiteFile {
        feed(
            "feeds/plugins/\(entry.id).atom", entry.title, entry.path,
            entry.versions.map { Item($0, of: entry) }, settings, "1970-01-01T00:00:00Z")
    }

    static func publisher(_ id: String, in catalogue: Catalogue) -> SiteFile {
        feed(
            "feeds/publishers/\(id).atom", catalogue.publisherName(id), "publishers/\(id)/",
            catalogue.entries(of: id).flatMap { entry in entry.versions.map { Item($0, of: entry) } },
            catalogue.settings, catalogue.model.asOf)
    }

    /// - Parameter asOf: the date of a feed that has no item.
    private static func feed(
        _ path: String, _ title: String, _ page: String, _ items: [Item], _ settings: SiteSettings,
        _ asOf: String
    ) -> SiteFile {
        let base = settings.baseURL
        let shown = items.sorted { ($0.at, $0.id) > ($1.at, $1.id) }.prefix(Self.length)
        var out = """
            <?xml version="1.0" encoding="utf-8"?>
            <feed xmlns="http://www.w3.org/2005/Atom">
            <id>\(escaped(base + path))</id>
            <title>\(escaped("\(title) · \(settings.name)"))</title>
            <updated>\(escaped(shown.first?.at ?? asOf))</updated>
            <link rel="self" href="\(escaped(base + path))"/>
            <link href="\(escaped(base + page))"/>
            <author><name>\(escaped(settings.name))</name></author>

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

    private static func escaped(_ text: String) -> String { HTMLEscape.text(text) }
}

/// Files for machines that crawl: sitemap, robots.txt, security.txt.
enum CrawlerFiles {
    /// From the record of written pages, so that it can name no page that is not there.
    static func sitemap(pages: [String], baseURL: String) -> [UInt8] {
        var out = Array("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n".utf8)
        out += Array("<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n".utf8)
        let (before, after) = (
            Array("<url><loc>\(HTMLEscape.text(baseURL))".utf8), Array("</loc></url>\n".utf8)
        )
        for page in pages.sorted() where page.hasSuffix("index.html") && !page.hasPrefix("search/") {
            out += before
            HTMLEscape.append(page.utf8.dropLast("index.html".utf8.count), to: &out)
            out += after
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
