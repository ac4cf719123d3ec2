import Marketplace
import Registry

/// How a tenant takes updates, and what has happened to its installations.
struct PolicyEndpoints: Sendable {
    let registry: Registry

    var all: [Endpoint] { [show, set, events] }

    private static let schema = Schemas.object(
        [
            "updates": ["type": "string", "enum": ["automatic", "security-only", "manual"]],
            "minimumReleaseAgeHours": ["type": "integer", "minimum": 0, "maximum": 8_760],
            "channel": ["type": "string", "enum": ["stable", "beta"]],
        ], required: ["updates", "minimumReleaseAgeHours", "channel"])

    private var show: Endpoint {
        Endpoint(
            method: "GET", path: "/v1/tenants/{tenant}/policy", id: "showPolicy",
            summary: "How the tenant takes updates", access: .tenant,
            success: Endpoint.Success(description: "The policy", schema: Self.schema)
        ) { [registry] asked throws(RuntimeError) in
            let id = try asked.tenant()
            return .json(Self.document(try await blocking { try registry.tenant(id) }))
        }
    }

    private var set: Endpoint {
        Endpoint(
            method: "PUT", path: "/v1/tenants/{tenant}/policy", id: "setPolicy",
            summary: "Sets how the tenant takes updates", access: .tenant, body: .json(Self.schema),
            success: Endpoint.Success(description: "The policy", schema: Self.schema), repeatable: true
        ) { [registry] asked throws(RuntimeError) in
            let id = try asked.tenant()
            let json = asked.json
            let tenant = try await blocking { () -> Tenant in
                try registry.setPolicy(
                    of: id, updates: UpdatePolicy(rawValue: json["updates"]?.stringValue ?? "") ?? .manual,
                    minimumReleaseAgeMs: (json["minimumReleaseAgeHours"]?.integerValue ?? 0) * 3_600_000,
                    channel: Channel(rawValue: json["channel"]?.stringValue ?? "") ?? .stable)
                return try registry.tenant(id)
            }
            return .json(Self.document(tenant))
        }
    }

    private static func document(_ tenant: Tenant) -> JSONValue {
        [
            "updates": .string(tenant.updatePolicy.rawValue),
            "minimumReleaseAgeHours": .integer(tenant.minimumReleaseAgeMs / 3_600_000),
            "channel": .string(tenant.channel.rawValue),
        ]
    }

    private var events: Endpoint {
        Endpoint(
            method: "GET", path: "/v1/tenants/{tenant}/events", id: "listEvents",
            summary: "What has happened to the tenant's installations, after an event", access: .tenant,
            query: [
                Endpoint.Parameter(
                    name: "after", schema: ["type": "integer", "minimum": 0],
                    description: "the last event known")
            ],
            success: Endpoint.Success(
                description: "At most 1,000 events, in order",
                schema: Schemas.object(
                    [
                        "events": Schemas.list(
                            Schemas.object(
                                [
                                    "id": ["type": "integer"], "at": Schemas.time, "kind": ["type": "string"],
                                    "plugin": ["type": "string"], "installation": ["type": "string"],
                                    "detail": ["type": "object"],
                                ], required: ["id", "at", "kind", "plugin"]))
                    ], required: ["events"]))
        ) { [registry] asked throws(RuntimeError) in
            let id = try asked.tenant()
            let after = asked.request.parameter("after").flatMap { Int64($0) } ?? 0
            let rows = try await blocking { try registry.events(for: id, after: after) }
            return .json([
                "events": .array(
                    rows.map { event in
                        [
                            "id": .integer(event.id), "at": .string(event.at.description),
                            "kind": .string(event.kind.rawValue), "plugin": .string(event.plugin.text),
                            "installation": .string(event.installation), "detail": event.detail,
                        ]
                    })
            ])
        }
    }
}
