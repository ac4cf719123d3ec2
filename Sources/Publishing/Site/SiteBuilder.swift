import Marketplace
import Provenance

/// Makes the public site from a model. Pure but for the folder it writes into: the same model, templates and extra
/// files give the same bytes, on any number of cores.
public struct SiteBuilder: Sendable {
    let templates: Templates

    public init(templates: Templates) {
        self.templates = templates
    }

    /// How far a build is: pages done, of all.
    public typealias Progress = @Sendable (_ done: Int, _ all: Int) -> Void

    /// Renders every page into a fresh folder below `<site>/builds`, with `extraFiles` beside them, and checks
    /// every internal link and anchor. Nothing is public yet: `StagedSite.seal` names the build.
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
        let plan = SitePlan(catalogue, templates: templates)
        let writer = try SiteWriter(site: site, baseURL: model.settings.baseURL)
        do {
            try writer.run(plan, progress: progress)
            try writer.write(rest(catalogue) + extraFiles)
            let pages = writer.records.keys.filter { $0.hasSuffix(".html") && $0 != "404.html" }
            try writer.write([
                SiteFile(
                    "sitemap.xml", CrawlerFiles.sitemap(pages: Array(pages), baseURL: model.settings.baseURL))
            ])
            try writer.checkLinks(later: Set(later))
        } catch {
            writer.abandon()
            throw error
        }
        return StagedSite(site: site, folder: writer.folder, files: writer.records, later: later)
    }

    /// All pages in memory, for tests and previews.
    func pages(of model: SiteModel, brought: Set<String> = []) throws(PublishingError) -> [String: [UInt8]] {
        let catalogue = try Catalogue(model, brought: brought)
        var files: [String: [UInt8]] = [:]
        let plan = SitePlan(catalogue, templates: templates)
        for job in plan.jobs {
            for file in try plan.files(of: job) { files[file.path] = file.bytes }
        }
        for file in rest(catalogue) { files[file.path] = file.bytes }
        return files
    }

    /// Files that need no template.
    private func rest(_ catalogue: Catalogue) -> [SiteFile] {
        let settings = catalogue.settings
        var files = templates.assets.map { SiteFile("assets/\($0.key)", $0.value) }
        files.sort { $0.path < $1.path }
        files.append(SiteFile(SearchIndex.path, SearchIndex.bytes(catalogue, entries: catalogue.offered)))
        files.append(SiteFile("robots.txt", text: CrawlerFiles.robots(baseURL: settings.baseURL)))
        files.append(SiteFile(".well-known/security.txt", text: CrawlerFiles.security(settings)))
        let index: JSONValue = [
            "schema": "veroforge.index/1", "asOf": .string(catalogue.model.asOf),
            "plugins": .array(catalogue.entries.map(EntryTwin.row)),
        ]
        let indexBytes = index.serializedBytes()
        let entry: JSONValue = [
            "schema": "veroforge.index-entry/1", "asOf": .string(catalogue.model.asOf),
            "index": [
                "name": "index/index.json", "sha256": .string(Digest.sha256(of: indexBytes).hex),
                "bytes": .integer(Int64(indexBytes.count)),
                "plugins": .integer(Int64(catalogue.entries.count)),
            ],
        ]
        files.append(SiteFile("index/index.json", indexBytes))
        files.append(SiteFile("index/entry.json", entry.serializedBytes()))
        return files
    }
}

/// A site that is written and checked, and not public.
public struct StagedSite: Sendable {
    let site: String
    let folder: String
    /// Every file so far, by path: what signed metadata has to cover.
    public let files: [String: SiteFileRecord]
    let later: [String]

    /// Adds what was made from the files' digests (signed metadata), names the build by the digest of all of it and
    /// moves it to `<site>/builds/<digest>`. Sealing the same content twice gives the folder that is there.
    public func seal(adding signed: [SiteFile] = []) throws(PublishingError) -> SiteBuild {
        let writer = SiteWriter(folder: folder, records: files)
        do throws(PublishingError) {
            try writer.write(signed)
            if let missing = later.first(where: { writer.records[$0] == nil }) {
                throw PublishingError(
                    .brokenLink, subject: missing, cause: "was announced, linked to, and not brought")
            }
        } catch {
            writer.abandon()
            throw error
        }
        let digest = SiteBuild.digest(of: writer.records)
        let final = "\(site)/builds/\(digest)"
        if SiteFiles.isFolder(final) {
            writer.abandon()
        } else {
            SiteFiles.sync()
            try SiteFiles.rename(folder, to: final)
        }
        return SiteBuild(digest: digest, folder: final, files: writer.records)
    }

    /// Removes what was written.
    public func abandon() {
        SiteWriter(folder: folder, records: [:]).abandon()
    }
}

/// A finished build.
public struct SiteBuild: Sendable {
    /// SHA-256 over `path`, NUL, file digest, newline of every file in order of path; 64 hexadecimal digits.
    public let digest: String
    /// `<site>/builds/<digest>`.
    public let folder: String
    public let files: [String: SiteFileRecord]

    static func digest(of files: [String: SiteFileRecord]) -> String {
        var hasher = Hasher256()
        for (path, record) in files.sorted(by: { $0.key < $1.key }) {
            hasher.update(Array("\(path)\0\(record.sha256)\n".utf8))
        }
        return hasher.finalize().hex
    }
}
