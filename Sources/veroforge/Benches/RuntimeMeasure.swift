import AsyncHTTPClient
import Foundation
import Glibc
import Marketplace
import NIOHTTP1
import Pipeline
import Sandbox
import SimulatedApp
import SimulatedServers

/// The always-on service under load, and beside it the same handler as one node process a plugin.
struct RuntimeMeasure: MeasuredBench {
    let name = "runtime"
    let summary = "cold and warm calls, a thousand plugins, a noisy neighbour, node beside it"

    func run(_ programs: ProgramFiles, count: Int?) async throws -> String {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 256
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let only = try Self.named()
        let bench: RuntimeBench
        do { bench = try await RuntimeBench.begin(programs, client, installed: count ?? 1_000) } catch {
            try? await client.shutdown()
            throw error
        }
        defer { bench.end() }
        var lines: [String] = []
        var broken: (any Error)?
        do {
            for (part, measure) in [
                ("cold", bench.cold), ("warm", bench.warm), ("processor", bench.processor),
                ("neighbour", bench.neighbour), ("thousand", bench.thousand), ("node", bench.node),
            ] where only.contains(part) { lines += try await measure() }
        } catch { broken = error }
        await bench.application.stop()
        try? await client.shutdown()
        if let broken {
            print(lines.joined(separator: "\n"))
            throw broken
        }
        return lines.joined(separator: "\n")
    }

    private static let parts = ["cold", "warm", "processor", "neighbour", "thousand", "node"]

    /// What `VEROFORGE_BENCH_PARTS=warm,node` asks for, or all; `cold` always, which installs what the others call.
    private static func named() throws -> Set<String> {
        guard let names = ProcessInfo.processInfo.environment["VEROFORGE_BENCH_PARTS"] else {
            return Set(parts)
        }
        let wanted = names.split(separator: ",").map(String.init)
        if let wrong = wanted.first(where: { !parts.contains($0) }) {
            throw PipelineError(
                .usage, "the bench runtime has no part \(wrong)",
                remedy: "There are: \(parts.joined(separator: ", ")).")
        }
        return Set(wanted + ["cold"])
    }
}

/// The programs of one measurement.
final class RuntimeBench {
    let programs: ProgramFiles
    let load: BenchLoad
    let market: BenchMarket
    let application: LoopbackServer
    private let noisy: BenchApplication
    private var runtime: DemoProcess?
    private var url = ""
    private let installed: Int
    private var inTurnTimes = BenchTimes()
    private var warmTimes = BenchTimes()
    private var coldTimes = BenchTimes()
    private var runtimeMemory = 0.0

    static let tenants = ["acme"] + (1...9).map { "tenant\($0)" } + ["noisy"]
    private static let perTenant = 100

    static func begin(_ programs: ProgramFiles, _ client: HTTPClient, installed: Int) async throws
        -> RuntimeBench
    {
        let root = NSTemporaryDirectory() + "veroforge-bench-\(getpid())"
        let credential = "bench-credential"
        let app = SimulatedApp(seed: 7)
        let application = try await SimulatedServers.application(app, credential: credential)
        // What the noisy tenant's calls do is to be felt in the runtime, not in an application that all share.
        let overdue: JSONValue = [["field": "status", "op": "eq", "value": "overdue"]]
        let rows = app.perform(
            OperationRequest(name: "readData", arguments: ["entity": "invoices", "filters": overdue]))
        guard case .success(let invoices) = rows,
            let noisy = BenchApplication(answering: invoices.serializedBytes())
        else { throw PipelineError(.incomplete, "the noisy tenant's application could not be started") }
        let market = try BenchMarket.make(
            root: root, plugins: perTenant, tenants: tenants,
            app: { $0 == "noisy" ? noisy.url : application.url }, credential: credential)
        let bench = RuntimeBench(
            programs, BenchLoad(client: client), market, application, noisy, installed)
        // One caller that goes on when it is answered must not be stopped by its rate.
        try await bench.serve(callsPerSecond: 5_000)
        return bench
    }

    private init(
        _ programs: ProgramFiles, _ load: BenchLoad, _ market: BenchMarket, _ application: LoopbackServer,
        _ noisy: BenchApplication, _ installed: Int
    ) {
        self.noisy = noisy
        self.programs = programs
        self.load = load
        self.market = market
        self.application = application
        self.installed = installed
    }

