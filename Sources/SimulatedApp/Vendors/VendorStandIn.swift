import Marketplace

/// A request to a vendor's API, as a stand-in sees it. Header names are lower case.
public struct VendorRequest: Sendable, Equatable {
    public let method: String
    public let host: String
    public let path: String
    /// Query items in the order of the address, decoded.
    public let query: [QueryItem]
    public let headers: [String: String]
    public let body: String

    /// One `name=value` of the query.
    public struct QueryItem: Sendable, Equatable {
        public let name: String
        public let value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    public init(
        method: String, host: String, path: String, query: [QueryItem] = [],
        headers: [String: String] = [:], body: String = ""
    ) {
        self.method = method
        self.host = host
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }

    /// Reads `https://host[:port]/path?query`; nil for anything else.
    public init?(method: String, url: String, headers: [String: String], body: String) {
        guard let scheme = ["https://", "http://"].first(where: url.hasPrefix) else { return nil }
        let rest = url.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !authority.isEmpty, !authority.contains("@") else { return nil }
        let target = rest[authority.endIndex...].prefix { $0 != "#" }
        let path = target.prefix { $0 != "?" }
        let query = target[path.endIndex...].dropFirst()
        self.init(
            method: method, host: String(authority.prefix { $0 != ":" }).lowercased(),
            path: path.isEmpty ? "/" : FormEncoding.decode(String(path), plusIsSpace: false),
            query: FormEncoding.items(String(query)),
            headers: Dictionary(
                headers.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { _, last in last }),
            body: body)
    }

    /// Body fields of a form or of a JSON object, by the content type; nil when the body is neither.
    var fields: [String: JSONValue]? {
        let type = headers["content-type"] ?? ""
        if type.hasPrefix("application/x-www-form-urlencoded") {
            return Dictionary(
                FormEncoding.items(body).map { ($0.name, .string($0.value)) },
                uniquingKeysWith: { _, last in last })
        }
        if body.isEmpty { return [:] }
        guard type.hasPrefix("application/json"), case .object(let fields)? = try? JSONValue.parse(body)
        else {
            return nil
        }
        return fields
    }
}

/// A vendor's answer. Header names are lower case.
public struct VendorAnswer: Sendable, Equatable {
    public let status: Int
    public let headers: [String: String]
    public let body: String

    public init(status: Int, headers: [String: String] = [:], body: String) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    init(status: Int = 200, json: JSONValue, headers: [String: String] = [:]) {
        var headers = headers
        headers["content-type"] = "application/json; charset=utf-8"
        self.init(status: status, headers: headers, body: json.serialized())
    }
}

/// A stateful stand-in of a vendor's API: answers in the vendor's shape and notes every request that the vendor
/// would refuse (unknown path or field, missing authentication) as a violation.
public protocol VendorStandIn: Sendable {
    /// A short name: `slack`.
    var name: String { get }
    /// The vendor's hosts that it answers for; `*.` at the start covers subdomains.
    var hosts: [String] { get }
    func answer(_ request: VendorRequest) -> VendorAnswer
    /// What was wrong with the requests so far; empty when the vendor would have taken them all.
    var violations: [String] { get }
}

extension VendorStandIn {
    /// True when the stand-in answers for the host.
    public func answers(for host: String) -> Bool {
        hosts.contains { pattern in
            pattern.hasPrefix("*.") ? host.hasSuffix(pattern.dropFirst()) : host == pattern
        }
    }
}
