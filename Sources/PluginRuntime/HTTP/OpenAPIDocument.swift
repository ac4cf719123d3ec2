import Marketplace

/// The API's contract as OpenAPI 3.1, made from the endpoints that answer.
enum OpenAPIDocument {
    static func make(_ endpoints: [Endpoint]) -> JSONValue {
        var paths: [String: [String: JSONValue]] = [:]
        for endpoint in endpoints {
            paths[endpoint.path.replacing("*}", with: "}"), default: [:]][endpoint.method.lowercased()] =
                operation(endpoint)
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "VeroForge Marketplace runtime", "version": "1",
                "description": "Installs plugins, calls them, and tells what they used.",
            ],
            "servers": [["url": "/"]],
            "paths": .object(paths.mapValues(JSONValue.object)),
            "components": [
                "securitySchemes": [
                    "bearer": [
                        "type": "http", "scheme": "bearer",
                        "description":
                            "A token of `veroforge token issue`, for one tenant, publisher or reviewer.",
                    ]
                ],
                "schemas": ["Problem": Schemas.problem],
            ],
        ]
    }

    private static func operation(_ endpoint: Endpoint) -> JSONValue {
        var members: [String: JSONValue] = [
            "operationId": .string(endpoint.id), "summary": .string(endpoint.summary),
            "responses": responses(endpoint),
        ]
        let parameters = parameters(endpoint)
        if !parameters.isEmpty { members["parameters"] = .array(parameters) }
        switch endpoint.body {
        case .none: break
        case .json(let schema, _):
            // Where null is taken, nothing at all is taken as well.
            let isOptional = schema["type"]?.arrayValue?.contains("null") ?? false
            members["requestBody"] = [
                "required": .bool(!isOptional), "content": ["application/json": ["schema": schema]],
            ]
        case .bytes(let type, _):
            members["requestBody"] = ["required": true, "content": .object([type: [:]])]
        }
        if endpoint.access != .open { members["security"] = [["bearer": []]] }
        return .object(members)
    }

    private static func parameters(_ endpoint: Endpoint) -> [JSONValue] {
        var parameters = endpoint.steps.filter { $0.hasPrefix("{") }.map { step -> JSONValue in
            [
                "name": .string(step.filter { !"{}*".contains($0) }), "in": "path", "required": true,
                "schema": ["type": "string", "minLength": 1],
            ]
        }
        for item in endpoint.query {
            parameters.append([
                "name": .string(item.name), "in": "query", "schema": item.schema,
                "description": .string(item.description),
            ])
        }
        for item in endpoint.headers {
            parameters.append([
                "name": .string(item.name), "in": "header", "required": .bool(item.isRequired),
                "schema": item.schema,
                "description": .string(item.description),
            ])
        }
        if endpoint.repeatable {
            parameters.append([
                "name": "Idempotency-Key", "in": "header",
                "schema": ["type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"],
                "description": "The same key gets the same answer, and the work is done once.",
            ])
        }
        return parameters
    }

    private static func responses(_ endpoint: Endpoint) -> JSONValue {
        var success: [String: JSONValue] = ["description": .string(endpoint.success.description)]
        if !endpoint.success.type.isEmpty {
            success["content"] = .object([endpoint.success.type: ["schema": endpoint.success.schema ?? [:]]])
        }
        var responses: [String: JSONValue] = [
            String(endpoint.success.status): .object(success),
            "default": [
                "description": "A problem (RFC 9457)",
                "content": ["application/problem+json": ["schema": ["$ref": "#/components/schemas/Problem"]]],
            ],
        ]
        if endpoint.id == "install" { responses["201"] = .object(success) }
        if endpoint.id == "ready" { responses["503"] = .object(success) }
        return .object(responses)
    }
}
