import Foundation
import Marketplace
import Provenance
import TestSupport
import Testing

@testable import Publishing

/// A build takes over what the public one made from the same, and is byte for byte what a fresh build is.
@Suite struct RebuildTests {
    let templates: Templates

    init() throws { templates = try Samples.templates() }

    private struct Built {
        var build: SiteBuild
        var madeCount: Int
    }

    private func publish(_ model: SiteModel, in folder: TemporaryFolder, program: String = "") throws -> Built
    {
        let staged = try SiteBuilder(templates: templates, program: program).stage(
            model, extraFiles: extra(model), in: folder.path)
        let build = try staged.seal(adding: [SiteFile("index/signed.json", text: model.asOf)])
        try SiteSwap.publish(build, in: folder.path)
        return Built(build: build, madeCount: staged.madeCount)
    }

    /// The samples' own files, and the bundles of what is generated.
    private func extra(_ model: SiteModel) -> [SiteFile] {
        let known = Set(Samples.extraFiles.map(\.path))
        return Samples.extraFiles
            + GeneratedCatalogue.extraFiles(of: model).filter { !known.contains($0.path) }
    }

    /// Every file of a folder with its digest, by what is on the disk.
    private func files(below folder: String) throws -> [String: String] {
        try SiteFiles.read(folder: folder).mapValues { Digest.sha256(of: $0).hex }
    }

    private func sample() -> SiteModel {
        var model = Samples.site
        let generated = GeneratedCatalogue.model(plugins: 70)
        model.entries += generated.entries
        model.publishers += generated.publishers
        return model
    }

    @Test func whatIsTheSameIsTakenOver() throws {
        let folder = try TemporaryFolder()
        let first = try publish(sample(), in: folder)
        let second = try publish(sample(), in: folder)
        #expect(first.build.digest == second.build.digest)
        #expect(first.madeCount > 150)
        #expect(second.madeCount < 20)
    }

    @Test func oneChangedPluginIsMadeWithThePagesThatShowIt() throws {
        let folder = try TemporaryFolder()
        var model = sample()
        _ = try publish(model, in: folder)
        model.entries[20].versions[0].readme = Markdown.render(Array("# Other".utf8), profile: .untrusted())
        // The plugin's pages, and those that are always made.
        #expect(try publish(model, in: folder).madeCount < 20)
        model.entries[20].title += "s"
        let made = try publish(model, in: folder).madeCount
        #expect(made > 20 && made < 60)
    }

    @Test(arguments: 1...Rounds.count(full: 40))
    func whateverChangesTheRebuildIsAFreshBuild(seed: Int) throws {
        var chance = SeededRandom(UInt64(seed))
        let (folder, fresh) = (try TemporaryFolder(), try TemporaryFolder())
        var model = sample()
        var before = try publish(model, in: folder).build
        for round in 0..<6 {
            for _ in 0...Int.random(in: 0...2, using: &chance) { change(&model, &chance) }
            model.asOf = "2026-03-02T06:0\(round):00Z"
            let build = try publish(model, in: folder).build
            let expected = try SiteBuilder(templates: templates).stage(
                model, extraFiles: extra(model), in: fresh.path
            ).seal(adding: [SiteFile("index/signed.json", text: model.asOf)])
            #expect(build.digest == expected.digest, "round \(round)")
            let there = try files(below: build.folder)
            #expect(there == build.files.mapValues(\.sha256))
            // The build before shares its files with this one and was not touched.
            #expect(try files(below: before.folder) == before.files.mapValues(\.sha256))
            before = build
            SiteFiles.remove(expected.folder)
        }
    }

    private func change(_ model: inout SiteModel, _ chance: inout SeededRandom) {
        let index = Int.random(in: 3..<model.entries.count, using: &chance)
        switch Int.random(in: 0..<10, using: &chance) {
        case 0: model.entries[index].title = "Title \(Int.random(in: 0...99, using: &chance))"
        case 1: model.entries.remove(at: index)
        case 2:
            var version = model.entries[index].versions[0]
            version.version = "9.\(Int.random(in: 0...999, using: &chance)).0"
            version.listedAt = "2026-03-01T0\(Int.random(in: 0...9, using: &chance)):00:00Z"
            guard !model.entries[index].versions.contains(where: { $0.version == version.version }) else {
                return
            }
            version.sha256 = Digest.sha256(of: "\(version.version) \(model.entries[index].id)").hex
            model.entries[index].versions.insert(version, at: 0)
        case 3:
            let publisher = Int.random(in: 0..<model.publishers.count, using: &chance)
            model.publishers[publisher].name += " Ltd"
        case 4: model.entries[index].category = "crm"
        case 5:
            model.entries[index].rating = RatingSummary(count: 3, sum: Int.random(in: 3...15, using: &chance))
        case 6: model.docs[0].text += "\nMore.\n"
        case 7: model.settings.name = "Market \(Int.random(in: 0...3, using: &chance))"
        case 8: model.entries[index].versions[0].status = .yanked
        default:
            let text = GeneratedCatalogue.readme(bytes: 2_000, seed: chance.next())
            model.entries[index].versions[0].readme = Markdown.render(Array(text.utf8), profile: .untrusted())
        }
    }

