internal import Marketplace
internal import Yams

/// Our own YAML files as `JSONValue`; a stranger's bytes never come here.
enum YAMLReader {
    static func read(_ bytes: [UInt8], name: String, code: ScanError.Code) throws(ScanError) -> JSONValue {
        do {
            // What a plain scalar means is told below; Yams' own rules for that are regular expressions, which take
            // longer to compile than our files to read.
            guard let node = try Yams.compose(yaml: String(decoding: bytes, as: UTF8.self), .basic) else {
                return .null
            }
            return value(node)
        } catch {
            throw ScanError(code, subject: name, cause: "\(error)")
        }
    }

    private static func value(_ node: Node) -> JSONValue {
        switch node {
        case .scalar(let scalar):
            if scalar.style == .plain {
                if scalar.string == "null" || scalar.string == "~" || scalar.string.isEmpty { return .null }
                if scalar.string == "true" { return .bool(true) }
                if scalar.string == "false" { return .bool(false) }
                if let number = Int64(scalar.string) { return .integer(number) }
                if let number = Double(scalar.string) { return .number(number) }
            }
            return .string(scalar.string)
        case .sequence(let sequence): return .array(sequence.map(value))
        case .mapping(let mapping):
            var object: [String: JSONValue] = [:]
            for (key, child) in mapping { object[key.string ?? ""] = value(child) }
            return .object(object)
        case .alias: return .null
        }
    }
}

extension JSONValue {
    /// A list of strings, or one string as a list of one.
    var strings: [String] {
        if let text = stringValue { return [text] }
        return (arrayValue ?? []).compactMap(\.stringValue)
    }
}
