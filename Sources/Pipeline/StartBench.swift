import Marketplace
import Sandbox

/// How long a plugin takes from nothing to its first answer on the native back end.
public enum StartBench {
    public static func run(_ programs: ProgramFiles, count: Int) async throws(PipelineError) -> String {
        let isolation = try await TrialRoom.isolation(programs)
        let source = "export default { async execute() { return { success: true, data: 1 }; } };"
        let image = PluginImage(files: ["index.js": Array(source.utf8)], main: "index.js")
        var startMs: [Double] = []
        var callMs: [Double] = []
        let clock = ContinuousClock()
        do {
            for _ in 0..<max(1, count) {
                let began = clock.now
                let runner = try await isolation.start(RunnerLimits())
                _ = try await runner.load(image)
                _ = try await runner.initialize(SilentHost())
                _ = try await runner.execute(action: "run", data: .null, handler: SilentHost())
                startMs.append(milliseconds(clock.now - began))
                let second = clock.now
                _ = try await runner.execute(action: "run", data: .null, handler: SilentHost())
                callMs.append(milliseconds(clock.now - second))
                await runner.kill()
            }
        } catch {
            throw PipelineError(.incomplete, "the sandbox failed: \(error)")
        }
        return
            "native: \(startMs.count) starts, start to first answer \(quantiles(startMs)); second call \(quantiles(callMs))"
    }

    private static func milliseconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) * 1_000 + Double(duration.components.attoseconds) / 1e15
    }

    private static func quantiles(_ values: [Double]) -> String {
        let sorted = values.sorted()
        func at(_ part: Double) -> String {
            let value = sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
            return DecimalText.format(Int128((value * 100).rounded()), decimals: 2)
        }
        return "p50 \(at(0.5)) ms, p99 \(at(0.99)) ms"
    }
}

/// A host that is asked for nothing.
private struct SilentHost: OperationHandler {
    func perform(_ request: OperationRequest) async -> OperationOutcome {
        .failure(OperationError(code: "denied", message: "nothing is allowed here"))
    }
}
