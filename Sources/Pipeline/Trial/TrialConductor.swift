public import Marketplace
import Provenance
public import Sandbox
import Scanning
import SimulatedApp

/// Puts a version on trial: it really runs, in the real sandbox, against the simulated application. Every declared
/// action is called in each run; then the runs are compared with the manifest, the limits and each other.
public struct TrialConductor: Sendable {
    /// One run's circumstances. A plugin that behaves only under the first is not a good plugin.
    struct Circumstances: Sendable {
        let name: String
        let clock: Instant
        let seed: UInt64
        var variation = Variation.plain
    }

    static let circumstances = [
        Circumstances(name: "first", clock: SimulatedApp.sampleTime, seed: 1),
        Circumstances(name: "again", clock: SimulatedApp.sampleTime, seed: 1),
        Circumstances(
            name: "later", clock: SimulatedApp.sampleTime.adding(days: 400), seed: 1),
        Circumstances(name: "locale", clock: SimulatedApp.sampleTime, seed: 1, variation: .international),
        Circumstances(name: "tenant", clock: SimulatedApp.sampleTime, seed: 2),
        Circumstances(name: "large", clock: SimulatedApp.sampleTime, seed: 1, variation: .large),
    ]

    let isolation: any Isolation

    public init(isolation: any Isolation) { self.isolation = isolation }

    public func trial(
        _ manifest: Manifest, files: [String: [UInt8]], bundle: Digest
    ) async -> TrialReport {
        var report = TrialReport(
            bundle: bundle, id: manifest.id, version: manifest.version, backEnd: isolation.backEnd.rawValue,
            mode: isolation.mode)
        var findings = TrialFindings(manifest: manifest)
        var answers: [[String: JSONValue]] = []
        for circumstances in Self.circumstances {
            let host = Self.host(for: manifest, circumstances)
            var run = TrialReport.Run(
                name: circumstances.name, clock: circumstances.clock,
                startMs: 0,
                actions: [], peakMemoryKiB: 0)
            var outputs: [String: JSONValue] = [:]
            findings.isLarge = circumstances.variation == .large
            do {
                try await perform(manifest, files, circumstances, host, &run, &outputs, &findings)
            } catch {
                findings.incomplete("\(error)")
            }
            report.runs.append(run)
            answers.append(outputs)
            findings.note(host.observed, leaks: host.leaks)
        }
        findings.compare(answers)
        report.observed = findings.observed
        report.findings = findings.sorted
        report.complete = findings.isComplete
        return report
    }

    /// One run: starts the plugin, calls every action once, cleans up. A limit ends a runner; the next action gets a
    /// new one.
    private func perform(
        _ manifest: Manifest, _ files: [String: [UInt8]], _ circumstances: Circumstances, _ host: TrialHost,
        _ run: inout TrialReport.Run, _ outputs: inout [String: JSONValue], _ findings: inout TrialFindings
    ) async throws(SandboxError) {
        var runner: PluginRunner?
        for action in manifest.actions {
            if await runner?.isAlive != true {
                guard let started = try await start(manifest, files, circumstances, host, &run, &findings)
                else { return }
                runner = started
            }
            guard let runner else { return }
            let input = SampleInput.value(for: action.input)
            let result = try await runner.execute(action: action.name, data: input, handler: host)
            run.peakMemoryKiB = max(run.peakMemoryKiB, Int64(result.peakMemoryBytes / 1_024))
            findings.note(said: result, in: action.name, secrets: host.secretMarks)
            var (outcome, detail) = ("ok", "")
            switch result.outcome {
            case .success(let answer):
                outputs[action.name] = answer
                (outcome, detail) = judge(answer, action, &findings)
            case .failure(let failure):
                (outcome, detail) = ("error", failure.message)
                findings.error("\(failure.name): \(failure.message)", in: action.name)
            case .ended(let limit):
                (outcome, detail) = (limit.rawValue, result.detail ?? "")
                findings.ended(limit, detail: result.detail, in: action.name)
            }
            run.actions.append(Self.measured(action.name, outcome, detail, result))
            near(result, manifest.limits, action.name, &findings)
        }
        if let runner, await runner.isAlive { _ = try await runner.cleanup(host) }
    }

