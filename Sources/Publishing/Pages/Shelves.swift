import Marketplace

/// Lists of plugins as plain pages: all of them, by letter, category, price model, access, trust, rating, and
/// sorted in other ways. Every filter is a link, so browsing needs no script.
struct Shelves: Sendable {
    struct Shelf: Sendable {
        /// `browse/price/free/`.
        let path: String
        let title: String
        let summary: String
        let cards: [PluginCard]
        /// Left out of the menu and, with no entries, out of the site.
        var isAlwaysThere = false

        var isShown: Bool { isAlwaysThere || !cards.isEmpty }
        var pageCount: Int { max(1, (cards.count + Shelves.pageSize - 1) / Shelves.pageSize) }
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
    /// Of what every page of a list shows: the site's words and the lists with their counts.
    private let menu: Digest

    init(_ catalogue: Catalogue) {
        self.catalogue = catalogue
        let cards = catalogue.cards
        all = Shelf(
            path: "browse/", title: "All plugins",
            summary: "Every plugin that can be installed, from A to Z.",
            cards: cards, isAlwaysThere: true)
        letters = Dictionary(grouping: cards, by: Self.letter).sorted { $0.key < $1.key }.map {
            letter, cards in
            Shelf(
                path: "browse/letter/\(letter == "#" ? "other" : letter.lowercased())/",
                title: "Plugins: \(letter)",
                summary: "Plugins whose name begins with \(letter).", cards: cards)
        }
        let byCategory = Dictionary(grouping: cards, by: \.category)
        categories = catalogue.model.categories.map { category in
            Shelf(
                path: "categories/\(category.id)/", title: category.title, summary: category.summary,
                cards: byCategory[category.id] ?? [], isAlwaysThere: true)
        }
        let sorts = [
            Shelf(
                path: "browse/new/", title: "Newest", summary: "Plugins by the day of their current version.",
                cards: cards.sorted { ($0.listedAt, $1.id) > ($1.listedAt, $0.id) }, isAlwaysThere: true),
            Shelf(
                path: "browse/top-rated/", title: "Best rated",
                summary: "Plugins by what their customers say.",
                cards: cards.filter { $0.rating != nil }.sorted {
                    ($0.rating!.tenths, $0.rating!.count, $1.id) > (
                        $1.rating!.tenths, $1.rating!.count, $0.id
                    )
                }),
            Shelf(
                path: "browse/most-installed/", title: "Most installed",
                summary: "Plugins by their installations.",
                cards: cards.filter { $0.installs != nil }.sorted {
                    ($0.installs ?? 0, $1.id) > ($1.installs ?? 0, $0.id)
                }),
        ]
        groups = [
            Group(title: "Order", shelves: [all] + sorts),
            Group(title: "Price", shelves: Self.prices(cards)),
            Group(title: "Access", shelves: Self.access(cards)),
            Group(
                title: "Trust",
                shelves: [
                    Shelf(
                        path: "browse/verified/", title: "Verified publishers",
                        summary: "Plugins of publishers whose name was verified.",
                        cards: cards.filter(\.isVerified)),
                    Shelf(
                        path: "browse/rated-4/", title: "Rated 4 and better",
                        summary: "Plugins rated 4.0 and better.",
                        cards: cards.filter { ($0.rating?.tenths ?? 0) >= 40 }),
                ]),
        ]
        let lists = (groups.flatMap(\.shelves) + letters + categories).filter { $0.isShown }
        menu = ContentDigest.joined([
            ContentDigest.of(catalogue.pageSettings),
            ContentDigest.of(
                lists.flatMap { [$0.path, $0.title, "\($0.cards.count)"] } + groups.map(\.title)),
        ])
    }

