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
    public var html: SafeHTML
    public var headings: [MarkdownHeading]
    /// The text was longer than the limit: its end is missing.
    public var truncated: Bool
}
