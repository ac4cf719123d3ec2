import Foundation
import Marketplace
import Provenance
import Sandbox
import SimulatedApp
import Synchronization

/// The host of a scenario: the manifest's permissions hold, the application is simulated with the scenario's records,
/// faults come when they are due, and vendors answer by the script.
final class ScenarioHost: OperationHandler, Sendable {
    private struct State {
        var asked: [String] = []
        var faults: [Scenario.ScriptedFault]
        var script: [Scenario.Exchange]
        var problems: [String] = []
        var exchanges: [JSONValue] = []
    }

    let app: SimulatedApp
    private let host: SimulatedHost
    private let permissions: PermissionSet
    private let secrets: [String: String]
    private let usesStandIns: Bool
    private let state: Mutex<State>

    init(_ manifest: Manifest, _ scenario: Scenario) {
        let named = manifest.permissions.permissions
        let entities = named.compactMap(\.entity).filter { $0 != "*" }
        app = SimulatedApp(
            now: scenario.clock ?? SimulatedApp.sampleTime, entities: entities,
            workflows: named.compactMap(\.workflow).filter { $0 != "*" },
            vendors: scenario.usesStandIns ? LaunchStandIns.all() : [])
        usesStandIns = scenario.usesStandIns
        if let given = scenario.entities {
            for entity in Set(app.entities + entities + given.keys) {
                app.replace(entity, with: given[entity] ?? [])
            }
        }
        secrets = Dictionary(
            manifest.secrets.map { ($0.name, "sample-\($0.name)") }, uniquingKeysWith: { $1 }
        )
        .merging(scenario.secrets) { $1 }
        host = SimulatedHost(
            app: app, secrets: secrets, storageBytesMax: Int(manifest.limits.storageMiB) << 20,
            hmac: { Provenance.hmac($0, key: $1, $2) })
        for (key, value) in scenario.storage {
            _ = host.perform(
                OperationRequest(name: "storage.set", arguments: ["key": .string(key), "value": value]))
        }
        permissions = manifest.permissions
        state = Mutex(State(faults: scenario.faults, script: scenario.vendor))
    }

    /// What was asked for, in order, without what belongs to the installation itself.
    var asked: [String] { state.withLock { $0.asked } }
    /// What did not go by the script, and what of it did not happen.
    var problems: [String] {
        state.withLock { state in state.problems + state.script.map { "\($0.title) did not happen" } }
            + app.violations
    }
    /// What went to stand-ins and came back, for those who hold it against the vendors' own descriptions.
    var exchanges: [JSONValue] { state.withLock { $0.exchanges } }
    var storageKeys: [String] { host.storage.keys.sorted() }
    var reported: [JSONValue] {
        host.amounts.map { ["amount": .string($0.amount), "currency": .string($0.currency)] }
    }

    func perform(_ request: OperationRequest) async -> OperationOutcome {
        guard permissions.allows(request) else {
            let label = Permission(needed: request)?.description ?? request.name
            return .failure(
                OperationError(code: "denied", message: "the manifest declares no permission for \(label)"))
        }
        let label = Self.label(request)
        let fault = state.withLock { state -> OperationError? in
            if OperationName.needingPermission.contains(request.name) { state.asked.append(label) }
            guard let index = state.faults.firstIndex(where: { $0.operation == label && $0.times > 0 }) else {
                return nil
            }
            state.faults[index].times -= 1
            return state.faults[index].error
        }
        if let fault { return .failure(fault) }
        return request.name == "fetch" ? exchange(request.arguments) : host.perform(request)
    }

    /// `readData orders`, `fetch slack.com`, `storage.set sent`.
    private static func label(_ request: OperationRequest) -> String {
        let arguments = request.arguments
        let subject =
            arguments["entity"]?.stringValue ?? arguments["workflow"]?.stringValue ?? arguments["key"]?
            .stringValue
            ?? arguments["url"]?.stringValue.flatMap(Permission.host(ofURL:))
        return subject.map { "\(request.name) \($0)" } ?? request.name
    }

    private func note(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }

    // MARK: Vendors