    private static func prices(_ cards: [PluginCard]) -> [Shelf] {
        let titles = [
            ("free", "Free", "Plugins that cost nothing."),
            ("freemium", "Free with paid plans", "Plugins with a free plan and plans that cost."),
            ("subscription", "Subscription", "Plugins at a fixed fee a month or a year."),
            ("payPerUse", "Pay per use", "Plugins charged by what is used."),
            ("oneTime", "Bought once", "Plugins paid once."),
        ]
        let byModel = Dictionary(grouping: cards, by: \.priceShelf)
        return titles.map { id, title, summary in
            Shelf(
                path: "browse/price/\(id.lowercased())/", title: title, summary: summary,
                cards: byModel[id] ?? [])
        }
    }

    private static func access(_ cards: [PluginCard]) -> [Shelf] {
        let byLevel = Dictionary(grouping: cards, by: \.accessLevel)
        let summaries = [
            "Plugins that touch none of your data.",
            "Plugins that read some of your data and change nothing.",
            "Plugins that change data or start workflows, and send nothing out.",
            "Plugins that exchange data with hosts outside your application.",
        ]
        return PlainWords.accessIDs.indices.map { level in
            Shelf(
                path: "browse/access/\(PlainWords.accessIDs[level])/", title: PlainWords.accessTitles[level],
                summary: summaries[level], cards: byLevel[level] ?? [])
        }
    }

    private static func letter(_ card: PluginCard) -> String {
        guard let first = card.title.uppercased().unicodeScalars.first, (65...90).contains(first.value)
        else {
            return "#"
        }
        return String(first)
    }

    /// Every shelf that has a page.
    var shelves: [Shelf] {
        (groups.flatMap(\.shelves) + letters + categories).filter(\.isShown)
    }

    /// Names all that a page of a shelf is made from: its words, the lists of all shelves, and the cards on it.
    func inputs(_ shelf: Shelf, page number: Int) -> Digest {
        let words = ContentDigest.of([
            shelf.path, shelf.title, shelf.summary, "\(shelf.cards.count)", "\(number)",
        ])
        return ContentDigest.joined([menu, words] + cards(of: shelf, page: number).map(\.digest))
    }

    private func cards(of shelf: Shelf, page number: Int) -> ArraySlice<PluginCard> {
        let from = (number - 1) * Self.pageSize
        return shelf.cards[from..<min(from + Self.pageSize, shelf.cards.count)]
    }

    /// One page of a shelf; the first is number 1.
    func values(_ shelf: Shelf, page number: Int) -> TemplateValue {
        let count = shelf.pageCount
        let frame = PageFrame(
            settings: catalogue.settings, path: "\(Self.path(of: shelf, page: number))index.html",
            title: number == 1 ? shelf.title : "\(shelf.title), page \(number)", summary: shelf.summary,
            section: "plugins", crumbs: shelf.path == all.path ? [] : [(all.path, "Plugins")])
        let shown = cards(of: shelf, page: number)
        return frame.values([
            "heading": .text(shelf.title), "summary": .text(shelf.summary),
            "isEmpty": .flag(shown.isEmpty), "count": .text(Words.count(shelf.cards.count, "plugin")),
            "cards": shown.asList(\.values),
            "groups": groups.asList { group in
                [
                    "name": .text(group.title),
                    "shelves": group.shelves.filter(\.isShown).asList { link($0, from: shelf) },
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
    }

    private func link(_ shelf: Shelf, from current: Shelf) -> TemplateValue {
        let name = shelf.path.hasPrefix("browse/letter/") ? String(shelf.title.last ?? "#") : shelf.title
        return [
            "name": .text(name), "link": .text(shelf.path), "count": .text(Words.count(shelf.cards.count)),
            "isHere": .flag(shelf.path == current.path),
        ]
    }

    static func path(of shelf: Shelf, page: Int) -> String {
        page == 1 ? shelf.path : "\(shelf.path)page-\(page)/"
    }

    /// The first, the last, and those around the current one.
    private static func neighbours(of number: Int, in count: Int) -> [Int] {
        (1...count).filter { $0 == 1 || $0 == count || abs($0 - number) <= 2 }
    }
}
