import CMark
import Marketplace

/// Writes a tree as HTML, walking it without recursion; what nests deeper than `depthMax` is written flat.
struct MarkdownWriter {
    let profile: Markdown.Profile
    let headings: MarkdownHeadings
    let tables: MarkdownTables
    var out: [UInt8] = []
    /// For each open container: whether its tag was written.
    private var written: [Bool] = []
    private var linkOpen = false
    private var cellMarkPending = false
    /// Text nodes whose beginning is markup of ours (`[x] `, `[!NOTE]`): how many bytes to leave out.
    private var skips: [OpaquePointer: Int] = [:]

    private static let depthMax = 64

    init(profile: Markdown.Profile, headings: MarkdownHeadings, tables: MarkdownTables) {
        self.profile = profile
        self.headings = headings
        self.tables = tables
    }

    mutating func write(_ root: OpaquePointer) {
        guard let iterator = cmark_iter_new(root) else { return }
        defer { cmark_iter_free(iterator) }
        while true {
            let event = cmark_iter_next(iterator)
            guard event != CMARK_EVENT_DONE, let node = cmark_iter_get_node(iterator) else { return }
            if event == CMARK_EVENT_ENTER {
                if enter(node) { cmark_iter_reset(iterator, node, CMARK_EVENT_EXIT) }
            } else {
                exit(node)
            }
        }
    }

    private mutating func put(_ text: String) { out.append(contentsOf: text.utf8) }

    private mutating func putEscaped(_ bytes: some Sequence<UInt8>) { HTMLEscape.append(bytes, to: &out) }

    private mutating func newline() {
        if let last = out.last, last != UInt8(ascii: "\n") { out.append(UInt8(ascii: "\n")) }
    }

    // MARK: Entering

    /// Whether all below the node is written already.
    private mutating func enter(_ node: OpaquePointer) -> Bool {
        switch MarkdownNode.type(node) {
        case CMARK_NODE_BLOCK_QUOTE, CMARK_NODE_LIST, CMARK_NODE_ITEM: enterContainer(node)
        case CMARK_NODE_PARAGRAPH: return enterParagraph(node)
        case CMARK_NODE_HEADING: enterHeading(node)
        case CMARK_NODE_CODE_BLOCK: writeCodeBlock(node)
        case CMARK_NODE_HTML_BLOCK: writeHTMLBlock(node)
        case CMARK_NODE_THEMATIC_BREAK:
            newline()
            put(profile.isPlain ? "<hr />\n" : "<hr>\n")
        case CMARK_NODE_TEXT: writeText(node)
        case CMARK_NODE_SOFTBREAK: put("\n")
        case CMARK_NODE_LINEBREAK: put(profile.isPlain ? "<br />\n" : "<br>\n")
        case CMARK_NODE_CODE:
            put("<code>")
            putEscaped(MarkdownNode.literal(node))
            put("</code>")
        case CMARK_NODE_HTML_INLINE: if profile.isPlain { out += MarkdownNode.literal(node) }
        case CMARK_NODE_EMPH: enterInline("<em>")
        case CMARK_NODE_STRONG: enterInline("<strong>")
        case CMARK_NODE_LINK: enterLink(node)
        case CMARK_NODE_IMAGE:
            writeImage(node)
            return true
        default: break
        }
        return false
    }

    private mutating func enterInline(_ tag: String) {
        let isWritten = written.count < Self.depthMax
        written.append(isWritten)
        if isWritten { put(tag) }
    }

    private mutating func enterContainer(_ node: OpaquePointer) {
        let type = MarkdownNode.type(node)
        let isWritten = type == CMARK_NODE_ITEM ? (written.last ?? true) : written.count < Self.depthMax
        written.append(isWritten)
        guard isWritten else { return newline() }
        newline()
        switch type {
        case CMARK_NODE_BLOCK_QUOTE:
            if let alert = alert(node) {
                put("<div class=\"alert \(alert.rawValue)\" role=\"note\">\n<p class=\"alert-title\">")
                put("\(alert.title)</p>\n")
            } else {
                put("<blockquote>\n")
            }
        case CMARK_NODE_LIST:
            if cmark_node_get_list_type(node) == CMARK_BULLET_LIST {
                put(isTaskList(node) ? "<ul class=\"tasks\">\n" : "<ul>\n")
            } else {
                let start = cmark_node_get_list_start(node)
                put(start == 1 ? "<ol>\n" : "<ol start=\"\(start)\">\n")
            }
        default:
            put("<li>")
            if let isDone = takeTask(node) {
                put("<input type=\"checkbox\" disabled=\"\"")
                put(isDone ? " checked=\"\" aria-label=\"done\"> " : " aria-label=\"to do\"> ")
            }
        }
    }

