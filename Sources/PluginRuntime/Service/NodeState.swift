import Marketplace
import Registry
import Synchronization

/// What this node says of itself at `/readyz`, `/metrics` and `/openapi.json`.
final class NodeState: ServiceState {
    private let registry: Registry
    private let hosts: Hosts
    private let gate: FairGate
    private let recorder: UsageRecorder
    private let metrics: RuntimeMetrics
    private let catalogue: CatalogueFollower
    private let document = Mutex<JSONValue>(.null)

    init(
        registry: Registry, hosts: Hosts, gate: FairGate, recorder: UsageRecorder, metrics: RuntimeMetrics,
        catalogue: CatalogueFollower
    ) {
        self.registry = registry
        self.hosts = hosts
        self.gate = gate
        self.recorder = recorder
        self.metrics = metrics
        self.catalogue = catalogue
    }

    var contract: JSONValue { document.withLock { $0 } }

    func describe(_ contract: JSONValue) { document.withLock { $0 = contract } }

    func checks() async -> [String: String] {
        let registry = self.registry
        var checks = ["registry": "ok", "usage": "ok", "catalogue": "ok"]
        do throws(RuntimeError) {
            _ = try await blocking { try registry.stateCounts() }
        } catch {
            checks["registry"] = error.cause
        }
        do throws(RuntimeError) { try recorder.refuseUnlessOpen() } catch { checks["usage"] = error.cause }
        checks["catalogue"] = await catalogue.check()
        return checks
    }

    func exposition() async -> String {
        var states: [String: Double] = [:]
        var idle = 0
        var working = 0
        var starting = 0
        for (_, host) in hosts.all {
            states[await host.state.rawValue, default: 0] += 1
            let counts = await host.counts
            idle += counts.idle
            working += counts.working
            starting += counts.starting
        }
        var gauges: [(name: String, labels: String, value: Double)] = HostState.allCases.map {
            ("veroforge_installations", "state=\"\($0.rawValue)\"", states[$0.rawValue] ?? 0)
        }
        gauges.append(("veroforge_runners", "state=\"idle\"", Double(idle)))
        gauges.append(("veroforge_runners", "state=\"starting\"", Double(starting)))
        gauges.append(("veroforge_runners", "state=\"working\"", Double(working)))
        if let age = await catalogue.ageSeconds {
            gauges.append(("veroforge_catalogue_age_seconds", "", age))
        }
        let load = gate.load
        gauges.append(("veroforge_calls_running", "", Double(load.running)))
        gauges.append(("veroforge_calls_waiting", "", Double(load.waiting)))
        return metrics.exposition(gauges: gauges)
    }
}
