import Accounts
import Bundles
import Foundation
import Marketplace
import Provenance
import Publishing
import Registry
import Scanning

/// Turns the catalogue's content into the site's model. Strangers' Markdown comes back from the worker as HTML that
/// is checked again when it is read.
struct SiteModelMaker {
    let context: RunContext
    let book: CatalogueBook

    /// The model, and the pictures that its pages show.
    func model(
        proofs: [Digest: Proof], sdk: SDKDownload?
    ) async throws(PipelineError) -> (model: SiteModel, media: [SiteFile]) {
        let configuration = context.data.configuration
        var entries: [CatalogueEntry] = []
        var media: [String: SiteFile] = [:]
        for versions in book.byPlugin { entries.append(try await entry(versions, proofs, &media)) }
        let root = try PipelineError.provenance { () throws(ProvenanceError) in
            try context.keys.rootChain().last
        }
        let settings = SiteSettings(
            name: "VeroForge Marketplace", baseURL: Self.slashed(configuration.baseURL),
            runtimeURL: Self.slashed(configuration.runtimeURL),
            securityContact: "mailto:\(configuration.issuer.email)",
            securityExpires: book.asOf.adding(days: 365).description,
            developerSharePercent: Self.percent(configuration.share),
            rootDigest: root.map { Digest.sha256(of: $0).hex })
        let model = SiteModel(
            settings: settings, asOf: book.asOf.description, publishers: try publishers(), entries: entries,
            docs: try docs(), references: try ReferenceMaker(programs: context.programs).references(sdk: sdk))
        return (model, media.sorted { $0.key < $1.key }.map(\.value))
    }

    static func slashed(_ url: String) -> String { url.hasSuffix("/") ? url : url + "/" }

    static func percent(_ share: String) -> Int { Int((DecimalText(share)?.scaled(by: 2)) ?? 70) }

    private func entry(
        _ versions: [BookVersion], _ proofs: [Digest: Proof], _ media: inout [String: SiteFile]
    ) async throws(PipelineError) -> CatalogueEntry {
        let newest = versions[0]
        let manifest = newest.manifest
        var shown: [Publishing.ListedVersion] = []
        for (index, version) in versions.enumerated() {
            let before = versions.dropFirst(index + 1).first?.manifest.permissions
            shown.append(try await listed(version, before: before, proofs[version.bundle], &media))
        }
        let pictures = BundlePictures(
            context: context, unpacked: try await UnpackedCache.load(newest.bundle, context))
        var icon: BundlePictures.Found?
        if let path = manifest.icon { icon = try await pictures.picture(path) }
        var screenshots: [BundlePictures.Found] = []
        for shot in manifest.screenshots.prefix(12) {
            if let found = try await pictures.picture(shot.path, alt: shot.caption) {
                screenshots.append(found)
            }
        }
        for found in [icon].compactMap({ $0 }) + screenshots { media[found.file.path] = found.file }
        let voices = try Voices(of: newest.plugin, context.registry)
        return CatalogueEntry(
            publisher: newest.plugin.publisher.text, name: newest.plugin.name, title: manifest.name,
            summary: manifest.description, category: manifest.category, author: manifest.author,
            license: manifest.license, keywords: manifest.keywords, homepage: manifest.homepage,
            repository: manifest.repository, support: manifest.support, icon: icon?.image,
            screenshots: screenshots.map(\.image), pricing: Self.pricing(manifest.pricing),
            rating: voices.rating, reviews: voices.reviews, installs: voices.installs, versions: shown)
    }

    /// The price list with an example that the rater worked out.
    private static func pricing(_ pricing: Pricing) -> PricingInfo {
        ShownManifest.pricing(pricing, example: PriceExample.of(pricing))
    }

    private func listed(
        _ version: BookVersion, before: PermissionSet?, _ proof: Proof?, _ media: inout [String: SiteFile]
    ) async throws(PipelineError) -> Publishing.ListedVersion {
        let scan = try Reports.scan(version.bundle, context.data)
        let trial = try Reports.trial(version.bundle, context.data)
        let bytes = try Files.read(context.data.bundle(version.bundle)).count
        let texts = RenderedTexts(bundle: version.bundle, context: context)
        return Publishing.ListedVersion(
            version: version.version.description, channel: version.channel.rawValue, status: version.status,
            statusReason: version.statusReason, statusAt: version.statusAt?.description,
            sha256: version.bundle.hex,
            bytes: bytes, submittedAt: version.submittedAt?.description,
            listedAt: version.listedAt.description,
            readme: try await texts.text("README.md", &media),
            changelog: try await texts.text("CHANGELOG.md", &media),
            permissions: Shown.permissions(version.manifest, scan, trial, before: before),
            actions: ShownManifest.actions(version.manifest),
            dependencies: version.manifest.dependencies.map {
                DependencyRow(name: $0.id.text, version: $0.range.description, kind: "plugin")
            },
            engines: version.manifest.engines?.veroforge.description,
            limits: Shown.limits(version.manifest.limits),
            verdict: Shown.verdict(scan.verdict), checks: scan.checks.map(Shown.check),
            findings: (scan.findings + trial.findings).map(Shown.finding), trial: Shown.trial(trial),
            proof: proof.map(Self.proof), files: Shown.files(scan),
            pricing: Self.pricing(version.manifest.pricing))
    }