    /// Starts the runtime, in the place of one that runs, with that rate for each tenant.
    private func serve(callsPerSecond: Int) async throws {
        runtime?.stop()
        let port = try FreePort.find()
        let root = market.root
        runtime = try DemoProcess(
            programs.runtime, ["serve", "--data", root, "--port", "\(port)"],
            environment: [
                "VEROFORGE_HOME": programs.home, "VEROFORGE_RUNTIME_CALLS_PER_SECOND": "\(callsPerSecond)",
                "VEROFORGE_RUNTIME_SPARE_RUNNERS": "4",
            ], log: "\(root)/runtime.log")
        url = "http://127.0.0.1:\(port)"
        for _ in 0..<200 {
            if await load.time(BenchLoad.Call(url: url + "/healthz", token: "", method: .GET)) != nil {
                return
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw PipelineError(.tryLater, "the runtime did not start; see \(root)/runtime.log")
    }

    func end() {
        runtime?.stop()
        noisy.stop()
        try? FileManager.default.removeItem(atPath: market.root)
    }

    // MARK: Calls

    private func home(_ tenant: String, _ plugin: Int) -> String {
        "\(url)/v1/tenants/\(tenant)/plugins/\(market.plugins[plugin % market.plugins.count])"
    }

    private func install(_ tenant: String, _ plugin: Int) -> BenchLoad.Call {
        let wish: JSONValue = ["version": "1.0.0", "plan": "free", "permissions": BenchMarket.permissions]
        return BenchLoad.Call(
            url: home(tenant, plugin), token: market.tokens[tenant] ?? "", body: wish.serialized(),
            method: .PUT)
    }

    private func call(_ tenant: String, _ plugin: Int, _ body: String = "{}") -> BenchLoad.Call {
        BenchLoad.Call(
            url: home(tenant, plugin) + "/actions/count", token: market.tokens[tenant] ?? "", body: body)
    }

    // MARK: Measures

    /// One order after the other with a pause between them, as customers come: what is kept started ahead is there again.
    func cold() async throws -> [String] {
        var (installs, firsts) = (BenchTimes(), BenchTimes())
        for plugin in 0..<Self.perTenant {
            try await Task.sleep(for: .milliseconds(150))
            guard let installing = await load.time(install("acme", plugin)),
                let first = await load.time(call("acme", plugin))
            else {
                coldTimes.failures += 1
                continue
            }
            installs.milliseconds.append(installing)
            firsts.milliseconds.append(first)
            coldTimes.milliseconds.append(installing + first)
        }
        return [
            "cold, from the order to install to the first answer, six orders a second: \(coldTimes.text)",
            "  of it installing, the plugin's start included: \(installs.text)",
            "  and the first call: \(firsts.text)",
        ]
    }

    /// Round robin over the tenant's hundred plugins, one call after the other, then at a steady rate.
    func warm() async throws -> [String] {
        let calls = (0..<4_000).map { call("acme", $0) }
        _ = await load.open(Array(calls.prefix(500)), perSecond: 100)
        let pid = runtime?.processID ?? 0
        var used = [BenchUse.processorMilliseconds(of: pid)]
        inTurnTimes = await load.inTurn(calls)
        used.append(BenchUse.processorMilliseconds(of: pid))
        warmTimes = await load.open(calls, perSecond: 150)
        used.append(BenchUse.processorMilliseconds(of: pid))
        func perCall(_ part: Int) -> String {
            "the runtime's processor time a call "
                + BenchTimes.show((used[part + 1] - used[part]) / Double(calls.count)) + " ms"
        }
        // What the plugin asks it, `status` is `overdue`.
        let filter =
            "%5B%7B%22field%22%3A%22status%22%2C%22op%22%3A%22eq%22%2C%22value%22%3A%22overdue%22%7D%5D"
        let reads = [BenchLoad.Call](
            repeating: BenchLoad.Call(
                url: application.url + "/entities/invoices?filter=" + filter, token: "bench-credential",
                method: .GET), count: 1_000)
        let appInTurn = await load.inTurn(reads)
        let app = await load.open(reads, perSecond: 150)
        return [
            "warm, HTTP + proxy + one readData, 100 plugins of one tenant round robin, one call after the other: "
                + "\(inTurnTimes.text); of it the sample application, asked alone: \(appInTurn.text); \(perCall(0))",
            "  the same at 150 calls/s, with pauses in between: \(warmTimes.text); the sample application: \(app.text); \(perCall(1))",
        ]
    }

    /// The same work in the same runner, called directly, and through service, proxy and metering: in turn, the order
    /// turned each time, and each pair with another process on both sides, so that neither warmth nor the chance of where
    /// a process lies in memory favours one of them. What is said is the median of the pairs' ratios.
    func processor() async throws -> [String] {
        guard let limits = try? Manifest.parse(BenchMarket.manifest("bench.p0").serializedBytes()).limits
        else {
            throw PipelineError(.incomplete, "the bench's manifest is not read")
        }
        let isolation = try NativeIsolation(
            executable: programs.runner, seccompList: programs.home + "/rules/seccomp/runner.list")
        var (direct, through, shares) = (BenchTimes(), BenchTimes(), BenchTimes())
        for pair in 0..<40 {
            let runner = try await isolation.start(RunnerLimits(limits))
            _ = try await runner.load(
                PluginImage(
                    files: ["dist/index.js": Array(BenchMarket.source.utf8)], main: "dist/index.js"))
            _ = try await runner.initialize(NothingAllowed())
            _ = try await Self.work(runner, rounds: 100_000)
            _ = await load.time(call("acme", pair, "{\"rounds\":100000}"))
            func alone() async throws -> Double { try await Self.work(runner, rounds: Self.rounds) }
            func service() async throws -> Double {
                guard let ms = await load.time(call("acme", pair, "{\"rounds\":\(Self.rounds)}")) else {
                    throw PipelineError(.incomplete, "a call of the bench was not answered")
                }
                return ms
            }
            let (first, second) = pair % 2 == 0 ? (alone, service) : (service, alone)
            let (one, other) = (try await first(), try await second())
            let (bare, whole) = pair % 2 == 0 ? (one, other) : (other, one)
            direct.milliseconds.append(bare)
            through.milliseconds.append(whole)
            shares.milliseconds.append((whole / bare - 1) * 100)
            await runner.kill()
        }
        return [
            "work of the processor alone: the runner \(direct.text); through service, proxy and metering \(through.text)",
            "  more in pairs: \(BenchTimes.show(shares.quantile(0.5))) % at the median, "
                + "half of them between \(BenchTimes.show(shares.quantile(0.25))) and \(BenchTimes.show(shares.quantile(0.75))) %",
        ]
    }

    private static let rounds: Int64 = 3_000_000

    private static func work(_ runner: PluginRunner, rounds: Int64) async throws -> Double {
        let begin = ContinuousClock.now
        _ = try await runner.execute(
            action: "count", data: .object(["rounds": .integer(rounds)]), handler: NothingAllowed())
        return begin.duration(to: .now) / .milliseconds(1)
    }

    /// A tenant may make 200 calls a second; one asks for ten times as many while another works quietly. In turns of a few
    /// seconds without and with it, so that both see the same machine.
    func neighbour() async throws -> [String] {
        try await serve(callsPerSecond: 200)
        _ = await load.closed((0..<Self.perTenant).map { call("acme", $0) }, workers: 2)
        for plugin in 0..<4 {
            _ = await load.time(install("noisy", plugin))
            _ = await load.time(call("noisy", plugin))
        }
        let noise = (0..<4).map { call("noisy", $0) }
        var (alone, beside) = (BenchTimes(), BenchTimes())
        var flooded = BenchFlood.Outcome()
        for turn in 0..<6 {
            let quiet = (0..<200).map { call("acme", turn * 200 + $0) }
            alone = alone + (await load.open(quiet, perSecond: 50))
            let flood = BenchFlood(noise, perSecond: 2_000)
            flood.start()
            beside = beside + (await load.open(quiet, perSecond: 50))
            flooded = flooded + (await flood.stop())
        }
        return [
            "a quiet tenant at 50 calls/s alone: \(alone.text)",
            "  beside one at ten times its limit, from its first call on (\(Int(flooded.perSecond)) requests/s: "
                + "\(flooded.answered) answered, \(flooded.refused) refused, \(flooded.other) failed): \(beside.text); "
                + "p99 \(BenchTimes.show(beside.quantile(0.99) / alone.quantile(0.99))) times",
        ]
    }

    func thousand() async throws -> [String] {
        var places: [(String, Int)] = []
        for tenant in Self.tenants where tenant != "noisy" {
            for plugin in 0..<Self.perTenant where places.count < installed {
                places.append((tenant, plugin))
            }
        }
        let fresh = places.filter { $0.0 != "acme" }
        let begin = ContinuousClock.now
        let times = await load.closed(fresh.map { install($0.0, $0.1) }, workers: 4)
        let took = begin.duration(to: .now).components.seconds
        _ = await load.closed(places.map { call($0.0, $0.1) }, workers: 4)
        let calls = (0..<10_000).map { call(places[$0 % places.count].0, places[$0 % places.count].1) }
        let answered = await load.open(calls, perSecond: 500)
        let memory = BenchUse.mebibytes(of: runtime?.processID ?? 0)
        runtimeMemory = memory.total / Double(max(1, places.count))
        return [
            "\(places.count) plugins installed and warm (\(fresh.count) installed in \(took) s, \(times.failures) failed): "
                + "\(BenchTimes.show(memory.total)) MiB in \(memory.processes) processes, "
                + "\(BenchTimes.show(runtimeMemory)) MiB a plugin",
            "  at 500 calls/s: \(answered.text)",
        ]
    }

    /// The same handler as a server of its own in node, one process a plugin, without isolation, proxy or metering.
    func node() async throws -> [String] {
        guard
            let node = ["/usr/bin/node", "/usr/local/bin/node"].first(
                where: FileManager.default.isExecutableFile)
        else { return ["node is not installed: no figures beside it"] }
        let script = "\(programs.home)/Tests/Bench/runtime/handler.mjs"
        var processes: [DemoProcess] = []
        defer { for process in processes { process.stop() } }
        var (cold, memory) = (BenchTimes(), 0.0)
        var calls: [BenchLoad.Call] = []
        for number in 0..<20 {
            let port = try FreePort.find()
            let begin = ContinuousClock.now
            let process = try DemoProcess(
                node, [script, "\(port)", application.url, "bench-credential"], environment: [:],
                log: "\(market.root)/node\(number).log")
            processes.append(process)
            let call = BenchLoad.Call(url: "http://127.0.0.1:\(port)/", token: "")
            var answered = false
            for _ in 0..<2_000 where !answered {
                answered = await load.time(call) != nil
                if !answered { try await Task.sleep(for: .milliseconds(2)) }
            }
            let took = begin.duration(to: .now).components
            cold.milliseconds.append(Double(took.seconds) * 1_000 + Double(took.attoseconds) / 1e15)
            calls.append(call)
        }
        let round = (0..<3_000).map { calls[$0 % calls.count] }
        let inTurn = await load.inTurn(round)
        let warm = await load.open(round, perSecond: 150)
        for process in processes { memory += BenchUse.mebibytes(of: process.processID).total }
        memory /= Double(processes.count)
        func ratio(_ a: Double, _ b: Double) -> String { BenchTimes.show(a / b) }
        return [
            "node, the same handler, one process a plugin (20): start to first answer \(cold.text); one call after "
                + "the other \(inTurn.text); at 150 calls/s \(warm.text); \(BenchTimes.show(memory)) MiB a plugin",
            "  node / runtime: start p50 \(ratio(cold.quantile(0.5), coldTimes.quantile(0.5))), "
                + "memory \(ratio(memory, runtimeMemory)), p99 one after the other "
                + "\(ratio(inTurn.quantile(0.99), inTurnTimes.quantile(0.99))), at 150 calls/s "
                + "\(ratio(warm.quantile(0.99), warmTimes.quantile(0.99)))",
        ]
    }
}

private struct NothingAllowed: OperationHandler {
    func perform(_ request: OperationRequest) async -> OperationOutcome {
        .failure(OperationError(code: "denied", message: "nothing is allowed here"))
    }
}
