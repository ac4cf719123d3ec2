import Marketplace

/// HTML that cannot harm the page it stands in: the Markdown renderer's own output.
///
/// There is no other way to make one. Decoding, the way back from the confined worker, reads every tag and
/// attribute against `SafeHTMLGrammar` and throws on the first that the renderer could not have written: a
/// worker that fell to hostile Markdown still cannot put a script on a page.
public struct SafeHTML: Sendable, Hashable, Codable {
    /// The markup.
    public let html: String

    init(rendered html: String) {
        self.html = html
    }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        if let problem = SafeHTMLGrammar.problem(in: text) {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "unsafe HTML: \(problem)"))
        }
        html = text
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(html)
    }
}

/// A heading of rendered Markdown.
public struct MarkdownHeading: Codable, Sendable, Hashable {
    /// 1 to 6, as rendered.
    public var level: Int
    /// The anchor, unique in its text.
    public var id: String
    /// Without markup.
    public var text: String
}

/// Markdown that was rendered.
public struct RenderedMarkdown: Codable, Sendable, Hashable {
    public let html: SafeHTML
    public let headings: [MarkdownHeading]
    /// The text was longer than the limit: its end is missing.
    public let truncated: Bool
    /// Of all of it: a build asks each text whether it is the one of before, and most are.
    let digest: Digest

    private enum CodingKeys: CodingKey { case html, headings, truncated }

    init(html: SafeHTML, headings: [MarkdownHeading], truncated: Bool) {
        self.html = html
        self.headings = headings
        self.truncated = truncated
        digest = ContentDigest.ofText(html.html, headings, truncated)
    }

    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            html: try members.decode(SafeHTML.self, forKey: .html),
            headings: try members.decode([MarkdownHeading].self, forKey: .headings),
            truncated: try members.decode(Bool.self, forKey: .truncated))
    }
}
