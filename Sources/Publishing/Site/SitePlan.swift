/// The public site as independent pieces of work in a fixed order.
struct SitePlan: Sendable {
    enum Job: Sendable {
        case home, categories, publishers, pricing, search, signIn, register, notFound, feeds
        case shelf(Shelves.Shelf)
        case doc(DocPages.Doc)
        case entry(CatalogueEntry)
    }

    let jobs: [Job]
    private let catalogue: Catalogue
    private let templates: Templates
    private let shelves: Shelves
    private let general: GeneralPages
    private let docs: DocPages
    private let rules: Set<String>

    init(_ catalogue: Catalogue, templates: Templates) {
        self.catalogue = catalogue
        self.templates = templates
        shelves = Shelves(catalogue)
        general = GeneralPages(catalogue: catalogue, shelves: shelves)
        docs = DocPages(catalogue)
        rules = Set(catalogue.model.references.rules.map(\.id))
        jobs =
            [.home, .categories, .publishers, .pricing, .search, .signIn, .register, .notFound, .feeds]
            + shelves.shelves.map(Job.shelf) + docs.docs.map(Job.doc) + catalogue.entries.map(Job.entry)
    }

    func files(of job: Job) throws(PublishingError) -> [SiteFile] {
        switch job {
        case .home: try general.home(with: templates)
        case .categories: try general.categories(with: templates)
        case .publishers: try general.publishers(with: templates)
        case .pricing: try general.pricing(with: templates)
        case .search: try general.search(with: templates)
        case .signIn: try general.signIn(with: templates)
        case .register: try general.register(with: templates)
        case .notFound: try general.notFound(with: templates)
        case .feeds: Feeds(catalogue: catalogue).render()
        case .shelf(let shelf): try shelves.render(shelf, with: templates)
        case .doc(let doc): try docs.render(doc, with: templates)
        case .entry(let entry):
            try PluginPages(catalogue: catalogue, entry: entry, rules: rules).render(with: templates)
        }
    }
}
