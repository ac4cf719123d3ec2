/// The docs site: our own Markdown, and references made from what the programs themselves say.
struct DocPages: Sendable {
    let catalogue: Catalogue

    struct Doc: Sendable {
        /// `docs/installing/`, relative to the root.
        let link: String
        let section: String
        let title: String
        /// Markdown, or nil for a generated page.
        let source: DocSource?
    }

    let docs: [Doc]

    init(_ catalogue: Catalogue) {
        self.catalogue = catalogue
        let placed = catalogue.model.docs.map { source in
            let place = Self.place(of: source)
            return (
                order: place.order,
                doc: Doc(
                    link: Self.link(of: source.path), section: place.section, title: Self.title(of: source),
                    source: source)
            )
        }
        let written = placed.sorted { ($0.order, $0.doc.title) < ($1.order, $1.doc.title) }.map(\.doc)
        let references = catalogue.model.references
        var generated: [Doc] = []
        func add(_ name: String, _ title: String, _ isThere: Bool) {
            guard isThere else { return }
            generated.append(
                Doc(link: "docs/reference/\(name)/", section: "Reference", title: title, source: nil))
        }
        add("rules", "Rules of the scanner", !references.rules.isEmpty)
        add("cli", "Command line", !references.commands.isEmpty)
        add("manifest", "The manifest", references.manifestSchema != nil)
        add("api", "HTTP API", !references.operations.isEmpty)
        add("problems", "Problem types", !references.problems.isEmpty)
        add("sdk", "SDK types", !references.types.isEmpty)
        docs = written + generated
    }

    /// `guide/first.md` → `docs/guide/first/`, `index.md` → `docs/`.
    static func link(of path: String) -> String {
        let name = path.hasSuffix(".md") ? String(path.dropLast(3)) : path
        if name == "index" { return "docs/" }
        return name.hasSuffix("/index") ? "docs/\(name.dropLast(5))" : "docs/\(name)/"
    }

    /// A page may say where the menu shows it, in its first line: `<!-- Start 2 -->` is third under *Start*. Others
    /// stand behind, in their source's section, by title.
    private static func place(of source: DocSource) -> (section: String, order: Int) {
        let line = source.text.prefix { $0 != "\n" }
        guard line.hasPrefix("<!-- "), line.hasSuffix(" -->") else { return (source.section, 1_000) }
        let words = line.dropFirst(5).dropLast(4).split(separator: " ")
        guard words.count > 1, let order = words.last.flatMap({ Int($0) }) else {
            return (source.section, 1_000)
        }
        return (words.dropLast().joined(separator: " "), order)
    }

    private static func title(of source: DocSource) -> String {
        for line in source.text.split(separator: "\n") where line.hasPrefix("# ") {
            return String(line.dropFirst(2).drop { $0 == " " })
        }
        return source.path
    }

    private func menu(here: String) -> TemplateValue {
        var sections: [String] = []
        for doc in docs where !sections.contains(doc.section) { sections.append(doc.section) }
        return sections.asList { section in
            [
                "name": .text(section),
                "pages": docs.filter { $0.section == section }.asList {
                    ["name": .text($0.title), "link": .text($0.link), "isHere": .flag($0.link == here)]
                },
            ]
        }
    }

    private func frame(_ doc: Doc) -> PageFrame {
        PageFrame(
            settings: catalogue.settings, path: "\(doc.link)index.html", title: doc.title,
            summary: "\(doc.title): documentation of \(catalogue.settings.name).", section: "docs",
            crumbs: doc.link == "docs/" ? [] : [("docs/", "Documentation")])
    }

    func render(_ doc: Doc, with templates: Templates) throws(PublishingError) -> [SiteFile] {
        let frame = frame(doc)
        guard let source = doc.source else { return [try reference(doc, frame, templates)] }
        let links = Dictionary(
            catalogue.model.docs.map {
                (Self.relative($0.path, from: source.path), "\(frame.root)\(Self.link(of: $0.path))")
            },
            uniquingKeysWith: { first, _ in first })
        let rendered = Markdown.render(Array(source.text.utf8), profile: .trusted(links: links))
        let (title, body) = Self.parted(rendered.html.html)
        let values = frame.values([
            "menu": menu(here: doc.link), "title": .markup(title),
            "contents": Parts.contents(rendered.headings, levels: 2...3),
            "hasContents": .flag(rendered.headings.count > 2), "html": .markup(body),
        ])
        return [SiteFile(frame.path, try templates.render("doc", values))]
    }

