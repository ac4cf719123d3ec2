import Foundation
import Marketplace
import Sandbox
import TestSupport
import Testing

@Suite struct PluginCalls {
    @Test func aCallAnswersWithWhatThePluginReturned() async throws {
        let result = try await Fixture.run("return { success: true, data: request.data.a + 1 };", ["a": 41])
        #expect(result.outcome == .success(["success": true, "data": 42]))
        #expect(result.cpuMs > 0)
        #expect(result.peakMemoryBytes > 0)
        #expect(result.bytesIn > 0)
    }

    @Test func operationsReachTheHostAndTheirAnswersThePlugin() async throws {
        let answers = Answers(["readData": .success([["id": "1042", "total": 5]])])
        let result = try await Fixture.run(
            """
            const orders = await context.api.readData("orders", [{ field: "id", op: "eq", value: "1042" }]);
            await context.api.writeData("notes", { text: orders[0].id });
            await context.api.triggerWorkflow("send-email", { to: "a@example.com" });
            return orders[0].total;
            """, handler: answers)
        #expect(result.outcome.value == 5)
        #expect(result.operations == 3)
        #expect(answers.requests.map(\.name) == ["readData", "writeData", "triggerWorkflow"])
        #expect(answers.requests[0].arguments["filters"]?[0]?["op"] == "eq")
    }

    @Test func aRefusalReachesThePluginWithItsCode() async throws {
        let refused = OperationOutcome.failure(OperationError(code: "denied", message: "not accepted"))
        let result = try await Fixture.run(
            """
            try { await context.api.readData("invoices", []); }
            catch (error) { return [error.code, error.message, error instanceof Error, error.name]; }
            """, handler: Answers(["readData": refused]))
        #expect(result.outcome.value == ["denied", "not accepted", true, "OperationError"])
    }

    @Test func operationsOfOneCallRunSideBySide() async throws {
        let answers = Answers(delayMs: 1_000)
        let result = try await Fixture.run(
            "await Promise.all([1,2,3,4].map(() => context.storage.get('k'))); return 1;", handler: answers)
        #expect(result.outcome.value == 1)
        #expect(result.wallMs < 3_500)
    }

    @Test func fetchCarriesTextBytesAndCredentials() async throws {
        let answer: JSONValue = [
            "status": 201, "headers": ["x-a": "1"], "body": "aGk=", "bodyEncoding": "base64",
        ]
        let answers = Answers(["fetch": .success(answer)])
        let result = try await Fixture.run(
            """
            const answer = await context.fetch("https://slack.com/api", { method: "POST",
              headers: { "X-Key": context.secret("TOKEN") }, body: new TextEncoder().encode("hé"), auth: { bearer: "T" } });
            return [answer.status, answer.ok, answer.headers["x-a"], await answer.text(), (await answer.bytes()).length];
            """, handler: answers)
        #expect(result.outcome.value == [201, true, "1", "hi", 2])
        let sent = try #require(answers.requests.first?.arguments)
        #expect(sent["method"] == "POST")
        #expect(sent["headers"]?["X-Key"] == "{{secret:TOKEN}}")
        #expect(sent["body"] == "aMOp")
        #expect(sent["bodyEncoding"] == "base64")
        #expect(sent["auth"]?["bearer"] == "T")
    }

