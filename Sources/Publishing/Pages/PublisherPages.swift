/// A publisher's own page.
struct PublisherPages: Sendable {
    let catalogue: Catalogue
    /// By publisher, in the order of titles.
    private let cards: [String: [PluginCard]]

    init(_ catalogue: Catalogue) {
        self.catalogue = catalogue
        cards = Dictionary(grouping: catalogue.cards, by: \.publisher)
    }

    /// All publishers, with those that have entries but no page of their own in the model.
    var publishers: [PublisherPage] {
        let unknown = Set(catalogue.entries.map(\.publisher)).subtracting(catalogue.publishers.keys)
        return (catalogue.publishers.values + unknown.map { PublisherPage(id: $0, name: $0) })
            .sorted { $0.id < $1.id }
    }

    func values(of publisher: PublisherPage) -> TemplateValue {
        let offered = cards[publisher.id] ?? []
        let withdrawn = catalogue.entries(of: publisher.id).filter { $0.current == nil }
        return PageFrame(
            settings: catalogue.settings, path: "publishers/\(publisher.id)/index.html",
            title: publisher.name,
            summary: publisher.about.isEmpty ? "Plugins by \(publisher.name)." : publisher.about,
            section: "publishers", crumbs: [("publishers/", "Publishers")]
        ).values([
            "name": .text(publisher.name), "id": .text(publisher.id), "verified": .flag(publisher.verified),
            "how": .optional(publisher.verifiedHow), "since": .optional(publisher.since),
            "website": .optional(PluginPages.webAddress(publisher.website)),
            "contact": .optional(PluginPages.supportAddress(publisher.contact)),
            "contactWords": .text((publisher.contact ?? "").replacing("mailto:", with: "")),
            "about": .optional(publisher.about),
            "quarantined": .flag(publisher.quarantined), "hasKeys": .flag(!publisher.keys.isEmpty),
            "keys": publisher.keys.asList {
                [
                    "id": .text($0.keyID), "from": .text($0.from), "until": .text($0.until ?? "in use"),
                    "inUse": .flag($0.until == nil),
                ]
            },
            "cards": offered.asList(\.values), "isEmpty": .flag(offered.isEmpty),
            "hasWithdrawn": .flag(!withdrawn.isEmpty),
            "withdrawn": withdrawn.asList { ["link": .text($0.path), "title": .text($0.title)] },
            "feed": .text("feeds/publishers/\(publisher.id).atom"),
        ])
    }
}
