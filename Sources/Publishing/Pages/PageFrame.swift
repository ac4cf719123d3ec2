import Dispatch
import Synchronization

/// The model with its look-ups made once, for all pages.
struct Catalogue: Sendable {
    let model: SiteModel
    let entries: [CatalogueEntry]
    let publishers: [String: PublisherPage]
    let categories: [String: CategoryInfo]
    /// Files that the caller brings, now or when the site is sealed: pages link to those that will be there.
    let brought: Set<String>
    /// Ids of the scanner's rules that the docs have a section for.
    let rules: Set<String>
    /// The entries that can be installed as lists show them, by title.
    let cards: [PluginCard]
    private let places: [String: Range<Int>]

    var settings: SiteSettings { model.settings }

    /// Sorts and checks: ids once, names that are safe as paths, every version's digest a digest.
    init(_ model: SiteModel, brought: Set<String> = []) throws(PublishingError) {
        self.model = model
        self.brought = brought
        rules = Set(model.references.rules.map(\.id))
        entries = model.entries.sorted { ($0.publisher, $0.name) < ($1.publisher, $1.name) }
        publishers = Dictionary(model.publishers.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        categories = Dictionary(model.categories.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        for (previous, entry) in zip(entries, entries.dropFirst()) where previous.id == entry.id {
            throw PublishingError(.model, subject: entry.id, cause: "is in the model twice")
        }
        for entry in entries {
            guard Self.isPathComponent(entry.publisher), Self.isPathComponent(entry.name) else {
                throw PublishingError(.model, subject: entry.id, cause: "cannot be a path of the site")
            }
            for version in entry.versions {
                guard Self.isPathComponent(version.version), version.sha256.utf8.count == 64,
                    version.sha256.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
                else {
                    throw PublishingError(
                        .model, subject: "\(entry.id) \(version.version)",
                        cause: "has no valid version and digest")
                }
            }
        }
        for publisher in model.publishers where !Self.isPathComponent(publisher.id) {
            throw PublishingError(.model, subject: publisher.id, cause: "cannot be a path of the site")
        }
        var places: [String: Range<Int>] = [:]
        for (index, entry) in entries.enumerated() {
            places[entry.publisher] = (places[entry.publisher]?.lowerBound ?? index)..<index + 1
        }
        self.places = places
        cards = Self.cards(of: entries, publishers).sorted { ($0.key, $0.id) < ($1.key, $1.id) }
    }

    /// Made over the cores: there is one for each plugin, and every build needs all of them.
    private static func cards(
        of entries: [CatalogueEntry], _ publishers: [String: PublisherPage]
    ) -> [PluginCard] {
        let size = 256
        let parts = Mutex([PluginCard]())
        DispatchQueue.concurrentPerform(iterations: (entries.count + size - 1) / size) { part in
            let made = entries[part * size..<min(entries.count, (part + 1) * size)].compactMap {
                PluginCard($0, publisher: publishers[$0.publisher])
            }
            parts.withLock { $0 += made }
        }
        return parts.withLock { $0 }
    }

    /// Letters, digits, `-`, `_`, `+` and inner points.
    static func isPathComponent(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 128 && text.utf8.first != UInt8(ascii: ".")
            && text.utf8.allSatisfy {
                (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
                    || "-_+.".utf8.contains($0)
            }
    }

    func publisherName(_ id: String) -> String { publishers[id]?.name ?? id }

    /// What pages may use of the settings: the date in security.txt moves with the catalogue and stands on no page.
    var pageSettings: SiteSettings {
        var settings = settings
        settings.securityExpires = ""
        return settings
    }

    /// A publisher's entries: they stand together, because ids sort by publisher first.
    func entries(of publisher: String) -> ArraySlice<CatalogueEntry> {
        places[publisher].map { entries[$0] } ?? []
    }

    /// The entries that can be installed, in the catalogue's order.
    var offered: [CatalogueEntry] { entries.filter { $0.current != nil } }
}

extension CatalogueEntry {
    /// `plugins/acme/widget/`.
    var path: String { "plugins/\(publisher)/\(name)/" }

    func path(of version: ListedVersion) -> String { "\(path)\(version.version)/" }
}

/// What every page has around its own part.
struct PageFrame: Sendable {
    let settings: SiteSettings
    /// The page's file, `plugins/a/b/index.html`.
    let path: String
    let title: String
    let summary: String
    /// Which entry of the main menu is the page's: `plugins`, `docs`, `pricing`, …
    var section = ""
    /// Pages above this one: link (relative to the root) and title.
    var crumbs: [(String, String)] = []
    /// JSON-LD of the page, serialised.
    var structuredData: String?
    /// The picture that other sites show beside a link, inside the site.
    var card = "assets/card.png"
    /// Private pages are not for search engines and have another menu.
    var isPrivate = false

    /// The way from the page to the site's root.
    var root: String {
        if path == "404.html" { return Self.basePath(settings.baseURL) }
        let depth = path.utf8.count { $0 == UInt8(ascii: "/") }
        return depth == 0 ? "./" : String(repeating: "../", count: depth)
    }

    /// The path of the base URL: `/` or `/market/`.
    static func basePath(_ url: String) -> String {
        let parts = url.split(separator: "/", omittingEmptySubsequences: false).dropFirst(3)
        return parts.isEmpty ? "/" : "/" + parts.joined(separator: "/")
    }

    /// The page's address: a folder's rather than its index file's.
    var address: String {
        settings.baseURL + (path.hasSuffix("index.html") ? String(path.dropLast(10)) : path)
    }

    /// - Parameter root: the way to the site's root where it is not the page's place that says it.
    func values(_ own: [String: TemplateValue], root: String? = nil) -> TemplateValue {
        var values = own
        values["root"] = .text(root ?? self.root)
        values["site"] = [
            "name": .text(settings.name), "baseURL": .text(settings.baseURL),
            "runtimeURL": .text(settings.runtimeURL),
        ]
        values["page"] = [
            "title": .text(title), "summary": .text(summary), "address": .text(address),
            "card": .text(settings.baseURL + card),
            "isPrivate": .flag(isPrivate), "isPlugins": .flag(section == "plugins"),
            "isDocs": .flag(section == "docs"), "isPricing": .flag(section == "pricing"),
            "isSearch": .flag(section == "search"), "isPublishers": .flag(section == "publishers"),
            "hasCrumbs": .flag(!crumbs.isEmpty),
            "crumbs": crumbs.asList { ["link": .text($0.0), "name": .text($0.1)] },
            "structuredData": structuredData.map { .list([["json": .markup($0)]]) } ?? .list([]),
        ]
        return .record(values)
    }
}
