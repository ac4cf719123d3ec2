/// What a plugin's pages are made from, and nothing else: the digest of this value says whether they are made anew.
struct PluginInputs: Encodable {
    let entry: CatalogueEntry
    let settings: SiteSettings
    let publisher: PublisherPage?
    let category: CategoryInfo?
    /// Files beside the pages that the caller brings.
    let brought: Set<String>
    /// Rules of its findings that the docs have a section for.
    let rules: Set<String>

    init(_ entry: CatalogueEntry, in catalogue: Catalogue) {
        self.entry = entry
        settings = catalogue.pageSettings
        publisher = catalogue.publishers[entry.publisher]
        category = catalogue.categories[entry.category]
        var brought: Set<String> = []
        var rules: Set<String> = []
        for version in entry.versions {
            let folder = entry.path(of: version)
            for name in PluginPages.reports.map({ "report/\($0)" }) + ["proof.json"]
            where catalogue.brought.contains(folder + name) {
                brought.insert(folder + name)
            }
            for finding in version.findings where catalogue.rules.contains(finding.rule) {
                rules.insert(finding.rule)
            }
        }
        self.brought = brought.union(PluginPages.log.filter(catalogue.brought.contains))
        self.rules = rules
    }

    var publisherName: String { publisher?.name ?? entry.publisher }

    private enum Keys: CodingKey { case entry, settings, publisher, category, brought, rules }

    /// Sets in order, so that the digest is the same in every process.
    func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: Keys.self)
        try members.encode(entry, forKey: .entry)
        try members.encode(settings, forKey: .settings)
        try members.encodeIfPresent(publisher, forKey: .publisher)
        try members.encodeIfPresent(category, forKey: .category)
        try members.encode(brought.sorted(), forKey: .brought)
        try members.encode(rules.sorted(), forKey: .rules)
    }
}

/// The pages of one plugin: its own, and for each version the version's page, its scan report and its proof; with its
/// feed, badge, picture and twin.
struct PluginPages {
    let inputs: PluginInputs

    private var entry: CatalogueEntry { inputs.entry }
    private var settings: SiteSettings { inputs.settings }

    func render(with templates: Templates) throws(PublishingError) -> [SiteFile] {
        var files = [SiteFile("\(entry.path)index.html", try templates.render("plugin", plugin()))]
        files.append(SiteFile("\(entry.path)entry.json", EntryTwin.bytes(of: entry)))
        files.append(SiteFile("badges/\(entry.id).svg", Badge.svg(of: entry)))
        files.append(
            SiteFile(
                card,
                CardPicture.png(
                    title: entry.title, by: "by \(inputs.publisherName)",
                    price: PriceWords.summary(entry.current?.pricing ?? entry.pricing))))
        files.append(Feeds.plugin(entry, settings))
        for (index, version) in entry.versions.enumerated() {
            let folder = entry.path(of: version)
            let older = entry.versions.dropFirst(index + 1).first { $0.status != .revoked }
            files.append(
                SiteFile(
                    "\(folder)index.html",
                    try templates.render("version", self.version(version, older: older))))
            files.append(
                SiteFile("\(folder)report/index.html", try templates.render("report", report(version))))
            files.append(SiteFile("\(folder)proof/index.html", try templates.render("proof", proof(version))))
        }
        return files
    }

    /// The picture for links from elsewhere.
    private var card: String { "cards/\(entry.id).png" }

    private func frame(_ path: String, title: String, summary: String, crumbs: [(String, String)])
        -> PageFrame
    {
        var above = [("browse/", "Plugins")]
        if let category = inputs.category {
            above.append(("categories/\(category.id)/", category.title))
        }
        return PageFrame(
            settings: settings, path: path, title: title, summary: summary, section: "plugins",
            crumbs: above + crumbs, card: card)
    }

