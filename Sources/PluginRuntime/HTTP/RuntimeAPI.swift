import Marketplace
import Metering
import Provenance
import Registry
import Synchronization

/// The HTTP API without HTTP: takes a request, finds its endpoint, checks the token, the body and the repetition key,
/// and answers. Never throws: what goes wrong is a problem document.
public final class RuntimeAPI: Sendable {
    let endpoints: [Endpoint]
    private let routes: RouteTable
    private let registry: Registry
    private let clock: RuntimeClock
    private let metrics: RuntimeMetrics
    private let jsonBytesMax: Int
    /// Hears of each call whose answer is kept.
    private let answered: @Sendable (_ call: String) -> Void
    private let callers = TokenCache()
    /// Repetition keys that are being answered right now.
    private let inFlight = Mutex<Set<String>>([])
    /// Wrong tokens are looked up at a bounded rate, whoever sends them.
    private let guesses = RateLimiter<String>()
    private static let guessRate = TokenBucket.Rate(perSecond: 50, burst: 200)
    private static let keyBytesMax = 255

    init(
        endpoints: [Endpoint], registry: Registry, clock: RuntimeClock, metrics: RuntimeMetrics,
        jsonBytesMax: Int = 4 * 1_048_576, answered: @escaping @Sendable (_ call: String) -> Void = { _ in }
    ) {
        self.jsonBytesMax = jsonBytesMax
        self.answered = answered
        self.endpoints = endpoints
        routes = RouteTable(endpoints)
        self.registry = registry
        self.clock = clock
        self.metrics = metrics
    }

    /// How many bytes the body of a request may have; the server reads no more.
    public func bodyBytesMax(method: String, path: [String]) -> Int {
        (try? find(method, path).0).map(bodyBytesMax) ?? 0
    }

    private func bodyBytesMax(_ endpoint: Endpoint) -> Int {
        // Documents are bounded by the operator; a bundle and a webhook have bounds of their own.
        if case .json(_, let most) = endpoint.body { return min(most, jsonBytesMax) }
        return endpoint.body.bytesMax
    }

    /// Whether the work of a request is of no use once its caller has gone: calls of plugins, not changes.
    func endsWithItsCaller(method: String, path: [String]) -> Bool {
        (try? find(method, path).0.id).map { ["callAction", "hook"].contains($0) } ?? false
    }

    public func respond(to request: APIRequest) async -> APIResponse {
        let begin = ContinuousClock.now
        var route = "unknown"
        var response: APIResponse
        do throws(RuntimeError) {
            let (endpoint, parameters) = try find(request.method, request.path)
            route = endpoint.id
            response = try await answer(request, endpoint, parameters)
        } catch {
            response = .problem(
                error, instance: "/" + request.path.map(PercentEncoding.encode).joined(separator: "/"))
            if error.code == .methodNotAllowed { response.headers["allow"] = allowed(request.path) }
        }
        if request.method == "HEAD" { response.body = [] }
        response.headers["cache-control"] = response.headers["cache-control"] ?? "no-store"
        response.headers["x-content-type-options"] = "nosniff"
        if let parent = request.headers["traceparent"], TraceContext.isValid(parent) {
            response.headers["traceparent"] = parent
        }
        metrics.request(route: route, status: response.status, took: begin.duration(to: .now))
        return response
    }

    // MARK: Finding

    private func find(
        _ method: String, _ path: [String]
    ) throws(RuntimeError) -> (Endpoint, [String: String]) {
        if let found = routes.find(method == "HEAD" ? "GET" : method, path) { return found }
        if !routes.methods(of: path).isEmpty {
            throw RuntimeError(.methodNotAllowed, method, "is not answered at this path")
        }
        throw RuntimeError(.notFound, "/" + path.joined(separator: "/"), "is not a path of this API")
    }

    private func allowed(_ path: [String]) -> String {
        var methods = routes.methods(of: path)
        if methods.contains("GET") { methods.insert("HEAD") }
        return methods.sorted().joined(separator: ", ")
    }

    // MARK: Answering

