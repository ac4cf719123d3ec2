import FoundationEssentials
import Marketplace
import Mustache
import Provenance

/// The templates and assets of a folder like `site-templates`: `layouts`, `pages`, `partials` (`*.mustache`) and
/// `assets` (copied as they are).
public struct Templates: Sendable {
    private let library: MustacheLibrary
    /// The text of each template by its name, `pages/home`.
    let sources: [String: String]
    /// Asset files by their path below `assets/`.
    let assets: [String: [UInt8]]
    /// Of all templates; assets do not go into pages.
    let digest: Digest
    /// Sees every page's values before they are rendered: how the tests hold templates against them.
    var onRender: (@Sendable (String, TemplateValue) -> Void)?

    /// Reads and parses everything below `folder`.
    public init(folder: String) throws(PublishingError) {
        var sources: [String: String] = [:]
        for part in ["layouts", "pages", "partials"] {
            for (name, bytes) in try SiteFiles.read(folder: "\(folder)/\(part)")
            where name.hasSuffix(".mustache") {
                // The engine takes no slash in the name that closes a layout's section.
                let prefix = part == "layouts" ? "layout-" : "\(part)/"
                sources["\(prefix)\(name.dropLast(9))"] = String(decoding: bytes, as: UTF8.self)
            }
        }
        try self.init(sources: sources, assets: try SiteFiles.read(folder: "\(folder)/assets"))
    }

    init(sources: [String: String], assets: [String: [UInt8]]) throws(PublishingError) {
        var library = MustacheLibrary()
        for (name, source) in sources.sorted(by: { $0.key < $1.key }) {
            do {
                try library.register(source, named: name)
            } catch {
                throw PublishingError(
                    .template, subject: "\(name).mustache", cause: "does not parse: \(error)")
            }
        }
        self.library = library
        self.sources = sources
        digest = ContentDigest.joined(
            sources.sorted { $0.key < $1.key }.flatMap { [.sha256(of: $0.key), .sha256(of: $0.value)] })
        self.assets = assets
    }

    /// The page `name` of `pages/` with `values`, as bytes.
    func render(_ name: String, _ values: TemplateValue) throws(PublishingError) -> [UInt8] {
        onRender?(name, values)
        guard let text = library.render(values.forTemplate, withTemplate: "pages/\(name)") else {
            throw PublishingError(
                .template, subject: "pages/\(name).mustache", cause: "is missing from the templates folder")
        }
        return Array(text.utf8)
    }
}
