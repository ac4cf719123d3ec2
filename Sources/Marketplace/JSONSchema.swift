/// A validator for the part of JSON Schema 2020-12 that manifests, actions and configurations use:
/// `type enum const properties required additionalProperties patternProperties propertyNames minProperties
/// maxProperties items prefixItems minItems maxItems uniqueItems minLength maxLength pattern format minimum
/// maximum exclusiveMinimum exclusiveMaximum multipleOf allOf anyOf oneOf not if then else $ref (local) $defs` and
/// annotations. A keyword outside this list is refused by `unsupported`, never silently ignored.
public struct JSONSchema: Hashable, Sendable {
    /// What is wrong, and where in the document (JSON Pointer, empty for the whole).
    public struct Violation: Hashable, Sendable, Codable {
        public let pointer: String
        public let message: String
        public init(pointer: String, message: String) {
            self.pointer = pointer
            self.message = message
        }
    }

    public let document: JSONValue

    public init(_ document: JSONValue) { self.document = document }

    /// Every violation, in document order; empty if the value conforms. At most 100 are collected.
    public func validate(_ value: JSONValue) -> [Violation] {
        var validation = SchemaValidation(root: document)
        validation.check(value, against: document, at: "", depth: 0)
        return validation.violations
    }

    public func conforms(_ value: JSONValue) -> Bool { validate(value).isEmpty }

    /// The first keyword that this validator would not enforce, or a pattern that it cannot read.
    public static func unsupported(_ schema: JSONValue) -> String? {
        SchemaKeywords.unsupported(schema, depth: 0)
    }
}

enum SchemaKeywords {
    static let annotations: Set<String> = [
        "$schema", "$id", "$comment", "$defs", "title", "description", "default", "examples", "deprecated",
        "readOnly",
        "writeOnly", "contentMediaType", "contentEncoding",
    ]
    static let plain: Set<String> = [
        "type", "enum", "const", "required", "minProperties", "maxProperties", "minItems", "maxItems",
        "uniqueItems",
        "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf", "$ref",
    ]
    static let oneSchema: Set<String> = [
        "additionalProperties", "propertyNames", "items", "not", "if", "then", "else",
    ]
    static let schemaMaps: Set<String> = ["properties", "patternProperties", "$defs"]
    static let schemaLists: Set<String> = ["prefixItems", "allOf", "anyOf", "oneOf"]

    static func unsupported(_ schema: JSONValue, depth: Int) -> String? {
        if schema.boolValue != nil { return nil }
        guard let members = schema.objectValue else { return "a schema is an object or a boolean" }
        guard depth < 32 else { return "schemas are nested deeper than 32" }
        for (keyword, value) in members.sorted(by: { $0.key < $1.key }) {
            if let problem = unsupported(keyword, value, depth: depth) { return problem }
        }
        return nil
    }

    private static func unsupported(_ keyword: String, _ value: JSONValue, depth: Int) -> String? {
        if keyword == "pattern" {
            return value.stringValue.flatMap(Pattern.init) == nil
                ? "the pattern \(value.serialized()) is not read" : nil
        }
        if keyword == "$ref" {
            return value.stringValue?.hasPrefix("#") == true ? nil : "$ref must stay inside the document"
        }
        if schemaMaps.contains(keyword) {
            guard let map = value.objectValue else { return "\(keyword) is an object" }
            for (name, sub) in map.sorted(by: { $0.key < $1.key }) {
                if keyword == "patternProperties", Pattern(name) == nil {
                    return "the pattern \(name) is not read"
                }
                if let problem = unsupported(sub, depth: depth + 1) { return problem }
            }
            return nil
        }
        if schemaLists.contains(keyword) {
            guard let list = value.arrayValue else { return "\(keyword) is an array" }
            return list.lazy.compactMap { unsupported($0, depth: depth + 1) }.first
        }
        if oneSchema.contains(keyword) { return unsupported(value, depth: depth + 1) }
        if plain.contains(keyword) || annotations.contains(keyword) { return nil }
        return "the keyword \(keyword) is not supported"
    }
}

/// One run of a validation: collects violations, bounded in depth and number.
struct SchemaValidation {
    let root: JSONValue
    var violations: [JSONSchema.Violation] = []

    init(root: JSONValue) { self.root = root }

