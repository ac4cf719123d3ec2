import Marketplace

/// A plugin as lists show it, and what lists are ordered and filtered by; made once for all of them.
final class PluginCard: Sendable {
    let id: String
    let publisher: String
    let category: String
    let title: String
    /// What the list from A to Z is ordered by.
    let key: String
    /// When the current version was listed.
    let listedAt: String
    let priceShelf: String
    let accessLevel: Int
    let isVerified: Bool
    /// The mean of its stars in tenths, rounded half up, and their count; none where nobody rated it.
    let rating: (tenths: Int, count: Int)?
    let installs: Int?
    let values: TemplateValue
    /// Of `values`.
    let digest: Digest

    /// Nothing for a plugin of which no version can be installed.
    init?(_ entry: CatalogueEntry, publisher: PublisherPage?) {
        guard let current = entry.current else { return nil }
        let pricing = current.pricing ?? entry.pricing
        id = entry.id
        self.publisher = entry.publisher
        category = entry.category
        title = entry.title
        key = entry.title.lowercased()
        listedAt = current.listedAt
        priceShelf = PriceWords.shelf(pricing)
        accessLevel = PlainWords.accessLevel(current.permissions)
        isVerified = publisher?.verified ?? false
        rating = entry.rating.flatMap { $0.count > 0 ? (Words.tenths($0), $0.count) : nil }
        installs = entry.installs
        values = [
            "link": .text(entry.path), "title": .text(entry.title), "id": .text(entry.id),
            "summary": .text(entry.summary), "publisherName": .text(publisher?.name ?? entry.publisher),
            "publisherLink": .text("publishers/\(entry.publisher)/"), "isVerified": .flag(isVerified),
            "price": .text(PriceWords.summary(pricing)),
            "access": .text(PlainWords.accessTitles[accessLevel]), "rating": Parts.rating(entry.rating),
            "version": .text(current.version), "icon": Parts.icon(entry),
        ]
        digest = ContentDigest.of(values)
    }
}