    /// A page's heading, and what stands under it: between them comes the list of contents.
    private static func parted(_ html: String) -> (title: String, body: String) {
        let end = Array("</h1>".utf8)
        guard html.hasPrefix("<h1"), let found = html.utf8.firstRange(of: end) else { return ("", html) }
        return (String(html[..<found.upperBound]), String(html[found.upperBound...].drop { $0 == "\n" }))
    }

    /// How one page's file names another: `../b.md`.
    private static func relative(_ path: String, from page: String) -> String {
        var target = path.split(separator: "/").map(String.init)[...]
        var here = page.split(separator: "/").dropLast().map(String.init)[...]
        while let first = here.first, target.count > 1, target.first == first {
            here.removeFirst()
            target.removeFirst()
        }
        return String(repeating: "../", count: here.count) + target.joined(separator: "/")
    }

    private func reference(_ doc: Doc, _ frame: PageFrame, _ templates: Templates) throws(PublishingError)
        -> SiteFile
    {
        let references = catalogue.model.references
        let name = doc.link.split(separator: "/").last.map(String.init) ?? ""
        var values: [String: TemplateValue] = ["menu": menu(here: doc.link), "heading": .text(doc.title)]
        let template: String
        switch name {
        case "rules":
            template = "rules"
            values["rules"] = references.rules.sorted { $0.id < $1.id }.asList {
                [
                    "id": .text($0.id), "anchor": .text(MarkdownHeadings.slug($0.id)),
                    "title": .text($0.title),
                    "kind": .text($0.kind), "severity": .text($0.severity), "why": .optional($0.why),
                    "legitimate": .optional($0.legitimate), "fix": .optional($0.fix),
                ]
            }
        case "manifest":
            template = "manifest"
            let schema = references.manifestSchema ?? ""
            values["keys"] = SchemaTable.rows(of: schema).asList {
                [
                    "name": .text($0.name), "type": .text($0.type), "required": .flag($0.isRequired),
                    "meaning": .text($0.meaning),
                ]
            }
            var code: [UInt8] = []
            Highlighter.append(Array(schema.utf8), language: "json", to: &code)
            values["schema"] = .markup(String(decoding: code, as: UTF8.self))
        default:
            template = "reference"
            values["items"] = Self.items(of: name, in: references)
            values["download"] = name == "sdk" ? Self.download(references.sdk) : .list([])
        }
        return SiteFile(frame.path, try templates.render(template, frame.values(values)))
    }

    private static func download(_ sdk: SDKDownload?) -> TemplateValue {
        guard let sdk else { return .list([]) }
        return .list([
            [
                "version": .text(sdk.version), "link": .text(sdk.path), "signature": .text(sdk.signaturePath),
                "name": .text(sdk.path.split(separator: "/").last.map(String.init) ?? sdk.path),
                "sha256": .text(sdk.sha256), "size": .text(Words.bytes(sdk.bytes)), "keyID": .text(sdk.keyID),
            ]
        ])
    }

    /// A list of names, each with a line and a block of text.
    private static func items(of name: String, in references: References) -> TemplateValue {
        func item(_ title: String, _ summary: String, _ text: String, _ language: String = "")
            -> TemplateValue
        {
            var code: [UInt8] = []
            Highlighter.append(Array(text.utf8), language: language, to: &code)
            return [
                "name": .text(title), "anchor": .text(MarkdownHeadings.slug(title)),
                "summary": .optional(summary),
                "code": text.isEmpty
                    ? .list([]) : .list([["html": .markup(String(decoding: code, as: UTF8.self))]]),
            ]
        }
        switch name {
        case "cli": return references.commands.asList { item($0.name, $0.abstract, $0.help) }
        case "api":
            return references.operations.asList { item("\($0.method) \($0.path)", $0.summary, $0.detail) }
        case "problems":
            return references.problems.asList { item($0.type, "\($0.status): \($0.title)", $0.meaning) }
        default: return references.types.asList { item($0.name, $0.summary, $0.declaration, "ts") }
        }
    }
}
