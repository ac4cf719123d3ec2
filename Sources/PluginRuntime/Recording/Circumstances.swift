import Marketplace
import Sandbox

/// What a call's runner is started with when the call is recorded: a seed and a clock of its own, and the tape.
struct Circumstances: Sendable {
    let seed: UInt64
    let clock: Instant
    let tape = CallTape()

    /// A random seed, and the time of the call.
    init(at time: Instant) {
        seed = UInt64.random(in: .min ... .max)
        clock = time
    }
}

extension RecordingShelf {
    /// Keeps a recorded call that failed. What is left out is said in the log, never the call's outcome.
    func keep(
        _ circumstances: Circumstances, of plugin: InstalledPlugin, call id: String, action: String,
        data: JSONValue, output: CallOutput
    ) {
        guard let steps = circumstances.tape.steps else { return }
        let recording = CallRecording(
            plugin: plugin.plugin, version: plugin.version, bundle: plugin.bundle.hex, config: plugin.config,
            limits: plugin.limits, seed: circumstances.seed, clock: circumstances.clock, action: action,
            data: data, extra: ["id": .string(id), "time": .string(circumstances.clock.description)],
            steps: steps, output: output)
        // Nothing in it may be a secret; should a caller have sent one in its data, it goes here.
        let text = plugin.secrets.scrub(recording.json.serialized())
        put(Array(text.utf8), call: id, Hosts.Key(tenant: plugin.tenant, plugin: plugin.plugin))
    }
}

extension CallOutput {
    /// The output of a run, as a replay will make it too.
    init(_ run: PluginRun) {
        switch run.ending {
        case .answer(let answer): self.init(ending: ["answer": answer], logs: run.logs)
        case .failed(let code, let name, let message):
            self.init(ending: ["failed": Self.failure(code, name, message)], logs: run.logs)
        case .limit(let limit, _): self.init(ending: ["limit": .string(limit)], logs: run.logs)
        }
    }

    /// The output of a start that did not succeed; nil where the runtime, not the plugin, was at fault.
    init?(start error: RuntimeError) {
        switch error.code {
        case .limit:
            guard let limit = error.details["limit"] else { return nil }
            self.init(ending: ["start": true, "limit": limit], logs: [])
        case .pluginFailed:
            guard let failed = error.details["failed"] else { return nil }
            self.init(ending: ["start": true, "failed": failed], logs: [])
        default: return nil
        }
    }
}
