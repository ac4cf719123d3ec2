import Marketplace
import Provenance

/// The public site as independent pieces of work in a fixed order.
final class SitePlan: Sendable {
    enum Piece: Sendable {
        case searchIndex, index, home, categories, publishers, pricing, search, signIn, register, notFound,
            feeds
        case shelf(Shelves.Shelf, page: Int)
        case publisher(PublisherPage)
        case doc(DocPages.Doc)
        case entry(CatalogueEntry)

        /// What a build's record calls it; no two pieces of a plan have one name.
        var name: String {
            switch self {
            case .searchIndex, .index, .home, .categories, .publishers, .pricing, .search, .signIn, .register,
                .notFound, .feeds:
                "\(self)"
            case .shelf(let shelf, let page): "shelf \(shelf.path) \(page)"
            case .publisher(let publisher): "publisher \(publisher.id)"
            case .doc(let doc): "doc \(doc.link)"
            case .entry(let entry): "entry \(entry.id)"
            }
        }
    }

    /// How a piece is made, and the digest of all that it is made from; none where making it is as quick as asking.
    struct Work {
        let inputs: Digest?
        let make: () throws(PublishingError) -> [SiteFile]
    }

    let pieces: [Piece]
    private let catalogue: Catalogue
    private let templates: Templates
    private let shelves: Shelves
    private let general: GeneralPages
    private let publishers: PublisherPages
    private let docs: DocPages
    /// What every page is made from: the templates and the program.
    private let stamp: Digest
    private let docInputs: Digest

    /// - Parameter program: names the program that makes the pages: what another one made is not taken over.
    init(_ catalogue: Catalogue, templates: Templates, program: String = "") {
        self.catalogue = catalogue
        self.templates = templates
        shelves = Shelves(catalogue)
        general = GeneralPages(catalogue: catalogue, shelves: shelves)
        publishers = PublisherPages(catalogue)
        docs = DocPages(catalogue)
        stamp = ContentDigest.joined([templates.digest, .sha256(of: program)])
        let model = catalogue.model
        docInputs = ContentDigest.joined([
            stamp, ContentDigest.of(model.docs), ContentDigest.of(model.references),
            ContentDigest.of(catalogue.pageSettings),
        ])
        pieces =
            [
                .searchIndex, .index, .home, .categories, .publishers, .pricing, .search, .signIn, .register,
                .notFound, .feeds,
            ]
            + shelves.shelves.flatMap { shelf in (1...shelf.pageCount).map { .shelf(shelf, page: $0) } }
            + publishers.publishers.map(Piece.publisher) + docs.docs.map(Piece.doc)
            + catalogue.entries.map(Piece.entry)
    }

    func work(on piece: Piece) -> Work {
        switch piece {
        case .searchIndex:
            return always { [self] in
                [SiteFile(SearchIndex.path, SearchIndex.bytes(catalogue, entries: catalogue.offered))]
            }
        case .index: return always { [self] in EntryTwin.index(of: catalogue) }
        case .home: return page(GeneralPages.home)
        case .categories: return page(GeneralPages.categories)
        case .publishers: return page(GeneralPages.publishers)
        case .pricing: return page(GeneralPages.pricing)
        case .search: return page(GeneralPages.search)
        case .signIn: return page(GeneralPages.signIn)
        case .register: return page(GeneralPages.register)
        case .notFound: return page(GeneralPages.notFound)
        case .feeds: return always { [self] in Feeds.catalogue(catalogue) }
        case .shelf(let shelf, let page):
            return made(from: shelves.inputs(shelf, page: page)) { [self] () throws(PublishingError) in
                let path = "\(Shelves.path(of: shelf, page: page))index.html"
                return [SiteFile(path, try templates.render("shelf", shelves.values(shelf, page: page)))]
            }
        case .publisher(let publisher):
            let values = publishers.values(of: publisher)
            let feed = Feeds.publisher(publisher.id, in: catalogue)
            let inputs = ContentDigest.joined([ContentDigest.of(values), .sha256(of: feed.bytes)])
            return made(from: inputs) { [self] () throws(PublishingError) in
                [
                    SiteFile(
                        "publishers/\(publisher.id)/index.html", try templates.render("publisher", values)),
                    feed,
                ]
            }
        case .doc(let doc):
            return made(from: docInputs) { [self] () throws(PublishingError) in
                try docs.render(doc, with: templates)
            }
        case .entry(let entry):
            let inputs = PluginInputs(entry, in: catalogue)
            return made(from: ContentDigest.of(inputs)) { [self] () throws(PublishingError) in
                try PluginPages(inputs: inputs).render(with: templates)
            }
        }
    }

    private func page(
        _ make: @escaping (GeneralPages) -> (Templates) throws(PublishingError) -> [SiteFile]
    ) -> Work {
        always { [self] () throws(PublishingError) in try make(general)(templates) }
    }

    private func always(_ make: @escaping () throws(PublishingError) -> [SiteFile]) -> Work {
        Work(inputs: nil, make: make)
    }

    private func made(
        from inputs: Digest, _ make: @escaping () throws(PublishingError) -> [SiteFile]
    ) -> Work {
        Work(inputs: ContentDigest.joined([stamp, inputs]), make: make)
    }
}
