import Marketplace

/// Input for an action, made from its schema: the same schema gives the same value. An author steers it with
/// `examples`, `default` and `enum`.
enum SampleInput {
    static func value(for schema: JSONValue, root: JSONValue? = nil, depth: Int = 0) -> JSONValue {
        let root = root ?? schema
        guard depth < 16, let keywords = schema.objectValue else { return .null }
        if let example = keywords["examples"]?[0] { return example }
        for key in ["const", "default"] { if let value = keywords[key] { return value } }
        if let choice = keywords["enum"]?[0] { return choice }
        if let ref = keywords["$ref"]?.stringValue, let target = resolve(ref, root) {
            return value(for: target, root: root, depth: depth + 1)
        }
        for key in ["oneOf", "anyOf"] {
            if let first = keywords[key]?[0] {
                return value(for: merged(keywords, first), root: root, depth: depth + 1)
            }
        }
        switch type(of: keywords) {
        case "object": return object(keywords, root, depth)
        case "array":
            let count = max(Int(keywords["minItems"]?.integerValue ?? 1), 1)
            guard let items = keywords["items"] else { return [] }
            return .array((0..<min(count, 16)).map { _ in value(for: items, root: root, depth: depth + 1) })
        case "string": return .string(text(keywords))
        case "integer": return .integer(integer(keywords))
        case "number": return .number(Double(integer(keywords)))
        case "boolean": return true
        default: return .null
        }
    }

    /// A configuration as a customer has it who changes nothing: defaults, and samples for what has none and must be.
    static func configuration(for schema: JSONValue) -> JSONValue {
        let required = Set((schema["required"]?.arrayValue ?? []).compactMap(\.stringValue))
        var members: [String: JSONValue] = [:]
        for (name, property) in schema["properties"]?.objectValue ?? [:] {
            if let value = property["default"] {
                members[name] = value
            } else if required.contains(name) {
                members[name] = value(for: property, root: schema)
            }
        }
        return .object(members)
    }

    private static func type(of keywords: [String: JSONValue]) -> String {
        if let name = keywords["type"]?.stringValue ?? keywords["type"]?[0]?.stringValue { return name }
        return keywords["properties"] == nil ? "null" : "object"
    }

    /// Required members always, optional ones too: a trial should reach as much code as it can.
    private static func object(_ keywords: [String: JSONValue], _ root: JSONValue, _ depth: Int) -> JSONValue
    {
        var members: [String: JSONValue] = [:]
        for (name, schema) in keywords["properties"]?.objectValue ?? [:] {
            members[name] = value(for: schema, root: root, depth: depth + 1)
        }
        return .object(members)
    }

    private static func text(_ keywords: [String: JSONValue]) -> String {
        switch keywords["format"]?.stringValue {
        case "date-time": return "2026-01-15T09:30:00Z"
        case "date": return "2026-01-15"
        case "email": return "sample@example.com"
        case "uri": return "https://example.com/"
        case "uuid": return "00000000-0000-4000-8000-000000000001"
        default: break
        }
        let least = Int(keywords["minLength"]?.integerValue ?? 0)
        let most = Int(keywords["maxLength"]?.integerValue ?? 200)
        let base = "sample" + String(repeating: "x", count: max(0, min(least, 10_000) - 6))
        return String(base.prefix(most))
    }

    private static func integer(_ keywords: [String: JSONValue]) -> Int64 {
        let least =
            keywords["minimum"]?.integerValue ?? keywords["exclusiveMinimum"]?.integerValue.map { $0 + 1 }
        let most =
            keywords["maximum"]?.integerValue ?? keywords["exclusiveMaximum"]?.integerValue.map { $0 - 1 }
        return min(max(least ?? 1, 1), max(most ?? Int64.max, least ?? Int64.min))
    }

    private static func merged(_ base: [String: JSONValue], _ choice: JSONValue) -> JSONValue {
        var all = base
        all["oneOf"] = nil
        all["anyOf"] = nil
        for (key, value) in choice.objectValue ?? [:] { all[key] = value }
        return .object(all)
    }

    private static func resolve(_ ref: String, _ root: JSONValue) -> JSONValue? {
        ref.dropFirst().split(separator: "/").reduce(Optional(root)) { $0?[String($1)] }
    }
}
