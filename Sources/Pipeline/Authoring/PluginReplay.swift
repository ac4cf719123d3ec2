public import Marketplace
import Provenance
public import Sandbox

/// `plugin replay`: a failed call of production once more, on the author's machine: the same settings, clock, seed and
/// answers. With the bundle that ran then, the output is the same, byte for byte; with a repaired one it shows what
/// the repair does.
public struct PluginReplay: Sendable {
    public let recording: CallRecording
    /// What came of the call this time.
    public let output: CallOutput
    /// Where the plugin asked for something else than then.
    public let differences: [String]
    /// SHA-256 of the bundle that was replayed.
    public let bundle: String
    /// Where the failure arose, as far as the source says it: `src/index.ts:12`.
    public let place: String?

    /// Whether the output has the same bytes as then.
    public var isSame: Bool {
        differences.isEmpty && output.json.serializedBytes() == recording.output.json.serializedBytes()
    }

    /// Reads a recording, as the runtime exports it.
    public static func recording(at path: String) throws(PipelineError) -> CallRecording {
        let value: JSONValue
        do {
            value = try JSONValue.parse(
                try Files.read(path), limits: JSONLimits(bytes: 64 << 20, depth: 96))
        } catch let error as PipelineError {
            throw error
        } catch {
            throw PipelineError(.usage, "\(path) is no JSON: \(error)")
        }
        switch CallRecording.read(value) {
        case .success(let recording): return recording
        case .failure(let problem):
            throw PipelineError(
                .usage, "\(path) is no recording of a call: \(problem)",
                remedy: "Export one with GET …/plugins/{id}/calls/{call}/replay; docs/testing.md says how.")
        }
    }

    /// Plays a recording to a bundle's files.
    public static func play(
        _ recording: CallRecording, manifest: Manifest, files: [String: [UInt8]], bundle: Digest,
        isolation: any Isolation
    ) async throws(PipelineError) -> PluginReplay {
        guard manifest.id == recording.plugin else {
            throw PipelineError(
                .usage, "the recording is of \(recording.plugin), and this is \(manifest.id)",
                remedy: "Name the plugin's folder or bundle with --plugin.")
        }
        let player = TapePlayer(recording)
        do {
            let (output, place) = try await run(recording, manifest, files, player, isolation)
            player.finish()
            return PluginReplay(
                recording: recording, output: output, differences: player.differences, bundle: bundle.hex,
                place: place)
        } catch {
            player.finish()
            throw PipelineError(.incomplete, "the sandbox cannot be used: \(error)")
        }
    }

    private static func run(
        _ recording: CallRecording, _ manifest: Manifest, _ files: [String: [UInt8]], _ player: TapePlayer,
        _ isolation: any Isolation
    ) async throws(SandboxError) -> (CallOutput, String?) {
        let runner = try await isolation.start(RunnerLimits(recording.limits))
        let image = PluginImage(
            files: files, main: manifest.main, plugin: manifest.id, version: manifest.version,
            config: recording.config, seed: recording.seed, clock: recording.clock,
            timersAsk: true)
        let loaded = try await runner.load(image)
        if let failed = notStarted(loaded) { return await end(runner, failed) }
        let initialized = try await runner.initialize(player)
        if let failed = notStarted(initialized) { return await end(runner, failed) }
        let done = try await runner.execute(
            action: recording.action, data: recording.data, extra: recording.extra, handler: player)
        return await end(runner, (CallOutput(done.outcome, logs: done.logs), place(done.outcome)))
    }

    private static func end(
        _ runner: PluginRunner, _ result: (CallOutput, String?)
    ) async -> (CallOutput, String?) {
        await runner.kill()
        return result
    }

    private static func notStarted(_ result: ExecutionResult) -> (CallOutput, String?)? {
        if case .success = result.outcome { return nil }
        return (CallOutput(result.outcome, logs: [], inStart: true), place(result.outcome))
    }

    private static func place(_ outcome: ExecutionOutcome) -> String? {
        guard case .failure(let failure) = outcome else { return nil }
        return failure.stack ?? failure.file.map { "\($0):\(failure.line ?? 0)" }
    }

    /// What the command prints.
    public var text: String {
        let bytes = output.json.serializedBytes()
        var lines = [
            "\(recording.plugin)@\(recording.version) \(recording.action), \(recording.clock): \(recording.steps.count) steps",
            "  then  \(recording.output.json.serialized())",
        ]
        if isSame {
            lines.append("  now   the same \(bytes.count) bytes, sha256 \(Digest.sha256(of: bytes))")
        } else {
            lines.append("  now   \(output.json.serialized())")
        }
        lines += differences.prefix(5).map { "  \($0)" }
        if let place {
            lines += place.split(separator: "\n").prefix(8).map { "  at \($0)" }
        }
        if bundle != recording.bundle {
            lines.append(
                "  note: it ran as bundle \(recording.bundle.prefix(12)); this is \(bundle.prefix(12))")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
