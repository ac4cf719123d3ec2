public import Marketplace

/// `src/declared.d.ts`: the manifest as TypeScript types, so that what it does not declare does not compile.
public enum TypeGenerator {
    /// The file's text; the same manifest gives the same text.
    public static func declarations(_ manifest: Manifest) -> String {
        let permissions = manifest.permissions.permissions
        func entities(_ operation: Permission.Operation) -> String {
            let names = Set(permissions.filter { $0.operation == operation }.compactMap(\.entity)).sorted()
            if names.contains("*") { return "{ [entity: string]: Data }" }
            return names.isEmpty ? "{}" : "{ \(names.map { "\(key($0)): Data" }.joined(separator: "; ")) }"
        }
        let workflows = permissions.compactMap(\.workflow)
        let hosts = permissions.compactMap(\.host).map { host in
            host.hasPrefix("*.") ? "`${string}\(host.dropFirst())`" : quoted(host)
        }
        return """
            // Written by `veroforge plugin typegen` from plugin.json.
            import type { Data } from "@veroforge/sdk";

            declare module "@veroforge/sdk" {
              interface Declared {
                read: \(entities(.readData));
                write: \(entities(.writeData));
                workflows: \(workflows.contains("*") ? "string" : union(workflows.map(quoted)));
                hosts: \(union(hosts));
                secrets: \(union(manifest.secrets.map { quoted($0.name) }));
                config: \(config(manifest.config));
              }
            }

            """
    }

    private static func union(_ members: [String]) -> String {
        let sorted = Set(members).sorted()
        return sorted.isEmpty ? "never" : sorted.joined(separator: " | ")
    }

    private static func config(_ schema: JSONValue?) -> String {
        let members = properties(schema)
        guard !members.isEmpty else { return "{}" }
        return "{\n" + members.map { "      \($0);\n" }.joined() + "    }"
    }

    /// `name: type` or `name?: type`. What has a default or is required is always there.
    private static func properties(_ schema: JSONValue?) -> [String] {
        let required = Set(schema?["required"]?.arrayValue?.compactMap(\.stringValue) ?? [])
        return (schema?["properties"]?.objectValue ?? [:]).sorted { $0.key < $1.key }.map { name, property in
            let isThere = required.contains(name) || property["default"] != nil
            return "\(key(name))\(isThere ? "" : "?"): \(type(property, depth: 0))"
        }
    }

    private static func type(_ schema: JSONValue, depth: Int) -> String {
        guard depth < 16, schema.objectValue != nil else { return "unknown" }
        if let constant = schema["const"] { return constant.serialized() }
        if let choices = schema["enum"]?.arrayValue {
            return choices.map { $0.serialized() }.joined(separator: " | ")
        }
        for keyword in ["oneOf", "anyOf"] {
            if let forms = schema[keyword]?.arrayValue {
                return forms.map { type($0, depth: depth + 1) }.joined(separator: " | ")
            }
        }
        let names =
            schema["type"]?.stringValue.map { [$0] } ?? schema["type"]?.arrayValue?.compactMap(\.stringValue)
            ?? []
        let types = names.map { single($0, schema, depth) }
        return types.isEmpty ? "unknown" : types.joined(separator: " | ")
    }

    private static func single(_ name: String, _ schema: JSONValue, _ depth: Int) -> String {
        switch name {
        case "string", "boolean", "null": return name
        case "integer", "number": return "number"
        case "array":
            guard let items = schema["items"] else { return "unknown[]" }
            let item = type(items, depth: depth + 1)
            return item.contains(" | ") && !item.hasPrefix("{") ? "(\(item))[]" : "\(item)[]"
        case "object":
            let required = Set(schema["required"]?.arrayValue?.compactMap(\.stringValue) ?? [])
            let members = (schema["properties"]?.objectValue ?? [:]).sorted { $0.key < $1.key }.map {
                "\(key($0))\(required.contains($0) || $1["default"] != nil ? "" : "?"): \(type($1, depth: depth + 1))"
            }
            return members.isEmpty ? "{ [name: string]: unknown }" : "{ \(members.joined(separator: "; ")) }"
        default: return "unknown"
        }
    }

    private static func key(_ name: String) -> String {
        let isPlain =
            name.utf8.allSatisfy {
                $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "$")
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
            } && name.first?.isNumber == false
        return isPlain ? name : quoted(name)
    }

    private static func quoted(_ text: String) -> String { JSONValue.string(text).serialized() }
}
