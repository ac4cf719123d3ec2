/// The JSON Schema of `plugin.json`: the one source of what a manifest may hold, for the reader here, the manifest
/// reference in the docs, and editors.
public enum ManifestSchema {
    public static let schema = JSONSchema(document)

    public static let categories = [
        "accounting", "analytics", "billing", "communication", "crm", "documents", "field-service",
        "integration",
        "marketing", "productivity", "security", "utilities",
    ]

    private static let path: JSONValue = [
        "type": "string", "minLength": 1, "maxLength": 1024, "pattern": "^[A-Za-z0-9_@][A-Za-z0-9._@/ +-]*$",
        "not": ["pattern": "(^|/)\\.\\.?(/|$)"],
    ]
    private static let decimal: JSONValue = ["type": "string", "pattern": "^[0-9]{1,17}(\\.[0-9]{1,12})?$"]
    private static let webAddress: JSONValue = [
        "type": "string", "format": "uri", "maxLength": 2048, "pattern": "^https://",
    ]
    private static func whole(_ least: Int64, _ most: Int64, _ description: String) -> JSONValue {
        [
            "type": "integer", "minimum": .integer(least), "maximum": .integer(most),
            "description": .string(description),
        ]
    }
    private static func text(_ most: Int64, _ description: String) -> JSONValue {
        ["type": "string", "minLength": 1, "maxLength": .integer(most), "description": .string(description)]
    }
    private static func object(_ required: [String], _ properties: [String: JSONValue]) -> JSONValue {
        [
            "type": "object", "additionalProperties": false,
            "required": .array(required.map(JSONValue.string)), "properties": .object(properties),
        ]
    }
    private static func list(_ items: JSONValue, most: Int64, _ description: String) -> JSONValue {
        ["type": "array", "items": items, "maxItems": .integer(most), "description": .string(description)]
    }
    private static func choice(_ names: [String], _ description: String) -> JSONValue {
        ["type": "string", "enum": .array(names.map(JSONValue.string)), "description": .string(description)]
    }

    public static let document: JSONValue = {
        var root = object(
            [
                "id", "name", "version", "description", "author", "category", "pricing", "main", "actions",
                "license",
            ], properties)
        if case .object(var members) = root {
            members["$schema"] = "https://json-schema.org/draft/2020-12/schema"
            members["title"] = "VeroForge plugin manifest"
            root = .object(members)
        }
        return root
    }()

    private static let properties: [String: JSONValue] = [
        "$schema": ["type": "string", "description": "The address of this schema, for editors."],
        "id": [
            "type": "string", "description": "publisher.name; never changes and is never used again.",
            "pattern": "^[a-z](-?[a-z0-9])+\\.[a-z](-?[a-z0-9])+$", "maxLength": 81,
        ],
        "name": text(80, "The name that customers see."),
        "version": [
            "type": "string", "maxLength": 256, "description": "SemVer 2.",
            "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+([-+][0-9A-Za-z.+-]+)?$",
        ],
        "description": text(300, "One or two sentences: what it does for the customer."),
        "author": text(120, "Who made it."),
        "category": choice(categories, "The shelf of the catalogue that it stands on."),
        "main": path,
        "license": text(120, "SPDX licence expression."),
        "homepage": webAddress, "repository": webAddress,
        "support": text(300, "An https address or an e-mail address."),
        "keywords": list(text(40, "One word or a short term."), most: 20, "Words for the search."),
        "icon": path,
        "screenshots": list(
            object(
                ["path", "caption"], ["path": path, "caption": text(200, "Read out instead of the picture.")]),
            most: 10, "Pictures inside the bundle."),
        "engines": object(
            ["veroforge"], ["veroforge": text(256, "Range of runtime versions that it works with.")]),
        "dependencies": list(
            text(340, "publisher.name@range"), most: 50,
            "Other plugins that it needs, each with a version range."),
        "apiSurface": [
            "type": "array", "uniqueItems": true, "maxItems": 32,
            "items": choice(
                OperationName.needingPermission + OperationName.ofTheInstallation + ["temp"], "An operation."),
            "description": "The operations that it calls.",
        ],
        "permissions": list(permission, most: 100, "What it may touch, each with its purpose."),
        "actions": [
            "type": "array", "minItems": 1, "maxItems": 100,
            "description": "What the customer's application can call.",
            "items": object(
                ["name", "description", "input"],
                [
                    "name": [
                        "type": "string", "pattern": "^[a-z][a-z0-9]*([.-][a-z0-9]+)*$", "maxLength": 64,
                        "description": "Lower case, words joined by hyphens or points.",
                    ],
                    "description": text(300, "What it does."),
                    "input": [
                        "type": ["object", "boolean"], "description": "JSON Schema of the request's data.",
                    ],
                    "output": [
                        "type": ["object", "boolean"], "description": "JSON Schema of the response's data.",
                    ],
                ]),
        ],
        "config": ["type": "object", "description": "JSON Schema of what a customer sets at installation."],
        "secrets": list(
            object(
                ["name", "purpose"],
                [
                    "name": ["type": "string", "pattern": "^[A-Z][A-Z0-9_]{1,63}$"],
                    "purpose": text(300, "Why it is needed, and where the customer finds it."),
                ]), most: 20, "Credentials that the proxy applies; they never enter the sandbox."),
        "limits": object(
            [],
            [
                "cpuMs": whole(1, Limits.maximum.cpuMs, "CPU time of one call, milliseconds."),
                "wallMs": whole(1, Limits.maximum.wallMs, "Wall time of one call, milliseconds."),
                "memoryMiB": whole(8, Limits.maximum.memoryMiB, "Memory."),
                "tempMiB": whole(0, Limits.maximum.tempMiB, "Temporary blobs of one runner's life."),
                "storageMiB": whole(0, Limits.maximum.storageMiB, "Key-value storage of one installation."),
                "apiCalls": whole(0, Limits.maximum.apiCalls, "Operations in one call."),
                "egressBytes": whole(0, Limits.maximum.egressBytes, "Bytes sent by fetch in one call."),
                "egressBytesPerSecond": whole(1, Limits.maximum.egressBytesPerSecond, "Bandwidth of fetch."),
            ]),
        "ui": list(
            object(
                ["name", "path"],
                [
                    "name": ["type": "string", "pattern": "^[a-z][a-z0-9-]*$", "maxLength": 64], "path": path,
                    "description": text(300, "What it shows."),
                ]), most: 20, "Pages of the bundle that the customer's application may embed."),
        "pricing": pricing,
    ]