    mutating func check(_ value: JSONValue, against schema: JSONValue, at pointer: String, depth: Int) {
        guard violations.count < 100 else { return }
        guard depth < 64 else { return say(pointer, "the schema refers to itself without end") }
        if let allowed = schema.boolValue {
            if !allowed { say(pointer, "is not allowed here") }
            return
        }
        guard let keywords = schema.objectValue else { return }
        if let ref = keywords["$ref"]?.stringValue {
            guard let target = resolve(ref) else { return say(pointer, "the schema's \(ref) does not exist") }
            check(value, against: target, at: pointer, depth: depth + 1)
        }
        guard type(value, keywords, pointer) else { return }
        constants(value, keywords, pointer)
        switch value {
        case .string(let text): string(text, keywords, pointer)
        case .integer, .number: number(value, keywords, pointer)
        case .array(let items): array(items, keywords, pointer, depth)
        case .object(let members): object(members, keywords, pointer, depth)
        default: break
        }
        combinations(value, keywords, pointer, depth)
    }

    private mutating func say(_ pointer: String, _ message: String) {
        violations.append(.init(pointer: pointer, message: message))
    }

    private func resolve(_ ref: String) -> JSONValue? {
        guard ref.hasPrefix("#") else { return nil }
        var at = root
        for part in ref.dropFirst().split(separator: "/") {
            let key = part.replacing("~1", with: "/").replacing("~0", with: "~")
            guard let next = at[String(key)] ?? Int(key).flatMap({ at[$0] }) else { return nil }
            at = next
        }
        return at
    }

    private mutating func type(_ value: JSONValue, _ keywords: [String: JSONValue], _ pointer: String) -> Bool
    {
        guard let type = keywords["type"] else { return true }
        let names = type.stringValue.map { [$0] } ?? type.arrayValue?.compactMap(\.stringValue) ?? []
        let matches = names.contains { name in
            switch name {
            case "integer": value.integerValue != nil
            case "number": value.doubleValue != nil
            default: value.typeName == name
            }
        }
        if !matches { say(pointer, "is \(value.typeName), not \(names.joined(separator: " or "))") }
        return matches
    }

    private mutating func constants(_ value: JSONValue, _ keywords: [String: JSONValue], _ pointer: String) {
        if let constant = keywords["const"], constant != value {
            say(pointer, "is not \(constant.serialized())")
        }
        if let choices = keywords["enum"]?.arrayValue, !choices.contains(value) {
            say(
                pointer,
                "\(value.serialized()) is none of \(choices.map { $0.serialized() }.joined(separator: ", "))")
        }
    }

    private mutating func string(_ text: String, _ keywords: [String: JSONValue], _ pointer: String) {
        let length = Int64(text.unicodeScalars.count)
        if let least = keywords["minLength"]?.integerValue, length < least {
            say(pointer, "is shorter than \(least) characters")
        }
        if let most = keywords["maxLength"]?.integerValue, length > most {
            say(pointer, "is longer than \(most) characters")
        }
        if let pattern = keywords["pattern"]?.stringValue {
            guard let compiled = Pattern(pattern) else {
                return say(pointer, "the schema's pattern is not read")
            }
            if !compiled.matches(text) { say(pointer, "does not look like \(pattern)") }
        }
        if let format = keywords["format"]?.stringValue, !SchemaFormat.holds(format, text) {
            say(pointer, "is no \(format)")
        }
    }

    private mutating func number(_ value: JSONValue, _ keywords: [String: JSONValue], _ pointer: String) {
        guard let number = value.doubleValue else { return }
        if let least = keywords["minimum"]?.doubleValue, number < least {
            say(pointer, "is below \(short(least))")
        }
        if let most = keywords["maximum"]?.doubleValue, number > most {
            say(pointer, "is above \(short(most))")
        }
        if let bound = keywords["exclusiveMinimum"]?.doubleValue, number <= bound {
            say(pointer, "is not above \(short(bound))")
        }
        if let bound = keywords["exclusiveMaximum"]?.doubleValue, number >= bound {
            say(pointer, "is not below \(short(bound))")
        }
        if let step = keywords["multipleOf"]?.doubleValue, step > 0 {
            let ratio = number / step
            if ratio.rounded() != ratio { say(pointer, "is no multiple of \(short(step))") }
        }
    }

    private func short(_ value: Double) -> String { JSONValue.number(value).serialized() }

    private mutating func array(
        _ items: [JSONValue], _ keywords: [String: JSONValue], _ pointer: String, _ depth: Int
    ) {
        if let least = keywords["minItems"]?.integerValue, items.count < least {
            say(pointer, "has fewer than \(least)")
        }
        if let most = keywords["maxItems"]?.integerValue, items.count > most {
            say(pointer, "has more than \(most)")
        }
        if keywords["uniqueItems"]?.boolValue == true, Set(items).count != items.count {
            say(pointer, "holds the same item twice")
        }
        let prefix = keywords["prefixItems"]?.arrayValue ?? []
        for (index, item) in items.enumerated() {
            let schema = index < prefix.count ? prefix[index] : keywords["items"]
            if let schema { check(item, against: schema, at: "\(pointer)/\(index)", depth: depth + 1) }
        }
    }

