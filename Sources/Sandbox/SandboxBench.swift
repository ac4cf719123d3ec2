import Glibc
public import Marketplace

/// Measures a back end on this machine; `veroforge bench sandbox` prints it.
public enum SandboxBench {
    /// A median and a tail, in milliseconds.
    public struct Spread: Sendable {
        public let p50: Double
        public let p99: Double
        public let most: Double

        init(_ values: [Double]) {
            let sorted = values.sorted()
            func at(_ percent: Int) -> Double {
                sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, sorted.count * percent / 100)]
            }
            (p50, p99, most) = (at(50), at(99), sorted.last ?? 0)
        }
    }

    /// What is to be measured, how often.
    public struct Counts: Sendable {
        public var starts: Int
        /// Plugins alive at one time while calls go round.
        public var live: Int
        public var calls: Int

        public init(starts: Int, live: Int, calls: Int) {
            self.starts = starts
            self.live = live
            self.calls = calls
        }
    }

    private struct NoHost: OperationHandler {
        func perform(_ request: OperationRequest) async -> OperationOutcome { .success(.null) }
    }

    /// Some hundred milliseconds of what plugins compute: records, texts, sorting, JSON, a map, integers. No part is most
    /// of it, so that the chance of where one loop lies in memory does not decide. The same text runs in any engine.
    public static let computeBody = """
        let n = 0; const names = []; \
        for (let i = 0; i < 200000; i++) { \
        const row = { id: i, name: 'n' + i * 7919 % 1000, total: i % 97 * 1.25 }; \
        n += row.total; if (row.id % 3 === 0) names.push(row.name); } \
        names.sort(); n += JSON.parse(JSON.stringify(names)).length; \
        const seen = new Map(); for (const name of names) seen.set(name, (seen.get(name) ?? 0) + 1); \
        n += [...seen.values()].filter((count) => count > 60).length; \
        for (let i = 0, a = 1; i < 4000000; i++) { a = Math.imul(a, 1103515245) + 12345 | 0; n ^= a; } \
        return n;
        """

    private static func image(_ body: String) -> PluginImage {
        let main = "export default { async execute(request) { \(body) } };"
        return PluginImage(files: ["index.mjs": Array(main.utf8)], main: "index.mjs")
    }

    private static func loaded(_ isolation: any Isolation, _ body: String) async throws(SandboxError)
        -> PluginRunner
    {
        let runner = try await isolation.start(RunnerLimits(Limits.maximum))
        _ = try await runner.load(image(body))
        _ = try await runner.execute(action: "first", data: nil, handler: NoHost())
        return runner
    }

    /// From nothing to the answer of a first call, one after the other.
    public static func starts(_ isolation: any Isolation, _ count: Int) async throws(SandboxError) -> Spread {
        var times: [Double] = []
        for _ in 0..<count {
            let from = Clock.monotonic()
            let runner = try await loaded(isolation, "return 1;")
            times.append(milliseconds(since: from))
            await runner.kill()
        }
        return Spread(times)
    }

    /// Plugins started and answering a second, `side` at one time.
    public static func startsPerSecond(
        _ isolation: any Isolation, _ count: Int, side: Int = 4
    ) async throws(SandboxError) -> Double {
        let began = Clock.monotonic()
        let failure = await withTaskGroup(of: SandboxError?.self) { group in
            for _ in 0..<side {
                group.addTask {
                    do throws(SandboxError) {
                        for _ in 0..<max(1, count / side) {
                            await (try loaded(isolation, "return 1;")).kill()
                        }
                        return nil
                    } catch { return error }
                }
            }
            return await group.reduce(nil) { $0 ?? $1 }
        }
        if let failure { throw failure }
        return Double(max(1, count / side) * side) / (milliseconds(since: began) / 1_000)
    }

    /// From a started spare to the runner in hand.
    public static func spares(_ isolation: any Isolation, _ takes: Int) async throws(SandboxError) -> Spread {
        let pool = RunnerPool(isolation, spares: 2)
        var times: [Double] = []
        for _ in 0..<takes {
            await pool.warm()
            let from = Clock.monotonic()
            let runner = try await pool.take()
            times.append(milliseconds(since: from))
            await runner.kill()
        }
        await pool.close()
        return Spread(times)
    }

    /// Host to plugin to host, `live` plugins alive and called in turn; and their proportional memory, each.
    public static func roundTrips(
        _ isolation: any Isolation, live: Int, calls: Int
    ) async throws(SandboxError) -> (times: Spread, memoryKiB: Int) {
        var runners: [PluginRunner] = []
        for _ in 0..<live { runners.append(try await loaded(isolation, "return request.data;")) }
        // A plugin's first call is in the figure of its start.
        for index in 0..<3 * live {
            _ = try await runners[index % live].execute(action: "go", data: 1, handler: NoHost())
        }
        var times: [Double] = []
        for index in 0..<calls {
            let from = Clock.monotonic()
            _ = try await runners[index % live].execute(action: "go", data: 1, handler: NoHost())
            times.append(milliseconds(since: from))
        }
        let memory = ProcessTree.proportionalKiB(of: Set(runners.map(\.hostProcess)))
        for runner in runners { await runner.kill() }
        return (Spread(times), memory / max(1, live))
    }

    /// A call of `computeBody` inside: processor milliseconds as the runner counts them.
    public static func compute(_ isolation: any Isolation) async throws(SandboxError) -> Double {
        let runner = try await loaded(isolation, computeBody)
        let result = try await runner.execute(action: "go", data: nil, handler: NoHost())
        await runner.kill()
        return result.cpuMs
    }

    // MARK: Runaways

    /// What runs away, and the limit that must end it.
    public static let runaways: [(name: String, body: String, limit: LimitName)] = [
        ("loop", "for (;;);", .cpu),
        ("try/finally", "for (;;) { try { for (;;); } finally { continue; } }", .cpu),
        ("microtasks", "for (;;) await 1;", .cpu),
        ("regular expression", "return /(a+)+b/.test('a'.repeat(64));", .cpu),
        ("engine's own loop", "return Array.prototype.lastIndexOf.call({ length: 2 ** 53 - 1 }, 1);", .cpu),
        (
            "timers",
            "const f = () => { setTimeout(f, 0); for (let i = 0; i < 1e5; i++); }; f(); await new Promise(() => {});",
            .cpu
        ),
        ("waiting", "await new Promise((resolve) => setTimeout(resolve, 60000));", .wall),
        ("memory", "const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1));", .memory),
        ("output", "return 'x'.repeat(8 << 20);", .output),
    ]

    /// How long after its limit each runaway was gone, and what ended it; for a limit that is not one of time, how
    /// long it took in all.
    public static func overrun(
        _ isolation: any Isolation, _ runaway: (name: String, body: String, limit: LimitName), limitMs: Int64
    ) async throws(SandboxError) -> (overMs: Double, outcome: ExecutionOutcome) {
        var limits = Limits.standard
        limits.cpuMs = runaway.limit == .cpu ? limitMs : 5_000
        limits.wallMs = runaway.limit == .wall ? limitMs : 10_000
        let runner = try await isolation.start(RunnerLimits(limits))
        _ = try await runner.load(image(runaway.body))
        let result = try await runner.execute(action: "go", data: nil, handler: NoHost())
        let isTimed = runaway.limit == .cpu || runaway.limit == .wall
        await runner.kill()
        return (result.wallMs - (isTimed ? Double(limitMs) : 0), result.outcome)
    }

    static func milliseconds(since from: UInt64) -> Double { Double(Clock.monotonic() - from) / 1_000_000 }
}
