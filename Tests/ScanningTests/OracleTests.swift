import Bundles
import Foundation
import Marketplace
import TestSupport
import Testing

@testable import Scanning

/// Programs of others as the judges of our own readers: acorn for tokens and trees, npm's semver for ranges, esbuild for
/// types. Each compares over whole tables and corpora.
struct OracleTests {
    private static let script = Products.file("Tests/ScanningTests/Oracle/")

    private func temporary(_ name: String, _ text: String) throws -> String {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "\(UUID().uuidString)-\(name)"
        ).path
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    // MARK: ranges

    /// Every operator with every shape of version, alone and joined: some nine hundred ranges.
    static let ranges: [String] = {
        let partials = [
            "*", "x", "", "0", "1", "2", "0.0", "0.1", "1.x", "1.2", "2.*", "1.2.x", "0.0.1", "0.1.2",
            "1.0.0", "1.2.3",
            "2.4.3", "1.2.3-alpha", "1.2.3-beta.2", "0.0.1-alpha", "v0.5.4-pre", "1.2.3+build", "2.x.x",
            "1.2.3-0",
        ]
        let operators = ["", "=", ">", ">=", "<", "<=", "^", "~", "~>", "> ", ">=  ", "~ ", "^ "]
        var all: [String] = []
        for partial in partials {
            for op in operators where !(partial.isEmpty && !op.isEmpty) { all.append(op + partial) }
            for other in ["2.0.0", "2.x", "2", "x", "2.4.3-pre"] where !partial.isEmpty {
                all.append("\(partial) - \(other)")
            }
            for other in ["^2.4.0", "<0.0.1", "1.2.4"] { all.append("\(partial) || \(other)") }
            for other in [">=1.2.1", "<2", "~1.2.1"] where !partial.isEmpty {
                all.append("\(partial) \(other)")
            }
        }
        return all + ["||", "^1.2 ^1", "~1.2.1 1.2.3 >=1.2.3", "<1.0.0 >2.0.0", "1.3.0 || <1.0.0 >2.0.0"]
    }()

    static let versions: [String] = {
        var all: [String] = []
        for major in [0, 1, 2, 3] {
            for minor in [0, 1, 2, 3, 5] {
                for patch in [0, 1, 2, 3, 4, 9] { all.append("\(major).\(minor).\(patch)") }
            }
        }
        for tail in [
            "alpha", "alpha.1", "beta", "beta.2", "beta.11", "0", "pre", "rc1", "5-foo", "a.b.c.10.d.5",
        ] {
            for base in ["0.0.1", "0.5.4", "1.0.0", "1.2.3", "1.3.0", "2.0.0", "2.4.3"] {
                all.append("\(base)-\(tail)")
            }
        }
        return all + ["1.9999.9999", "0.10.0", "0.9.0", "1.2.3+build", "1.2.3-alpha+x"]
    }()

    @Test("ranges, precedence and meetings of ranges are npm's, over whole tables")
    func rangesAreNPMs() throws {
        let input = try temporary(
            "ranges.json",
            String(
                decoding: try JSONEncoder().encode([
                    "ranges": Self.ranges, "versions": Self.versions, "meeting": Self.meeting,
                ]), as: UTF8.self))
        defer { try? FileManager.default.removeItem(atPath: input) }
        let answer = try Tool.run("/usr/bin/node", [Self.script + "ranges.js", input])
        #expect(answer.code == 0, "\(answer.errors)")
        guard answer.code == 0 else { return }
        let lines = answer.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let versions = Self.versions.map { Version($0) }
        #expect(!versions.contains(nil))
        var compared = 0
        for (index, text) in Self.ranges.enumerated() {
            let range = VersionRange(text)
            if lines[index] == "invalid" {
                #expect(range == nil, "\(text) is no range")
                continue
            }
            let mine = versions.map { $0.flatMap { range?.contains($0) } ?? false ? "1" : "0" }.joined()
            if mine != lines[index] {
                let pairs = Array(zip(mine, lines[index]))
                let differing = Self.versions.indices.filter { pairs[$0].0 != pairs[$0].1 }.map {
                    Self.versions[$0]
                }
                Issue.record("\(text): differs for \(differing.prefix(5))")
            }
            compared += versions.count
        }
        #expect(compared > 100_000)
        let sorted = Self.versions.compactMap { Version($0) }.enumerated().sorted {
            let order = $0.element.compare($1.element)
            return order == 0 ? $0.offset < $1.offset : order < 0
        }.map { Self.versions[$0.offset] }
        #expect(sorted.joined(separator: " ") == lines[Self.ranges.count])
        for (row, first) in Self.meeting.enumerated() {
            let mine = try Self.meeting.map { second in
                try #require(VersionRange(first)).meets(try #require(VersionRange(second))) ? "1" : "0"
            }.joined()
            #expect(mine == lines[Self.ranges.count + 1 + row], "meetings of \(first)")
        }
    }

