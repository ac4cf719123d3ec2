import Marketplace
import Provenance
import Sandbox
import SimulatedApp
import Synchronization

/// The events of a `plugin dev` session; the last thousand.
final class DevBook: Sendable {
    private struct State {
        var events: [DevSession.Event] = []
        var count = 0
    }

    private let state = Mutex(State())

    @discardableResult
    func add(_ value: JSONValue) -> Int {
        state.withLock { state in
            state.count += 1
            var members = value.objectValue ?? [:]
            members["number"] = .integer(Int64(state.count))
            state.events.append(DevSession.Event(number: state.count, value: .object(members)))
            if state.events.count > 1_000 { state.events.removeFirst(100) }
            return state.count
        }
    }

    func events(after number: Int) -> [DevSession.Event] {
        state.withLock { state in state.events.filter { $0.number > number } }
    }
}

/// Answers a plugin in `plugin dev`: the manifest's permissions hold, the application and the vendors are simulated,
/// and each operation is noted with its answer. A fault's delay is waited for.
final class DevHost: OperationHandler {
    private let permissions: PermissionSet
    private let host: SimulatedHost
    private let book: DevBook

    convenience init(_ manifest: Manifest, _ app: SimulatedApp, _ book: DevBook) {
        let secrets = Dictionary(
            manifest.secrets.map { ($0.name, "sample-\($0.name)") }, uniquingKeysWith: { $1 })
        self.init(
            manifest.permissions,
            SimulatedHost(
                app: app, secrets: secrets, storageBytesMax: Int(manifest.limits.storageMiB) << 20,
                hmac: { hmac($0, key: $1, $2) }), book)
    }

    private init(_ permissions: PermissionSet, _ host: SimulatedHost, _ book: DevBook) {
        self.permissions = permissions
        self.host = host
        self.book = book
    }

    /// The same host, storage and all, with another manifest's permissions.
    func with(_ manifest: Manifest) -> DevHost { DevHost(manifest.permissions, host, book) }

    func perform(_ request: OperationRequest) async -> OperationOutcome {
        let outcome: OperationOutcome
        var delayMs = 0
        if permissions.allows(request) {
            let isOfTheApplication = ["readData", "writeData", "triggerWorkflow"].contains(request.name)
            if isOfTheApplication {
                let answer = host.app.answer(request)
                (outcome, delayMs) = (answer.outcome, answer.delayMs)
            } else {
                outcome = host.perform(request)
            }
        } else {
            let label = Permission(needed: request)?.description ?? request.name
            outcome = .failure(
                OperationError(
                    code: "denied", message: "the manifest declares no permission for \(label)"))
        }
        if delayMs > 0 { try? await Task.sleep(for: .milliseconds(delayMs)) }
        var event: [String: JSONValue] = [
            "kind": "operation", "operation": .string(request.name), "arguments": request.arguments,
            "delayMs": .integer(Int64(delayMs)),
        ]
        switch outcome {
        case .success(let value): event["value"] = value
        case .failure(let error):
            event["error"] = ["code": .string(error.code), "message": .string(error.message)]
        }
        book.add(.object(event))
        return outcome
    }
}

extension Fault {
    /// A fault by its words: `slow`, `slow:1500`, `500`, `429`, `429:30`, `malformed`.
    init?(_ words: String, operation: String, times: Int) {
        let parts = words.split(separator: ":", maxSplits: 1)
        let number = parts.count > 1 ? Int(parts[1]) : nil
        let kind: Fault.Kind
        switch parts.first {
        case "slow": kind = .slow(milliseconds: number ?? 2_000)
        case "500" where parts.count == 1: kind = .serverError
        case "429": kind = .rateLimited(retryAfterSeconds: number ?? 1)
        case "malformed" where parts.count == 1: kind = .malformed
        default: return nil
        }
        let names = operation.split(separator: " ", maxSplits: 1).map(String.init)
        guard (1...1_000).contains(times), parts.count == 1 || (0...60_000).contains(number ?? -1) else {
            return nil
        }
        self.init(kind, operation: names.first, subject: names.count > 1 ? names[1] : nil, times: times)
    }
}
