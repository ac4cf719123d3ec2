import Marketplace
import Registry

/// Health, metrics, the contract itself, sessions, and vendors' webhooks.
struct ServiceEndpoints: Sendable {
    let service: any ServiceState
    let calls: CallDesk
    let registry: Registry
    let clock: RuntimeClock

    var all: [Endpoint] { [health, ready, metrics, contract, session, endSession, hook] }

    private var health: Endpoint {
        Endpoint(
            method: "GET", path: "/healthz", id: "health", summary: "The process answers", access: .open,
            success: Endpoint.Success(
                description: "It does",
                schema: Schemas.object(["status": ["const": "ok"]], required: ["status"]))
        ) { _ throws(RuntimeError) in .json(["status": "ok"]) }
    }

    private var ready: Endpoint {
        Endpoint(
            method: "GET", path: "/readyz", id: "ready", summary: "Everything that calls need is there",
            access: .open,
            success: Endpoint.Success(
                description: "Ready, with each dependency's state",
                schema: Schemas.object(
                    [
                        "status": ["enum": ["ready", "not-ready"]],
                        "checks": ["type": "object", "additionalProperties": ["type": "string"]],
                    ], required: ["status", "checks"]))
        ) { [service] _ throws(RuntimeError) in
            let checks = await service.checks()
            let isReady = checks.values.allSatisfy { $0 == "ok" }
            return .json(
                [
                    "status": .string(isReady ? "ready" : "not-ready"),
                    "checks": .object(checks.mapValues(JSONValue.string)),
                ], status: isReady ? 200 : 503)
        }
    }

    private var metrics: Endpoint {
        Endpoint(
            method: "GET", path: "/metrics", id: "metrics", summary: "Counts and durations for Prometheus",
            access: .open,
            success: Endpoint.Success(
                description: "The text exposition format", type: "text/plain", schema: ["type": "string"])
        ) { [service] _ throws(RuntimeError) in
            .text(await service.exposition(), type: "text/plain; version=0.0.4; charset=utf-8")
        }
    }

    private var contract: Endpoint {
        Endpoint(
            method: "GET", path: "/openapi.json", id: "contract", summary: "This API as OpenAPI 3.1",
            access: .open,
            success: Endpoint.Success(description: "The document", schema: ["type": "object"])
        ) { [service] _ throws(RuntimeError) in .json(service.contract) }
    }

    private var session: Endpoint {
        Endpoint(
            method: "POST", path: "/v1/session", id: "beginSession",
            summary: "Turns a token into a cookie for the marketplace's own pages", access: .open,
            body: .json(Schemas.object(["token": Schemas.text("a bearer token")], required: ["token"])),
            success: Endpoint.Success(status: 204, description: "The cookie is set", type: "")
        ) { [registry, clock] asked throws(RuntimeError) in
            let token = asked.json["token"]?.stringValue ?? ""
            let now = clock.now()
            guard token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ";") }),
                try await blocking({ try registry.authenticate(token, now: now) }) != nil
            else { throw RuntimeError(.unauthorized, "token", "it is unknown, has ended or was revoked") }
            let cookie = WebFace.cookie(RuntimeAPI.sessionCookie, token, seconds: 28_800)
            return APIResponse(status: 204, headers: ["set-cookie": cookie])
        }
    }

    private var endSession: Endpoint {
        Endpoint(
            method: "DELETE", path: "/v1/session", id: "endSession", summary: "Takes the cookie away",
            access: .open,
            success: Endpoint.Success(status: 204, description: "It is gone", type: "")
        ) { _ throws(RuntimeError) in
            let cookie = WebFace.cookie(RuntimeAPI.sessionCookie, "", seconds: 0)
            return APIResponse(status: 204, headers: ["set-cookie": cookie])
        }
    }

    private var hook: Endpoint {
        Endpoint(
            method: "POST", path: "/v1/hooks/{installation}/{action}", id: "hook",
            summary:
                "A vendor's webhook: raw body and headers are handed to the action, which checks the signature",
            access: .open, body: .bytes(type: "*/*", max: 1_048_576),
            success: Endpoint.Success(description: "What the plugin answers", schema: Schemas.anything)
        ) { [registry, calls] asked throws(RuntimeError) in
            let id = asked.parameters["installation"] ?? ""
            let row = try await blocking { try registry.installation(withHook: id) }
            try calls.admit(row.tenant)
            guard let body = String(validating: asked.request.body, as: UTF8.self) else {
                throw RuntimeError(.badRequest, "body", "is not UTF-8")
            }
            let headers = asked.request.headers.filter { !["authorization", "cookie"].contains($0.key) }
            let answer = try await calls.call(
                Hosts.Key(tenant: row.tenant, plugin: row.plugin), action: asked.parameters["action"] ?? "",
                data: ["headers": .object(headers.mapValues(JSONValue.string)), "body": .string(body)],
                checksInput: false)
            guard answer.success else {
                throw RuntimeError(.badRequest, "webhook", answer.error ?? "the plugin refused it")
            }
            return .json(answer.data ?? .null)
        }
    }
}

/// What the service says of itself.
protocol ServiceState: Sendable {
    /// `ok` or what is wrong, by dependency.
    func checks() async -> [String: String]
    func exposition() async -> String
    var contract: JSONValue { get }
}