    @Test func signingIsDoneByTheHost() async throws {
        let answers = Answers(["crypto.sign": .success("00ff"), "crypto.verifyHmac": .success(true)])
        let result = try await Fixture.run(
            """
            return [await context.crypto.sign("S", "sha256", "body"),
              await context.crypto.verifyHmac("S", "sha256", "body", "00ff", "hex")];
            """, handler: answers)
        #expect(result.outcome.value == ["00ff", true])
        #expect(
            answers.requests[1].arguments == [
                "secret": "S", "algorithm": "sha256", "data": "Ym9keQ==", "signature": "00ff",
                "encoding": "hex",
            ])
    }

    @Test func stateStaysWithinOneRunnerBetweenCalls() async throws {
        let runner = try await Fixture.native().start(RunnerLimits(Fixture.quick))
        _ = try await runner.load(Fixture.image("this.n = (this.n ?? 0) + 1; return this.n;"))
        _ = try await runner.initialize(Answers())
        for expected in 1...3 {
            let result = try await runner.execute(action: "go", data: nil, handler: Answers())
            #expect(result.outcome.value == .integer(Int64(expected)))
        }
        #expect(try await runner.cleanup(Answers()).outcome == .success(.null))
        #expect(await runner.isAlive == false)
    }

    @Test func aRunnerThatIsKilledBetweenCallsIsKnownToBeGone() async throws {
        let runner = try await Fixture.native().start(RunnerLimits(Fixture.quick))
        _ = try await runner.load(Fixture.image("return 1;"))
        _ = try await runner.initialize(Answers())
        #expect(await runner.isAlive)
        kill(try #require(runner.processID), SIGKILL)
        for _ in 0..<200 where runner.isUp { try await Task.sleep(for: .milliseconds(10)) }
        #expect(!runner.isUp)
        #expect(await runner.isAlive == false)
        await runner.kill()
    }

    /// The answer and the caller's leaving cross: whoever is told that the runner can be used finds it running.
    @Test func aCallGivenUpInTheMomentOfItsAnswerLeavesNoRunnerThatSeemsAlive() async throws {
        for round in 0..<60 {
            let runner = try await Fixture.native().start(RunnerLimits(Fixture.quick))
            _ = try await runner.load(Fixture.image("return 1;"))
            _ = try await runner.initialize(Answers())
            let call = Task { try await runner.execute(action: "go", data: nil, handler: Answers()) }
            try await Task.sleep(for: .microseconds(round * 10))
            call.cancel()
            _ = try? await call.value
            if await runner.isAlive {
                let next = try await runner.execute(action: "go", data: nil, handler: Answers())
                #expect(next.outcome == .success(1), "round \(round)")
            }
            await runner.kill()
        }
    }

    @Test func logsComeBackWithTheirLevel() async throws {
        let result = try await Fixture.run(
            "console.error('bad', {a: [1, 'x']}); context.logger.info('sent', { channel: '#ops' }); return 1;"
        )
        #expect(
            result.logs == [
                LogLine(level: "error", text: "bad {a: [1, \"x\"]}"),
                LogLine(level: "info", text: "sent {channel: \"#ops\"}"),
            ])
    }

    @Test func aLogFloodIsCutAndSaysSo() async throws {
        let result = try await Fixture.run(
            "for (let i = 0; i < 1000; i++) console.log('x'.repeat(100)); return 1;",
            limits: RunnerLimits(Fixture.quick, logBytes: 1_000))
        #expect(result.outcome.value == 1)
        #expect(result.logs.count == 11)
        #expect(result.logs.last?.level == "warn")
    }

    @Test func configurationIsFrozen() async throws {
        let image = Fixture.image(
            "'use strict'; try { context.config.channel.name = 'x'; } catch { return context.config.channel.name; }",
            config: ["channel": ["name": "#ops"]])
        #expect(try await Fixture.run(image).outcome.value == "#ops")
    }

    @Test func aTrialSeesTheSameTimeAndChanceEachTime() async throws {
        var image = Fixture.image(
            """
            const before = Date.now();
            await new Promise((resolve) => setTimeout(resolve, 20));
            return [new Date().toISOString(), Date.now() - before, Math.random(), crypto.randomUUID(),
              [...crypto.getRandomValues(new Uint8Array(4))], new Date(0).constructor === Date, typeof Date()];
            """)
        image.seed = 7
        image.clock = Instant("2026-01-31T12:00:00Z")
        let (first, second) = (try await Fixture.run(image), try await Fixture.run(image))
        #expect(first.outcome == second.outcome)
        #expect(first.outcome.value?[0] == "2026-01-31T12:00:00.020Z")
        #expect(first.outcome.value?[1] == 20)
        image.seed = 8
        #expect(try await Fixture.run(image).outcome.value?[2] != first.outcome.value?[2])
    }

    @Test func onlyOneCallAtATime() async throws {
        let runner = try await Fixture.native().start(RunnerLimits(Fixture.quick))
        _ = try await runner.load(Fixture.image("await new Promise(r => setTimeout(r, 200)); return 1;"))
        _ = try await runner.initialize(Answers())
        async let first = runner.execute(action: "go", data: nil, handler: Answers())
        try await Task.sleep(nanoseconds: 50_000_000)
        await #expect(throws: SandboxError.self) {
            try await runner.execute(action: "go", data: nil, handler: Answers())
        }
        #expect(try await first.outcome.value == 1)
        await runner.kill()
    }

    @Test func killingDuringACallEndsIt() async throws {
        let runner = try await Fixture.native().start(RunnerLimits(Fixture.quick))
        _ = try await runner.load(Fixture.image("for (;;);"))
        _ = try await runner.initialize(Answers())
        async let call = runner.execute(action: "go", data: nil, handler: Answers())
        try await Task.sleep(nanoseconds: 50_000_000)
        await runner.kill()
        #expect(try await call.outcome.failure?.code == "killed")
    }
}