    /// What the plugin's and each version's page share: the head and the facts.
    private func head(_ version: ListedVersion?, root: String) -> [String: TemplateValue] {
        let publisher = inputs.publisher
        let pricing = version?.pricing ?? entry.pricing
        return [
            "title": .text(entry.title), "id": .text(entry.id), "summary": .text(entry.summary),
            "icon": Parts.icon(entry), "link": .text(entry.path),
            "publisher": [
                "name": .text(inputs.publisherName), "id": .text(entry.publisher),
                "link": .text("publishers/\(entry.publisher)/"),
                "verified": .flag(publisher?.verified ?? false),
                "how": .text(publisher?.verifiedHow ?? ""),
                "quarantined": .flag(publisher?.quarantined ?? false),
            ],
            "author": .text(entry.author), "license": .text(entry.license),
            "category": inputs.category.map {
                .list([["link": .text("categories/\($0.id)/"), "name": .text($0.title)]])
            } ?? .list([]),
            "rating": Parts.rating(entry.rating),
            "installs": .optional(entry.installs.map { Words.count($0) }),
            "homepage": .optional(Self.webAddress(entry.homepage)),
            "repository": .optional(Self.webAddress(entry.repository)),
            "support": .optional(Self.supportAddress(entry.support)),
            "supportWords": .text(entry.support ?? ""),
            "keywords": entry.keywords.asList { ["word": .text($0)] },
            "hasKeywords": .flag(!entry.keywords.isEmpty),
            "price": .text(PriceWords.summary(pricing)), "currency": .text(pricing.currency),
            "plans": pricing.plans.asList { Parts.plan($0, pricing.currency) },
            "hasPlans": .flag(!pricing.plans.isEmpty),
            "measured": .optional(MeasuredCost.words(pricing, version?.trial)),
            "example": pricing.example.map {
                .list([
                    [
                        "name": .text($0.title), "total": .text($0.total),
                        "lines": $0.lines.asList { ["label": .text($0.label), "amount": .text($0.amount)] },
                    ]
                ])
            } ?? .list([]),
        ]
    }

    /// Only `https`, `http` and `mailto` go into a page, whatever a manifest says.
    static func webAddress(_ address: String?) -> String? {
        guard let address, let scheme = LinkSafety.scheme(of: address.utf8),
            LinkSafety.isAllowed(scheme: scheme),
            address.utf8.allSatisfy({ $0 > 32 && $0 != 127 })
        else { return nil }
        return address
    }

    /// A manifest's `support` may be an e-mail address alone.
    static func supportAddress(_ address: String?) -> String? {
        guard let address, LinkSafety.scheme(of: address.utf8) == nil,
            address.utf8.contains(UInt8(ascii: "@"))
        else {
            return webAddress(address)
        }
        return webAddress("mailto:\(address)")
    }

    private func plugin() -> TemplateValue {
        let current = entry.current
        let frame = PageFrame(
            settings: settings, path: "\(entry.path)index.html", title: entry.title,
            summary: entry.summary,
            section: "plugins",
            crumbs: [("browse/", "Plugins")]
                + (inputs.category.map { [("categories/\($0.id)/", $0.title)] } ?? []),
            structuredData: StructuredData.plugin(inputs), card: card)
        var values = head(current, root: frame.root)
        values["hasCurrent"] = .flag(current != nil)
        values["current"] = current.map { .list([summary(of: $0, root: frame.root)]) } ?? .list([])
        values["readme"] = Parts.markdown(current?.readme, root: frame.root)
        values["changelog"] = Parts.markdown(
            current?.changelog, root: frame.root, idPrefix: "changes-")
        values["screenshots"] = entry.screenshots.asList {
            [
                "link": .text($0.sitePath), "width": .number($0.width), "height": .number($0.height),
                "alt": .text($0.alt.isEmpty ? "Screenshot of \(entry.title)" : $0.alt),
            ]
        }
        values["hasScreenshots"] = .flag(!entry.screenshots.isEmpty)
        values["versions"] = entry.versions.asList(versionRow)
        values["hasReviews"] = .flag(!entry.reviews.isEmpty)
        values["reviews"] = entry.reviews.prefix(50).asList {
            [
                "stars": .number($0.stars), "text": .text($0.text), "by": .text($0.by),
                "version": .text($0.version),
                "day": .text($0.day), "answer": .optional($0.answer),
            ]
        }
        values["feed"] = .text("feeds/plugins/\(entry.id).atom")
        return frame.values(values)
    }

