import Marketplace

/// The JSON Schemas of the API's documents.
enum Schemas {
    static func object(
        _ properties: [String: JSONValue], required: [String] = [], open: Bool = false
    ) -> JSONValue {
        var schema: [String: JSONValue] = ["type": "object", "properties": .object(properties)]
        if !required.isEmpty { schema["required"] = .array(required.map(JSONValue.string)) }
        if !open { schema["additionalProperties"] = false }
        return .object(schema)
    }

    static func text(_ description: String, max: Int = 256, min: Int = 1) -> JSONValue {
        [
            "type": "string", "minLength": .integer(Int64(min)), "maxLength": .integer(Int64(max)),
            "description": .string(description),
        ]
    }

    /// A text of a form that the schema can say.
    static func text(_ description: String, max: Int = 256, pattern: String) -> JSONValue {
        [
            "type": "string", "minLength": 1, "maxLength": .integer(Int64(max)),
            "pattern": .string(pattern), "description": .string(description),
        ]
    }

    static func list(_ items: JSONValue, max: Int = 1_000) -> JSONValue {
        ["type": "array", "items": items, "maxItems": .integer(Int64(max))]
    }

    static let anything: JSONValue = [:]
    static let version = text("a version, SemVer 2", max: 128)
    static let plan = text("the id of a plan", max: 64)
    static let permission = object(
        [
            "operation": ["type": "string", "enum": ["readData", "writeData", "triggerWorkflow", "fetch"]],
            "entity": text("for readData and writeData"), "workflow": text("for triggerWorkflow"),
            "host": text("for fetch", max: 253),
            "methods": list(text("an HTTP method", max: 16), max: 16),
            "purpose": text("the publisher's reason; grants nothing", max: 1_000, min: 0),
        ], required: ["operation"])
    static let permissions = list(permission, max: 256)

    static let installationRequest = object(
        [
            "version": version, "plan": plan,
            "permissions": .object(
                (permissions.objectValue ?? [:]).merging(
                    ["description": "what the customer accepts; it must cover what the version asks for"]
                ) { _, new in new }),
            "config": ["type": "object", "description": "what the manifest's config schema asks for"],
            "secrets": [
                "type": "object", "additionalProperties": ["type": "string", "maxLength": 16384],
                "description":
                    "values of the secrets that the manifest declares; they are sealed and never shown",
            ],
            "backEnd": ["type": "string", "enum": ["native", "gvisor", "microvm"]],
            "seats": ["type": "integer", "minimum": 1, "maximum": 1_000_000],
        ], required: ["version", "plan", "permissions"])

    static let installation = object(
        [
            "id": text("unguessable; the address of webhooks"), "plugin": text("publisher.name"),
            "version": version,
            "plan": plan, "permissions": permissions, "config": ["type": "object"],
            "secrets": list(text("the name of a secret that is set")),
            "backEnd": ["type": ["string", "null"]],
            "state": text("active, suspended or removed"), "stateReason": ["type": ["string", "null"]],
            "host": text(
                "where it stands on this node: installed, starting, ready, busy, draining, suspended, failed"),
            "spendCap": ["type": ["string", "null"]], "installedAt": time, "updatedAt": time,
            "lock": [
                "type": "object", "additionalProperties": ["type": "string"],
                "description": "the versions of the plugins that it needs, fixed at installation",
            ],
            "hook": text("where webhooks of vendors go", max: 512),
        ], required: ["id", "plugin", "version", "plan", "permissions", "state", "installedAt", "updatedAt"])

    static let time: JSONValue = ["type": "string", "format": "date-time"]

    static let answer = object(
        [
            "success": ["type": "boolean"], "data": anything,
            "error": ["type": "string", "description": "why not, where success is false"],
            "call": text("the call's id; it stands in the usage event and the audit log", max: 64),
        ], required: ["success", "call"])

    static let problem = object(
        [
            "type": ["type": "string"], "title": ["type": "string"], "status": ["type": "integer"],
            "detail": ["type": "string"], "instance": ["type": "string"], "code": ["type": "string"],
        ], required: ["type", "title", "status", "code"], open: true)
}
