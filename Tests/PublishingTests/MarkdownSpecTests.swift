import Foundation
import TestSupport
import Testing

@testable import Publishing

/// The examples of the CommonMark (0.30, the version that libcmark 0.30.2 implements) and GFM specifications. Their texts
/// are not ours to keep: `make venv` takes them from the source package of a library that is tested by them.
@Suite struct MarkdownSpecTests {
    struct Example {
        var section: String
        var markdown: String
        var html: String
    }

    static func examples(_ name: String) -> [Example] {
        let folder = Products.file(".venv/markdown-spec")
        guard let text = try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8) else { return [] }
        let fence = String(repeating: "`", count: 32)
        var examples: [Example] = []
        var section = ""
        var current: [String]?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if var lines = current {
                if line == fence {
                    let halves = lines.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
                    let parts = halves.map { $0.map { "\($0)\n" }.joined() }
                    examples.append(
                        Example(section: section, markdown: parts[0], html: parts.count > 1 ? parts[1] : ""))
                    current = nil
                } else {
                    lines.append(
                        line.split(separator: "→", omittingEmptySubsequences: false).joined(separator: "\t"))
                    current = lines
                }
            } else if line.hasPrefix("\(fence) example") {
                current = []
            } else if line.hasPrefix("#") {
                section = String(line.drop { $0 == "#" || $0 == " " })
            }
        }
        return examples
    }

    private func normal(_ html: String) -> String {
        var html = html
        for (ours, theirs) in [
            ("&#39;", "'"), ("&#x27;", "'"),
            ("<div class=\"scroll\" role=\"group\" aria-label=\"Table\" tabindex=\"0\">\n", ""),
            ("</table>\n</div>", "</table>"), (" class=\"left\"", " align=\"left\""),
            (" class=\"right\"", " align=\"right\""),
            (" class=\"center\"", " align=\"center\""),
        ] {
            html = html.split(separator: ours, omittingEmptySubsequences: false).joined(separator: theirs)
        }
        return html.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test func everyExampleOfCommonMarkHolds() {
        var profile = Markdown.Profile.trusted()
        profile.isPlain = true
        let examples = Self.examples("commonmark.txt")
        for (index, example) in examples.enumerated() {
            let out = Markdown.render(Array(example.markdown.utf8), profile: profile).html.html
            #expect(normal(out) == normal(example.html), "example \(index + 1), \(example.section)")
        }
        #expect(examples.count > 640, "`make venv` brings the specification's text")
    }

    @Test func everyTableExampleOfGFMHolds() {
        let examples = Self.examples("gfm.txt").filter { $0.section.hasPrefix("Tables") }
        for example in examples {
            let out = Markdown.render(Array(example.markdown.utf8), profile: .trusted()).html.html
            #expect(normal(out) == normal(example.html), "\(example.markdown)")
        }
        #expect(examples.count == 8, "`make venv` brings the specification's text")
    }
}