@Suite struct PluginModules {
    @Test func moduleSystemsMix() async throws {
        let image = Fixture.image(
            "const { extra } = await import('./late.mjs'); return [two, cjs.two, data.z, part, lib, extra, typeof definePlugin];",
            files: [
                "dist/c.cjs": "exports.two = 2; exports.up = require('../data.json').z;",
                "data.json": "{\"z\": 26}",
                "dist/part/index.js": "export const part = 'p';",
                "dist/late.mjs": "export const extra = import.meta.url;",
                "node_modules/lib/package.json": "{\"main\": \"./main.js\"}",
                "node_modules/lib/main.js": "module.exports = 'lib of ' + __filename;",
            ])
        var with = image
        let header = """
            import cjs, { two } from "./c.cjs"; import data from "../data.json"; import { part } from "./part";
            import lib from "lib"; import { definePlugin } from "@veroforge/sdk";

            """
        with.files["dist/index.js"] = Array(header.utf8) + image.files["dist/index.js"]!
        #expect(
            try await Fixture.run(with).outcome.value == [
                2, 2, 26, "p", "lib of node_modules/lib/main.js", "bundle:///dist/late.mjs", "function",
            ])
    }

    static let shapes: [(name: String, main: String)] = [
        ("named class", "export class P { execute() { return 1; } }"),
        ("named object", "export const plugin = { execute() { return 1; } };"),
        ("default object", "export default { execute: async () => 1 };"),
        ("module.exports class", "module.exports = class { execute() { return 1; } };"),
        (
            "exports.default",
            "exports.__esModule = true; exports.default = class { execute() { return 1; } };"
        ),
        ("exports.plugin", "exports.plugin = { execute() { return 1; } };"),
    ]

    @Test(arguments: shapes) func everyShapeOfPluginIsFound(shape: (name: String, main: String)) async throws
    {
        let image = PluginImage(files: ["dist/p.js": Array(shape.main.utf8)], main: "dist/p.js")
        #expect(try await Fixture.run(image).outcome.value == 1)
    }

    static let broken: [(name: String, main: String, says: String)] = [
        ("no plugin", "export const a = 1;", "exports no plugin"),
        ("syntax", "export default class {", "invalid property name"),
        (
            "missing module", "import './nowhere.js'; export default { execute() {} };",
            "cannot find module './nowhere.js'"
        ),
        (
            "system module", "const fs = require('fs'); module.exports = { execute() {} };",
            "'fs' is not available"
        ),
        (
            "outside", "require('../../etc/passwd'); module.exports = { execute() {} };",
            "leads out of the bundle"
        ),
        ("throws", "throw new RangeError('at load'); export default {};", "at load"),
    ]

    @Test(arguments: broken)
    func aBundleThatDoesNotLoadSaysWhy(broken: (name: String, main: String, says: String)) async throws {
        let image = PluginImage(files: ["dist/p.js": Array(broken.main.utf8)], main: "dist/p.js")
        let failure = try #require(try await Fixture.run(image).outcome.failure)
        #expect(failure.message.contains(broken.says), "\(failure)")
    }

    @Test func aMissingMainIsNamed() async throws {
        let failure = try await Fixture.run(PluginImage(files: [:], main: "dist/x.js")).outcome.failure
        #expect(failure?.message.contains("dist/x.js") == true)
    }
}