    private func versionRow(_ version: ListedVersion) -> TemplateValue {
        [
            "version": .text(version.version), "link": .text(entry.path(of: version)),
            "day": .text(Words.day(version.listedAt)), "channel": .text(version.channel),
            "status": .text(version.status.rawValue), "isListed": .flag(version.status == .listed),
            "reason": .optional(version.statusReason), "permissions": .text(change(to: version)),
        ]
    }

    /// "automatic" where nothing grew since the version before, else "needs approval".
    private func change(to version: ListedVersion) -> String {
        guard let index = entry.versions.firstIndex(where: { $0.version == version.version }),
            let older = entry.versions.dropFirst(index + 1).first(where: { $0.status != .revoked })
        else { return "first version" }
        let difference = VersionDifference(from: older, to: version)
        return difference.needsApproval ? "needs approval" : "automatic"
    }

    private func summary(of version: ListedVersion, root: String) -> TemplateValue {
        let declared = version.permissions.filter { $0.declared && $0.change != .removed }
        return [
            "version": .text(version.version), "link": .text(entry.path(of: version)),
            "report": .text("\(entry.path(of: version))report/"),
            "proof": .text("\(entry.path(of: version))proof/"),
            "day": .text(Words.day(version.listedAt)), "size": .text(Words.bytes(version.bytes)),
            "sha256": .text(version.sha256), "bundle": .text("bundles/\(version.sha256).vfp"),
            "isDeprecated": .flag(version.status == .deprecated), "reason": .optional(version.statusReason),
            "verdict": Parts.verdict(version.verdict), "engines": .optional(version.engines),
            "access": .text(PlainWords.accessTitles[PlainWords.accessLevel(version.permissions)]),
            "permissions": declared.asList(Parts.permission), "hasPermissions": .flag(!declared.isEmpty),
            "trial": Parts.trial(version.trial), "speed": .optional(speed(of: version)),
            "checkCount": .text(Words.count(version.checks.count, "check")),
            "findingCount": .text(Words.count(version.findings.count, "finding")),
            "actions": version.actions.asList {
                [
                    "name": .text($0.name), "summary": .text($0.summary), "input": .optional($0.input),
                    "output": .optional($0.output),
                ]
            },
            "hasActions": .flag(!version.actions.isEmpty),
        ]
    }

    /// The slowest of the actions that its trial tried, and the memory.
    private func speed(of version: ListedVersion) -> String? {
        guard let trial = version.trial,
            let slowest = trial.actions.filter({ $0.outcome == "ok" }).map(\.wallMs).max()
        else { return nil }
        return "\(Words.count(slowest)) ms a call at most, \(Words.bytes(trial.memoryKiBMax * 1_024))"
    }

    private func version(_ version: ListedVersion, older: ListedVersion?) -> TemplateValue {
        let frame = frame(
            "\(entry.path(of: version))index.html", title: "\(entry.title) \(version.version)",
            summary: entry.summary,
            crumbs: [(entry.path, entry.title)])
        var values = head(version, root: frame.root)
        values["current"] = .list([summary(of: version, root: frame.root)])
        values["isTombstone"] = .flag(version.status == .yanked || version.status == .revoked)
        values["isRevoked"] = .flag(version.status == .revoked)
        values["status"] = .text(version.status.rawValue)
        values["reason"] = .text(version.statusReason ?? "no reason was given")
        values["since"] = .optional(version.statusAt.map(Words.minute))
        values["isCurrent"] = .flag(entry.current?.version == version.version)
        values["offered"] = entry.current.map { .list([["version": .text($0.version)]]) } ?? .list([])
        values["readme"] = Parts.markdown(version.readme, root: frame.root)
        values["changelog"] = Parts.markdown(
            version.changelog, root: frame.root, idPrefix: "changes-")
        values["limits"] = version.limits.asList { ["name": .text($0.name), "value": .text($0.value)] }
        values["hasLimits"] = .flag(!version.limits.isEmpty)
        values["dependencies"] = version.dependencies.asList(Parts.dependency)
        values["hasDependencies"] = .flag(!version.dependencies.isEmpty)
        let difference = older.map { VersionDifference(from: $0, to: version) }
        values["difference"] =
            difference.map {
                .list([
                    [
                        "older": .text($0.older), "needsApproval": .flag($0.needsApproval),
                        "hasRows": .flag(!$0.rows.isEmpty), "rows": $0.rows.asList(Parts.permission),
                    ]
                ])
            } ?? .list([])
        return frame.values(values)
    }

