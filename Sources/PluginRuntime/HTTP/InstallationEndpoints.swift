import Marketplace
import Registry

/// What a tenant does with its installations.
struct InstallationEndpoints: Sendable {
    let desk: InstallationDesk
    let calls: CallDesk
    let shelf: RecordingShelf

    var all: [Endpoint] {
        [list, install, show, remove, call, updates, approve, plan, cap, configure, secret]
    }

    private static let base = "/v1/tenants/{tenant}/plugins"
    private static let one = "/v1/tenants/{tenant}/plugins/{plugin}"

    private var list: Endpoint {
        Endpoint(
            method: "GET", path: Self.base, id: "listInstallations", summary: "What the tenant has installed",
            access: .tenant,
            success: Endpoint.Success(
                description: "The installations, by plugin",
                schema: Schemas.object(
                    ["installations": Schemas.list(Schemas.installation)], required: ["installations"]))
        ) { [desk] asked throws(RuntimeError) in
            let rows = try await desk.list(try asked.tenant())
            return .json(["installations": .array(rows)])
        }
    }

    private var install: Endpoint {
        Endpoint(
            method: "PUT", path: Self.one, id: "install",
            summary:
                "Installs a plugin in a version and plan, with the permissions that the customer accepts",
            access: .tenant, body: .json(Schemas.installationRequest),
            success: Endpoint.Success(
                status: 200, description: "Installed; 201 the first time", schema: Schemas.installation),
            repeatable: true
        ) { [desk] asked throws(RuntimeError) in
            let (document, isNew) = try await desk.install(
                Hosts.Key(tenant: try asked.tenant(), plugin: try asked.plugin()),
                try InstallationWish(asked.json))
            return .json(document, status: isNew ? 201 : 200)
        }
    }

    private var show: Endpoint {
        Endpoint(
            method: "GET", path: Self.one, id: "showInstallation", summary: "One installation",
            access: .tenant,
            success: Endpoint.Success(description: "The installation", schema: Schemas.installation)
        ) { [desk] asked throws(RuntimeError) in
            .json(try await desk.show(Hosts.Key(tenant: try asked.tenant(), plugin: try asked.plugin())))
        }
    }

    private var remove: Endpoint {
        Endpoint(
            method: "DELETE", path: Self.one, id: "removeInstallation",
            summary: "Removes a plugin: running calls end, its cleanup runs, its secrets and storage go",
            access: .tenant, success: Endpoint.Success(status: 204, description: "Removed", type: "")
        ) { [desk, shelf] asked throws(RuntimeError) in
            let key = Hosts.Key(tenant: try asked.tenant(), plugin: try asked.plugin())
            try await desk.remove(key)
            try await blocking { try shelf.turn(false, key) }
            return APIResponse(status: 204)
        }
    }

    private var call: Endpoint {
        Endpoint(
            method: "POST", path: Self.one + "/actions/{action}", id: "callAction",
            summary: "Calls an action; the body is the action's input", access: .tenant,
            headers: [
                Endpoint.Parameter(
                    name: "VeroForge-Timeout-Ms",
                    schema: ["type": "integer", "minimum": 1, "maximum": 3_600_000],
                    description: "How long the caller waits; the plugin's own limit holds as well",
                    isRequired: false)
            ],
            body: .json(Schemas.anything, bytesMax: 4 * 1_048_576),
            success: Endpoint.Success(description: "The plugin's answer", schema: Schemas.answer),
            repeatable: true,
            admit: calls.admit
        ) { [calls] asked throws(RuntimeError) in
            guard let action = asked.parameters["action"] else {
                throw RuntimeError(.notFound, "action", "is not named")
            }
            let tenant = try asked.tenant()
            let answer: CallDesk.Answer
            let key = Hosts.Key(tenant: tenant, plugin: try asked.plugin())
            let timeout = try Self.timeout(asked.request)
            if let repetition = asked.key {
                answer = try await calls.call(
                    key, action: action, data: asked.json, id: CallID.of(repetition, tenant, asked.request),
                    timeoutMs: timeout)
            } else {
                answer = try await calls.call(key, action: action, data: asked.json, timeoutMs: timeout)
            }
            var document: [String: JSONValue] = [
                "success": .bool(answer.success), "call": .string(answer.id),
            ]
            document["data"] = answer.data
            document["error"] = answer.error.map(JSONValue.string)
            return .json(
                .object(document),
                headers: [
                    "ratelimit-policy": "\"calls\";q=\(calls.ratePerSecond);w=1",
                    "ratelimit": "\"calls\";r=\(answer.rateLeft);t=1",
                ])
        }
    }

    private static func timeout(_ request: APIRequest) throws(RuntimeError) -> Int64? {
        guard let text = request.headers["veroforge-timeout-ms"] else { return nil }
        guard let value = Int64(text), (1...3_600_000).contains(value) else {
            throw RuntimeError(
                .invalid, "VeroForge-Timeout-Ms", "is a number of milliseconds from 1 to 3600000")
        }
        return value
    }