    private func answer(
        _ request: APIRequest, _ endpoint: Endpoint, _ parameters: [String: String]
    ) async throws(RuntimeError) -> APIResponse {
        let holder = try await authorize(request, endpoint.access, parameters)
        if case .tenant(let tenant) = holder { try endpoint.admit?(tenant) }
        let most = bodyBytesMax(endpoint)
        guard request.body.count <= most || most == 0 else {
            throw RuntimeError(.tooLarge, "body", "has more than \(most) bytes")
        }
        let json = try Self.body(request, endpoint.body)
        try Self.checkQuery(request, endpoint)
        let key = endpoint.repeatable ? request.headers["idempotency-key"] : nil
        let asked = EndpointRequest(
            request: request, parameters: parameters, holder: holder, json: json, key: key)
        guard let key else { return try await endpoint.handle(asked) }
        guard !key.isEmpty, key.utf8.count <= Self.keyBytesMax,
            key.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw RuntimeError(
                .badRequest, "Idempotency-Key", "has 1 to \(Self.keyBytesMax) printable ASCII characters")
        }
        return try await answerOnce(asked, endpoint, key, scope: holder.map { "\($0)" } ?? endpoint.id)
    }

    /// Answers a request with a repetition key: once for ever, the same answer each time.
    private func answerOnce(
        _ asked: EndpointRequest, _ endpoint: Endpoint, _ key: String, scope: String
    ) async throws(RuntimeError) -> APIResponse {
        let marker = "\(scope)\n\(key)"
        guard inFlight.withLock({ $0.insert(marker).inserted }) else {
            throw RuntimeError(
                .conflict, "Idempotency-Key", "a request with this key is being answered",
                retryAfterSeconds: 1)
        }
        defer { _ = inFlight.withLock { $0.remove(marker) } }
        var hasher = Hasher256()
        hasher.update(Array("\(asked.request.method) /\(asked.request.path.joined(separator: "/"))\n".utf8))
        hasher.update(asked.request.body)
        let digest = hasher.finalize()
        let registry = self.registry
        switch try await blocking({ try registry.idempotency(scope: scope, key: key, request: digest) }) {
        case .answered(let status, let body):
            return APIResponse(
                status: status,
                headers: [
                    "content-type": status < 400 ? "application/json" : "application/problem+json",
                    "idempotency-replayed": "true",
                ], body: body)
        case .different:
            throw RuntimeError(.conflict, "Idempotency-Key", "was used for a different request")
        case .new: break
        }
        let response: APIResponse
        do throws(RuntimeError) {
            response = try await endpoint.handle(asked)
        } catch {
            // What may be otherwise the next time is not kept.
            guard [400, 404, 409, 413, 415, 422].contains(error.code.status), error.retryAfterSeconds == nil
            else {
                throw error
            }
            response = .problem(error)
        }
        let now = clock.now()
        try await blocking {
            try registry.keepAnswer(
                scope: scope, key: key, request: digest, status: response.status, body: response.body,
                now: now)
        }
        if let tenant = try? asked.tenant() { answered(CallID.of(key, tenant, asked.request)) }
        return response
    }

    private static func body(_ request: APIRequest, _ body: Endpoint.Body) throws(RuntimeError) -> JSONValue {
        switch body {
        case .none, .bytes: return .null
        case .json(let schema, _):
            let type =
                request.headers["content-type"]?.prefix { $0 != ";" }.lowercased() ?? "application/json"
            guard type == "application/json" else {
                throw RuntimeError(.unsupportedMedia, type, "is not taken here; send application/json")
            }
            let value: JSONValue
            do { value = try JSONValue.parse(request.body.isEmpty ? Array("null".utf8) : request.body) } catch
            {
                throw RuntimeError(.badRequest, "body", "is no JSON: \(error)")
            }
            try check(value, schema, "body")
            return value
        }
    }

    private static func checkQuery(_ request: APIRequest, _ endpoint: Endpoint) throws(RuntimeError) {
        for item in request.query {
            guard let parameter = endpoint.query.first(where: { $0.name == item.name }) else {
                throw RuntimeError(.invalid, item.name, "is no query parameter of this path")
            }
            let isNumber = parameter.schema["type"] == "integer"
            let value: JSONValue =
                isNumber
                ? Int64(item.value).map(JSONValue.integer) ?? .string(item.value)
                : .string(item.value)
            try check(value, parameter.schema, item.name)
        }
    }

    /// Checks a value and names every violation.
    static func check(_ value: JSONValue, _ schema: JSONValue, _ subject: String) throws(RuntimeError) {
        let violations = JSONSchema(schema).validate(value)
        guard !violations.isEmpty else { return }
        let list = violations.prefix(20).map { violation -> JSONValue in
            ["pointer": .string(violation.pointer), "message": .string(violation.message)]
        }
        let first = violations[0]
        throw RuntimeError(
            .invalid, subject, "\(first.pointer.isEmpty ? "it" : first.pointer) \(first.message)",
            details: ["violations": .array(list)])
    }

    // MARK: Tokens

    private func authorize(
        _ request: APIRequest, _ access: Endpoint.Access, _ parameters: [String: String]
    ) async throws(RuntimeError) -> TokenHolder? {
        if access == .open { return nil }
        guard let token = Self.token(request) else {
            throw RuntimeError(.unauthorized, "request", "it carries no bearer token")
        }
        let holder = try await holder(of: token)
        let isAllowed =
            switch (access, holder) {
            case (.anyToken, _): true
            case (.tenant, .tenant(let id)): id.text == parameters["tenant"]
            case (.publisher, .publisher(let id)): parameters["publisher"].map { $0 == id.text } ?? true
            case (.reviewer, .reviewer): true
            default: false
            }
        guard isAllowed else {
            throw RuntimeError(.forbidden, "token", "it is for \(holder.kind)s of another name or kind")
        }
        return holder
    }

    /// The token of the `Authorization` header, or of the session's cookie. A cookie alone does not change anything:
    /// a page of another origin can make a browser send it, but not with a JSON body of its own.
    static func token(_ request: APIRequest) -> String? {
        if let header = request.headers["authorization"] {
            guard header.lowercased().hasPrefix("bearer ") else { return nil }
            let token = header.dropFirst(7).trimmingSpaces
            return token.isEmpty ? nil : token
        }
        let isSafe = request.method == "GET" || request.method == "HEAD"
        let isOwn = request.headers["sec-fetch-site"].map { ["same-origin", "none"].contains($0) } ?? false
        guard isSafe || isOwn, let cookies = request.headers["cookie"] else { return nil }
        return cookies.split(separator: ";").map(\.trimmingSpaces)
            .first { $0.hasPrefix(sessionCookie + "=") }
            .map { String($0.dropFirst(sessionCookie.count + 1)) }
    }

    static let sessionCookie = "veroforge_session"

    /// Whom a token speaks for; asked for at a bounded rate where it is not known.
    func holder(of token: String) async throws(RuntimeError) -> TokenHolder {
        if let known = callers.holder(of: token) { return known }
        if case .wait = guesses.take("guess", Self.guessRate) {
            throw RuntimeError(.rateLimited, "token", "too many tokens are being tried", retryAfterSeconds: 1)
        }
        let registry = self.registry
        let now = clock.now()
        guard let record = try await blocking({ try registry.authenticate(token, now: now) }) else {
            throw RuntimeError(.unauthorized, "token", "it is unknown, has ended or was revoked")
        }
        callers.keep(record.holder, of: token)
        return record.holder
    }
}

