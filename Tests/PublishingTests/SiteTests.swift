import Foundation
import Marketplace
import Synchronization
import Testing

@testable import Publishing

/// A folder that is removed with its owner.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory.appending(path: "veroforge-site-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

@Suite struct SiteTests {
    let templates: Templates

    init() throws { templates = try Samples.templates() }

    private func build(_ model: SiteModel = Samples.site, in folder: TemporaryFolder) throws -> SiteBuild {
        try SiteBuilder(templates: templates).stage(model, extraFiles: Samples.extraFiles, in: folder.path)
            .seal()
    }

    /// Every page of every kind, public and private.
    private func allPages() throws -> [String: String] {
        var pages = try SiteBuilder(templates: templates).pages(of: Samples.site, brought: Samples.brought)
        // Pictures are held by their own tests.
        pages = pages.filter { !$0.key.hasSuffix(".png") }
        let own = PrivatePages(templates: templates, settings: Samples.privateSettings)
        for (area, files) in [
            ("private-review", try own.review(Samples.queue)),
            ("private-tenant", try own.account(Samples.account)),
            ("private-publisher", try own.publisher(Samples.dashboard)),
        ] {
            for file in files where !file.path.hasPrefix("assets/") {
                pages["\(area)/\(file.path)"] = file.bytes
            }
        }
        let live = LivePages(templates: templates, settings: Samples.privateSettings)
        pages["private-live/sign-in/index.html"] = try live.signIn(problem: "The token is unknown.")
        pages["private-live/register/index.html"] = try live.register()
        pages["private-live/answer/index.html"] = try live.answer(Samples.answer)
        pages["private-live/problem/index.html"] = try live.answer(Samples.problem)
        return pages.mapValues { String(decoding: $0, as: UTF8.self) }
    }

