import Glibc
import Marketplace

/// Measures a back end on this machine; `veroforge bench sandbox` prints it.
public enum SandboxBench {
    public struct Figures: Sendable, Codable {
        public var backEnd: BackEnd
        /// From nothing to the answer of a first call, one after the other.
        public var startMsP50: Double
        public var startMsP99: Double
        public var startsPerSecond: Double
        /// From a started spare to the runner in hand.
        public var spareMsP50: Double
        /// Host to plugin to host with `live` plugins alive, called round robin.
        public var roundTripMsP50: Double
        public var roundTripMsP99: Double
        public var live: Int
        /// Proportional memory of one plugin's processes with `live` alive.
        public var memoryKiBPerPlugin: Int
        /// A loop of arithmetic inside: processor milliseconds as the runner counts them.
        public var computeCpuMs: Double
        /// How long after its limit each runaway was gone.
        public var overrunMs: [String: Double]
    }

    private struct NoHost: OperationHandler {
        func perform(_ request: OperationRequest) async -> OperationOutcome { .success(.null) }
    }

    private static func image(_ body: String) -> PluginImage {
        let main = "export default { async execute(request) { \(body) } };"
        return PluginImage(files: ["index.mjs": Array(main.utf8)], main: "index.mjs")
    }

    private static let runaways: [(name: String, body: String)] = [
        ("loop", "for (;;);"), ("microtasks", "for (;;) await 1;"),
        ("regular expression", "return /(a+)+b/.test('a'.repeat(64));"),
        ("waiting", "await new Promise((resolve) => setTimeout(resolve, 60000));"),
    ]

    public static func measure(
        _ isolation: any Isolation, starts: Int = 100, live: Int = 100, calls: Int = 5_000
    ) async throws(SandboxError) -> Figures {
        var times: [Double] = []
        let began = Clock.monotonic()
        for _ in 0..<starts {
            let from = Clock.monotonic()
            let runner = try await loaded(isolation, "return 1;")
            times.append(milliseconds(since: from))
            await runner.kill()
        }
        let perSecond = Double(starts) / (milliseconds(since: began) / 1_000)
        let spare = try await spareTime(isolation, takes: min(starts, 20))
        let (trips, memory) = try await roundTrips(isolation, live: live, calls: calls)
        let compute = try await loaded(isolation, computeBody)
        let result = try await compute.execute(action: "go", data: nil, handler: NoHost())
        await compute.kill()
        return Figures(
            backEnd: isolation.backEnd, startMsP50: percentile(times, 50), startMsP99: percentile(times, 99),
            startsPerSecond: perSecond, spareMsP50: spare, roundTripMsP50: percentile(trips, 50),
            roundTripMsP99: percentile(trips, 99), live: live, memoryKiBPerPlugin: memory,
            computeCpuMs: result.cpuMs, overrunMs: try await overruns(isolation))
    }

    /// Some hundred milliseconds of arithmetic; the same text can be run by any engine for comparison.
    public static let computeBody =
        "let a = 1; for (let i = 0; i < 5000000; i++) a = (a * 1103515245 + 12345) % 2147483648; return a;"

    private static func loaded(_ isolation: any Isolation, _ body: String) async throws(SandboxError)
        -> PluginRunner
    {
        let runner = try await isolation.start(RunnerLimits(Limits.maximum))
        _ = try await runner.load(image(body))
        _ = try await runner.execute(action: "first", data: nil, handler: NoHost())
        return runner
    }

    private static func spareTime(_ isolation: any Isolation, takes: Int) async throws(SandboxError) -> Double
    {
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
        return percentile(times, 50)
    }

    private static func roundTrips(
        _ isolation: any Isolation, live: Int, calls: Int
    ) async throws(SandboxError) -> (times: [Double], memoryKiB: Int) {
        var runners: [PluginRunner] = []
        for _ in 0..<live { runners.append(try await loaded(isolation, "return request.data;")) }
        var times: [Double] = []
        for index in 0..<calls {
            let from = Clock.monotonic()
            _ = try await runners[index % live].execute(action: "go", data: 1, handler: NoHost())
            times.append(milliseconds(since: from))
        }
        let memory = ProcessTree.proportionalKiB(of: Set(runners.map(\.hostProcess)))
        for runner in runners { await runner.kill() }
        return (times, memory / max(1, live))
    }

    private static func overruns(_ isolation: any Isolation) async throws(SandboxError) -> [String: Double] {
        var limits = Limits.standard
        limits.cpuMs = 100
        limits.wallMs = 1_000
        var overruns: [String: Double] = [:]
        for runaway in runaways {
            let runner = try await isolation.start(RunnerLimits(limits))
            _ = try await runner.load(image(runaway.body))
            let result = try await runner.execute(action: "go", data: nil, handler: NoHost())
            let limit = runaway.name == "waiting" ? Double(limits.wallMs) : Double(limits.cpuMs)
            overruns[runaway.name] = result.wallMs - limit
            await runner.kill()
        }
        return overruns
    }

    private static func milliseconds(since from: UInt64) -> Double {
        Double(Clock.monotonic() - from) / 1_000_000
    }

    private static func percentile(_ values: [Double], _ percent: Int) -> Double {
        guard !values.isEmpty else { return 0 }
        return values.sorted()[min(values.count - 1, values.count * percent / 100)]
    }
}