    static func proof(_ proof: Proof) -> ProofInfo {
        let rows = proof.chain.compactMap { envelope -> ProofRow? in
            guard let link = try? ProofLink(statement: Statement(unverified: envelope)) else { return nil }
            return ProofRow(
                statement: link.step.rawValue, keyID: envelope.signatures.first?.keyID ?? "",
                subject: link.bundle.hex, signedAt: proof.log.entry.time.description,
                detail: link.artifacts.map(\.name).joined(separator: ", "))
        }
        return ProofInfo(
            rows: rows, logIndex: proof.log.index)
    }

    private func publishers() throws(PipelineError) -> [PublisherPage] {
        var pages: [PublisherPage] = []
        for publisher in book.publishers {
            let keys = try PipelineError.translating { () throws(RegistryError) in
                try context.registry.keys(of: publisher.id, includingRevoked: true)
            }
            pages.append(
                PublisherPage(
                    id: publisher.id.text, name: publisher.name, verified: publisher.verifiedAt != nil,
                    verifiedHow: publisher.verifiedDomain.map { "domain \($0)" } ?? "",
                    since: publisher.registeredAt.day.description,
                    keys: keys.map {
                        PublisherKey(
                            keyID: $0.key.keyID, from: $0.addedAt.day.description,
                            until: $0.revokedAt?.day.description)
                    }, quarantined: publisher.state == .quarantined))
        }
        return pages
    }

    private func docs() throws(PipelineError) -> [DocSource] {
        var docs: [DocSource] = []
        for name in Files.list(context.programs.docs) where name.hasSuffix(".md") {
            let text = String(decoding: try Files.read("\(context.programs.docs)/\(name)"), as: UTF8.self)
            docs.append(DocSource(path: name, text: text))
        }
        for name in Files.list(context.programs.docs + "/plugins") where name.hasSuffix(".md") {
            let text = String(
                decoding: try Files.read("\(context.programs.docs)/plugins/\(name)"), as: UTF8.self)
            docs.append(DocSource(path: "plugins/\(name)", text: text, section: "Launch plugins"))
        }
        for name in Files.list(context.programs.docs + "/api") where name.hasSuffix(".md") {
            let text = String(
                decoding: try Files.read("\(context.programs.docs)/api/\(name)"), as: UTF8.self)
            docs.append(DocSource(path: "api/\(name)", text: text, section: "Reference"))
        }
        return docs
    }
}

/// A bundle's Markdown, rendered once in the worker and kept by digest of the text and of the pictures it shows.
struct RenderedTexts {
    let bundle: Digest
    let context: RunContext

    func text(_ name: String, _ media: inout [String: SiteFile]) async throws(PipelineError)
        -> RenderedMarkdown?
    {
        let unpacked = try await UnpackedCache.load(bundle, context)
        guard let text = unpacked.file(name) else { return nil }
        let pictures = try await BundlePictures(context: context, unpacked: unpacked).named(in: text)
        for found in pictures { media[found.file.path] = found.file }
        let inputs = text + pictures.flatMap { Array($0.image.sitePath.utf8) }
        let cached = "\(context.data.cache)/\(Digest.sha256(of: inputs))-\(name).json"
        if let bytes = try Files.readIfPresent(cached),
            let rendered = try? JSONDecoder().decode(RenderedMarkdown.self, from: Data(bytes))
        {
            return rendered
        }
        let prefix = name == "README.md" ? "readme-" : "changelog-"
        let workshop = try Workshop(programs: context.programs)
        switch await workshop.markdown(text, idPrefix: prefix, images: pictures.map(\.image)) {
        case .done(let bytes):
            do {
                let rendered = try JSONDecoder().decode(RenderedMarkdown.self, from: Data(bytes))
                try Files.write(bytes, to: cached)
                return rendered
            } catch {
                throw PipelineError(
                    .incomplete, "\(name) of \(bundle): the worker's answer was refused: \(error)")
            }
        case .refused(let why), .incomplete(let why):
            throw PipelineError(.incomplete, "\(name) of \(bundle) was not rendered: \(why)")
        }
    }
}
