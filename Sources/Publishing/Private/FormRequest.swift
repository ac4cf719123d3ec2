public import Marketplace

/// What a form of the private pages asks of the API: the method and the JSON document that a program would send.
///
/// The names of the fields say what they become: `plan` a text, `stars#` a whole number, `amount?` a text or null where
/// it is empty, `permissions[]` an element (JSON) of a list, `config~` any JSON and `secrets.KEY` a member of an object;
/// the last two are left out where they are empty. `_method` names the method where it is not POST; `_lists` names
/// lists that are there even when no element is; `_body` is the whole document as JSON.
public struct FormRequest: Sendable, Equatable {
    public let method: String
    public let body: JSONValue

    static let bytesMax = 256 << 10
    static let fieldsMax = 1_000

    /// Reads `application/x-www-form-urlencoded` bytes; the error says which field is wrong.
    public init(form bytes: [UInt8]) throws(PublishingError) {
        guard bytes.count <= Self.bytesMax else {
            throw PublishingError(.model, subject: "form", cause: "is longer than \(Self.bytesMax) bytes")
        }
        var fields = Fields()
        let pairs = bytes.split(separator: UInt8(ascii: "&"))
        guard pairs.count <= Self.fieldsMax else {
            throw PublishingError(.model, subject: "form", cause: "has more than \(Self.fieldsMax) fields")
        }
        for pair in pairs {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            guard let name = Self.decoded(pair[..<equals]),
                let value = Self.decoded(pair[equals...].dropFirst())
            else {
                throw PublishingError(.model, subject: "form", cause: "is not percent-encoded UTF-8")
            }
            try fields.take(name, value)
        }
        for (name, list) in fields.lists { try fields.add(.array(list), as: name) }
        for (name, members) in fields.objects { try fields.add(.object(members), as: name) }
        if fields.whole != nil, !fields.members.isEmpty {
            throw PublishingError(.model, subject: "_body", cause: "stands beside other fields")
        }
        method = fields.method
        body = fields.whole ?? .object(fields.members)
    }

    private struct Fields {
        var method = "POST"
        var members: [String: JSONValue] = [:]
        var lists: [String: [JSONValue]] = [:]
        var objects: [String: [String: JSONValue]] = [:]
        var whole: JSONValue?

        mutating func take(_ name: String, _ value: String) throws(PublishingError) {
            switch name {
            case "_method":
                guard ["POST", "PUT", "DELETE"].contains(value) else {
                    throw PublishingError(.model, subject: name, cause: "is no method of the API")
                }
                method = value
            case "_lists":
                for list in value.split(separator: ",") { lists[String(list), default: []] += [] }
            case "_body":
                guard whole == nil else {
                    throw PublishingError(.model, subject: name, cause: "stands in the form twice")
                }
                whole = try json(name, value.isEmpty ? "{}" : value)
            case _ where name.hasSuffix("[]"):
                lists[String(name.dropLast(2)), default: []].append(try json(name, value))
            case _ where name.hasSuffix("~"):
                if !value.isEmpty { try add(try json(name, value), as: String(name.dropLast())) }
            case _ where name.contains("."):
                let parts = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
                let (outer, inner) = (String(parts[0]), String(parts[1]))
                guard !outer.isEmpty, !inner.isEmpty, objects[outer]?[inner] == nil else {
                    throw PublishingError(
                        .model, subject: name, cause: "stands in the form twice, or has no name")
                }
                objects[outer, default: [:]][inner] = value.isEmpty ? nil : .string(value)
            case _ where name.hasSuffix("#"):
                guard let number = Int64(value) else {
                    throw PublishingError(.model, subject: name, cause: "is not a whole number")
                }
                try add(.integer(number), as: String(name.dropLast()))
            case _ where name.hasSuffix("?"):
                try add(value.isEmpty ? .null : .string(value), as: String(name.dropLast()))
            default: try add(.string(value), as: name)
            }
        }

        private func json(_ name: String, _ text: String) throws(PublishingError) -> JSONValue {
            guard let parsed = try? JSONValue.parse(Array(text.utf8)) else {
                throw PublishingError(.model, subject: name, cause: "is not JSON")
            }
            return parsed
        }

        mutating func add(_ value: JSONValue, as name: String) throws(PublishingError) {
            guard !name.isEmpty, members.updateValue(value, forKey: name) == nil else {
                throw PublishingError(
                    .model, subject: name, cause: "stands in the form twice, or has no name")
            }
        }
    }

    private static func decoded(_ bytes: ArraySlice<UInt8>) -> String? {
        var out: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): out.append(32)
            case UInt8(ascii: "%"):
                guard rest.count >= 2,
                    let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
                else { return nil }
                out.append(value)
                rest = rest.dropFirst(2)
            default: out.append(byte)
            }
        }
        guard !out.contains(0) else { return nil }
        return String(validating: out, as: UTF8.self)
    }
}