    private func start(
        _ manifest: Manifest, _ files: [String: [UInt8]], _ circumstances: Circumstances, _ host: TrialHost,
        _ run: inout TrialReport.Run, _ findings: inout TrialFindings
    ) async throws(SandboxError) -> PluginRunner? {
        let runner = try await isolation.start(RunnerLimits(manifest.limits))
        let image = PluginImage(
            files: files, main: manifest.main, plugin: manifest.id, version: manifest.version,
            config: manifest.config.map(SampleInput.configuration) ?? [:], seed: circumstances.seed,
            clock: circumstances.clock)
        for step in ["load", "initialize"] {
            let result = step == "load" ? try await runner.load(image) : try await runner.initialize(host)
            run.startMs += Int64(result.wallMs.rounded())
            switch result.outcome {
            case .success: continue
            case .failure(let failure):
                findings.cannotStart("\(failure.name): \(failure.message)")
                run.actions.append(Self.measured(step, "error", failure.message, result))
            case .ended(let limit):
                findings.ended(limit, detail: result.detail, in: step)
                run.actions.append(Self.measured(step, limit.rawValue, result.detail ?? "", result))
            }
            await runner.kill()
            return nil
        }
        return runner
    }

    /// The seed's answer is `{success, data?, error?}`; a refusal is an answer, not a fault.
    private func judge(
        _ answer: JSONValue, _ action: Manifest.Action, _ findings: inout TrialFindings
    ) -> (outcome: String, detail: String) {
        guard let success = answer["success"]?.boolValue else {
            findings.badOutput(.init(pointer: "", message: "is no {success, data, error}"), in: action.name)
            return ("error", "the answer is no {success, data, error}")
        }
        guard success else {
            return ("refused", answer["error"]?.stringValue ?? answer["error"]?.serialized() ?? "")
        }
        if let schema = action.output {
            for violation in JSONSchema(schema).validate(answer["data"] ?? .null).prefix(1) {
                findings.badOutput(violation, in: action.name)
            }
        }
        return ("ok", "")
    }

    private func near(
        _ result: ExecutionResult, _ limits: Limits, _ action: String, _ findings: inout TrialFindings
    ) {
        guard case .success = result.outcome else { return }
        findings.near("ms of CPU", Int64(result.cpuMs.rounded()), of: limits.cpuMs, in: action)
        findings.near(
            "bytes of memory", Int64(result.peakMemoryBytes), of: limits.memoryMiB << 20, in: action)
        findings.near("operations", Int64(result.operations), of: limits.apiCalls, in: action)
    }

    private static func measured(
        _ name: String, _ outcome: String, _ detail: String, _ result: ExecutionResult
    ) -> TrialReport.Action {
        TrialReport.Action(
            name: name, outcome: outcome, detail: String(detail.prefix(500)),
            cpuMs: Int64(result.cpuMs.rounded()),
            wallMs: Int64(result.wallMs.rounded()), operations: Int64(result.operations),
            bytesIn: Int64(result.bytesIn), bytesOut: Int64(result.bytesOut))
    }

    private static func host(for manifest: Manifest, _ circumstances: Circumstances) -> TrialHost {
        let named = manifest.permissions.permissions
        let app = SimulatedApp(
            seed: circumstances.seed, now: circumstances.clock,
            entities: named.compactMap(\.entity).filter { $0 != "*" },
            workflows: named.compactMap(\.workflow).filter { $0 != "*" }, variation: circumstances.variation)
        let secrets = Dictionary(
            manifest.secrets.map { ($0.name, TrialHost.secretMark($0.name)) },
            uniquingKeysWith: { $1 })
        let simulated = SimulatedHost(
            app: app, secrets: secrets,
            storageBytesMax: Int(manifest.limits.storageMiB) * 1_048_576,
            hmac: { hmac($0, key: $1, $2) })
        return TrialHost(
            permissions: manifest.permissions, host: simulated,
            secretMarks: manifest.secrets.map { TrialHost.secretMark($0.name) })
    }
}