    /// Ranges of which each is asked whether it meets each.
    static let meeting = [
        "*", "x", "1.*", "1.0.*", "1.5.x", "0.0.1", "1.0.0", "2.0.0", "2.1.0", ">=1.0.0", ">1.0.0", "<=1.0.0",
        "<1.6.0", "<=1.6.0", "~1.0.0", "^1.0.0", "<2.0.0", ">0.0.1", "<0.0.1", ">1.4.0 <1.6.0",
        ">1.4.0 <1.6.0 || 2.0.0", "<1.5.0 || >=1.6.0", ">1.0.0 <=2.0.0", "<1.0.0 >2.0.0", "<1.0.0 >=2.0.0",
        "1.3.0 || <1.0.0 >2.0.0", "<1.6.16 || >=1.7.0 <1.7.11 || >=1.8.0 <1.8.2",
        ">=1.6.16 <1.7.0 || >=1.7.11 <1.8.0 || >=1.8.2",
    ]

    // MARK: tokens and facts

    /// JavaScript that Debian's packages bring: what the tests need anyway, and the whole corpus where it was fetched.
    private func corpus() -> [String] {
        var folders = ["/usr/share/nodejs/acorn", "/usr/share/nodejs/semver", "/usr/share/nodejs"]
        let cache = NSHomeDirectory() + "/.cache/veroforge/debian-node/files"
        if Rounds.isFull { folders.append(cache) }
        var paths: Set<String> = []
        for folder in folders {
            guard let walk = FileManager.default.enumerator(atPath: folder) else { continue }
            for case let name as String in walk
            where name.hasSuffix(".js") || name.hasSuffix(".cjs") || name.hasSuffix(".mjs") {
                let path = folder + "/" + name
                let attributes = try? FileManager.default.attributesOfItem(atPath: path)
                let isFile = attributes?[.type] as? FileAttributeType == .typeRegular
                let size = attributes?[.size] as? Int ?? 0
                if isFile, size > 0, size < 400_000 { paths.insert(path) }
            }
        }
        return Array(paths.sorted().prefix(Rounds.isFull ? .max : 400))
    }

