import Foundation
import Testing

@testable import Publishing

/// A reader of tags that is stricter than a browser is lenient: it finds every tag and attribute that any text
/// could have smuggled in.
enum HTMLTags {
    struct Tag {
        var name: String
        var attributes: [String: String]
    }

    static func scan(_ html: String) -> [Tag] {
        var tags: [Tag] = []
        let bytes = Array(html.utf8)
        var position = 0
        func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
        while position < bytes.count {
            guard bytes[position] == UInt8(ascii: "<"), position + 1 < bytes.count else {
                position += 1
                continue
            }
            position += 1
            var name: [UInt8] = []
            while position < bytes.count, !isSpace(bytes[position]), bytes[position] != UInt8(ascii: ">") {
                name.append(bytes[position])
                position += 1
            }
            var tag = Tag(name: String(decoding: name, as: UTF8.self).lowercased(), attributes: [:])
            while position < bytes.count, bytes[position] != UInt8(ascii: ">") {
                if isSpace(bytes[position]) {
                    position += 1
                    continue
                }
                var attribute: [UInt8] = []
                while position < bytes.count, !isSpace(bytes[position]), !"=>".utf8.contains(bytes[position])
                {
                    attribute.append(bytes[position])
                    position += 1
                }
                var value: [UInt8] = []
                if position < bytes.count, bytes[position] == UInt8(ascii: "=") {
                    position += 1
                    if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
                        position += 1
                        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
                            value.append(bytes[position])
                            position += 1
                        }
                        position += 1
                    } else {
                        while position < bytes.count, !isSpace(bytes[position]),
                            bytes[position] != UInt8(ascii: ">")
                        {
                            value.append(bytes[position])
                            position += 1
                        }
                    }
                }
                tag.attributes[String(decoding: attribute, as: UTF8.self)] = String(
                    decoding: value, as: UTF8.self)
            }
            tags.append(tag)
        }
        return tags
    }
}

@Suite struct InjectionTests {
    /// Keys whose values are ids, digests, enumerations or rendered HTML: they are checked, not shown as text.
    static let kept: Set<String> = [
        "html", "sha256", "publisher", "name", "version", "category", "id", "status", "verdict", "change",
        "sitePath",
        "submission", "baseURL", "runtimeURL", "asOf", "listedAt", "statusAt", "model", "docs", "categories",
        "plugin",
        "manifestSchema", "amount", "unitAmount", "channel", "tenant", "dueAt", "submittedAt", "spendCap",
        "metric",
    ]

    static func poisoned(_ value: Any, with payload: String, key: String = "") -> Any {
        if kept.contains(key) { return value }
        if let text = value as? String { return text.isEmpty ? payload : payload }
        if let list = value as? [Any] { return list.map { poisoned($0, with: payload, key: key) } }
        if let object = value as? [String: Any] {
            var out: [String: Any] = [:]
            for (key, value) in object { out[key] = poisoned(value, with: payload, key: key) }
            return out
        }
        return value
    }

    static func poisoned<Model: Codable>(_ model: Model, with payload: String) throws -> Model {
        let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(model))
        let data = try JSONSerialization.data(withJSONObject: poisoned(object, with: payload))
        return try JSONDecoder().decode(Model.self, from: data)
    }

    @Test(arguments: [
        "<xss-probe onxss=1>", "\"><xss-probe onxss=1>", "'><xss-probe onxss=1>", "</title><xss-probe>",
        "</script><xss-probe>", "\"\u{301} onxss=\"1", "\u{600}\" onxss=\"1", "<\u{301}xss-probe>",
        "\"\u{200D} onxss=\"1",
        "javascript:onxss", "https://example.com/\" onxss=\"1", "{{root}}{{{html}}}", "&quot; onxss=&quot;1",
        "\u{0}\" onxss=\"",
        "-->\u{2028}<xss-probe>", "]]><xss-probe>",
    ])
    func noFieldOfTheModelBecomesMarkup(payload: String) throws {
        let templates = try Samples.templates()
        var pages = try SiteBuilder(templates: templates).pages(
            of: Self.poisoned(Samples.site, with: payload))
        let own = PrivatePages(templates: templates, settings: Samples.privateSettings)
        for file in try own.review(Self.poisoned(Samples.queue, with: payload)) {
            pages["r/\(file.path)"] = file.bytes
        }
        for file in try own.account(Self.poisoned(Samples.account, with: payload)) {
            pages["t/\(file.path)"] = file.bytes
        }
        for file in try own.publisher(Self.poisoned(Samples.dashboard, with: payload)) {
            pages["p/\(file.path)"] = file.bytes
        }
        for (path, bytes) in pages
        where !path.hasSuffix(".json") && !path.hasSuffix(".csv") && !path.hasSuffix(".txt")
            && !path.contains("assets/")
        {
            let text = String(decoding: bytes, as: UTF8.self)
            for tag in HTMLTags.scan(text) {
                #expect(!tag.name.contains("xss"), "\(path): <\(tag.name)>")
                #expect(!tag.attributes.keys.contains { $0.contains("onxss") }, "\(path): \(tag)")
                #expect(tag.attributes["href"]?.hasPrefix("javascript") != true, "\(path)")
            }
        }
        #expect(pages.count > 60)
    }

    @Test func textThatHidesAQuoteInACharacterIsEscapedAllTheSame() throws {
        let templates = try Templates(sources: ["pages/a": "<p title=\"{{x}}\">"], assets: [:])
        for hidden in ["\"\u{301}", "\u{600}\"", "\"\u{FE0F}", "\"\u{200D}", "<\u{338}", "'\u{20DD}"] {
            let out = String(decoding: try templates.render("a", ["x": .text(hidden)]), as: UTF8.self)
            let value = out.utf8.dropFirst(10).dropLast(2)
            #expect(!value.contains(UInt8(ascii: "\"")) && !value.contains(UInt8(ascii: "<")))
            #expect(out.unicodeScalars.contains("\u{25CC}"))
        }
    }

    @Test func controlCharactersShowAsReplacements() {
        #expect(TemplateValue.defused("a\u{0}b\u{1B}c\n\td") == "a\u{FFFD}b\u{FFFD}c\n\td")
        #expect(TemplateValue.defused("naïve 日本語 👩‍🚀") == "naïve 日本語 👩‍🚀")
    }
}
