/// Lists of plugins as plain pages: all of them, by letter, category, price model, access, trust, rating, and
/// sorted in other ways. Every filter is a link, so browsing needs no script.
struct Shelves: Sendable {
    struct Shelf: Sendable {
        /// `browse/price/free/`.
        let path: String
        let title: String
        let summary: String
        let entries: [CatalogueEntry]
        /// Left out of the menu and, with no entries, out of the site.
        var isAlwaysThere = false
    }

    struct Group: Sendable {
        let title: String
        let shelves: [Shelf]
    }

    static let pageSize = 60

    let catalogue: Catalogue
    let groups: [Group]
    let letters: [Shelf]
    let categories: [Shelf]
    let all: Shelf

    init(_ catalogue: Catalogue) {
        self.catalogue = catalogue
        let entries = catalogue.offered.sorted { Self.sortKey($0) < Self.sortKey($1) }
        all = Shelf(
            path: "browse/", title: "All plugins",
            summary: "Every plugin that can be installed, from A to Z.",
            entries: entries, isAlwaysThere: true)
        letters = Dictionary(grouping: entries, by: Self.letter).sorted { $0.key < $1.key }.map {
            letter, entries in
            Shelf(
                path: "browse/letter/\(letter == "#" ? "other" : letter.lowercased())/",
                title: "Plugins: \(letter)",
                summary: "Plugins whose name begins with \(letter).", entries: entries)
        }
        let byCategory = Dictionary(grouping: entries, by: \.category)
        categories = catalogue.model.categories.map { category in
            Shelf(
                path: "categories/\(category.id)/", title: category.title, summary: category.summary,
                entries: byCategory[category.id] ?? [], isAlwaysThere: true)
        }
        let sorts = [
            Shelf(
                path: "browse/new/", title: "Newest", summary: "Plugins by the day of their current version.",
                entries: entries.sorted {
                    ($0.current?.listedAt ?? "", $1.id) > ($1.current?.listedAt ?? "", $0.id)
                }, isAlwaysThere: true),
            Shelf(
                path: "browse/top-rated/", title: "Best rated",
                summary: "Plugins by what their customers say.",
                entries: entries.filter { ($0.rating?.count ?? 0) > 0 }.sorted {
                    (Words.mean($0.rating!), $0.rating!.count, $1.id) > (
                        Words.mean($1.rating!), $1.rating!.count, $0.id
                    )
                }),
            Shelf(
                path: "browse/most-installed/", title: "Most installed",
                summary: "Plugins by their installations.",
                entries: entries.filter { $0.installs != nil }.sorted {
                    ($0.installs ?? 0, $1.id) > ($1.installs ?? 0, $0.id)
                }),
        ]
        groups = [
            Group(title: "Order", shelves: [all] + sorts),
            Group(title: "Price", shelves: Self.prices(entries)),
            Group(title: "Access", shelves: Self.access(entries)),
            Group(
                title: "Trust",
                shelves: [
                    Shelf(
                        path: "browse/verified/", title: "Verified publishers",
                        summary: "Plugins of publishers whose name was verified.",
                        entries: entries.filter { catalogue.publishers[$0.publisher]?.verified ?? false }),
                    Shelf(
                        path: "browse/rated-4/", title: "Rated 4 and better",
                        summary: "Plugins rated 4.0 and better.",
                        entries: entries.filter {
                            ($0.rating?.count ?? 0) > 0 && !Words.isLess(Words.mean($0.rating!), "4")
                        }),
                ]),
        ]
    }

    private static func prices(_ entries: [CatalogueEntry]) -> [Shelf] {
        let titles = [
            ("free", "Free", "Plugins that cost nothing."),
            ("freemium", "Free with paid plans", "Plugins with a free plan and plans that cost."),
            ("subscription", "Subscription", "Plugins at a fixed fee a month or a year."),
            ("payPerUse", "Pay per use", "Plugins charged by what is used."),
            ("oneTime", "Bought once", "Plugins paid once."),
        ]
        let byModel = Dictionary(grouping: entries) { PriceWords.shelf($0.current?.pricing ?? $0.pricing) }
        return titles.map { id, title, summary in
            Shelf(
                path: "browse/price/\(id.lowercased())/", title: title, summary: summary,
                entries: byModel[id] ?? [])
        }
    }