    @Test("tokens and facts are acorn's over a corpus")
    func tokensAreAcorns() throws {
        let own = try (0..<Self.snippets.count).map { try temporary("snippet-\($0).js", Self.snippets[$0]) }
        defer { for path in own { try? FileManager.default.removeItem(atPath: path) } }
        let paths = own + corpus()
        let list = try temporary("list.txt", paths.joined(separator: "\n"))
        defer { try? FileManager.default.removeItem(atPath: list) }
        let answer = try Tool.run("/usr/bin/node", [Self.script + "acorn.js", list])
        #expect(answer.code == 0, "\(answer.errors)")
        var compared = 0
        for line in answer.output.split(separator: "\n") {
            let said = try JSONValue.parse(String(line))
            guard let path = said["path"]?.stringValue, said["error"] == nil else { continue }
            let bytes = [UInt8](try #require(FileManager.default.contents(atPath: path)))
            compared += 1
            compare(path, bytes, said)
        }
        #expect(compared >= own.count && compared > 20)
    }

    /// Constructs that a corpus of libraries seldom has.
    static let snippets = [
        "a = b\n/re/g.exec(c); x = a / b / c; if (a) /re/.test(b); for (;;) /x/; ({}) / 2; function f() {} /re/g;",
        "`a${`b${c}`}d`; tag`x\\u{61}${1}`; const {a: {b: [c = 1, ...d]}, ...e} = f; class A extends (B, C) { #p = 1; static { this.#p; } get [x]() {} }",
        "label: for (const x of y) { continue label } async () => { for await (let z of w) await z }; yield_ = function* () { yield* a; yield\n/re/ }",
        "a ??= b?.c?.[d]?.(e) ?? 0x1F + 0b11 + 0o17 + 1_000.5e-3 + 10n; x = a ? b : c ? d : e; new.target; import.meta; import('x');",
        "let async = 1, of = 2, get = 3, set = 4, let_ = 5; ({ async, get, set, of: of, async f() {}, get g() { return 1 }, set g(v) {}, *h() {} });",
        "if (a) b\nelse c\ndo d(); while (e) f()\nvar g = function h() { return\n1 }, \\u0069 = 'a\\\nb\\x41\\u{1F600}\\101';",
        "export default async function* () {} export { a as 'b', c } from 'd'; export * as e from 'f'; import g, { h as i, default as j } from 'k';",
        "(function () { if (a) { function f() {} var b = 1; } switch (a) { case 1: class C {} var d = 2; } return b + d; })()",
        "x = y => ({}) ; (a, b = c, ...d) => a; async x => x; async (x, y) => {}; (function () {})(); !function () {}(); +a++ - --b ** 2",
    ]

    private func compare(_ path: String, _ bytes: [UInt8], _ said: JSONValue) {
        let tokens = Parser.tokens(bytes, Parser.Dialect(allowsTypes: false, allowsMarkup: false))
        var hash: UInt32 = 2_166_136_261
        func mix(_ value: UInt32) { hash = (hash ^ value) &* 16_777_619 }
        for token in tokens {
            mix(UInt32(bitPattern: token.start))
            mix(UInt32(bitPattern: token.end))
        }
        let count = said["tokens"]?.integerValue ?? -1
        #expect(tokens.count == Int(count), "\(path): \(tokens.count) tokens, \(count) by acorn")
        if tokens.count == Int(count) {
            #expect(Int64(hash) == said["hash"]?.integerValue, "\(path): tokens differ")
        }
        let tree = Parser.parse(bytes, Parser.Dialect(allowsTypes: false, allowsMarkup: false))
        #expect(tree.errors.isEmpty, "\(path): \(tree.errors.first?.message ?? "")")
        #expect(TreeFacts(tree).text == said["facts"]?.stringValue, "\(path): facts differ")
    }

    // MARK: types

    @Test("with types or without, the facts are the same")
    func typesLeaveNothing() throws {
        let typed = """
            import type { A } from "./types"; import { api, type B } from "@veroforge/sdk";
            declare global { interface Window { x: number } }
            export interface C<T extends object = {}> extends A { [key: string]: unknown; m?(a: T): asserts a is T }
            type D = keyof typeof api & { readonly [K in "a" | "b"]?: K extends `a${string}` ? 1 : never };
            enum E { One = 1, Two }
            abstract class F<T> implements C<T> { constructor(private readonly x: string, public y?: number) { super_(); }
              declare z: string; static #q!: number; abstract g(): void; get v(): T | undefined { return this.w as unknown as T } w: any; }
            export async function go<T,>(this: F<T>, list: Array<Map<string, T>>, ...rest: [a: number, b?: string][]): Promise<void> {
              const names = list.map(<U>(x: U): U => x)!; const r = await fetch(`https://api.example.com/${names.length}`) satisfies Response;
              await api.readData<Order>("orders", [] as const); label: for (const k in (rest as any)) { if (k < "a") break label; }
              return <void>undefined;
            }
            """
        let source = try temporary("typed.ts", typed)
        defer { try? FileManager.default.removeItem(atPath: source) }
        let plain = try Tool.run("/usr/bin/esbuild", [source, "--loader:.ts=ts", "--target=esnext"])
        #expect(plain.code == 0, "\(plain.errors)")
        func operations(_ name: String, _ text: String) -> [String] {
            let dialect = Parser.Dialect(allowsTypes: name.hasSuffix(".ts"), allowsMarkup: false)
            let analysis = CodeAnalysis(Array(text.utf8), dialect)
            #expect(analysis.errors.isEmpty, "\(name): \(analysis.errors.map(\.message))")
            return
                (analysis.operations.map { "\($0.operation) \($0.target ?? "?")" }
                + analysis.imports.compactMap(\.specifier)).sorted()
        }
        #expect(operations("a.ts", typed) == operations("a.js", plain.output))
        #expect(operations("a.ts", typed) == ["@veroforge/sdk", "fetch api.example.com", "readData orders"])
    }
}

/// What acorn's tree and ours must agree on: how many nodes of each kind that the facts come from, and every constant
/// text, imported module and free name.
private struct TreeFacts {
    let text: String

    init(_ tree: SyntaxTree) {
        var counts: [String: Int] = [:]
        var modules: Set<String> = []
        var free: Set<String> = []
        let resolver = Resolver(tree)
        var stack = [tree.root]
        while let id = stack.popLast() {
            let node = tree[id]
            func add(_ name: String) { counts[name, default: 0] += 1 }
            switch node.kind {
            case .call: add("call")
            case .new: add("new")
            case .member: add("member")
            case .index: add("index")
            case .function: add("function")
            case .classNode: add("class")
            case .importNode: if node.text != 0 { modules.insert(tree.interner[node.text]) }
            case .importCall: add("import")
            case .tagged: add("tagged")
            case .conditional: add("conditional")
            case .ifNode: add("if")
            case .tryNode: add("try")
            case .switchNode: add("switch")
            case .returnNode: add("return")
            case .throwNode: add("throw")
            case .regex: add("regex")
            case .identifier where resolver.meaning[Int(id)] == Resolver.free:
                free.insert(tree.interner[node.text])
            default: break
            }
            for slot in [node.a, node.b, node.c, node.d] where slot != 0 { stack += tree.list(slot) }
        }
        text =
            counts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ") + " | "
            + modules.sorted { Array($0.utf16).lexicographicallyPrecedes(Array($1.utf16)) }.joined(
                separator: ",") + " | "
            + free.sorted { Array($0.utf16).lexicographicallyPrecedes(Array($1.utf16)) }.joined(
                separator: ",")
    }
}
