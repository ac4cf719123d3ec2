import Marketplace
import Sandbox
import Synchronization

@testable import PluginRuntime

/// A value behind a lock.
final class Locked<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    init(_ value: Value) { mutex = Mutex(value) }

    var value: Value { mutex.withLock { $0 } }
    func change(_ body: (inout Value) -> Void) { mutex.withLock { body(&$0) } }
}

/// Runs plugins that are Swift closures, for what is tested of the service and not of the sandbox.
struct ScriptedStarter: PluginStarter {
    typealias Script =
        @Sendable (_ action: String, _ data: JSONValue, _ operations: ProxiedOperations) async ->
        PluginRun.Ending

    let started = Locked(0)
    let cleaned = Locked(0)
    /// Of the runners started so far, how many have lost their process.
    let gone = Locked(0)
    /// Fails the start of these versions.
    var broken: Set<String> = []
    /// Files of the bundle's `ui/`.
    var interface: [String: String] = [:]
    var script: Script = { action, data, _ in
        .answer(["success": true, "data": ["reminded": [], "action": .string(action), "given": data]])
    }

    init(broken: Set<String> = [], script: Script? = nil) {
        self.broken = broken
        if let script { self.script = script }
    }

    func start(
        _ plugin: InstalledPlugin, _ operations: ProxiedOperations
    ) async throws(RuntimeError) -> any SandboxedPlugin {
        started.change { $0 += 1 }
        if broken.contains(plugin.version.description) {
            throw RuntimeError(
                .pluginFailed, plugin.plugin.text, "could not be started: TypeError: broken on purpose")
        }
        return Scripted(starter: self, number: started.value)
    }

    func files(of bundle: Digest) async throws(RuntimeError) -> [BundleFile] {
        interface.sorted { $0.key < $1.key }.map { BundleFile(path: $0.key, bytes: Array($0.value.utf8)) }
    }

    private struct Scripted: SandboxedPlugin {
        let starter: ScriptedStarter
        let number: Int
        var isolation: String { "native" }
        var isUp: Bool { number > starter.gone.value }

        func execute(
            _ action: String, data: JSONValue, extra: [String: JSONValue], operations: ProxiedOperations
        ) async -> PluginRun {
            let ending = await starter.script(action, data, operations)
            var isUsable = true
            if case .limit = ending { isUsable = false }
            return PluginRun(ending: ending, isUsable: isUsable, wallMs: 2.5, bytesIn: 40, bytesOut: 60)
        }

        func cleanUp() async { starter.cleaned.change { $0 += 1 } }
        func end() {}
    }
}