    private func exchange(_ arguments: JSONValue) -> OperationOutcome {
        let sent: VendorRequestSeen
        switch VendorRequestSeen.read(arguments, secrets: secrets) {
        case .success(let seen): sent = seen
        case .failure(let error): return .failure(error)
        }
        if usesStandIns { return ask(sent) }
        return state.withLock { state in
            guard !state.script.isEmpty else {
                state.problems.append("\(sent.method) \(sent.url) was not expected")
                return .failure(
                    OperationError(code: "unavailable", message: "the scenario has no such exchange"))
            }
            let step = state.script.removeFirst()
            state.problems += sent.problems(against: step.request)
            let body = step.answer["body"] ?? ""
            var answer: [String: JSONValue] = ["status": step.answer["status"] ?? 200]
            answer["headers"] = .object(
                Dictionary(
                    (step.answer["headers"]?.objectValue ?? [:]).map { ($0.key.lowercased(), $0.value) },
                    uniquingKeysWith: { $1 }))
            answer["body"] = body.stringValue == nil ? .string(body.serialized()) : body
            return .success(.object(answer))
        }
    }
}

extension ScenarioHost {
    /// Has the stand-in of the host answer; a host that no stand-in knows is a problem.
    fileprivate func ask(_ sent: VendorRequestSeen) -> OperationOutcome {
        guard
            let request = VendorRequest(
                method: sent.method, url: sent.url, headers: sent.headers, body: sent.body),
            app.vendors.contains(where: { $0.answers(for: request.host) })
        else {
            note { $0.problems.append("there is no stand-in for \(sent.url)") }
            return .failure(OperationError(code: "unavailable", message: "there is no stand-in for it"))
        }
        let answer = app.answer(request)
        let headers = sent.headers.filter { $0.key != "authorization" }
        note {
            $0.exchanges.append([
                "request": [
                    "method": .string(sent.method), "url": .string(sent.url),
                    "headers": .object(headers.mapValues(JSONValue.string)), "body": .string(sent.body),
                ],
                "answer": [
                    "status": .integer(Int64(answer.status)),
                    "headers": .object(answer.headers.mapValues(JSONValue.string)),
                    "body": .string(answer.body),
                ],
            ])
        }
        return .success([
            "status": .integer(Int64(answer.status)),
            "headers": .object(answer.headers.mapValues(JSONValue.string)), "body": .string(answer.body),
        ])
    }
}

/// A request to a vendor as it would leave the proxy: secrets in place, authentication applied.
struct VendorRequestSeen {
    let method: String
    let url: String
    let headers: [String: String]
    let body: String

    static func read(_ arguments: JSONValue, secrets: [String: String]) -> Result<
        VendorRequestSeen, OperationError
    > {
        func reveal(_ text: String) -> String {
            secrets.reduce(text) { $0.replacing(SecretMark.text($1.key), with: $1.value) }
        }
        var headers: [String: String] = [:]
        for (name, value) in arguments["headers"]?.objectValue ?? [:] {
            headers[name.lowercased()] = reveal(value.stringValue ?? "")
        }
        for (scheme, name) in arguments["auth"]?.objectValue ?? [:] {
            guard let secret = name.stringValue.flatMap({ secrets[$0] }) else {
                return .failure(
                    OperationError(code: "denied", message: "the manifest declares no such secret"))
            }
            headers["authorization"] =
                scheme == "basic" ? "Basic \(Data(secret.utf8).base64EncodedString())" : "Bearer \(secret)"
        }
        var body = arguments["body"]?.stringValue ?? ""
        if arguments["bodyEncoding"]?.stringValue == "base64", let bytes = Data(base64Encoded: body) {
            body = String(decoding: bytes, as: UTF8.self)
        }
        return .success(
            VendorRequestSeen(
                method: arguments["method"]?.stringValue ?? "GET",
                url: reveal(arguments["url"]?.stringValue ?? ""), headers: headers, body: reveal(body)))
    }

    /// Where it differs from what the script says; a body that is an object must be contained in the form or JSON sent.
    func problems(against expected: JSONValue) -> [String] {
        var problems: [String] = []
        for (name, held) in [("method", method), ("url", url)] {
            if let value = expected[name] { problems += Likeness.problems(value, .string(held), name) }
        }
        for (name, value) in (expected["headers"]?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
            problems += Likeness.problems(
                value, headers[name.lowercased()].map(JSONValue.string), "header \(name)")
        }
        switch expected["body"] {
        case nil: break
        case .string(let text)?: problems += Likeness.problems(.string(text), .string(body), "body")
        case let fields?: problems += Likeness.problems(fields, self.fields, "body")
        }
        return problems
    }

    private var fields: JSONValue? {
        if headers["content-type"]?.hasPrefix("application/json") == true {
            return try? JSONValue.parse(body)
        }
        var form: [String: JSONValue] = [:]
        for pair in body.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let texts = parts.map { $0.replacing("+", with: " ").removingPercentEncoding ?? String($0) }
            form[texts[0]] = .string(texts.count > 1 ? texts[1] : "")
        }
        return .object(form)
    }
}
