import Marketplace
import Sandbox
import Testing

/// The globals that the SDK declares.
@Suite struct PluginGlobals {
    static let expressions: [(expression: String, value: JSONValue)] = [
        (
            "new URL('../a b?x=1&y=2#f', 'https://Example.com:443/p/q/r').href",
            "https://example.com/p/a%20b?x=1&y=2#f"
        ),
        ("new URL('https://u:p@h.example:8443/%7Efoo/../a?q#h').origin", "https://h.example:8443"),
        ("new URL('//other.example/x', 'https://a.example').href", "https://other.example/x"),
        ("new URL('?q=ü', 'https://a.example/p').search", "?q=%C3%BC"),
        ("new URL('https://0x7f.1/').hostname", "127.0.0.1"),
        ("new URL('https://2130706433/').hostname", "127.0.0.1"),
        ("new URL('mailto:a@example.com').pathname", "a@example.com"),
        ("new URL('https:\\\\\\\\a.example\\\\b').href", "https://a.example/b"),
        ("URL.canParse('not a url')", false),
        ("(() => { try { new URL('https://[::1') } catch (e) { return e.name } })()", "TypeError"),
        (
            "(() => { const u = new URL('https://a.example/'); u.searchParams.append('a b', '1&2'); return u.href })()",
            "https://a.example/?a+b=1%262"
        ),
        ("new URLSearchParams('a=1&b=2&a=3').getAll('a')", ["1", "3"]),
        ("new URLSearchParams({ q: 'é x' }).toString()", "q=%C3%A9+x"),
        ("[...new URLSearchParams('b=2&a=1')].length", 2),
        ("new TextDecoder().decode(new TextEncoder().encode('é€😀'))", "é€😀"),
        ("[...new TextEncoder().encode('\\ud800')]", [239, 191, 189]),
        (
            "(() => { try { new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([255])) } catch (e) { return e.name } })()",
            "TypeError"
        ),
        ("new TextDecoder().decode(new Uint8Array([239, 187, 191, 65]))", "A"),
        ("btoa('hi') + atob('aGk=')", "aGk=hi"),
        (
            "structuredClone(new Map([[1, { d: new Date(0) }]])).get(1).d.toISOString()",
            "1970-01-01T00:00:00.000Z"
        ),
        ("(() => { try { structuredClone(() => 1) } catch (e) { return e.name } })()", "DataCloneError"),
        (
            "(() => { const a = { n: 1 }; a.self = a; const b = structuredClone(a); return b.self === b && b !== a })()",
            true
        ),
        (
            "/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID())",
            true
        ),
        ("typeof performance.now()", "number"),
        (
            "typeof process + typeof fetch + typeof WebAssembly + typeof Buffer + typeof std + typeof os",
            "undefinedundefinedundefinedundefinedundefinedundefined"
        ),
        ("await new Promise((resolve) => setTimeout((a, b) => resolve(a + b), 1, 2, 3))", 5),
        (
            "await new Promise((resolve) => { let n = 0; const t = setInterval(() => { if (++n === 3) { clearInterval(t); resolve(n); } }, 1); })",
            3
        ),
        (
            "(() => { const order = []; queueMicrotask(() => order.push(1)); return Promise.resolve().then(() => order) })()",
            [1]
        ),
        (
            "await (async () => { await context.temp.write('a', 'é'); return [await context.temp.list(), (await context.temp.read('a')).length, await context.temp.read('b') === undefined] })()",
            [["a"], 2, true]
        ),
    ]

    @Test(arguments: expressions) func holds(expression: (expression: String, value: JSONValue)) async throws
    {
        let result = try await Fixture.run("return \(expression.expression);")
        #expect(result.outcome == .success(expression.value), "\(expression.expression)")
    }
}
