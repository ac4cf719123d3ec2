import Bundles
import Foundation
import Marketplace
import Testing

@testable import Scanning

/// What lies in layers below the file's own text is found, at its place.
struct LayerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var file: String
        var text: String
        var rule = "mal.miner"
        var line = 3
        var column: Int?
    }

    private static let word = "stratum+tcp://pool.example"
    private static func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    static let cases: [Case] = [
        Case(
            testDescription: "an escaped text of a JSON file", file: "settings.json",
            text: "{\n\"a\": 1,\n\"b\": \"\\u0073tratum\\u002btcp:\\/\\/pool.example\"\n}", column: 7),
        Case(
            testDescription: "a source map's sources", file: "dist/index.js.map",
            text:
                "{\"version\": 3, \"mappings\": \"AAAA\",\n\"sources\": [\"a.ts\"],\n\"sourcesContent\": [\"const a: string = 'x'; // one\\nfunction go(u: string) { return u; }\\ngo('\(word)');\\n\"]}"
        ),
        Case(
            testDescription: "an inline source map", file: "dist/index.js",
            text: "const a = 1;\n\n//# sourceMappingURL=data:application/json;base64,"
                + base64(#"{"version":3,"sourcesContent":["go(\"\#(word)\\n\")"],"mappings":"AAAA"}"#)),
        Case(
            testDescription: "a picture's script", file: "icon.svg",
            text:
                "<svg xmlns=\"http://www.w3.org/2000/svg\">\n<script><![CDATA[\ngo(\"stra\" + \"tum+tcp://pool\");\n]]></script></svg>"
        ),
        Case(
            testDescription: "a picture's handler, with entities", file: "icon.svg",
            text: "<svg>\n\n<g onload=\"go(&#39;stra&#39;+&apos;tum+tcp://pool&apos;)\"/></svg>"),
        Case(
            testDescription: "a javascript: address", file: "ui/page.html",
            text: "<!doctype html>\n<p>\n<a href=\"java&Tab;script:go('stra'%2B'tum+tcp://pool')\">x</a>"),
        Case(
            testDescription: "a page inside of a page", file: "ui/page.html",
            text:
                "<!doctype html>\n<p>\n<iframe srcdoc=\"<script>go('stra'+'tum+tcp://pool')</script>\"></iframe>"
        ),
        Case(
            testDescription: "a data address with a script", file: "ui/page.html",
            text:
                "<!doctype html>\n<p>\n<script src=\"data:text/javascript;base64,\(base64("go('stra'+'tum+tcp://pool');"))\"></script>"
        ),
        Case(
            testDescription: "a data address in a style", file: "ui/style.css",
            text:
                "a {\n\nbackground: url(data:image/svg+xml;base64,\(base64("<svg><script>go('stra'+'tum+tcp://pool')</script></svg>"))); }"
        ),
        Case(
            testDescription: "JSX", file: "src/app.jsx",
            text:
                "export const App = (p) => (\n  <div className=\"a-b\" {...p}>don't <b>stop</b>\n    <Go to={\"stra\" + \"tum+tcp://pool\"} /></div>\n);"
        ),
        Case(
            testDescription: "TypeScript", file: "src/app.tsx",
            text:
                "enum E { A = 1 }\nconst f = <T,>(x: T): T => x as T;\nconst u: string = f<string>(\"stra\" + \"tum+tcp://pool\")!;\n"
        ),
        Case(
            testDescription: "code that a module runs and a script takes for a comment",
            file: "dist/index.js",
            text: "let b = 2, c;\nexport const a = 1\n<!--b; go(\"stra\" + \"tum+tcp://pool\");\n"),
    ]

    @Test("a word is found in every layer, at its line", arguments: cases)
    func findsTheWord(_ item: Case) throws {
        let report = try scan(item.text, as: item.file)
        let hit = report.findings.first { $0.rule == item.rule }
        let found = report.findings.map { $0.rule + " " + $0.message }
        #expect(hit != nil, "found \(found)")
        #expect(hit?.line == item.line)
        if let column = item.column { #expect(hit?.column == column) }
        #expect(report.verdict != .incomplete, "found \(found)")
    }

    @Test("a WebAssembly module's data is scanned, and one that does not fit is incomplete")
    func readsWebAssembly() throws {
        let word = Array(Self.word.utf8)
        let data: [UInt8] = [1, 0, 0x41, 0, 0x0B, UInt8(word.count)] + word
        let module: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0, 11, UInt8(data.count)] + data
        let rules = try Repository.rules()
        func verdict(_ bytes: [UInt8]) -> ScanReport {
            Scanner(rules: rules).scan(
                ArchiveReader.read(EntryStream.encode([EntryStream.Item(path: "a.wasm", bytes: bytes)])),
                name: "s")
        }
        #expect(verdict(module).findings.contains { $0.rule == "mal.miner" })
        #expect(verdict(Array(module.dropLast(4))).verdict == .incomplete)
    }

    @Test("what the engine accepts and the parser does not is incomplete; what neither reads cannot run")
    func asksTheEngine() throws {
        let rules = try Repository.rules()
        let text = "export const a = 1; @@@ broken"
        func report(_ opinion: EngineOpinion?) -> ScanReport {
            var question: EngineQuestion?
            if let opinion { question = { _ in opinion } }
            return Scanner(rules: rules, engine: question).scan(bundle([("dist/index.js", text)]), name: "s")
        }
        #expect(report(.accepts).verdict == .incomplete)
        #expect(report(nil).verdict == .incomplete)
        let inert = report(.rejects("no"))
        #expect(inert.verdict == .clean)
        #expect(inert.findings.contains { $0.rule == "cap.blind" })
        #expect(inert.entries.first?.status == .partly)
    }

    @Test("the engine's refusal of what the parser reads is said")
    func saysWhatTheEngineRefuses() throws {
        let report = Scanner(rules: try Repository.rules(), engine: { _ in .rejects("SyntaxError: no") })
            .scan(
                bundle([("dist/index.js", "export const a = 1;")]), name: "s")
        #expect(report.findings.contains { $0.rule == "man.engine-rejects" })
    }

    @Test("text that nobody sees and code out of sight are found")
    func findsHiddenText() throws {
        let hidden = String(repeating: "\u{FE01}", count: 40)
        #expect(try scan("const a = '\(hidden)';").findings.contains { $0.rule == "obf.hidden-text" })
        #expect(try !scan("const a = '\u{2764}\u{FE0F}';").findings.contains { $0.rule == "obf.hidden-text" })
        let far = "const a = 1;" + String(repeating: " ", count: 300) + "go(a);"
        #expect(try scan(far).findings.contains { $0.rule == "obf.hidden-code" })
        #expect(
            try !scan(String(repeating: " ", count: 300) + "go();").findings.contains {
                $0.rule == "obf.hidden-code"
            })
    }

    @Test("files that were scanned before, or by another process, give the same report")
    func joinsShares() throws {
        let rules = try Repository.rules()
        let stream = try FolderStream.bytes(folder: Repository.root + "/plugins/hostile")
        let blob = try RulesBlob.bytes(folder: Repository.root + "/rules")
        let whole = try WorkerJobs.scan(stream, rules: blob, request: .init(name: "h", today: nil))
        let shares = try (0..<3).map { (part: Int) in
            EntryStream.Item(
                path: String(part),
                bytes: try WorkerJobs.scan(
                    stream, rules: blob,
                    request: WorkerJobs.ScanRequest(name: "h", today: nil, part: part, parts: 3)))
        }
        let joined = try WorkerJobs.scan(
            stream, rules: blob, request: .init(name: "h", today: nil, known: EntryStream.encode(shares)))
        #expect(joined == whole)
        #expect(try ScanOutcome(json: whole).report.tool.ruleset == rules.digest.hex)
    }

    @Test("what the host reads of the rules is what the engines read")
    func readsTheSameRules() throws {
        let book = try Repository.book()
        let rules = try Repository.rules()
        #expect(try book.descriptions == rules.descriptions)
        #expect(book.digest == rules.digest)
    }

    @Test("docs/rules.md is the catalogue that the rules make")
    func catalogueIsUpToDate() throws {
        #expect(
            try Repository.text("docs/rules.md") == RuleCatalogue.markdown(try Repository.book().descriptions)
        )
    }

    @Test("the reviewer's page escapes what the bundle says and runs nothing")
    func writesThePage() throws {
        let outcome = Scanner(rules: try Repository.rules()).outcome(
            bundle([("dist/<b>.js", "eval(atob('YWxlcnQoMSk=')) // <script>alert(1)</script>")]), name: "s")
        let page = HTMLReportWriter.write(
            outcome.report, rules: try Repository.book().descriptions, carets: outcome.carets)
        #expect(page.contains("dist/&lt;b&gt;.js") && page.contains("&lt;script&gt;"))
        #expect(!page.contains("<script") && !page.contains("http://") && page.contains("obf.packed"))
    }

    @Test("a terminal line has the excerpt and a caret under the place")
    func drawsACaret() throws {
        let outcome = Scanner(rules: try Repository.rules()).outcome(
            bundle([("dist/a.js", "  const x = 1; eval(atob('YWxlcnQoMSk='));")]), name: "s")
        let lines = TextWriter.write(outcome.report, carets: outcome.carets).split(separator: "\n").map(
            String.init)
        let index = try #require(lines.firstIndex { $0.contains("[obf.packed]") })
        #expect(lines[index].hasPrefix("dist/a.js:1:16: high:"))
        #expect(lines[index + 1] == "    const x = 1; eval(atob('YWxlcnQoMSk='));")
        #expect(lines[index + 2] == "                 ^")
    }
}