/// Tokens that were good a moment ago, so that a call does not ask the database. A revoked one is refused at the
/// latest when its entry ends.
final class TokenCache: Sendable {
    static let keptSeconds = 2
    private let entries = Mutex<[Digest: (holder: TokenHolder, until: ContinuousClock.Instant)]>([:])

    func holder(of token: String) -> TokenHolder? {
        let digest = Digest.sha256(of: token)
        return entries.withLock { entries in
            guard let entry = entries[digest], entry.until > .now else { return nil }
            return entry.holder
        }
    }

    func keep(_ holder: TokenHolder, of token: String) {
        let digest = Digest.sha256(of: token)
        entries.withLock { entries in
            if entries.count > 10_000 { entries.removeAll() }
            entries[digest] = (holder, .now + .seconds(Self.keptSeconds))
        }
    }
}

enum TraceContext {
    /// W3C `traceparent`: version, trace id, parent id, flags.
    static func isValid(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 4, parts.map(\.count) == [2, 32, 16, 2] else { return false }
        return parts.allSatisfy { $0.utf8.allSatisfy { ($0 >= 48 && $0 <= 57) || ($0 >= 97 && $0 <= 102) } }
    }
}

extension StringProtocol {
    var trimmingSpaces: String {
        var text = self[...]
        while text.first == " " || text.first == "\t" { text = text.dropFirst() }
        while text.last == " " || text.last == "\t" { text = text.dropLast() }
        return String(text)
    }
}
