import Marketplace

/// Where private pages stand among the others.
public struct PrivateSettings: Sendable, Equatable {
    public var site: SiteSettings
    /// The public site as seen from the private pages: `/` when the runtime serves both.
    public var publicRoot: String
    /// The runtime's API as the forms name it, `/v1/` when the runtime serves the pages.
    public var apiRoot: String

    public init(site: SiteSettings, publicRoot: String = "/", apiRoot: String = "/v1/") {
        self.site = site
        self.publicRoot = publicRoot
        self.apiRoot = apiRoot
    }
}

/// Pages for one reader each, served by the runtime to the holder of a token. They need no script: every form is a
/// POST of `application/x-www-form-urlencoded` fields (`multipart/form-data` for a bundle) to the path of the API,
/// which `FormRequest` turns into the API's own method and JSON document.
public struct PrivatePages: Sendable {
    let templates: Templates
    let settings: PrivateSettings

    public init(templates: Templates, settings: PrivateSettings) {
        self.templates = templates
        self.settings = settings
    }

    /// The style, script and picture that every private page names as `assets/…`.
    public func assets() -> [SiteFile] {
        templates.assets.map { SiteFile("assets/\($0.key)", $0.value) }.sorted { $0.path < $1.path }
    }

    func values(
        path: String, title: String, area: String, asOf: String, crumbs: [(String, String)] = [],
        home: String? = nil, root: String? = nil, _ own: [String: TemplateValue]
    ) -> TemplateValue {
        let frame = PageFrame(
            settings: settings.site, path: path, title: title, summary: title, crumbs: crumbs, isPrivate: true
        )
        var own = own
        own["publicRoot"] = .text(settings.publicRoot)
        own["apiRoot"] = .text(settings.apiRoot)
        own["area"] = .text(area)
        own["home"] = .text(home ?? frame.root)
        own["asOf"] = .text(Words.minute(asOf))
        return frame.values(own, root: root)
    }

    /// Puts pages at `<site>/private/<folder>`, whole: what was there before is replaced.
    public static func publish(_ files: [SiteFile], at folder: String, in site: String)
        throws(PublishingError)
    {
        let target = "\(site)/private/\(folder)"
        let next = "\(site)/private/.next-\(folder.split(separator: "/").joined(separator: "-"))"
        let old = "\(site)/private/.old-\(folder.split(separator: "/").joined(separator: "-"))"
        SiteFiles.remove(next)
        SiteFiles.remove(old)
        try SiteFiles.makeFolder(next)
        try SiteWriter(folder: next).write(files, as: "pages")
        if let slash = target.lastIndex(of: "/") { try SiteFiles.makeFolder(String(target[..<slash])) }
        if SiteFiles.isFolder(target) { try SiteFiles.rename(target, to: old) }
        try SiteFiles.rename(next, to: target)
        SiteFiles.remove(old)
    }
}

// MARK: Reviewers

extension PrivatePages {
    /// The reviewers' pages, paths relative to `private/review/`: the queue is `index.html`, a submission's page
    /// `<submission>/index.html`.
    public func review(_ queue: ReviewQueue) throws(PublishingError) -> [SiteFile] {
        var files = assets()
        func isWaiting(_ item: ReviewItem) -> Bool { item.dueAt != nil }
        let waiting = queue.items.filter(isWaiting).sorted {
            ($0.dueAt ?? "", $0.submission) < ($1.dueAt ?? "", $1.submission)
        }
        let decided = queue.items.filter { !isWaiting($0) }.sorted {
            ($0.submittedAt, $0.submission) > ($1.submittedAt, $1.submission)
        }
        let values = values(
            path: "index.html", title: "Review queue", area: "Review queue", asOf: queue.asOf,
            [
                "hasWaiting": .flag(!waiting.isEmpty),
                "waiting": waiting.asList { row($0, asOf: queue.asOf) },
                "hasDecided": .flag(!decided.isEmpty),
                "decided": decided.asList { row($0, asOf: queue.asOf) },
            ])
        files.append(SiteFile("index.html", try templates.render("review-queue", values)))
        for item in queue.items {
            guard Catalogue.isPathComponent(item.submission) else {
                throw PublishingError(.model, subject: item.submission, cause: "cannot be a path of the site")
            }
            files.append(
                SiteFile(
                    "\(item.submission)/index.html",
                    try templates.render("review", page(of: item, asOf: queue.asOf))))
        }
        return files
    }

    private func row(_ item: ReviewItem, asOf: String) -> TemplateValue {
        [
            "link": .text("\(item.submission)/"), "title": .text(item.title), "version": .text(item.version),
            "plugin": .text(item.plugin), "publisherName": .text(item.publisherName),
            "verdictID": .text(item.verdict.rawValue), "verdictTitle": .text(item.verdict.rawValue),
            "recommendation": .text(item.recommendation), "findings": .text(Words.count(item.findings.count)),
            "submitted": .text(Words.minute(item.submittedAt)),
            "due": .text(item.dueAt.map(Words.minute) ?? ""),
            "isOverdue": .flag((item.dueAt ?? asOf) < asOf), "state": .text(item.state),
        ]
    }

    private func page(of item: ReviewItem, asOf: String) -> TemplateValue {
        let path = "\(item.submission)/index.html"
        return values(
            path: path, title: "\(item.title) \(item.version)", area: "Review queue", asOf: asOf,
            crumbs: [("", "Review queue")],
            [
                "title": .text(item.title), "version": .text(item.version), "plugin": .text(item.plugin),
                "submission": .text(item.submission), "state": .text(item.state),
                "summary": .optional(item.summary),
                "verdict": Parts.verdict(item.verdict), "recommendation": .text(item.recommendation),
                "recommendationWhy": .text(item.recommendationWhy),
                "permissions": item.permissions.asList(Parts.permission),
                "hasPermissions": .flag(!item.permissions.isEmpty),
                "findings": Parts.sorted(item.findings).asList { Parts.finding($0, isRuleListed: false) },
                "hasFindings": .flag(!item.findings.isEmpty), "checks": item.checks.asList(Parts.check),
                "hasChecks": .flag(!item.checks.isEmpty), "trial": Parts.trial(item.trial),
                "dependencies": item.dependencies.asList(Parts.dependency),
                "hasDependencies": .flag(!item.dependencies.isEmpty),
                "files": item.files.prefix(500).asList(Parts.file), "hasFiles": .flag(!item.files.isEmpty),
                "fileCount": .text(Words.count(item.files.count, "file")),
                "filesAreCut": .flag(item.files.count > 500),
                "readme": Parts.markdown(item.readme, root: settings.publicRoot),
                "isWaiting": .flag(item.dueAt != nil), "due": .optional(item.dueAt.map(Words.minute)),
                "publisher": .text(item.publisher), "publisherName": .text(item.publisherName),
                "publisherVerified": .flag(item.publisherVerified),
                "publisherHistory": .optional(item.publisherHistory),
                "previous": .optional(item.previousVersion),
                "submitted": .text(Words.minute(item.submittedAt)), "size": .text(Words.bytes(item.bytes)),
                "sha256": .text(item.sha256), "hasDecisions": .flag(!item.decisions.isEmpty),
                "decisions": item.decisions.asList {
                    [
                        "decision": .text($0.decision), "by": .text($0.by), "at": .text(Words.minute($0.at)),
                        "reason": .optional($0.reason),
                    ]
                },
            ])
    }
}
