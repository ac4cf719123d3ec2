import Testing

@testable import Scanning

/// Ways around a rule that once worked.
struct EvasionTests {
    @Test("a require that createRequire made imports like the plain one")
    func followsCreatedRequires() throws {
        let code = """
            import { createRequire } from "node:module";
            const load = createRequire(import.meta.url);
            load("child_process").execSync("id");
            """
        let analysis = CodeAnalysis(Array(code.utf8))
        #expect(analysis.imports.map(\.specifier) == ["node:module", "child_process"])
        #expect(analysis.facts.contains { $0.name == "process.exec" })
    }

    @Test("a character that joins the last letter hides no word")
    func seesWordsBeforeCombiningMarks() throws {
        let analysis = CodeAnalysis(
            Array("read('/home/a/.npmrc\u{301}'); go('stratum+tcp://\u{308}pool')".utf8))
        let names = Set(analysis.facts.map(\.name))
        #expect(names.isSuperset(of: ["text.credential-path", "text.miner"]))
    }

    /// Constructs that the engine runs and that a parser is easily behind with.
    static let modern = [
        "async function f() { await using a = b; for (using c of d) ; for (await using e of g) ; }",
        "for (let of of x) ; for (of of of) ; for (async of => 1; false;) ; for (let of = 0; of < 1; of++) ;",
        "{ using r = get(); } using; using.x; using\n[0]; await: 1;",
        "const a = /[\\p{L}--[a-z]]/v, b = /(?i:abc)(?-i:d)/, c = /(?<y>\\d{4})-|(?<y>\\d\\d)/;",
        "import j from './a.json' with { type: 'json' }; export { j as 'a name' };",
        "class A { #x = 1; static has(o) { return #x in o } static { this.y = 1 } static static() {} get; set; async }",
        "#!/usr/bin/env node\na ||= 1; b &&= 2; c ??= 1_000n; x ** -y;",
        "function* g() { yield\n/re/; f(yield, yield* h()); (yield) ? yield : yield; }",
    ]

    @Test("code that the engine runs is read to its end", arguments: modern)
    func readsModernCode(_ code: String) {
        #expect(Parser.parse(Array(code.utf8)).errors.map(\.message) == [])
    }
}
