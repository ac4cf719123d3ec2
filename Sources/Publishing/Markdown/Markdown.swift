/// Markdown to HTML: libcmark parses, our own pass over its tree writes the HTML.
///
/// What a stranger wrote (a plugin's README or CHANGELOG) is rendered only inside the confined worker, whose
/// answer is read back as `SafeHTML`; our own `docs/*.md` are rendered in-process.
public enum Markdown {
    /// How a text is rendered.
    public struct Profile: Sendable {
        /// Bytes beyond which the text is cut at the last whole line.
        public var bytesMax: Int
        /// Added to every heading's level, so that a text fits below a page's own headings.
        public var headingShift: Int
        /// Put before every heading's id, so that no text can take an id of the page around it.
        public var idPrefix: String
        /// Images that may be shown, by the path under which the text names them.
        public var images: [String: BundleImage]
        /// Links get `rel="nofollow ugc noopener"`, and relative ones, which lead nowhere, become plain text.
        public var isUntrusted: Bool
        /// Relative links of trusted text, rewritten before they are written: `concepts.md` → `../concepts/`.
        public var links: [String: String]
        /// Plain CommonMark, raw HTML included: the conformance tests' profile, never a page's.
        var isPlain = false

        init(
            bytesMax: Int, headingShift: Int, idPrefix: String, images: [String: BundleImage],
            isUntrusted: Bool,
            links: [String: String]
        ) {
            self.bytesMax = bytesMax
            self.headingShift = headingShift
            self.idPrefix = idPrefix
            self.images = images
            self.isUntrusted = isUntrusted
            self.links = links
        }

        /// Our own text.
        public static func trusted(links: [String: String] = [:]) -> Profile {
            Profile(
                bytesMax: 1 << 20, headingShift: 0, idPrefix: "", images: [:], isUntrusted: false,
                links: links)
        }

        /// A stranger's text: at most 64 KiB (libcmark 0.30.2 is quadratic on some inputs; at this size its
        /// worst known case stays below the worker's CPU limit), headings two levels down, no image but the
        /// bundle's own.
        public static func untrusted(images: [BundleImage] = [], idPrefix: String = "readme-") -> Profile {
            Profile(
                bytesMax: 64 << 10, headingShift: 2, idPrefix: idPrefix,
                images: Dictionary(images.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first }),
                isUntrusted: true, links: [:])
        }
    }

    /// Renders `text` (UTF-8; bytes that are not become U+FFFD). Pure; never throws: every text is Markdown.
    public static func render(_ text: [UInt8], profile: Profile) -> RenderedMarkdown {
        var text = text
        var truncated = false
        if text.count > profile.bytesMax {
            truncated = true
            let cut = text[..<profile.bytesMax].lastIndex(of: UInt8(ascii: "\n")) ?? profile.bytesMax
            text.removeSubrange(cut...)
        }
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { text.removeFirst(3) }
        let document = MarkdownTree(parsing: text)
        let headings = MarkdownHeadings(in: document, profile: profile)
        let tables = MarkdownTables(in: document, source: text, enabled: !profile.isPlain)
        var writer = MarkdownWriter(profile: profile, headings: headings, tables: tables)
        writer.write(document.root)
        return RenderedMarkdown(
            html: SafeHTML(rendered: String(decoding: writer.out, as: UTF8.self)),
            headings: headings.list, truncated: truncated)
    }
}
