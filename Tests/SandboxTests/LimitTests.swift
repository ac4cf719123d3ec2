import Foundation
import Marketplace
import Sandbox
import TestSupport
import Testing

/// Every limit that ends a plugin is named, in time, and leaves nothing behind.
@Suite(.serialized) struct PluginLimits {
    static let runaways: [(name: String, body: String, limit: LimitName)] = [
        ("loop", "for (;;);", .cpu),
        ("try/finally", "for (;;) { try { for (;;); } finally { continue; } }", .cpu),
        ("microtasks", "for (;;) await 1;", .cpu),
        (
            "then chain", "const f = () => { Promise.resolve().then(f); }; f(); await new Promise(() => {});",
            .cpu
        ),
        ("regular expression", "return /(a+)+b/.test('a'.repeat(64));", .cpu),
        ("native loop", "return Array.prototype.lastIndexOf.call({ length: 2 ** 53 - 1 }, 1);", .cpu),
        (
            "getter of an error",
            "throw Object.defineProperty(new Error(), 'message', { get() { for (;;); } });", .cpu
        ),
        ("toJSON", "return { toJSON() { for (;;); } };", .cpu),
        ("left running", "(async () => { for (;;) await 1; })(); return 1;", .cpu),
        (
            "timer flood",
            "const f = () => { for (let i = 0; i < 9; i++) try { setTimeout(f, 0) } catch {} }; f(); await new Promise(() => {});",
            .cpu
        ),
        ("waiting", "await new Promise((resolve) => setTimeout(resolve, 60_000));", .wall),
        ("arrays", "const a = []; for (;;) a.push(new Array(1000).fill(7));", .memory),
        ("strings", "const a = []; for (;;) a.push('x'.repeat(1 << 20));", .memory),
        ("buffers", "const a = []; for (;;) a.push(new ArrayBuffer(1 << 20));", .memory),
        ("typed arrays", "return new Float64Array(1 << 25).length;", .memory),
        ("maps", "const m = new Map(); for (let i = 0; ; i++) m.set(i, new Uint8Array(10000));", .memory),
        ("operations", "for (;;) await context.storage.get('k');", .apiCalls),
        ("temp", "await context.temp.write('a', new Uint8Array(2 << 20));", .temp),
        (
            "egress",
            "await context.fetch('https://a.example/', { method: 'POST', body: 'x'.repeat(20_000) });",
            .egress
        ),
        ("output", "return 'x'.repeat(200_000);", .output),
    ]

    @Test(arguments: runaways)
    func endsByItsNameInTime(runaway: (name: String, body: String, limit: LimitName)) async throws {
        var manifest = Fixture.quick
        if runaway.limit == .wall { manifest.wallMs = 600 }
        let limits = RunnerLimits(manifest, outputBytes: 100_000)
        let runner = try await Fixture.native().start(limits)
        let process = try #require(runner.processID)
        _ = try await runner.load(Fixture.image(runaway.body))
        _ = try await runner.initialize(Answers())
        let result = try await runner.execute(action: "go", data: nil, handler: Answers())
        #expect(result.outcome.limit == runaway.limit, "\(result.outcome) \(result.detail ?? "")")
        // The shared test machine is busy: what matters is that the end comes, not to the millisecond.
        #expect(result.wallMs < 20_000)
        #expect(await runner.isAlive == false)
        #expect(Leftovers.isGone(process))
    }

    @Test func theHostsOwnLimitOnStorageEndsThePlugin() async throws {
        let full = OperationOutcome.failure(OperationError(code: "limit", message: "storage: 1 MiB is used"))
        let result = try await Fixture.run(
            "await context.storage.set('k', 1);", handler: Answers(["storage.set": full]))
        #expect(result.outcome.limit == .storage)
    }

    @Test func bandwidthDelaysATransfer() async throws {
        var slow = Fixture.quick
        slow.egressBytesPerSecond = 2_000
        let result = try await Fixture.run(
            """
            const send = () => context.fetch('https://a.example/', { method: 'POST', body: 'x'.repeat(1_000) });
            await send(); await send(); return 1;
            """, limits: RunnerLimits(slow))
        #expect(result.outcome.value == 1)
        #expect(result.wallMs > 50)
    }

    @Test func aShorterDeadlineOfTheCallHolds() async throws {
        let runner = try await Fixture.native().start(RunnerLimits(Fixture.quick))
        _ = try await runner.load(Fixture.image("await new Promise((resolve) => setTimeout(resolve, 400));"))
        _ = try await runner.initialize(Answers())
        let result = try await runner.execute(action: "go", data: nil, wallMs: 100, handler: Answers())
        #expect(result.outcome.limit == .wall)
    }

    @Test func aPluginCannotOutlastItsLoading() async throws {
        let image = PluginImage(files: ["p.js": Array("for (;;); export default {};".utf8)], main: "p.js")
        #expect(try await Fixture.run(image).outcome.limit == .cpu)
    }

    @Test func limitsAreCappedByThePlatform() {
        let greedy = Limits(
            cpuMs: .max, wallMs: .max, memoryMiB: .max, tempMiB: .max, storageMiB: .max, apiCalls: .max,
            egressBytes: .max, egressBytesPerSecond: .max)
        #expect(RunnerLimits(greedy).limits == .maximum)
    }
}

/// What a runner could leave behind.
enum Leftovers {
    static func isGone(_ process: Int32) -> Bool {
        !FileManager.default.fileExists(atPath: "/proc/\(process)")
    }
}
