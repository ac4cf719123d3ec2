import Marketplace

/// The keys of a JSON Schema as rows: `permissions[].operation`.
enum SchemaTable {
    struct Row {
        var name: String
        var type: String
        var isRequired: Bool
        var meaning: String
    }

    static func rows(of schema: String) -> [Row] {
        guard let parsed = try? JSONValue.parse(Array(schema.utf8)) else { return [] }
        var rows: [Row] = []
        walk(parsed, prefix: "", depth: 0, into: &rows)
        return rows
    }

    private static func walk(_ schema: JSONValue, prefix: String, depth: Int, into rows: inout [Row]) {
        guard depth < 8, let properties = schema["properties"]?.objectValue else { return }
        let required = Set((schema["required"]?.arrayValue ?? []).compactMap(\.stringValue))
        for (name, value) in properties.sorted(by: { $0.key < $1.key }) {
            let path = prefix + name
            rows.append(
                Row(
                    name: path, type: type(of: value), isRequired: required.contains(name),
                    meaning: value["description"]?.stringValue ?? ""))
            walk(value, prefix: "\(path).", depth: depth + 1, into: &rows)
            if let items = value["items"] { walk(items, prefix: "\(path)[].", depth: depth + 1, into: &rows) }
        }
    }

    private static func type(of schema: JSONValue) -> String {
        if let values = schema["enum"]?.arrayValue {
            return values.map { $0.serialized() }.joined(separator: " | ")
        }
        if let name = schema["type"]?.stringValue { return name }
        if let names = schema["type"]?.arrayValue {
            return names.compactMap(\.stringValue).joined(separator: " or ")
        }
        return ""
    }
}
