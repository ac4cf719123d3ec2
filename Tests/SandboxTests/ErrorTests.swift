import Marketplace
import Sandbox
import Testing

/// Errors of a plugin's own: each is named, and the runner answers the next call.
@Suite struct PluginErrors {
    static let errors: [(name: String, body: String, code: String, says: String)] = [
        ("Error", "throw new TypeError('bad');", "threw", "bad"),
        ("string", "throw 'text';", "threw", "text"),
        ("null", "throw null;", "threw", "null"),
        (
            "getter", "throw Object.defineProperty(new Error('x'), 'message', { get() { throw 1; } });",
            "threw", ""
        ),
        (
            "late", "setTimeout(() => { throw new Error('late'); }, 1); await new Promise(() => {});",
            "uncaughtException", "late"
        ),
        ("unhandled", "Promise.reject(new Error('lost')); return 1;", "unhandledRejection", "lost"),
        ("never", "await new Promise(() => {});", "neverSettles", "nothing is left to run"),
        ("cyclic", "const a = {}; a.a = a; return a;", "notSerializable", "circular"),
        ("bigint", "return 1n;", "notSerializable", ""),
        ("toJSON", "return { toJSON() { throw new Error('no json'); } };", "notSerializable", "no json"),
        ("recursion", "const f = () => f() + 1; return f();", "threw", "stack"),
        ("eval", "eval('('); ", "threw", ""),
    ]

    @Test(arguments: errors)
    func isNamedAndTheRunnerAnswersAgain(
        error: (name: String, body: String, code: String, says: String)
    ) async throws {
        let runner = try await Fixture.native().start(RunnerLimits(Fixture.quick))
        _ = try await runner.load(
            Fixture.image("if (request.data === 'ok') return 'still here'; \(error.body)"))
        _ = try await runner.initialize(Answers())
        let result = try await runner.execute(action: "go", data: nil, handler: Answers())
        #expect(result.outcome.failure?.code == error.code, "\(result.outcome)")
        #expect(result.outcome.failure?.message.contains(error.says) == true, "\(result.outcome)")
        let next = try await runner.execute(action: "go", data: "ok", handler: Answers())
        #expect(next.outcome.value == "still here")
        await runner.kill()
    }

    @Test func theStackIsThePluginsOwn() async throws {
        let result = try await Fixture.run(
            "const inner = () => {\n throw new Error('here');\n };\n return inner();")
        let failure = try #require(result.outcome.failure)
        #expect(failure.file == "dist/index.js")
        #expect(failure.line == 5)
        #expect(failure.stack?.contains("at inner (dist/index.js:5:") == true)
        #expect(failure.stack?.contains("veroforge:") == false)
    }

    @Test func theStackGoesThroughTheSourceMap() async throws {
        // The map says: generated line 1 from column 0 is src/plugin.ts line 11, column 5.
        let map = #"{"version":3,"sources":["../src/plugin.ts"],"mappings":"AAUI"}"#
        let main =
            "export default { execute() { throw new Error('mapped'); } };\n//# sourceMappingURL=p.js.map"
        let image = PluginImage(
            files: ["dist/p.js": Array(main.utf8), "dist/p.js.map": Array(map.utf8)], main: "dist/p.js")
        let failure = try #require(try await Fixture.run(image).outcome.failure)
        #expect(failure.file == "src/plugin.ts")
        #expect(failure.line == 11)
    }

    @Test func anErrorInInitializeIsReported() async throws {
        let main = "export default { initialize() { throw new Error('no token'); }, execute() {} };"
        let image = PluginImage(files: ["p.js": Array(main.utf8)], main: "p.js")
        #expect(try await Fixture.run(image).outcome.failure?.message == "no token")
    }
}