    private static let permission: JSONValue = {
        let host: JSONValue = [
            "type": "string", "maxLength": 253,
            "pattern": "^(\\*\\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$",
            "description": "A host name, or *. before a domain for its subdomains.",
        ]
        let name: JSONValue = [
            "type": "string", "pattern": "^(\\*|[A-Za-z][A-Za-z0-9_-]*)$", "maxLength": 64,
        ]
        let methods: JSONValue = [
            "type": "array", "minItems": 1, "uniqueItems": true,
            "items": choice(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], "An HTTP method."),
        ]
        return [
            "type": "object", "required": ["operation", "purpose"],
            "properties": ["operation": choice(OperationName.needingPermission, "What is done.")],
            "allOf": [
                [
                    "if": ["properties": ["operation": ["enum": ["readData", "writeData"]]]],
                    "then": [
                        "required": ["entity"], "additionalProperties": false,
                        "properties": ["operation": true, "purpose": text(300, "Why."), "entity": name],
                    ],
                ],
                [
                    "if": ["properties": ["operation": ["const": "triggerWorkflow"]]],
                    "then": [
                        "required": ["workflow"], "additionalProperties": false,
                        "properties": ["operation": true, "purpose": text(300, "Why."), "workflow": name],
                    ],
                ],
                [
                    "if": ["properties": ["operation": ["const": "fetch"]]],
                    "then": [
                        "required": ["host"], "additionalProperties": false,
                        "properties": [
                            "operation": true, "purpose": text(300, "Why."), "host": host, "methods": methods,
                        ],
                    ],
                ],
            ],
        ]
    }()

    private static let pricing: JSONValue = {
        let tier = object(
            ["unitAmount"],
            [
                "upTo": whole(1, 1_000_000_000_000, "Last unit of the tier."), "unitAmount": decimal,
                "flatAmount": decimal,
            ])
        let charge = object(
            ["scheme"],
            [
                "metric": choice(Metric.allCases.map(\.rawValue), "What is counted."),
                "scheme": choice(Charge.Scheme.allCases.map(\.rawValue), "How it is priced."),
                "unitAmount": decimal,
                "tiers": ["type": "array", "items": tier, "minItems": 1, "maxItems": 20],
                "packageSize": whole(1, 1_000_000_000, "Units in a package."), "percent": decimal,
                "reportedMax": decimal,
            ])
        let included = object(
            [],
            Dictionary(
                uniqueKeysWithValues: Metric.allCases.map {
                    ($0.rawValue, whole(0, 1_000_000_000_000, "Units a month that cost nothing."))
                }))
        let plan = object(
            ["id", "amount", "interval"],
            [
                "id": ["type": "string", "pattern": "^[a-z][a-z0-9-]*$", "maxLength": 40],
                "name": text(80, "The plan's name."), "amount": decimal,
                "interval": choice(Plan.Interval.allCases.map(\.rawValue), "What the amount is for."),
                "trialDays": whole(0, 90, "Days without the base price."), "perSeat": ["type": "boolean"],
                "included": included, "charges": ["type": "array", "items": charge, "maxItems": 10],
                "minimum": decimal, "maximum": decimal,
            ])
        return object(
            ["model", "currency", "plans"],
            [
                "model": choice(Pricing.Model.allCases.map(\.rawValue), "How it is sold."),
                "currency": choice(Currency.exponents.keys.sorted(), "ISO 4217."),
                "plans": ["type": "array", "items": plan, "minItems": 1, "maxItems": 20],
            ])
    }()
}