    private func report(_ version: ListedVersion) -> TemplateValue {
        let frame = frame(
            "\(entry.path(of: version))report/index.html",
            title: "Scan report of \(entry.title) \(version.version)",
            summary: "What was checked in \(entry.title) \(version.version), and what was found.",
            crumbs: [(entry.path, entry.title), (entry.path(of: version), version.version)])
        let folder = "\(entry.path(of: version))report/"
        let evidence = Self.reports.filter { inputs.brought.contains(folder + $0) }
        return frame.values([
            "title": .text(entry.title), "version": .text(version.version),
            "verdict": Parts.verdict(version.verdict),
            "sha256": .text(version.sha256), "size": .text(Words.bytes(version.bytes)),
            "permissions": version.permissions.asList(Parts.permission),
            "hasPermissions": .flag(!version.permissions.isEmpty),
            "findings": Parts.sorted(version.findings).asList {
                Parts.finding($0, isRuleListed: inputs.rules.contains($0.rule))
            },
            "hasFindings": .flag(!version.findings.isEmpty), "checks": version.checks.asList(Parts.check),
            "hasChecks": .flag(!version.checks.isEmpty), "trial": Parts.trial(version.trial),
            "dependencies": version.dependencies.asList(Parts.dependency),
            "hasDependencies": .flag(!version.dependencies.isEmpty),
            "files": version.files.prefix(500).asList(Parts.file), "hasFiles": .flag(!version.files.isEmpty),
            "fileCount": .text(Words.count(version.files.count, "file")),
            "filesAreCut": .flag(version.files.count > 500), "hasEvidence": .flag(!evidence.isEmpty),
            "evidence": evidence.asList { ["name": .text($0), "link": .text("\(folder)\($0)")] },
        ])
    }

    /// Reports for machines, linked where the caller brings them beside the page.
    static let reports = [
        "scan.json", "scan.sarif", "sbom.cdx.json", "trial.json", "decision.json", "unpack.json",
    ]

    /// The log's lines and its signed head.
    static let log = ["log/entries.jsonl", "log/checkpoint.json"]

    private var logFiles: TemplateValue {
        guard Self.log.allSatisfy(inputs.brought.contains) else { return .list([]) }
        return .list([["lines": .text(Self.log[0]), "head": .text(Self.log[1])]])
    }

    private func proof(_ version: ListedVersion) -> TemplateValue {
        let frame = frame(
            "\(entry.path(of: version))proof/index.html", title: "Proof of \(entry.title) \(version.version)",
            summary: "Who signed what about \(entry.title) \(version.version), and how to check it yourself.",
            crumbs: [(entry.path, entry.title), (entry.path(of: version), version.version)])
        let proof = version.proof
        return frame.values([
            "title": .text(entry.title), "id": .text(entry.id), "version": .text(version.version),
            "sha256": .text(version.sha256), "bundle": .text("bundles/\(version.sha256).vfp"),
            "hasRows": .flag(!(proof?.rows ?? []).isEmpty),
            "rows": (proof?.rows ?? []).asList {
                [
                    "statement": .text($0.statement), "key": .text($0.keyID), "subject": .text($0.subject),
                    "short": .text(Words.short($0.subject)), "at": .text(Words.minute($0.signedAt)),
                    "detail": .text($0.detail),
                ]
            },
            "log": proof?.logIndex.map { .list([["index": .text(Words.count($0)), "files": logFiles]]) }
                ?? .list([]),
            "rootDigest": .optional(settings.rootDigest),
            "file": inputs.brought.contains("\(entry.path(of: version))proof.json")
                ? .list([["link": .text("\(entry.path(of: version))proof.json")]]) : .list([]),
        ])
    }
}