    private mutating func enterParagraph(_ node: OpaquePointer) -> Bool {
        if let table = tables.byParagraph[node] {
            writeTable(table)
            return true
        }
        if skips[node] != nil { return true }
        if isTight(node) || cellMarkPending { return false }
        newline()
        put("<p>")
        return false
    }

    private func isTight(_ paragraph: OpaquePointer) -> Bool {
        guard let item = cmark_node_parent(paragraph), let list = cmark_node_parent(item),
            MarkdownNode.type(list) == CMARK_NODE_LIST
        else { return false }
        return cmark_node_get_list_tight(list) != 0
    }

    private mutating func enterHeading(_ node: OpaquePointer) {
        newline()
        if let index = headings.byNode[node] {
            let heading = headings.list[index]
            put("<h\(heading.level) id=\"")
            putEscaped(heading.id.utf8)
            put("\">")
        } else {
            put("<h\(cmark_node_get_heading_level(node))>")
        }
    }

    private mutating func writeText(_ node: OpaquePointer) {
        var literal = MarkdownNode.literal(node)[...]
        if cellMarkPending {
            cellMarkPending = false
            literal = literal.dropFirst(literal.starts(with: MarkdownTables.cellMark) ? 2 : 1)
        }
        if let skip = skips[node] { literal = literal.dropFirst(skip) }
        putEscaped(literal)
    }

