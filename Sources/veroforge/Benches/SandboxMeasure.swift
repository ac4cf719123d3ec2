import Foundation
import Marketplace
import Pipeline
import Sandbox

/// Every figure of the sandbox, on each back end that works here, and the peers beside it. `VEROFORGE_BENCH_ENGINE` is
/// the engine alone and unconfined, `VEROFORGE_BENCH_NODE` the command of node under bwrap; `Tests/Bench/sandbox/run`
/// sets both. `VEROFORGE_BENCH_BACKENDS` names the back ends to measure, parted by commas.
struct SandboxMeasure: MeasuredBench {
    let name = "sandbox"
    let summary = "starts, calls, memory, runaways and peers of each isolation back end"

    func run(_ programs: ProgramFiles, count: Int?) async throws -> String {
        let environment = ProcessInfo.processInfo.environment
        let wanted = environment["VEROFORGE_BENCH_BACKENDS"]?.split(separator: ",").compactMap {
            BackEnd(rawValue: String($0))
        }
        let isolations = Isolations.of(executable: programs.runner, seccompList: programs.seccompRunner)
        // First, on a machine whose memory nobody has had and given back yet.
        if let native = try? await isolations.isolation(.native) {
            try await compareCompute(native, environment["VEROFORGE_BENCH_ENGINE"])
        }
        for backEnd in wanted ?? BackEnd.allCases {
            do {
                try await measure(try await isolations.isolation(backEnd), count)
            } catch {
                say(backEnd.rawValue, "not measured", "\(error)")
            }
        }
        if let command = environment["VEROFORGE_BENCH_NODE"] { try measureNode(command, count) }
        return
            "goals: start p50 5, p99 20 ms and 200/s native, 200 ms gvisor, 150 ms microvm; spare 1 ms native, "
            + "5 gvisor, 100 microvm; round trip p50 0.1, p99 1 ms native (1,000 live p99 5), p99 5 others; 1 MiB "
            + "native, 20 gvisor; computing 1 % over the engine; runaway limit + 100 ms"
    }

    private func measure(_ isolation: any Isolation, _ given: Int?) async throws {
        let name = isolation.backEnd.rawValue
        let isNative = isolation.backEnd == .native
        let starts = given ?? (isNative ? 400 : 30)
        let live = min(100, given ?? 100)
        say(name, "mode", isolation.mode)
        let start = try await SandboxBench.starts(isolation, starts)
        say(name, "start to first answer", start, "\(starts) starts")
        let rate = try await SandboxBench.startsPerSecond(isolation, starts)
        say(name, "starts a second", String(format: "%.0f, four at one time", rate))
        say(name, "taken from a spare", try await SandboxBench.spares(isolation, min(starts, 40)), "")
        let calls = isNative ? 20_000 : 3_000
        let (trips, memory) = try await SandboxBench.roundTrips(isolation, live: live, calls: calls)
        say(name, "round trip, \(live) live", trips, "\(calls) calls in turn")
        say(
            name, "memory of a plugin",
            String(format: "%.2f MiB, proportional, \(live) live", Double(memory) / 1_024))
        if isNative {
            let many = given.map { min($0, 1_000) } ?? 1_000
            let (trips, memory) = try await SandboxBench.roundTrips(isolation, live: many, calls: 10 * many)
            say(name, "round trip, \(many) live", trips, "all called in turn, ten times")
            say(name, "memory of a plugin", String(format: "%.2f MiB, \(many) live", Double(memory) / 1_024))
        }
        for runaway in SandboxBench.runaways {
            var over: [Double] = []
            var outcomes = Set<String>()
            for _ in 0..<(given == nil ? 5 : 1) {
                let (ms, outcome) = try await SandboxBench.overrun(isolation, runaway, limitMs: 200)
                over.append(ms)
                if case .ended(let limit) = outcome {
                    outcomes.insert(limit.rawValue)
                } else {
                    outcomes.insert("\(outcome)")
                }
            }
            let isTimed = runaway.limit == .cpu || runaway.limit == .wall
            let median = over.sorted()[over.count / 2]
            say(
                name, "runaway: \(runaway.name)",
                String(
                    format: "ended by %@, %.0f ms %@, at most %.0f", outcomes.sorted().joined(separator: "|"),
                    median,
                    isTimed ? "after its 200 ms" : "from its start", over.max() ?? 0))
        }
    }

    /// The same work in the sandbox and in the bare engine, by turns; the least of each counts, as everything
    /// else on the machine only adds.
    private func compareCompute(_ native: any Isolation, _ engine: String?) async throws {
        var confined: [Double] = []
        var bare: [Double] = []
        for _ in 0..<9 {
            confined.append(try await SandboxBench.compute(native))
            guard let engine, let peer = try? LinePeer([engine]) else { continue }
            if let answer = peer.ask(SandboxBench.computeBody), let ms = Double(answer) { bare.append(ms) }
            peer.end()
        }
        let (own, other) = (confined.min() ?? 0, bare.min() ?? 0)
        say("native", "computing", String(format: "%.1f ms of processor", own))
        guard other > 0 else { return }
        say(
            "peer: the engine unconfined", "computing",
            String(format: "%.1f ms of processor; confined costs %+.2f %%", other, (own / other - 1) * 100))
    }

    private func measureNode(_ command: String, _ given: Int?) throws {
        let words = command.split(separator: " ").map(String.init)
        let live = min(100, given ?? 100)
        let name = "peer: node under bwrap"
        let (starts, trips, memory) = try LinePeer.measure(
            words, starts: min(30, given ?? 30), live: live, calls: 3_000)
        say(name, "start to first answer", starts, "")
        say(name, "round trip, \(live) live", trips, "3000 calls in turn")
        say(name, "memory", String(format: "%.2f MiB, proportional, \(live) live", Double(memory) / 1_024))
        let peer = try LinePeer(words)
        let question = "compute \(SandboxBench.computeBody)"
        _ = peer.ask(question)
        if let answer = peer.ask(question), let ms = Double(answer) {
            say(name, "computing", String(format: "%.1f ms of processor, compiled by its JIT", ms))
        }
        peer.end()
    }

    // MARK: Lines

    private func say(_ who: String, _ what: String, _ spread: SandboxBench.Spread, _ how: String) {
        say(
            who, what,
            String(format: "p50 %.3f ms, p99 %.3f ms, most %.1f ms", spread.p50, spread.p99, spread.most)
                + (how.isEmpty ? "" : "  (\(how))"))
    }

    private func say(_ who: String, _ what: String, _ figure: String = "") {
        let line = "\(who): \(what)".padding(toLength: 46, withPad: " ", startingAt: 0) + figure + "\n"
        FileHandle.standardOutput.write(Data(line.utf8))
    }
}