    @Test func everyPageKindMatchesItsGoldenFile() throws {
        let folder = "\(Samples.root)/Tests/Golden/site"
        let record = ProcessInfo.processInfo.environment["VEROFORGE_RECORD"] == "1"
        if record { try? FileManager.default.removeItem(atPath: folder) }
        let pages = try allPages().filter { !$0.key.hasPrefix("assets/") }
        for (path, text) in pages {
            let file = "\(folder)/\(path)"
            if record {
                let parent = URL(filePath: file).deletingLastPathComponent()
                try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
                try Data(text.utf8).write(to: URL(filePath: file))
            }
            let golden = try? String(contentsOfFile: file, encoding: .utf8)
            #expect(
                golden == text, "\(path) differs from its golden file; VEROFORGE_RECORD=1 records it anew")
        }
        let kept = try FileManager.default.subpathsOfDirectory(atPath: folder).filter {
            !SiteFiles.isFolder("\(folder)/\($0)")
        }
        #expect(Set(kept) == Set(pages.keys))
    }

    @Test func templatesUseNoNameThatTheModelLacks() throws {
        let seen = Mutex<[String: [TemplateValue]]>([:])
        var templates = templates
        templates.onRender = { name, values in seen.withLock { $0[name, default: []].append(values) } }
        _ = try SiteBuilder(templates: templates).pages(of: Samples.site, brought: Samples.brought)
        _ = try SiteBuilder(templates: templates).pages(of: Samples.many(200))
        let own = PrivatePages(templates: templates, settings: Samples.privateSettings)
        _ = try own.review(Samples.queue)
        _ = try own.account(Samples.account)
        _ = try own.account(
            TenantAccount(tenant: "new", name: "New (sample)", asOf: Samples.asOf, period: "2026-03"))
        _ = try own.publisher(Samples.dashboard)
        _ = try own.publisher(
            PublisherDashboard(publisher: "new", name: "New (sample)", asOf: Samples.asOf, period: "2026-03"))
        let live = LivePages(templates: templates, settings: Samples.privateSettings)
        _ = try live.signIn(problem: "The token is unknown.")
        _ = try live.register()
        _ = try live.answer(Samples.answer)
        _ = try live.answer(Samples.problem)
        var lint = TemplateLint(templates)
        let rendered = seen.withLock { $0 }
        for (name, values) in rendered { lint.check(page: name, with: values) }
        #expect(lint.problems.sorted() == [])
        let pages = Set(
            templates.sources.keys.filter { $0.hasPrefix("pages/") }.map { String($0.dropFirst(6)) })
        #expect(Set(rendered.keys) == pages)
    }

    @Test(arguments: [
        ("{{nme}}", "{{nme}} is not in the model"), ("{{{name}}}", "{{{name}}} is unescaped text"),
        ("{{html}}", "{{html}} escapes markup"),
        ("{{#rows}}{{only}}{{/rows}}", "{{only}} is missing from some rows"),
        ("{{#none}}{{x}}{{/none}}", "no sample opens {{#none}}"),
    ])
    func aTemplatesMistakeIsFound(source: String, problem: String) throws {
        let templates = try Templates(sources: ["pages/a": source], assets: [:])
        var lint = TemplateLint(templates)
        lint.check(
            page: "a",
            with: [
                [
                    "name": "n", "html": .markup("<b>"), "rows": [["only": "1"], ["other": "2"]], "none": [],
                    "only": "page",
                ]
            ])
        #expect(lint.problems == ["pages/a: \(problem)"])
    }

    @Test func sameInputsGiveTheSameBytes() throws {
        let (first, second) = (try TemporaryFolder(), try TemporaryFolder())
        let a = try build(in: first)
        var shuffled = Samples.site
        shuffled.entries.reverse()
        shuffled.publishers.reverse()
        let b = try build(shuffled, in: second)
        #expect(a.digest == b.digest)
        #expect(a.files == b.files)
        #expect(a.files.count > 60)
    }

    @Test func everyInternalLinkAndAnchorLeadsSomewhere() throws {
        _ = try build(in: TemporaryFolder())
    }

    @Test(arguments: [
        ("[x](nowhere.md)", "docs/installing/nowhere.md"), ("[x](verifying.md#nothing)", "#nothing"),
        ("[x](https://marketplace.example.com/plugins/no/such/)", "plugins/no/such/index.html"),
    ])
    func aBrokenLinkStopsTheBuildAndIsNamed(link: String, named: String) throws {
        var model = Samples.site
        model.docs[2].text += "\n\(link)\n"
        let folder = try TemporaryFolder()
        let error = #expect(throws: PublishingError.self) { _ = try build(model, in: folder) }
        #expect(error?.code == .brokenLink)
        #expect(error?.cause.contains("docs/installing/index.html") == true)
        #expect(error?.cause.contains(named) == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/builds") == [])
    }

    @Test func signedFilesAreAddedAfterThePagesDigestsAreKnown() throws {
        let folder = try TemporaryFolder()
        let staged = try SiteBuilder(templates: templates).stage(
            Samples.site, extraFiles: Samples.extraFiles, in: folder.path)
        let before = staged.files.count
        #expect(staged.files["index.html"]?.sha256.count == 64)
        let build = try staged.seal(adding: [SiteFile("index/targets.json", text: "{}")])
        #expect(build.files["index/targets.json"] != nil)
        #expect(build.files.count == before + 1)
        for (path, record) in build.files {
            let bytes = Array(try Data(contentsOf: URL(filePath: "\(build.folder)/\(path)")))
            #expect(bytes.count == record.bytes)
        }
    }

    @Test func aFileThatWasAnnouncedHasToCome() throws {
        let folder = try TemporaryFolder()
        let path = "plugins/acme/tidy/0.1.0/proof.json"
        let staged = try SiteBuilder(templates: templates).stage(
            Samples.site, extraFiles: Samples.extraFiles, later: [path], in: folder.path)
        let page = try String(
            contentsOfFile: "\(staged.folder)/plugins/acme/tidy/0.1.0/proof/index.html", encoding: .utf8)
        #expect(page.contains("proof.json</a>"))
        #expect(throws: PublishingError.self) { try staged.seal() }
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/builds") == [])
    }

    @Test func aGeneratedCatalogueIsTheSameEveryTimeAndBuilds() throws {
        let model = GeneratedCatalogue.model(plugins: 40)
        #expect(model.entries == GeneratedCatalogue.model(plugins: 40).entries)
        let folder = try TemporaryFolder()
        let staged = try SiteBuilder(templates: templates).stage(
            model, extraFiles: GeneratedCatalogue.extraFiles(of: model), in: folder.path)
        #expect(staged.files.count > 40 * 5)
        staged.abandon()
    }

    /// Does nothing unless VEROFORGE_BENCH_SITE names how many plugins.
    @Test func aLargeCatalogueIsBuilt() throws {
        let environment = ProcessInfo.processInfo.environment
        guard let count = Int(environment["VEROFORGE_BENCH_SITE"] ?? "") else { return }
        let model = GeneratedCatalogue.model(plugins: count)
        let extra = GeneratedCatalogue.extraFiles(of: model)
        let folder = try TemporaryFolder()
        let clock = ContinuousClock()
        var files = 0
        let took = try clock.measure {
            let staged = try SiteBuilder(templates: templates).stage(
                model, extraFiles: extra, in: folder.path)
            files = staged.files.count
            if let keep = environment["VEROFORGE_BENCH_KEEP"] {
                try FileManager.default.moveItem(atPath: staged.folder, toPath: keep)
            }
        }
        print("site: \(count) plugins, \(files) files in \(took)")
    }

    @Test func publishingSwapsOneLinkAndKeepsTheBuildBefore() throws {
        let folder = try TemporaryFolder()
        var digests: [String] = []
        for round in 0..<3 {
            var model = Samples.site
            model.asOf = "2026-03-0\(round + 1)T06:00:00Z"
            let build = try build(model, in: folder)
            try SiteSwap.publish(build, in: folder.path)
            try SiteSwap.publish(build, in: folder.path)
            digests.append(build.digest)
            #expect(SiteSwap.current(in: folder.path) == build.digest)
            #expect(FileManager.default.fileExists(atPath: "\(folder.path)/public/index.html"))
        }
        let left = Set(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/builds"))
        #expect(left == [digests[1], digests[2], "previous"])
        try SiteSwap.publish(digest: digests[1], in: folder.path)
        #expect(SiteSwap.current(in: folder.path) == digests[1])
    }

    @Test func aWithdrawnVersionKeepsItsPageAsATombstone() throws {
        let pages = try allPages()
        let page = try #require(pages["plugins/acme/remind/1.0.1/index.html"])
        #expect(page.contains("This version was yanked on 2026-02-20 09:30 UTC."))
        #expect(page.contains("It sent each message twice."))
        let gone = try #require(pages["plugins/zeta/gone/index.html"])
        #expect(gone.contains("No version of this plugin can be installed."))
        #expect(pages["browse/index.html"]?.contains("plugins/zeta/gone/") == false)
    }

    @Test func theSplitAddsUpToTheCent() throws {
        let page = try #require(try allPages()["pricing/index.html"])
        #expect(page.contains("70 % developer"))
        #expect(
            page.contains(
                "<td class=\"number\">9.99</td><td class=\"number\">2.00</td><td class=\"number\">11.99</td><td class=\"number\">6.99</td><td class=\"number\">3.00</td>"
            ))
    }

    @Test func versionsSayWhetherAnUpdateNeedsApproval() throws {
        let page = try #require(try allPages()["plugins/acme/remind/1.2.0/index.html"])
        #expect(page.contains("Since 1.1.0"))
        #expect(page.contains("<strong>needs approval</strong>"))
        var older = Samples.version("1.0.0")
        older.permissions = [
            PermissionRow(operation: "fetch", target: "a.example", methods: ["GET", "POST"])
        ]
        var newer = older
        newer.permissions = [PermissionRow(operation: "fetch", target: "a.example", methods: ["GET"])]
        #expect(VersionDifference(from: older, to: newer).needsApproval == false)
        #expect(VersionDifference(from: newer, to: older).needsApproval)
    }

    @Test func idsThatAreNoPathsAreRefused() throws {
        for name in ["..", "a/b", "", "a b", ".hidden", "\u{202E}x"] {
            var model = Samples.site
            model.entries[0].name = name
            #expect(throws: PublishingError.self) { try SiteBuilder(templates: templates).pages(of: model) }
        }
        let folder = try TemporaryFolder()
        for path in ["../x", "/etc/x", "a//b", "a/./b", "index.html"] {
            #expect(throws: PublishingError.self) {
                try SiteBuilder(templates: templates).stage(
                    Samples.site, extraFiles: Samples.extraFiles + [SiteFile(path, [1])], in: folder.path)
            }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/builds") == [])
    }

    @Test func docsStandInTheOrderThatTheyAskFor() throws {
        var model = Samples.site
        model.docs[3].text = "<!-- Start 0 -->\n" + model.docs[3].text
        let docs = DocPages(try Catalogue(model)).docs
        #expect(docs.first?.title == "Verifying")
        #expect(docs.first?.section == "Start")
        #expect(docs.last?.section == "Reference")
        let pages = try SiteBuilder(templates: templates).pages(of: model)
        let page = String(decoding: try #require(pages["docs/verifying/index.html"]), as: UTF8.self)
        #expect(!page.contains("Start 0"))
    }

    /// What `docs/` holds, as the pipeline reads it.
    @Test func theRepositorysOwnDocsHaveNoBrokenLink() throws {
        let files = try SiteFiles.read(folder: "\(Samples.root)/docs").filter { $0.key.hasSuffix(".md") }
        var model = Samples.site
        model.docs = files.sorted { $0.key < $1.key }.map {
            DocSource(path: $0.key, text: String(decoding: $0.value, as: UTF8.self))
        }
        _ = try build(model, in: TemporaryFolder())
        #expect(files.count > 5)
    }

    @Test func categoriesAreThoseOfTheManifest() {
        #expect(CategoryInfo.standard.map(\.id) == ManifestSchema.categories)
    }

    @Test func pagesStayWithinTheirBudgets() throws {
        for (path, text) in try allPages() where path.hasSuffix(".html") {
            #expect(text.utf8.count < 60_000, "\(path)")
        }
        #expect((templates.assets["style.css"]?.count ?? .max) < 30_000)
        #expect((templates.assets["search.js"]?.count ?? .max) < 20_000)
    }

    @Test func noPageHasInlineScriptOrStyleOrAnotherOrigin() throws {
        for (path, text) in try allPages() where path.hasSuffix(".html") {
            #expect(!text.contains(" style="), "\(path)")
            #expect(!text.contains("<style"), "\(path)")
            for tag in HTMLTags.scan(text) where tag.name == "script" {
                let isData = tag.attributes["type"] == "application/ld+json"
                #expect(isData || tag.attributes["src"]?.hasPrefix("http") == false, "\(path)")
            }
            for tag in HTMLTags.scan(text) where ["img", "link", "script"].contains(tag.name) {
                let address = tag.attributes["src"] ?? tag.attributes["href"] ?? ""
                let isCanonical = tag.attributes["rel"] == "canonical"
                #expect(isCanonical || !address.contains("://"), "\(path): \(address)")
            }
        }
    }
}
