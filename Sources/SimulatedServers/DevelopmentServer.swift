public import Marketplace

/// The page of `plugin dev` and what it asks for, on loopback. Only requests that name this very server are answered,
/// so that a page from elsewhere in the same browser can call nothing.
public struct DevelopmentFace: Sendable {
    /// The page's files by path: `index.html`, `dev.js`, `dev.css`.
    let files: [String: String]
    /// The plugin: its actions, permissions, entities.
    let describe: @Sendable () async -> JSONValue
    /// Events after a number; waits for the next one.
    let events: @Sendable (Int) async -> JSONValue
    /// Calls an action with its data.
    let call: @Sendable (String, JSONValue) async -> JSONValue
    /// Adds a fault: kind, operation, how often; false for one that there is not.
    let fault: @Sendable (String, String, Int) async -> Bool
    /// The records of an entity.
    let records: @Sendable (String) async -> JSONValue

    public init(
        files: [String: String], describe: @escaping @Sendable () async -> JSONValue,
        events: @escaping @Sendable (Int) async -> JSONValue,
        call: @escaping @Sendable (String, JSONValue) async -> JSONValue,
        fault: @escaping @Sendable (String, String, Int) async -> Bool,
        records: @escaping @Sendable (String) async -> JSONValue
    ) {
        self.files = files
        self.describe = describe
        self.events = events
        self.call = call
        self.fault = fault
        self.records = records
    }

    /// Starts the server; port 0 takes a free one.
    ///
    /// - Throws: `ServerError`
    public func serve(port: Int = 0) async throws -> LoopbackServer {
        try await LoopbackServer.start(name: "plugin-dev", port: port) { request in await answer(request) }
    }

    private static let types = ["html": "text/html", "js": "text/javascript", "css": "text/css"]

    func answer(_ request: PlainRequest) async -> PlainResponse {
        let host = request.host.prefix { $0 != ":" }
        let origin = request.headers["origin"]
        guard host == "127.0.0.1" || host == "localhost", origin == nil || origin == "http://\(request.host)"
        else { return Self.json(["error": "this server answers its own page alone"], status: 403) }
        switch (request.method, request.path) {
        case ("GET", "/description"): return Self.json(await describe())
        case ("GET", "/events"):
            return Self.json(await events(Int(request.query.dropFirst("after=".count)) ?? 0))
        case ("GET", let path) where path.hasPrefix("/records/"):
            return Self.json(await records(String(path.dropFirst("/records/".count))))
        case ("GET", let path):
            let name = path == "/" ? "index.html" : String(path.dropFirst())
            guard let text = files[name] else { return Self.json(["error": "not found"], status: 404) }
            let ending = name.split(separator: ".").last.map(String.init) ?? ""
            return PlainResponse(
                status: 200,
                headers: [
                    "content-type": "\(Self.types[ending] ?? "text/plain"); charset=utf-8",
                    "content-security-policy": "default-src 'self'; frame-ancestors 'none'",
                    "cache-control": "no-store",
                ], body: text)
        case ("POST", "/call"), ("POST", "/fault"):
            guard request.headers["content-type"]?.hasPrefix("application/json") == true,
                let body = try? JSONValue.parse(request.body)
            else { return Self.json(["error": "the body is no JSON"], status: 415) }
            return await post(request.path, body)
        default: return Self.json(["error": "the method is not allowed here"], status: 405)
        }
    }

    private func post(_ path: String, _ body: JSONValue) async -> PlainResponse {
        if path == "/call" {
            guard let action = body["action"]?.stringValue else {
                return Self.json(["error": "a call names its action"], status: 422)
            }
            return Self.json(await call(action, body["data"] ?? [:]))
        }
        let added = await fault(
            body["kind"]?.stringValue ?? "", body["operation"]?.stringValue ?? "",
            Int(body["times"]?.integerValue ?? 1))
        return added
            ? Self.json(["added": true])
            : Self.json(["error": "a fault is slow, 500, 429 or malformed, 1 to 1000 times"], status: 422)
    }

    private static func json(_ value: JSONValue, status: Int = 200) -> PlainResponse {
        PlainResponse(
            status: status, headers: ["content-type": "application/json", "cache-control": "no-store"],
            body: value.serialized())
    }
}
