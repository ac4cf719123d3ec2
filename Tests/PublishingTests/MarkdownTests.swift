import Foundation
import Testing

@testable import Publishing

/// Renders with a profile and gives the HTML alone.
private func html(_ text: String, _ profile: Markdown.Profile = .untrusted()) -> String {
    Markdown.render(Array(text.utf8), profile: profile).html.html
}

@Suite struct MarkdownTests {
    @Test func headingsGetUniqueIdsAndPermalinks() {
        let rendered = Markdown.render(
            Array("# Set up\n\n## Ünïcode & more\n\n# Set up\n\n# Set up-1\n\n# !!\n".utf8),
            profile: .trusted())
        #expect(
            rendered.headings.map(\.id) == ["set-up", "ünïcode-more", "set-up-1", "set-up-1-1", "section"])
        #expect(rendered.headings.map(\.level) == [1, 2, 1, 1, 1])
        #expect(rendered.html.html.contains("<h1 id=\"set-up\">Set up <a href=\"#set-up\" class=\"anchor\""))
    }

    @Test func untrustedHeadingsStandBelowThePageAndUnderAPrefix() {
        let rendered = Markdown.render(Array("# A\n\n##### B\n".utf8), profile: .untrusted())
        #expect(rendered.headings.map(\.level) == [3, 6])
        #expect(rendered.headings.map(\.id) == ["readme-a", "readme-b"])
    }

    @Test func pipeTablesBecomeTables() {
        let text = "| Name | *n* |\n|:-----|----:|\n| `a\\|b` | 1 |\n| only one |\n| x | y | too many |\n"
        let out = html(text)
        #expect(out.contains("<th class=\"left\">Name</th>\n<th class=\"right\"><em>n</em></th>"))
        #expect(out.contains("<td class=\"left\"><code>a|b</code></td>\n<td class=\"right\">1</td>"))
        #expect(out.contains("<td class=\"left\">only one</td>\n<td class=\"right\"></td>"))
        #expect(!out.contains("too many"))
    }

    @Test func aParagraphWhoseRowsDoNotMatchIsNoTable() {
        #expect(!html("| abc | def |\n| --- |\n| bar |\n").contains("<table>"))
    }

    @Test func tablesWorkInListsAndQuotesAndAfterText() {
        #expect(html("> | a | b |\n> |---|---|\n> | 1 | 2 |\n").contains("<td>2</td>"))
        #expect(html("- | a | b |\n  |---|---|\n  | 1 | 2 |\n").contains("<th>a</th>"))
        let lead = html("Before\n| a | b |\n|---|---|\n| 1 | [x] |\n\n[x]: https://example.com\n")
        #expect(lead.contains("<p>Before</p>"))
        #expect(lead.contains("<td><a href=\"https://example.com\" rel="))
    }

    @Test func taskListsShowDisabledBoxes() {
        let out = html("- [ ] open\n- [x] closed\n")
        #expect(out.contains("<ul class=\"tasks\">"))
        #expect(out.contains("<input type=\"checkbox\" disabled=\"\" aria-label=\"to do\"> open"))
        #expect(
            out.contains("<input type=\"checkbox\" disabled=\"\" checked=\"\" aria-label=\"done\"> closed"))
    }

    @Test(arguments: ["note", "tip", "important", "warning", "caution"]) func alertsAreBoxes(kind: String) {
        let out = html("> [!\(kind.uppercased())]\n> Mind *this*.\n")
        #expect(out.contains("<div class=\"alert \(kind)\" role=\"note\">"))
        #expect(out.contains("Mind <em>this</em>."))
        #expect(!out.contains("[!"))
    }

    @Test func codeIsHighlightedByClasses() {
        let out = html("```ts\nconst a = \"<b>\"; // done\n```\n")
        #expect(out.contains("<span class=\"hl-k\">const</span>"))
        #expect(out.contains("<span class=\"hl-s\">&quot;&lt;b&gt;&quot;</span>"))
        #expect(out.contains("<span class=\"hl-c\">// done</span>"))
    }

    @Test func linksOfStrangersAreMarkedAndRelativeOnesAreText() {
        #expect(
            html("[a](https://example.com)")
                == "<p><a href=\"https://example.com\" rel=\"nofollow ugc noopener\">a</a></p>\n")
        #expect(html("[a](docs/x.md) [b](#none) [c](//example.com)") == "<p>a b c</p>\n")
        #expect(html("# T\n\n[b](#t)").contains("<a href=\"#readme-t\""))
    }

    @Test func ourOwnRelativeLinksAreRewritten() {
        let out = html("[a](concepts.md#x)", .trusted(links: ["concepts.md": "../concepts/"]))
        #expect(out == "<p><a href=\"../concepts/#x\">a</a></p>\n")
    }

    @Test func imagesComeOnlyFromTheBundle() {
        let shot = BundleImage(
            path: "screenshots/a.png", sitePath: "media/p/n/a.png", width: 640, height: 400)
        let out = html(
            "![one](./screenshots/a.png) ![two](https://example.com/t.png) ![three](data:image/png;base64,AA==)",
            .untrusted(images: [shot]))
        #expect(out.contains("<img src=\"@root/media/p/n/a.png\" alt=\"one\" width=\"640\" height=\"400\""))
        #expect(out.components(separatedBy: "<img").count == 2)
        #expect(out.contains("<span class=\"no-image\">two</span>"))
    }

    @Test func rawHTMLLosesItsTagsAndKeepsItsWords() {
        #expect(html("<p align=\"center\">\n<b>Hello</b> you\n</p>\n") == "<p>Hello you</p>\n")
        #expect(html("a <script>alert(1)</script> b") == "<p>a alert(1) b</p>\n")
        #expect(html("<!-- hidden -->\n") == "")
    }

    @Test(arguments: [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "&#106;avascript:x",
        "java&#10;script:x", "file:///etc/passwd", "\\javascript:x", "&#1;javascript:x",
    ])
    func addressesThatRunAreDropped(url: String) {
        for text in ["[x](\(url))", "[x](<\(url)>)", "<\(url)>", "[x][r]\n\n[r]: \(url)"] {
            #expect(!html(text).lowercased().contains("href=\"javascript"))
            #expect(!html(text).contains("href=\"data"))
            let rendered = Markdown.render(Array(text.utf8), profile: .untrusted())
            #expect(SafeHTMLGrammar.problem(in: rendered.html.html) == nil)
        }
    }

    @Test func textBeyondTheLimitIsCutAtALine() {
        let line = String(repeating: "a", count: 99) + "\n"
        let rendered = Markdown.render(
            Array(String(repeating: line, count: 1_000).utf8), profile: .untrusted())
        #expect(rendered.truncated)
        #expect(rendered.html.html.utf8.count < 66_000)
    }

    /// Inputs that are known to make parsers slow; each within the 64 KiB of a stranger's text.
    @Test(arguments: [
        "![[]()", "[", "![", "*a_ ", "> ", "- ", "`", "<", "[a](<b", "**a *a ", "| a ", "a|b\n-|-\n",
        "[x]: y\n",
        "&#0;", "\\", "# a\n", "\t", "* * ", "[^x]", "~~~\n", "1. ",
    ])
    func hostileRepetitionEndsInTime(unit: String) {
        let text = String(repeating: unit, count: 65_536 / unit.utf8.count)
        let clock = ContinuousClock()
        let took = clock.measure {
            let rendered = Markdown.render(Array(text.utf8), profile: .untrusted())
            #expect(SafeHTMLGrammar.problem(in: rendered.html.html) == nil)
        }
        #expect(took < .seconds(5))
    }

    @Test func renderedMarkdownSurvivesTheWayBackFromTheWorker() throws {
        let rendered = Markdown.render(
            Array(
                "# T\n\n- [x] *a* `b` [c](https://example.com \"t\")\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
                    .utf8),
            profile: .untrusted())
        let again = try JSONDecoder().decode(RenderedMarkdown.self, from: JSONEncoder().encode(rendered))
        #expect(again == rendered)
    }

    @Test(arguments: [
        "<script>alert(1)</script>", "<p onclick=\"x\">a</p>", "<img src=\"x\" onerror=\"x\">", "<p>a",
        "</div>", "<a href=\"javascript:x\">a</a>", "<a href=\"&#106;avascript:x\">a</a>",
        "<p>a</p></section>",
        "<input type=\"text\" disabled=\"\">", "<input type=\"checkbox\">",
        "<img src=\"//example.com/a.png\">",
        "<img src=\"@root/../x\">", "<P>a</P>", "<p >a</p>", "<p\n>a</p>", "<a href=\"//example.com\">a</a>",
        "<style>p{}</style>", "<svg></svg>", "<p class=\"A\">a</p>", "<!-- a -->", "a &lt b", "<form></form>",
        "<a href=\"https://example.com\" href=\"x\">a</a>", "<a href='https://example.com'>a</a>", "a\u{0}b",
    ])
    func markupThatTheRendererCouldNotHaveWrittenIsRefused(html: String) throws {
        let answer = try JSONEncoder().encode(html)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(SafeHTML.self, from: answer) }
    }

    @Test func seededNoiseIsAlwaysSafe() {
        let pieces = [
            "<", ">", "\"", "'", "&", "[", "](", ")", "![", "`", "*", "_", "|", "\n", "\n\n", "> ", "- ",
            "[!NOTE]",
            "<img src=x onerror=a>", "javascript:", "https://e.example", "#", "    ", "\u{301}", "\u{0}",
            "|-|-|",
            "- [ ] ", "a", "&quot;", "&#34;", "\\", "<!--", "-->", "```", "\r\n", "\u{202E}", "\u{600}",
            "1. ",
        ]
        var state: UInt64 = 42
        for _ in 0..<3_000 {
            var text = ""
            for _ in 0..<24 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += pieces[Int((state >> 33) % UInt64(pieces.count))]
            }
            for profile in [Markdown.Profile.untrusted(), .trusted()] {
                let rendered = Markdown.render(Array(text.utf8), profile: profile)
                let problem = SafeHTMLGrammar.problem(in: rendered.html.html)
                #expect(problem == nil, "\(text.debugDescription): \(problem ?? "")")
            }
        }
    }
}
