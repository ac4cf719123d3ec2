import Marketplace
import Registry

/// One operation of the HTTP API: where it stands, who may ask for it, what it takes and gives, and what it does.
/// The router and the OpenAPI document are both made from these, so they cannot disagree.
struct Endpoint: Sendable {
    /// Who may ask.
    enum Access: Sendable, Equatable {
        /// Everybody.
        case open
        /// The tenant that the path's `{tenant}` names.
        case tenant
        /// The publisher that the path's `{publisher}` names, or any publisher where the path names none.
        case publisher
        /// A reviewer.
        case reviewer
        /// Any valid token.
        case anyToken
    }

    /// What the request's body is.
    enum Body: Sendable {
        case none
        /// JSON that satisfies the schema.
        case json(JSONValue, bytesMax: Int = 262_144)
        /// Bytes of any kind, handed over as they are.
        case bytes(type: String, max: Int)

        var bytesMax: Int {
            switch self {
            case .none: 0
            case .json(_, let max), .bytes(_, let max): max
            }
        }
    }

    /// What a success looks like.
    struct Success: Sendable {
        var status = 200
        var description: String
        var type = "application/json"
        var schema: JSONValue?
    }

    struct Parameter: Sendable {
        let name: String
        let schema: JSONValue
        let description: String
        /// Of a header: whether a request without it is refused.
        var isRequired = true
    }

    let method: String
    /// `/v1/tenants/{tenant}/plugins`
    let path: String
    /// A name of its own in the OpenAPI document.
    let id: String
    let summary: String
    let access: Access
    var query: [Parameter] = []
    var headers: [Parameter] = []
    var body = Body.none
    let success: Success
    /// Takes an `Idempotency-Key`.
    var repeatable = false
    /// Refuses a tenant who asks too often, before anything is done with what was sent.
    var admit: (@Sendable (TenantID) throws(RuntimeError) -> Void)?
    let handle: @Sendable (EndpointRequest) async throws(RuntimeError) -> APIResponse

    /// The template's steps.
    var steps: [String] { path.split(separator: "/").map(String.init) }
}

/// A request that has found its endpoint and has passed its checks.
struct EndpointRequest: Sendable {
    let request: APIRequest
    let parameters: [String: String]
    let holder: TokenHolder?
    /// The body, parsed and valid, where the endpoint takes JSON; else null.
    let json: JSONValue
    /// The repetition key, where one was sent.
    var key: String?

    func tenant() throws(RuntimeError) -> TenantID {
        guard let id = parameters["tenant"].flatMap({ TenantID($0) }) else {
            throw RuntimeError(.notFound, parameters["tenant"] ?? "tenant", "is no tenant")
        }
        return id
    }

    func plugin() throws(RuntimeError) -> PluginID {
        guard let id = parameters["plugin"].flatMap({ PluginID($0) }) else {
            throw RuntimeError(.notFound, parameters["plugin"] ?? "plugin", "is no plugin")
        }
        return id
    }

    func publisher() throws(RuntimeError) -> PublisherID {
        guard let id = parameters["publisher"].flatMap({ PublisherID($0) }) else {
            throw RuntimeError(.notFound, parameters["publisher"] ?? "publisher", "is no publisher")
        }
        return id
    }

    func version(_ text: String?) throws(RuntimeError) -> Version {
        guard let version = text.flatMap({ Version($0) }) else {
            throw RuntimeError(.invalid, text ?? "version", "is no version")
        }
        return version
    }

    /// Who asks, as the audit log names it.
    var actor: String {
        switch holder {
        case .tenant: "tenant"
        case .publisher(let id): "publisher:\(id)"
        case .reviewer(let name): "reviewer:\(name)"
        case nil: "anonymous"
        }
    }
}