    private mutating func writeCodeBlock(_ node: OpaquePointer) {
        newline()
        let word = MarkdownNode.info(node).prefix { $0 != 32 && $0 != 9 }
        if profile.isPlain {
            put("<pre><code")
            if !word.isEmpty {
                put(" class=\"language-")
                putEscaped(word)
                put("\"")
            }
            put(">")
            putEscaped(MarkdownNode.literal(node))
        } else {
            let language = String(decoding: word, as: UTF8.self).lowercased().filter {
                $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "+" || $0 == "#" || $0 == "-")
            }
            put("<pre tabindex=\"0\"><code")
            if !language.isEmpty { put(" class=\"language-\(language)\"") }
            put(">")
            Highlighter.append(MarkdownNode.literal(node), language: language, to: &out)
        }
        put("</code></pre>\n")
    }

    /// Raw HTML is not taken over: tags fall away, the words between them stay as text.
    private mutating func writeHTMLBlock(_ node: OpaquePointer) {
        newline()
        let literal = MarkdownNode.literal(node)
        if profile.isPlain {
            out += literal
            return newline()
        }
        let words = RawHTML.words(of: literal)
        guard !words.isEmpty else { return }
        put("<p>")
        putEscaped(words)
        put("</p>\n")
    }

    // MARK: Links and images

    private mutating func enterLink(_ node: OpaquePointer) {
        guard let href = href(of: MarkdownNode.url(node)) else { return }
        linkOpen = true
        put("<a href=\"")
        out += href
        put("\"")
        let title = MarkdownNode.title(node)
        if !title.isEmpty {
            put(" title=\"")
            putEscaped(title)
            put("\"")
        }
        if profile.isUntrusted { put(" rel=\"nofollow ugc noopener\"") }
        put(">")
    }

    private func href(of url: [UInt8]) -> [UInt8]? {
        if profile.isPlain { return LinkSafety.attribute(url) }
        if let scheme = LinkSafety.scheme(of: url) {
            return LinkSafety.isAllowed(scheme: scheme) ? LinkSafety.attribute(url) : nil
        }
        let text = String(decoding: url, as: UTF8.self)
        if text.hasPrefix("#") {
            let id = profile.idPrefix + text.dropFirst()
            return headings.ids.contains(id) ? LinkSafety.attribute("#\(id)".utf8) : nil
        }
        if profile.isUntrusted || text.isEmpty || text.hasPrefix("//") { return nil }
        let path = text.prefix { $0 != "#" }
        guard let target = profile.links[String(path)] else {
            // What lies outside the docs (a source file) has no page; an unknown page among them is a broken link.
            return path.hasPrefix("../") && !profile.links.isEmpty ? nil : LinkSafety.attribute(url)
        }
        return LinkSafety.attribute((target + text.dropFirst(path.count)).utf8)
    }

    private mutating func writeImage(_ node: OpaquePointer) {
        let alt = MarkdownNode.plainText(node)
        if profile.isPlain {
            put("<img src=\"")
            out += LinkSafety.attribute(MarkdownNode.url(node))
            put("\" alt=\"")
            putEscaped(alt.utf8)
            put("\"")
            let title = MarkdownNode.title(node)
            if !title.isEmpty {
                put(" title=\"")
                putEscaped(title)
                put("\"")
            }
            return put(" />")
        }
        var path = String(decoding: MarkdownNode.url(node), as: UTF8.self)
        if path.hasPrefix("./") { path.removeFirst(2) }
        guard let image = profile.images[path] else {
            put("<span class=\"no-image\">")
            putEscaped((alt.isEmpty ? "image" : alt).utf8)
            return put("</span>")
        }
        put("<img src=\"@root/")
        out += LinkSafety.attribute(image.sitePath.utf8)
        put("\" alt=\"")
        putEscaped((alt.isEmpty ? image.alt : alt).utf8.map { $0 < 32 ? 32 : $0 })
        put("\" width=\"\(image.width)\" height=\"\(image.height)\" loading=\"lazy\">")
    }

    // MARK: Leaving

    private mutating func exit(_ node: OpaquePointer) {
        switch MarkdownNode.type(node) {
        case CMARK_NODE_BLOCK_QUOTE:
            guard written.popLast() ?? false else { return }
            newline()
            put(alert(node) == nil ? "</blockquote>\n" : "</div>\n")
        case CMARK_NODE_LIST:
            guard written.popLast() ?? false else { return }
            newline()
            put(cmark_node_get_list_type(node) == CMARK_BULLET_LIST ? "</ul>\n" : "</ol>\n")
        case CMARK_NODE_ITEM: if written.popLast() ?? false { put("</li>\n") }
        case CMARK_NODE_PARAGRAPH:
            guard tables.byParagraph[node] == nil, skips[node] == nil, !isTight(node), !isCell(node) else {
                return
            }
            put("</p>\n")
        case CMARK_NODE_HEADING: exitHeading(node)
        case CMARK_NODE_EMPH: if written.popLast() ?? false { put("</em>") }
        case CMARK_NODE_STRONG: if written.popLast() ?? false { put("</strong>") }
        case CMARK_NODE_LINK:
            if linkOpen { put("</a>") }
            linkOpen = false
        default: break
        }
    }

    private func isCell(_ node: OpaquePointer) -> Bool { writingCell == node }

    private mutating func exitHeading(_ node: OpaquePointer) {
        guard let index = headings.byNode[node] else {
            return put("</h\(cmark_node_get_heading_level(node))>\n")
        }
        let heading = headings.list[index]
        put(" <a href=\"")
        out += LinkSafety.attribute("#\(heading.id)".utf8)
        put("\" class=\"anchor\" aria-label=\"Link to this heading\">#</a></h\(heading.level)>\n")
    }

    // MARK: Tables

    private var writingCell: OpaquePointer?

    private mutating func writeTable(_ table: MarkdownTables.Table) {
        newline()
        if let lead = table.lead {
            put("<p>")
            writeCell(lead)
            put("</p>\n")
        }
        put("<div class=\"scroll\" role=\"group\" aria-label=\"Table\" tabindex=\"0\">\n<table>\n<thead>\n")
        for (index, row) in table.rows.enumerated() {
            if index == 1 { put("<tbody>\n") }
            put("<tr>\n")
            for (column, cell) in row.enumerated() {
                let tag = index == 0 ? "th" : "td"
                let alignment = table.alignments[column]
                put(alignment == .none ? "<\(tag)>" : "<\(tag) class=\"\(alignment.rawValue)\">")
                writeCell(cell)
                put("</\(tag)>\n")
            }
            put("</tr>\n")
            if index == 0 { put("</thead>\n") }
        }
        put(table.rows.count > 1 ? "</tbody>\n</table>\n</div>\n" : "</table>\n</div>\n")
    }

    private mutating func writeCell(_ index: Int) {
        let paragraph = tables.cells[index]
        writingCell = paragraph
        cellMarkPending = true
        write(paragraph)
        cellMarkPending = false
        writingCell = nil
    }

    // MARK: Task lists and alerts

    /// The first text of a block, if that is what it begins with.
    private func firstText(of block: OpaquePointer) -> (paragraph: OpaquePointer, text: OpaquePointer)? {
        guard let paragraph = cmark_node_first_child(block),
            MarkdownNode.type(paragraph) == CMARK_NODE_PARAGRAPH,
            let text = cmark_node_first_child(paragraph), MarkdownNode.type(text) == CMARK_NODE_TEXT
        else { return nil }
        return (paragraph, text)
    }

    private func task(_ item: OpaquePointer) -> (text: OpaquePointer, isDone: Bool)? {
        guard !profile.isPlain, let (_, text) = firstText(of: item) else { return nil }
        let literal = MarkdownNode.literal(text)
        if literal.starts(with: "[ ] ".utf8) { return (text, false) }
        return literal.starts(with: "[x] ".utf8) || literal.starts(with: "[X] ".utf8) ? (text, true) : nil
    }

    private func isTaskList(_ list: OpaquePointer) -> Bool {
        guard let first = cmark_node_first_child(list) else { return false }
        return task(first) != nil
    }

    private mutating func takeTask(_ item: OpaquePointer) -> Bool? {
        guard let (text, isDone) = task(item) else { return nil }
        skips[text] = 4
        return isDone
    }

    private mutating func alert(_ quote: OpaquePointer) -> MarkdownAlert? {
        guard !profile.isPlain, let (paragraph, text) = firstText(of: quote),
            let alert = MarkdownAlert(marker: MarkdownNode.literal(text))
        else { return nil }
        // The marker stands alone on its line: a break follows, or nothing.
        guard let next = cmark_node_next(text) else {
            skips[paragraph] = 0
            return alert
        }
        guard MarkdownNode.type(next) == CMARK_NODE_SOFTBREAK else { return nil }
        skips[text] = MarkdownNode.literal(text).count
        return alert
    }
}

