public import Marketplace

/// A request to the runtime's HTTP API, free of the server library's types.
public struct APIRequest: Sendable {
    public var method: String
    /// The path's steps, percent-decoded.
    public var path: [String]
    public var query: [(name: String, value: String)]
    /// Names in lower case.
    public var headers: [String: String]
    public var body: [UInt8]

    /// - Parameter target: path and query as they stand in the request line.
    /// - Throws: `bad-request` when the target cannot be decoded.
    public init(
        method: String, target: String, headers: [String: String] = [:], body: [UInt8] = []
    ) throws(RuntimeError) {
        self.method = method
        self.headers = headers
        self.body = body
        let rawPath = target.prefix { $0 != "?" }
        var steps: [String] = []
        for step in rawPath.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            guard let decoded = PercentEncoding.decode(step), !decoded.utf8.contains(0) else {
                throw RuntimeError(.badRequest, "path", "it is not percent-encoded UTF-8")
            }
            steps.append(decoded)
        }
        if steps.last == "" { steps.removeLast() }
        path = steps
        query = []
        for pair in target.dropFirst(rawPath.count + 1).split(separator: "&") {
            let name = pair.prefix { $0 != "=" }
            guard let decodedName = PercentEncoding.decode(name, plusIsSpace: true),
                let value = PercentEncoding.decode(pair.dropFirst(name.count + 1), plusIsSpace: true)
            else { throw RuntimeError(.badRequest, "query", "it is not percent-encoded UTF-8") }
            query.append((decodedName, value))
        }
    }

    /// The last value of a query parameter.
    public func parameter(_ name: String) -> String? { query.last { $0.name == name }?.value }
}

/// An answer of the runtime's HTTP API.
public struct APIResponse: Sendable {
    public var status: Int
    /// Names in lower case.
    public var headers: [String: String]
    public var body: [UInt8]

    public init(status: Int, headers: [String: String] = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    public static func json(_ value: JSONValue, status: Int = 200, headers: [String: String] = [:])
        -> APIResponse
    {
        var headers = headers
        headers["content-type"] = "application/json"
        return APIResponse(status: status, headers: headers, body: value.serializedBytes())
    }

    public static func text(_ text: String, type: String) -> APIResponse {
        APIResponse(status: 200, headers: ["content-type": type], body: Array(text.utf8))
    }

    /// An RFC 9457 problem document.
    public static func problem(_ error: RuntimeError, instance: String? = nil) -> APIResponse {
        var document = error.details
        document["type"] = .string("/docs/api/problems/#" + error.code.rawValue)
        document["title"] = .string(error.code.title)
        document["status"] = .integer(Int64(error.code.status))
        document["detail"] = .string("\(error.subject): \(error.cause)")
        document["code"] = .string(error.code.rawValue)
        if let instance { document["instance"] = .string(instance) }
        var headers = ["content-type": "application/problem+json"]
        if let seconds = error.retryAfterSeconds { headers["retry-after"] = String(seconds) }
        if error.code == .unauthorized { headers["www-authenticate"] = "Bearer realm=\"veroforge\"" }
        return APIResponse(
            status: error.code.status, headers: headers, body: JSONValue.object(document).serializedBytes())
    }

    /// The body as JSON; null when it is none.
    public var json: JSONValue { (try? JSONValue.parse(body)) ?? .null }
}

enum PercentEncoding {
    /// Decodes `%XX`; nil for a broken escape or what is not UTF-8.
    static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard rest.count >= 2,
                    let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
                else { return nil }
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Encodes everything but the unreserved characters of RFC 3986.
    static func encode(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            let character = Character(UnicodeScalar(byte))
            if byte < 128, character.isLetter || character.isNumber || "-._~".contains(character) {
                result.append(character)
            } else {
                result += "%" + Hex.encode(CollectionOfOne(byte)).uppercased()
            }
        }
        return result
    }
}