    private var updates: Endpoint {
        Endpoint(
            method: "GET", path: Self.one + "/updates", id: "listUpdates",
            summary: "Newer versions that are offered, and whether each needs consent", access: .tenant,
            success: Endpoint.Success(
                description: "The offers, newest first",
                schema: Schemas.object(
                    [
                        "updates": Schemas.list(
                            Schemas.object(
                                [
                                    "version": Schemas.version, "listedAt": Schemas.time,
                                    "needsConsent": ["type": "boolean"],
                                    "addedPermissions": Schemas.permissions,
                                    "priceChanges": ["type": "boolean"], "securityFix": ["type": "boolean"],
                                ], required: ["version", "needsConsent"]))
                    ], required: ["updates"]))
        ) { [desk] asked throws(RuntimeError) in
            let offers = try await desk.updates(
                Hosts.Key(tenant: try asked.tenant(), plugin: try asked.plugin()))
            return .json(["updates": .array(offers)])
        }
    }

    private var approve: Endpoint {
        Endpoint(
            method: "POST", path: Self.one + "/updates/{version}/approve", id: "approveUpdate",
            summary: "Moves the installation to a version; the old one runs until the new one has started",
            access: .tenant, body: .json(Schemas.object(["permissions": Schemas.permissions])),
            success: Endpoint.Success(description: "The installation", schema: Schemas.installation),
            repeatable: true
        ) { [desk] asked throws(RuntimeError) in
            let key = Hosts.Key(tenant: try asked.tenant(), plugin: try asked.plugin())
            let accepted = try asked.json["permissions"].map { value throws(RuntimeError) in
                try InstallationWish.permissions(value)
            }
            return .json(
                try await desk.approve(
                    key, try asked.version(asked.parameters["version"]), accepted: accepted))
        }
    }

    private var plan: Endpoint {
        Endpoint(
            method: "PUT", path: Self.one + "/plan", id: "setPlan", summary: "Moves to another plan",
            access: .tenant,
            body: .json(
                Schemas.object(
                    [
                        "plan": Schemas.plan,
                        "seats": ["type": "integer", "minimum": 1, "maximum": 1_000_000],
                    ],
                    required: ["plan"])),
            success: Endpoint.Success(description: "The installation", schema: Schemas.installation),
            repeatable: true
        ) { [desk] asked throws(RuntimeError) in
            let key = Hosts.Key(tenant: try asked.tenant(), plugin: try asked.plugin())
            return .json(
                try await desk.setPlan(
                    key, asked.json["plan"]?.stringValue ?? "", seats: asked.json["seats"]?.integerValue ?? 1)
            )
        }
    }

    private var cap: Endpoint {
        Endpoint(
            method: "PUT", path: Self.one + "/spend-cap", id: "setSpendCap",
            summary: "The most to spend on the plugin in a month; null lifts it", access: .tenant,
            body: .json(
                Schemas.object(
                    [
                        "amount": [
                            "type": ["string", "null"], "description": "a decimal in the plugin's currency",
                        ]
                    ],
                    required: ["amount"])),
            success: Endpoint.Success(description: "The installation", schema: Schemas.installation),
            repeatable: true
        ) { [desk] asked throws(RuntimeError) in
            let key = Hosts.Key(tenant: try asked.tenant(), plugin: try asked.plugin())
            return .json(try await desk.setCap(key, asked.json["amount"]?.stringValue))
        }
    }

    private var configure: Endpoint {
        Endpoint(
            method: "PUT", path: Self.one + "/config", id: "setConfig", summary: "What the plugin is set to",
            access: .tenant, body: .json(["type": "object"]),
            success: Endpoint.Success(description: "The installation", schema: Schemas.installation),
            repeatable: true
        ) { [desk] asked throws(RuntimeError) in
            let key = Hosts.Key(tenant: try asked.tenant(), plugin: try asked.plugin())
            return .json(try await desk.setConfig(key, asked.json))
        }
    }

    private var secret: Endpoint {
        Endpoint(
            method: "PUT", path: Self.one + "/secrets/{name}", id: "setSecret",
            summary: "Sets a secret that the manifest declares; it is sealed and never shown again",
            access: .tenant,
            body: .json(
                Schemas.object(["value": Schemas.text("the secret", max: 16_384)], required: ["value"])),
            success: Endpoint.Success(status: 204, description: "Set", type: "")
        ) { [desk] asked throws(RuntimeError) in
            let key = Hosts.Key(tenant: try asked.tenant(), plugin: try asked.plugin())
            try await desk.setSecrets(
                key, [asked.parameters["name"] ?? "": asked.json["value"]?.stringValue ?? ""])
            return APIResponse(status: 204)
        }
    }
}