/// The five kinds of alert that people know from code hosts.
enum MarkdownAlert: String {
    case note, tip, important, warning, caution

    init?(marker: [UInt8]) {
        guard marker.starts(with: "[!".utf8), marker.last == UInt8(ascii: "]") else { return nil }
        self.init(rawValue: String(decoding: marker.dropFirst(2).dropLast(), as: UTF8.self).lowercased())
    }

    var title: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }
}

/// What is left of raw HTML when its tags are left out.
enum RawHTML {
    static func words(of bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        var position = bytes.startIndex
        while position < bytes.endIndex {
            if bytes[position...].starts(with: "<!--".utf8) {
                position = end(of: "-->", in: bytes, from: position)
            } else if bytes[position] == UInt8(ascii: "<") {
                position = end(of: ">", in: bytes, from: position)
            } else {
                let byte = bytes[position]
                let isSpace = byte == 32 || (9...13).contains(byte)
                if !isSpace { out.append(byte) } else if let last = out.last, last != 32 { out.append(32) }
                position += 1
            }
        }
        if out.last == 32 { out.removeLast() }
        return out
    }

    private static func end(of mark: String, in bytes: [UInt8], from start: Int) -> Int {
        let mark = Array(mark.utf8)
        var position = start
        while position < bytes.endIndex {
            if bytes[position...].starts(with: mark) { return position + mark.count }
            position += 1
        }
        return bytes.endIndex
    }
}
