import Marketplace
import Sandbox
import Scanning
import SimulatedApp
import Synchronization

/// The host of a trial: the accepted permissions are those that the manifest declares, the application and the
/// vendors are simulated, and everything that is asked for is written down.
final class TrialHost: OperationHandler, Sendable {
    private struct State {
        var asked: [String: (request: Permission?, name: String, count: Int, allowed: Bool)] = [:]
        var leaks: [String] = []
    }

    private let permissions: PermissionSet
    private let host: SimulatedHost
    private let state = Mutex(State())

    /// What the trial's secrets hold: no plugin is ever given one, so none can be in anything it says.
    let secretMarks: [String]

    static func secretMark(_ name: String) -> String { "canary-secret-\(name.lowercased())" }

    init(permissions: PermissionSet, host: SimulatedHost, secretMarks: [String] = []) {
        self.secretMarks = secretMarks
        self.permissions = permissions
        self.host = host
    }

    func perform(_ request: OperationRequest) async -> OperationOutcome {
        let allowed = permissions.allows(request)
        let needed = Permission(needed: request)
        let label = needed?.description ?? request.name
        let text = request.name == "fetch" ? request.arguments.serialized() : ""
        let leaked = allowed ? [] : host.app.canaries(in: text)
        state.withLock { state in
            let before = state.asked[label]?.count ?? 0
            state.asked[label] = (needed, request.name, before + 1, allowed)
            if !leaked.isEmpty { state.leaks.append(label) }
        }
        guard allowed else {
            return .failure(
                OperationError(code: "denied", message: "the manifest declares no permission for \(label)"))
        }
        return host.perform(request)
    }

    var observed: [TrialReport.Observed] {
        state.withLock { state in
            state.asked.sorted { $0.key < $1.key }.map { label, entry in
                TrialReport.Observed(
                    permission: label, operation: entry.name, target: entry.request?.target ?? "",
                    count: entry.count, allowed: entry.allowed)
            }
        }
    }

    /// Where planted records were about to leave for somewhere that the manifest does not declare.
    var leaks: [String] { state.withLock { Array(Set($0.leaks)).sorted() } }
}
