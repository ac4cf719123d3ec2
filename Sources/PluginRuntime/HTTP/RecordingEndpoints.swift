import Marketplace
import Registry
import Sandbox

/// Recordings of failed calls, for those who have asked for them, and plugins' logs.
struct RecordingEndpoints: Sendable {
    let shelf: RecordingShelf
    let book: PluginLogBook
    let registry: Registry

    var all: [Endpoint] { [turn, calls, replay, forget, logsOfTenant, logsOfPublisher] }

    private static let one = "/v1/tenants/{tenant}/plugins/{plugin}"
    private static let linesMax = 1_000

    private func key(_ asked: EndpointRequest) async throws(RuntimeError) -> Hosts.Key {
        let key = Hosts.Key(tenant: try asked.tenant(), plugin: try asked.plugin())
        let registry = self.registry
        _ = try await blocking { try registry.installation(of: key.plugin, for: key.tenant) }
        return key
    }

    private var turn: Endpoint {
        Endpoint(
            method: "PUT", path: Self.one + "/recording", id: "setRecording",
            summary: "Keeps recordings of failed calls, or no longer; ending it removes what is kept",
            access: .tenant,
            body: .json(Schemas.object(["keepFailed": ["type": "boolean"]], required: ["keepFailed"])),
            success: Endpoint.Success(
                description: "What holds now",
                schema: Schemas.object(["keepFailed": ["type": "boolean"]], required: ["keepFailed"]))
        ) { [shelf] asked throws(RuntimeError) in
            let key = try await key(asked)
            let on = asked.json["keepFailed"]?.boolValue ?? false
            try await blocking { try shelf.turn(on, key) }
            return .json(["keepFailed": .bool(on)])
        }
    }

    private var calls: Endpoint {
        Endpoint(
            method: "GET", path: Self.one + "/calls", id: "listRecordings",
            summary: "The failed calls of which a recording is kept, the oldest first", access: .tenant,
            success: Endpoint.Success(
                description: "The calls",
                schema: Schemas.object(
                    [
                        "keepFailed": ["type": "boolean"],
                        "calls": Schemas.list(
                            Schemas.object(
                                [
                                    "call": Schemas.text("the call's id"), "time": Schemas.time,
                                    "action": ["type": "string"], "version": Schemas.version,
                                    "ending": ["type": "object"],
                                ], required: ["call", "time", "action", "version", "ending"])),
                    ], required: ["keepFailed", "calls"]))
        ) { [shelf] asked throws(RuntimeError) in
            let key = try await key(asked)
            let rows = try await blocking {
                try shelf.calls(key).compactMap { call -> JSONValue? in
                    guard let recording = try shelf.recording(call, key) else { return nil }
                    return [
                        "call": .string(call), "time": recording["clock"] ?? .null,
                        "action": recording["action"] ?? .null, "version": recording["version"] ?? .null,
                        "ending": recording["output"]?["ending"] ?? [:],
                    ]
                }
            }
            return .json(["keepFailed": .bool(shelf.isOn(key)), "calls": .array(rows)])
        }
    }

    private var replay: Endpoint {
        Endpoint(
            method: "GET", path: Self.one + "/calls/{call}/replay", id: "exportRecording",
            summary: "A failed call as `veroforge plugin replay` takes it; no secret is in it",
            access: .tenant,
            success: Endpoint.Success(
                description: "The recording, `veroforge.replay/1`", schema: ["type": "object"])
        ) { [shelf] asked throws(RuntimeError) in
            let key = try await key(asked)
            let call = asked.parameters["call"] ?? ""
            guard let recording = try await blocking({ try shelf.recording(call, key) }) else {
                throw RuntimeError(.notFound, call, "is no call of which a recording is kept")
            }
            return .json(recording)
        }
    }

    private var forget: Endpoint {
        Endpoint(
            method: "DELETE", path: Self.one + "/calls/{call}/replay", id: "removeRecording",
            summary: "Removes a recording", access: .tenant,
            success: Endpoint.Success(status: 204, description: "Removed", type: "")
        ) { [shelf] asked throws(RuntimeError) in
            let key = try await key(asked)
            let call = asked.parameters["call"] ?? ""
            try await blocking { if try shelf.recording(call, key) != nil { try shelf.remove(call, key) } }
            return APIResponse(status: 204)
        }
    }

    // MARK: Logs

    private static let query = [
        Endpoint.Parameter(
            name: "level", schema: ["enum": ["debug", "info", "warn", "error"]],
            description: "the least grave level; debug"),
        Endpoint.Parameter(name: "call", schema: ["type": "string"], description: "one call's lines alone"),
        Endpoint.Parameter(name: "since", schema: Schemas.time, description: "no line from before"),
        Endpoint.Parameter(
            name: "limit", schema: ["type": "integer", "minimum": 1, "maximum": 1_000],
            description: "so many lines, the newest; 200"),
    ]

    private static let lines = Schemas.object(
        [
            "lines": Schemas.list(
                Schemas.object(
                    [
                        "time": Schemas.time, "tenant": ["type": "string"], "plugin": ["type": "string"],
                        "version": Schemas.version, "call": ["type": "string"],
                        "action": ["type": "string"], "level": ["type": "string"],
                        "text": ["type": "string"],
                    ], required: ["time", "plugin", "call", "level", "text"]), max: linesMax)
        ], required: ["lines"])

    private var logsOfTenant: Endpoint {
        Endpoint(
            method: "GET", path: Self.one + "/logs", id: "tenantLogs",
            summary: "What the plugin logged for the tenant, and how its failed calls ended",
            access: .tenant, query: Self.query,
            success: Endpoint.Success(description: "The lines, the oldest first", schema: Self.lines)
        ) { asked throws(RuntimeError) in
            let key = try await key(asked)
            return try await answer(asked, PluginLogLine.Filter(plugin: key.plugin, tenant: key.tenant))
        }
    }

    private var logsOfPublisher: Endpoint {
        Endpoint(
            method: "GET", path: "/v1/publishers/{publisher}/logs", id: "publisherLogs",
            summary: "What the publisher's plugins logged, over all tenants", access: .publisher,
            query: Self.query + [
                Endpoint.Parameter(
                    name: "plugin", schema: ["type": "string"], description: "one plugin alone")
            ],
            success: Endpoint.Success(description: "The lines, the oldest first", schema: Self.lines)
        ) { asked throws(RuntimeError) in
            var filter = PluginLogLine.Filter(publisher: try asked.publisher())
            if let text = asked.request.parameter("plugin") {
                guard let plugin = PluginID(text) else { throw RuntimeError(.invalid, text, "is no plugin") }
                filter.plugin = plugin
            }
            return try await answer(asked, filter)
        }
    }

    private func answer(
        _ asked: EndpointRequest, _ filter: PluginLogLine.Filter
    ) async throws(RuntimeError) -> APIResponse {
        var filter = filter
        filter.level = asked.request.parameter("level")
        filter.call = asked.request.parameter("call")
        filter.since = asked.request.parameter("since").flatMap { Instant($0) }
        let limit = asked.request.parameter("limit").flatMap { Int($0) } ?? 200
        let (book, wanted) = (book, filter)
        let lines = try await blocking { try book.read(wanted, limit: limit) }
        return .json(["lines": .array(lines.map(\.json))])
    }
}
