internal import Marketplace
public import SimulatedApp

/// HTTP faces of the simulated application and of the vendors' stand-ins, on loopback.
public enum SimulatedServers {
    /// Starts the customer's application: `GET /entities/{entity}?filter=<JSON array of {field, op, value}>`,
    /// `POST /entities/{entity}` and `POST /workflows/{id}`, each with `Authorization: Bearer <credential>`.
    ///
    /// - Parameters:
    ///   - credential: what the proxy must present; anything else is answered with 401.
    ///   - port: 0 takes a free one.
    /// - Throws: `ServerError`
    public static func application(
        _ app: SimulatedApp, credential: String, port: Int = 0
    ) async throws -> LoopbackServer {
        try await LoopbackServer.start(name: "simulated-application", port: port) { request in
            await ApplicationFace(app: app, credential: credential).answer(request)
        }
    }

    /// Starts one server for all stand-ins of the application; the `Host` header chooses among them.
    ///
    /// - Throws: `ServerError`
    public static func vendors(of app: SimulatedApp, port: Int = 0) async throws -> LoopbackServer {
        try await LoopbackServer.start(name: "simulated-vendors", port: port) { request in
            VendorFace(app: app).answer(request)
        }
    }
}

/// The customer's application contract in HTTP.
private struct ApplicationFace {
    let app: SimulatedApp
    let credential: String

    func answer(_ request: PlainRequest) async -> PlainResponse {
        guard request.headers["authorization"] == "Bearer \(credential)" else {
            return refuse(401, "unauthorized", "the bearer credential is missing or wrong")
        }
        let steps = request.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map {
            $0.removingPercent
        }
        guard steps.count == 2, let subject = steps[1], !subject.isEmpty else {
            return refuse(404, "notFound", "there is nothing at this path")
        }
        switch (steps[0], request.method) {
        case ("entities", "GET"): return await read(subject, request.query)
        case ("entities", "POST"): return await send("writeData", "entity", subject, request.body)
        case ("workflows", "POST"): return await send("triggerWorkflow", "workflow", subject, request.body)
        case ("entities", _), ("workflows", _):
            var response = refuse(405, "invalid", "the method is not allowed here")
            response.headers["allow"] = steps[0] == "entities" ? "GET, POST" : "POST"
            return response
        default: return refuse(404, "notFound", "there is nothing at this path")
        }
    }

    private func read(_ entity: String, _ query: String) async -> PlainResponse {
        var filters: JSONValue = []
        for pair in query.split(separator: "&") {
            let name = pair.prefix { $0 != "=" }
            guard name == "filter",  // A query is a form: its spaces may come as plus signs.
                let text = pair.dropFirst(name.count + 1).map({ $0 == "+" ? " " : $0 }).asText
                    .removingPercent,
                let value = try? JSONValue.parse(text)
            else {
                return refuse(422, "invalid", "the query takes filter, a JSON array of {field, op, value}")
            }
            filters = value
        }
        return await perform("readData", ["entity": .string(entity), "filters": filters])
    }

    private func send(_ name: String, _ key: String, _ subject: String, _ body: String) async -> PlainResponse
    {
        guard let data = try? JSONValue.parse(body) else {
            return refuse(400, "invalid", "the body is no JSON")
        }
        return await perform(name, .object([key: .string(subject), "data": data]))
    }

    private func perform(_ name: String, _ arguments: JSONValue) async -> PlainResponse {
        let answer = app.answer(OperationRequest(name: name, arguments: arguments))
        if answer.delayMs > 0 { try? await Task.sleep(for: .milliseconds(answer.delayMs)) }
        var headers = ["content-type": "application/json"]
        if let seconds = answer.retryAfterSeconds { headers["retry-after"] = String(seconds) }
        switch answer.body {
        case .json(let value):
            return PlainResponse(status: answer.status, headers: headers, body: value.serialized())
        case .broken(let text): return PlainResponse(status: answer.status, headers: headers, body: text)
        }
    }

    private func refuse(_ status: Int, _ code: String, _ message: String) -> PlainResponse {
        let body: JSONValue = ["code": .string(code), "message": .string(message)]
        return PlainResponse(
            status: status, headers: ["content-type": "application/json"], body: body.serialized())
    }
}

extension [Character] {
    fileprivate var asText: String { String(self) }
}

/// The vendors' stand-ins in HTTP.
private struct VendorFace {
    let app: SimulatedApp

    func answer(_ request: PlainRequest) -> PlainResponse {
        let target = request.path + (request.query.isEmpty ? "" : "?" + request.query)
        guard
            let vendorRequest = VendorRequest(
                method: request.method, url: "https://\(request.host)\(target)", headers: request.headers,
                body: request.body)
        else { return PlainResponse(status: 400, headers: [:], body: "") }
        let answer = app.answer(vendorRequest)
        return PlainResponse(status: answer.status, headers: answer.headers, body: answer.body)
    }
}
