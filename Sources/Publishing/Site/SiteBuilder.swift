import Marketplace
import Provenance

/// Makes the public site from a model. Pure but for the folder it writes into: the same model, templates and extra
/// files give the same bytes, on any number of cores.
public struct SiteBuilder: Sendable {
    let templates: Templates
    let program: String

    /// - Parameter program: names the program that makes the pages, so that nothing which another one made is taken over.
    public init(templates: Templates, program: String = "") {
        self.templates = templates
        self.program = program
    }

    /// How far a build is: pages done, of all.
    public typealias Progress = @Sendable (_ done: Int, _ all: Int) -> Void

    /// Makes a build below `<site>/builds`, with `extraFiles` beside its pages, and checks every internal link and
    /// anchor. Pages that the public build made from the same inputs are taken over from it. Nothing is public yet:
    /// `StagedSite.seal` names the build.
    ///
    /// - Parameters:
    ///   - site: the data directory's `site` folder.
    ///   - extraFiles: bundles, reports and the rest that pages link to.
    ///   - later: paths that `seal(adding:)` will bring (each version's `proof.json`), so that pages may link to them;
    ///     sealing without one of them fails.
    public func stage(
        _ model: SiteModel, extraFiles: [SiteFile] = [], later: [String] = [], in site: String,
        progress: Progress? = nil
    ) throws(PublishingError) -> StagedSite {
        let catalogue = try Catalogue(model, brought: Set(extraFiles.map(\.path) + later))
        let plan = SitePlan(catalogue, templates: templates, program: program)
        let writer = try SiteWriter(site: site, baseURL: model.settings.baseURL)
        do {
            try writer.run(plan, beside: ["extra": extraFiles, "rest": rest(catalogue)], progress: progress)
            let pages = writer.records.keys.filter { $0.hasSuffix(".html") && $0 != "404.html" }
            let sitemap = CrawlerFiles.sitemap(pages: Array(pages), baseURL: model.settings.baseURL)
            try writer.write([SiteFile("sitemap.xml", sitemap)], as: "sitemap")
            try writer.checkLinks(later: Set(later), signed: StagedSite.signed)
        } catch {
            writer.abandon()
            throw error
        }
        return StagedSite(writer: writer, later: later)
    }

    /// All pages in memory, for tests and previews.
    func pages(of model: SiteModel, brought: Set<String> = []) throws(PublishingError) -> [String: [UInt8]] {
        let catalogue = try Catalogue(model, brought: brought)
        var files: [String: [UInt8]] = [:]
        let plan = SitePlan(catalogue, templates: templates)
        for piece in plan.pieces {
            for file in try plan.work(on: piece).make() { files[file.path] = file.bytes }
        }
        for file in rest(catalogue) { files[file.path] = file.bytes }
        return files
    }

    /// Files that need no template.
    private func rest(_ catalogue: Catalogue) -> [SiteFile] {
        let settings = catalogue.settings
        var files = templates.assets.map { SiteFile("assets/\($0.key)", $0.value) }
        files.sort { $0.path < $1.path }
        files.append(SiteFile("robots.txt", text: CrawlerFiles.robots(baseURL: settings.baseURL)))
        files.append(SiteFile(".well-known/security.txt", text: CrawlerFiles.security(settings)))
        return files
    }
}

/// A site that is written and checked, and not public.
public struct StagedSite: Sendable {
    /// The name of the piece that `seal` adds.
    static let signed = "signed"

    let writer: SiteWriter
    let later: [String]

    var folder: String { writer.folder }
    /// Every file so far, by path: what signed metadata has to cover.
    public var files: [String: SiteFileRecord] { writer.records }
    /// How many pieces (a plugin's pages, one page of a list) were made; the others were taken over.
    public var madeCount: Int { writer.madeCount }

    /// Adds what was made from the files' digests (signed metadata), names the build by the digest of all of it and
    /// moves it to `<site>/builds/<digest>`. Sealing the same content twice gives the folder that is there.
    public func seal(adding signed: [SiteFile] = []) throws(PublishingError) -> SiteBuild {
        do throws(PublishingError) {
            try writer.write(signed, as: Self.signed)
            let records = writer.records
            if let missing = later.first(where: { records[$0] == nil }) {
                throw PublishingError(
                    .brokenLink, subject: missing, cause: "was announced, linked to, and not brought")
            }
            writer.removeLeftovers()
            let digest = writer.digest()
            let final = "\(writer.site)/builds/\(digest)"
            if SiteFiles.isFolder(final) {
                SiteSwap.putAside(folder, as: digest, in: writer.site)
            } else {
                try SiteFiles.sync(folder)
                try SiteFiles.rename(folder, to: final)
            }
            try writer.keepRecord(of: digest)
            return SiteBuild(digest: digest, folder: final, files: records)
        } catch {
            writer.abandon()
            throw error
        }
    }

    /// Removes what was written.
    public func abandon() { writer.abandon() }
}

/// A finished build.
public struct SiteBuild: Sendable {
    /// SHA-256 over what the record says of every piece in order of their names: digest, size and path of its files,
    /// and its links into other pages. 64 hexadecimal digits.
    public let digest: String
    /// `<site>/builds/<digest>`.
    public let folder: String
    public let files: [String: SiteFileRecord]
}