    private static func access(_ entries: [CatalogueEntry]) -> [Shelf] {
        let byLevel = Dictionary(grouping: entries) { PlainWords.accessLevel($0.current?.permissions ?? []) }
        let summaries = [
            "Plugins that touch none of your data.",
            "Plugins that read some of your data and change nothing.",
            "Plugins that change data or start workflows, and send nothing out.",
            "Plugins that exchange data with hosts outside your application.",
        ]
        return PlainWords.accessIDs.indices.map { level in
            Shelf(
                path: "browse/access/\(PlainWords.accessIDs[level])/", title: PlainWords.accessTitles[level],
                summary: summaries[level], entries: byLevel[level] ?? [])
        }
    }

    private static func sortKey(_ entry: CatalogueEntry) -> (String, String) {
        (entry.title.lowercased(), entry.id)
    }

    private static func letter(_ entry: CatalogueEntry) -> String {
        guard let first = entry.title.uppercased().unicodeScalars.first, (65...90).contains(first.value)
        else {
            return "#"
        }
        return String(first)
    }

    /// Every shelf that has a page.
    var shelves: [Shelf] {
        (groups.flatMap(\.shelves) + letters + categories).filter { $0.isAlwaysThere || !$0.entries.isEmpty }
    }

    func render(_ shelf: Shelf, with templates: Templates) throws(PublishingError) -> [SiteFile] {
        let count = max(1, (shelf.entries.count + Self.pageSize - 1) / Self.pageSize)
        var files: [SiteFile] = []
        for number in 1...count {
            let path = Self.path(of: shelf, page: number)
            let frame = PageFrame(
                settings: catalogue.settings, path: "\(path)index.html",
                title: number == 1 ? shelf.title : "\(shelf.title), page \(number)", summary: shelf.summary,
                section: "plugins", crumbs: shelf.path == all.path ? [] : [(all.path, "Plugins")])
            let from = (number - 1) * Self.pageSize
            let shown = shelf.entries[from..<min(from + Self.pageSize, shelf.entries.count)]
            let values = frame.values([
                "heading": .text(shelf.title), "summary": .text(shelf.summary),
                "isEmpty": .flag(shown.isEmpty),
                "count": .text(Words.count(shelf.entries.count, "plugin")),
                "cards": shown.asList { Parts.card($0, in: catalogue) },
                "groups": groups.asList { group in
                    [
                        "name": .text(group.title),
                        "shelves": group.shelves.filter { $0.isAlwaysThere || !$0.entries.isEmpty }.asList {
                            link($0, from: shelf)
                        },
                    ]
                },
                "categories": categories.asList { link($0, from: shelf) },
                "letters": letters.asList { link($0, from: shelf) },
                "hasPages": .flag(count > 1),
                "pages": Self.neighbours(of: number, in: count).asList {
                    [
                        "number": .number($0), "link": .text(Self.path(of: shelf, page: $0)),
                        "isHere": .flag($0 == number),
                    ]
                },
                "older": number < count
                    ? .list([["link": .text(Self.path(of: shelf, page: number + 1))]]) : .list([]),
                "newer": number > 1
                    ? .list([["link": .text(Self.path(of: shelf, page: number - 1))]]) : .list([]),
            ])
            files.append(SiteFile("\(path)index.html", try templates.render("shelf", values)))
        }
        return files
    }

    private func link(_ shelf: Shelf, from current: Shelf) -> TemplateValue {
        let name = shelf.path.hasPrefix("browse/letter/") ? String(shelf.title.last ?? "#") : shelf.title
        return [
            "name": .text(name), "link": .text(shelf.path), "count": .text(Words.count(shelf.entries.count)),
            "isHere": .flag(shelf.path == current.path),
        ]
    }

    private static func path(of shelf: Shelf, page: Int) -> String {
        page == 1 ? shelf.path : "\(shelf.path)page-\(page)/"
    }

    /// The first, the last, and those around the current one.
    private static func neighbours(of number: Int, in count: Int) -> [Int] {
        (1...count).filter { $0 == 1 || $0 == count || abs($0 - number) <= 2 }
    }
}