    private mutating func object(
        _ members: [String: JSONValue], _ keywords: [String: JSONValue], _ pointer: String, _ depth: Int
    ) {
        for name in keywords["required"]?.arrayValue?.compactMap(\.stringValue) ?? []
        where members[name] == nil {
            say(pointer, "lacks \(name)")
        }
        if let least = keywords["minProperties"]?.integerValue, members.count < least {
            say(pointer, "has fewer than \(least) members")
        }
        if let most = keywords["maxProperties"]?.integerValue, members.count > most {
            say(pointer, "has more than \(most) members")
        }
        let properties = keywords["properties"]?.objectValue ?? [:]
        let patterns = (keywords["patternProperties"]?.objectValue ?? [:]).sorted { $0.key < $1.key }
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            let place = "\(pointer)/\(name.replacing("~", with: "~0").replacing("/", with: "~1"))"
            if let names = keywords["propertyNames"] {
                check(.string(name), against: names, at: place, depth: depth + 1)
            }
            var known = false
            if let schema = properties[name] {
                known = true
                check(value, against: schema, at: place, depth: depth + 1)
            }
            for (pattern, schema) in patterns where Pattern(pattern)?.matches(name) == true {
                known = true
                check(value, against: schema, at: place, depth: depth + 1)
            }
            guard !known, let rest = keywords["additionalProperties"] else { continue }
            if rest == .bool(false) {
                say(place, "is unknown here\(suggestion(name, Array(properties.keys)))")
            } else {
                check(value, against: rest, at: place, depth: depth + 1)
            }
        }
    }

    private mutating func combinations(
        _ value: JSONValue, _ keywords: [String: JSONValue], _ pointer: String, _ depth: Int
    ) {
        func passes(_ schema: JSONValue) -> Bool {
            var trial = SchemaValidation(root: root)
            trial.check(value, against: schema, at: pointer, depth: depth + 1)
            return trial.violations.isEmpty
        }
        for schema in keywords["allOf"]?.arrayValue ?? [] {
            check(value, against: schema, at: pointer, depth: depth + 1)
        }
        if let choices = keywords["anyOf"]?.arrayValue, !choices.contains(where: passes) {
            say(pointer, "fits none of the \(choices.count) forms that are allowed")
        }
        if let choices = keywords["oneOf"]?.arrayValue {
            let fitting = choices.filter(passes).count
            if fitting != 1 {
                say(pointer, "fits \(fitting) of \(choices.count) forms where exactly one must fit")
            }
        }
        if let refused = keywords["not"], passes(refused) { say(pointer, "has a form that is refused") }
        if let condition = keywords["if"] {
            if let next = passes(condition) ? keywords["then"] : keywords["else"] {
                check(value, against: next, at: pointer, depth: depth + 1)
            }
        }
    }

    /// “did you mean”, for a name at edit distance one or two.
    private func suggestion(_ name: String, _ known: [String]) -> String {
        let near = known.sorted().first { EditDistance.between(name, $0) <= 2 }
        return near.map { " (did you mean \($0)?)" } ?? ""
    }
}

/// Formats that are enforced; any other name is an annotation, as the standard says.
enum SchemaFormat {
    static func holds(_ format: String, _ text: String) -> Bool {
        switch format {
        case "date-time": Instant(text) != nil
        case "date": Day(text) != nil
        case "uri":
            text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
                && text.firstIndex(of: ":").map { $0 > text.startIndex } == true
        case "email":
            text.split(separator: "@", omittingEmptySubsequences: false).count == 2 && !text.hasPrefix("@")
                && !text.hasSuffix("@") && !text.contains(" ")
        case "uuid":
            text.utf8.count == 36
                && text.utf8.enumerated().allSatisfy { index, unit in
                    [8, 13, 18, 23].contains(index)
                        ? unit == UInt8(ascii: "-")
                        : IdentifierRule.isDigit(unit)
                            || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(unit | 0x20)
                }
        case "hostname": Permission.host(ofURL: "https://\(text)/") == text.lowercased()
        default: true
        }
    }
}

/// How many single-character edits part two words.
public enum EditDistance {
    public static func between(_ a: String, _ b: String) -> Int {
        let (x, y) = (Array(a.unicodeScalars), Array(b.unicodeScalars))
        var row = Array(0...y.count)
        for i in 0..<x.count {
            var diagonal = row[0]
            row[0] = i + 1
            for j in 0..<y.count {
                let next = min(row[j] + 1, row[j + 1] + 1, diagonal + (x[i] == y[j] ? 0 : 1))
                diagonal = row[j + 1]
                row[j + 1] = next
            }
        }
        return row[y.count]
    }
}
