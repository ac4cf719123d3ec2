import Marketplace
import Provenance
import Registry

/// What a tenant is told: an Atom feed, and a webhook signed as Standard Webhooks says.
struct NoticeEndpoints: Sendable {
    let registry: Registry
    let sealed: SealedStore

    var all: [Endpoint] { [feed, setWebhook, endWebhook] }

    private var feed: Endpoint {
        Endpoint(
            method: "GET", path: "/v1/tenants/{tenant}/feed.atom", id: "noticeFeed",
            summary:
                "The tenant's notices as an Atom feed: updates that wait or were made, versions withdrawn",
            access: .tenant,
            success: Endpoint.Success(
                description: "RFC 4287", type: "application/atom+xml", schema: ["type": "string"])
        ) { [registry] asked throws(RuntimeError) in
            let id = try asked.tenant()
            let (tenant, notices) = try await blocking {
                (try registry.tenant(id), try registry.notices(for: id))
            }
            let bytes = NoticeFeed.atom(for: tenant, notices: notices, base: "/v1/tenants")
            return APIResponse(
                status: 200, headers: ["content-type": "application/atom+xml; charset=utf-8"], body: bytes)
        }
    }

    private var setWebhook: Endpoint {
        Endpoint(
            method: "PUT", path: "/v1/tenants/{tenant}/webhook", id: "setWebhook",
            summary: "Where notices are sent; the answer holds the secret, this once", access: .tenant,
            body: .json(
                Schemas.object(
                    [
                        "url": Schemas.text(
                            "an https address on port 443", max: 2_048,
                            pattern: "^https://[a-z0-9.-]+(/[A-Za-z0-9._~/?&=%-]*)?$")
                    ], required: ["url"])),
            success: Endpoint.Success(
                description: "The secret that deliveries are signed with",
                schema: Schemas.object(
                    ["url": ["type": "string"], "secret": ["type": "string"]], required: ["url", "secret"]))
        ) { [registry, sealed] asked throws(RuntimeError) in
            let id = try asked.tenant()
            let url = asked.json["url"]?.stringValue ?? ""
            guard url.hasPrefix("https://"), url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
            else { throw RuntimeError(.invalid, "url", "is no https address") }
            let key = (0..<32).map { _ in UInt8.random(in: 0...255) }
            let webhook: StandardWebhook
            do throws(ProvenanceError) { webhook = try StandardWebhook(key: key) } catch {
                throw RuntimeError(.internalError, "webhook", error.cause)
            }
            try await blocking { try registry.setWebhook(of: id, url: url, secret: key, sealedBy: sealed) }
            return .json(["url": .string(url), "secret": .string(webhook.secret)])
        }
    }

    private var endWebhook: Endpoint {
        Endpoint(
            method: "DELETE", path: "/v1/tenants/{tenant}/webhook", id: "endWebhook",
            summary: "Sends no more notices", access: .tenant,
            success: Endpoint.Success(status: 204, description: "None are sent", type: "")
        ) { [registry, sealed] asked throws(RuntimeError) in
            let id = try asked.tenant()
            try await blocking {
                try registry.setWebhook(of: id, url: nil, secret: [], sealedBy: sealed)
            }
            return APIResponse(status: 204)
        }
    }
}