    @Test func aPageThatIsGoneBreaksTheLinksOfPagesThatDidNotChange() throws {
        let folder = try TemporaryFolder()
        var model = sample()
        let (publisher, name) = (model.entries[40].publisher, model.entries[40].name)
        model.docs[2].text += "\n[x](https://marketplace.example.com/plugins/\(publisher)/\(name)/)\n"
        _ = try publish(model, in: folder)
        model.entries.remove(at: 40)
        let error = #expect(throws: PublishingError.self) { _ = try publish(model, in: folder) }
        #expect(error?.code == .brokenLink)
        #expect(
            error?.cause.contains("docs/installing/index.html: links to plugins/\(publisher)/\(name)") == true
        )
    }

    @Test func anAnchorThatIsGoneBreaksTheLinksOfPagesThatDidNotChange() throws {
        let folder = try TemporaryFolder()
        var model = sample()
        let entry = model.entries[40]
        func readme(_ text: String) -> RenderedMarkdown {
            Markdown.render(Array(text.utf8), profile: .untrusted())
        }
        model.entries[40].versions[0].readme = readme("# Set up")
        model.docs[2].text +=
            "\n[x](https://marketplace.example.com/plugins/\(entry.publisher)/\(entry.name)/#readme-set-up)\n"
        _ = try publish(model, in: folder)
        model.entries[40].versions[0].readme = readme("# Begin")
        let error = #expect(throws: PublishingError.self) { _ = try publish(model, in: folder) }
        #expect(error?.cause.contains("#readme-set-up, which has no such anchor") == true)
    }

    @Test func nothingIsTakenOverFromAnotherProgramOrOtherTemplates() throws {
        let folder = try TemporaryFolder()
        let first = try publish(sample(), in: folder)
        #expect(try publish(sample(), in: folder, program: "another").madeCount == first.madeCount)
        var sources = templates.sources
        sources["partials/card"]? += "<!-- changed -->"
        let other = try Templates(sources: sources, assets: templates.assets)
        let staged = try SiteBuilder(templates: other, program: "another").stage(
            sample(), extraFiles: extra(sample()), in: folder.path)
        // All but the signed files, which come with the seal.
        #expect(staged.madeCount == first.madeCount - 1)
        staged.abandon()
    }

    @Test func aBuildLeavesRoomForTheNextOnes() throws {
        let folder = try TemporaryFolder()
        var model = sample()
        for (round, spares) in [2, 1, 1, 1].enumerated() {
            model.asOf = "2026-03-02T06:0\(round):00Z"
            let build = try publish(model, in: folder).build
            let names = SiteFiles.list("\(folder.path)/spare")
            #expect(names.count == spares, "round \(round)")
            if round == 0 {
                for name in names {
                    #expect(
                        try files(below: "\(folder.path)/spare/\(name)") == build.files.mapValues(\.sha256))
                }
            }
            #expect(!SiteFiles.list("\(folder.path)/builds").contains { $0.hasPrefix(".") })
        }
    }

    @Test func aPublicFileThatWasLostIsMadeAgain() throws {
        let folder = try TemporaryFolder()
        let build = try publish(sample(), in: folder).build
        let page = "\(build.folder)/plugins/acme/tidy/index.html"
        try FileManager.default.removeItem(atPath: page)
        SiteFiles.remove("\(folder.path)/spare")
        var model = sample()
        model.asOf = "2026-03-02T06:00:00Z"
        let next = try publish(model, in: folder).build
        #expect(try files(below: next.folder) == next.files.mapValues(\.sha256))
    }

    @Test func valuesThatLookAlikeHaveOtherDigests() {
        struct Pair: Encodable { var a: [String], b: [String] }
        struct Nested: Encodable { var x: Inner, y: Int? }
        struct Inner: Encodable { var y: Int?, z: Int? }
        let pairs = [
            Pair(a: ["1", "2"], b: []), Pair(a: ["1"], b: ["2"]), Pair(a: ["12"], b: []), Pair(a: [], b: []),
            Pair(a: [""], b: []),
        ].map { ContentDigest.of($0) }
        #expect(Set(pairs).count == pairs.count)
        let nested = [
            Nested(x: Inner(y: 1), y: nil), Nested(x: Inner(), y: 1), Nested(x: Inner(z: 1), y: nil),
        ].map { ContentDigest.of($0) }
        #expect(Set(nested).count == nested.count)
        #expect(ContentDigest.of(Samples.site) == ContentDigest.of(Samples.site))
        let values: [TemplateValue] = [
            .text("1"), .number(1), .markup("1"), .flag(true), .absent, .list([]), .list([.text("1")]),
            .record([:]),
            .record(["1": .absent]),
        ]
        #expect(Set(values.map { ContentDigest.of($0) }).count == values.count)
    }
}
