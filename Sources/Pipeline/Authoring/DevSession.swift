import Foundation
public import Marketplace
import Provenance
public import Sandbox
public import SimulatedApp

/// `plugin dev`: one plugin in the real sandbox against a simulated application that lives as long as the session.
/// Every operation is an event, for the page that lists them.
public actor DevSession {
    /// Something that the page shows; numbered from 1.
    struct Event {
        let number: Int
        let value: JSONValue
    }

    private let folder: PluginFolder
    private let isolation: any Isolation
    private let given: JSONValue?
    public nonisolated let app: SimulatedApp
    private nonisolated let book = DevBook()
    private var manifest: Manifest
    private var files: [String: [UInt8]] = [:]
    private var host: DevHost?
    private var runner: PluginRunner?

    /// - Parameter config: what the plugin is set to; the schema's defaults and samples unless it is given.
    public init(
        _ folder: PluginFolder, isolation: any Isolation, config: JSONValue?, now: Instant
    ) async throws(PipelineError) {
        self.folder = folder
        self.isolation = isolation
        given = config
        manifest = try folder.manifest()
        let named = manifest.permissions.permissions
        app = SimulatedApp(
            now: now, entities: named.compactMap(\.entity).filter { $0 != "*" },
            workflows: named.compactMap(\.workflow).filter { $0 != "*" }, vendors: LaunchStandIns.all())
        try await reload()
    }

    /// Builds the folder anew; the next call gets a fresh sandbox. The application's records stay as they are.
    public func reload() async throws(PipelineError) {
        await runner?.kill()
        runner = nil
        do {
            manifest = try folder.manifest()
            try await folder.build()
        } catch {
            book.add(["kind": "problem", "text": .string(error.description)])
            throw error
        }
        files = ScenarioFolder.files(of: folder.path)
        if host == nil {
            host = DevHost(manifest, app, book)
        } else {
            host = host?.with(manifest)
        }
        book.add([
            "kind": "loaded",
            "text": .string("\(manifest.id)@\(manifest.version), \(files.count) files"),
        ])
    }

    /// What the page shows beside the events.
    public var description: JSONValue {
        [
            "id": .string(manifest.id.text), "version": .string(manifest.version.description),
            "name": .string(manifest.name), "isolation": .string(isolation.backEnd.rawValue),
            "config": config,
            "actions": .array(
                manifest.actions.map {
                    [
                        "name": .string($0.name), "description": .string($0.description), "input": $0.input,
                        "sample": SampleInput.value(for: $0.input),
                    ]
                }),
            "permissions": .array(
                manifest.permissions.permissions.map { .string($0.description) }),
            "entities": .array(app.entities.map(JSONValue.string)),
        ]
    }

    private var config: JSONValue {
        given ?? manifest.config.map(SampleInput.configuration) ?? [:]
    }

    /// Calls an action; the answer says what came of it and what it used.
    public func call(_ name: String, _ data: JSONValue) async -> JSONValue {
        guard let action = manifest.action(name), let host else {
            return ["outcome": "wrong", "detail": .string("there is no action \(name)")]
        }
        let violations = JSONSchema(action.input).validate(data)
        guard violations.isEmpty else {
            let words = violations.map { "\($0.pointer) \($0.message)" }.joined(separator: "; ")
            return ["outcome": "wrong", "detail": .string("the input: \(words)")]
        }
        let number = book.add(["kind": "call", "action": .string(name), "data": data])
        var document: JSONValue
        do {
            document = try await perform(name, data, host)
        } catch {
            document = ["outcome": "sandbox", "detail": .string(error.description)]
        }
        var event = document.objectValue ?? [:]
        event["kind"] = "answer"
        event["of"] = .integer(Int64(number))
        book.add(.object(event))
        return document
    }

    private func perform(
        _ name: String, _ data: JSONValue, _ host: DevHost
    ) async throws(SandboxError) -> JSONValue {
        if let runner, await !runner.isAlive { self.runner = nil }
        let runner: PluginRunner
        if let present = self.runner {
            runner = present
        } else {
            runner = try await isolation.start(RunnerLimits(manifest.limits))
            let image = PluginImage(
                files: files, main: manifest.main, plugin: manifest.id, version: manifest.version,
                config: config)
            for step in [true, false] {
                let result = step ? try await runner.load(image) : try await runner.initialize(host)
                guard case .success = result.outcome else {
                    await runner.kill()
                    return Self.document(result, step: step ? "load" : "initialize")
                }
            }
            self.runner = runner
        }
        let id = UUID().uuidString.lowercased()
        let result = try await runner.execute(
            action: name, data: data, extra: ["id": .string(id)], handler: host)
        return Self.document(result, step: nil)
    }

    private static func document(_ result: ExecutionResult, step: String?) -> JSONValue {
        var members: [String: JSONValue] = [
            "cpuMs": .number((result.cpuMs * 10).rounded() / 10),
            "wallMs": .number((result.wallMs * 10).rounded() / 10),
            "memoryKiB": .integer(Int64(result.peakMemoryBytes / 1_024)),
            "operations": .integer(Int64(result.operations)),
            "logs": .array(
                result.logs.map { ["level": .string($0.level), "text": .string($0.text)] }),
        ]
        switch result.outcome {
        case .success(let answer):
            members["outcome"] = answer["success"] == true ? "ok" : "refused"
            members["answer"] = answer
        case .failure(let failure):
            members["outcome"] = "failed"
            members["detail"] = .string(
                "\(step.map { "\($0): " } ?? "")\(failure.name): \(failure.message)\n\(failure.stack ?? "")")
        case .ended(let limit):
            members["outcome"] = "limit"
            members["detail"] = .string("the limit \(limit.rawValue)\(result.detail.map { ": \($0)" } ?? "")")
        }
        return .object(members)
    }

    /// Events after a number, at once if there are any, else as soon as one comes, at most after some seconds.
    public nonisolated func events(after number: Int, waitMs: Int = 15_000) async -> JSONValue {
        let deadline = ContinuousClock.now + .milliseconds(waitMs)
        while true {
            let events = book.events(after: number)
            if !events.isEmpty || .now >= deadline || Task.isCancelled {
                return [
                    "next": .integer(Int64(events.last?.number ?? number)),
                    "events": .array(events.map(\.value)),
                ]
            }
            try? await Task.sleep(for: .milliseconds(40))
        }
    }

    /// Has the application go wrong: `kind` is `slow`, `500`, `429` or `malformed`, `operation` like
    /// `readData invoices`, or nothing for any.
    public nonisolated func addFault(
        _ kind: String, operation: String, times: Int
    ) -> Bool {
        guard let fault = Fault(kind, operation: operation, times: times) else { return false }
        app.inject(fault)
        book.add([
            "kind": "fault",
            "text": .string("\(kind) for \(operation.isEmpty ? "any operation" : operation), \(times) times"),
        ])
        return true
    }

    public func end() async { await runner?.kill() }
}
