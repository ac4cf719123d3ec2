import AsyncHTTPClient
import FoundationEssentials
import Marketplace
import NIOCore
import NIOHTTP1

/// Carries out a plugin's `fetch`: to the hosts that the customer has accepted, at public addresses, over HTTPS.
struct FetchClient: Sendable {
    let resolver: HostResolver
    /// Hosts that the operator has put on a loopback stand-in: host → `127.0.0.1:port`. Plain HTTP, for tests and
    /// the demo; nothing else makes a private address reachable.
    let loopbackHosts: [String: String]
    let loopbackClient: HTTPClient
    let pinned: PinnedClients
    let answerBytesMax: Int

    /// Sends a request that is ready to leave: secrets revealed, credentials applied.
    func send(_ fetch: PreparedFetch, deadline: ContinuousClock.Instant) async throws(OperationError)
        -> UpstreamAnswer
    {
        if let standIn = loopbackHosts[fetch.host] {
            var request = HTTPClientRequest(url: "http://\(standIn)\(fetch.target)")
            fetch.fill(&request)
            request.headers.replaceOrAdd(name: "host", value: fetch.host)
            return try await Upstream.send(
                request, by: loopbackClient, deadline: deadline, answerBytesMax: answerBytesMax)
        }
        let address = try await checkedAddress(of: fetch.host)
        var request = HTTPClientRequest(url: "https://\(fetch.host)\(fetch.target)")
        fetch.fill(&request)
        let ready = request
        return try await pinned.withClient(host: fetch.host, address: address.description) {
            (client) async throws(OperationError) in
            try await Upstream.send(ready, by: client, deadline: deadline, answerBytesMax: answerBytesMax)
        }
    }

    /// The address to connect to. One address of a private range among them is enough to refuse them all: a name
    /// that mixes both is made for getting around this check.
    func checkedAddress(of host: String) async throws(OperationError) -> IPAddress {
        let found: [IPAddress]
        if let literal = IPAddress(host) {
            found = [literal]
        } else {
            do { found = try await resolver.addresses(host) } catch {
                throw OperationError(code: "unavailable", message: "\(host) cannot be resolved")
            }
        }
        guard let first = found.first(where: { $0.bytes.count == 4 }) ?? found.first else {
            throw OperationError(code: "unavailable", message: "\(host) has no address")
        }
        guard found.allSatisfy(AddressPolicy.isPublic) else {
            throw OperationError(code: "denied", message: "\(host) leads to an address that is not public")
        }
        return first
    }
}

/// A `fetch` that has been checked and may leave.
struct PreparedFetch: Sendable {
    let method: String
    let host: String
    /// Path and query.
    let target: String
    let headers: [(name: String, value: String)]
    let body: [UInt8]

    /// Bytes that leave: what `egress` counts.
    var egressBytes: Int {
        method.utf8.count + target.utf8.count + host.utf8.count + body.count
            + headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
    }

    private static let methods: Set<String> = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    private static let bodyBytesMax = 4 * 1_048_576

    /// Checks `{url, method, headers, body, bodyEncoding}` and puts the installation's secrets in.
    init(_ arguments: JSONValue, secrets: SecretVault, authorization: String?) throws(OperationError) {
        guard let url = arguments["url"]?.stringValue, url.lowercased().hasPrefix("https://"),
            url.utf8.count <= 8192,
            let host = Permission.host(ofURL: url)
        else { throw OperationError(code: "invalid", message: "fetch takes an https address") }
        let rest = url.dropFirst("https://".count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard authority.count == host.count || authority.dropFirst(host.count) == ":443" else {
            throw OperationError(code: "denied", message: "fetch reaches port 443 only")
        }
        var target = String(rest[authority.endIndex...].prefix { $0 != "#" })
        if !target.hasPrefix("/") { target = "/" + target }
        target = try secrets.reveal(target, encodePercent: true)
        guard target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw OperationError(
                code: "invalid", message: "the address holds characters that must be percent-encoded")
        }
        let method = arguments["method"]?.stringValue?.uppercased() ?? "GET"
        guard Self.methods.contains(method) else {
            throw OperationError(code: "invalid", message: "fetch takes no method \(method)")
        }
        self.method = method
        self.host = host
        self.target = target
        headers = try Self.headers(arguments["headers"] ?? .null, secrets, authorization)
        body = try Self.body(arguments, secrets)
    }

    private static func headers(
        _ value: JSONValue, _ secrets: SecretVault, _ authorization: String?
    ) throws(OperationError) -> [(name: String, value: String)] {
        var result: [(name: String, value: String)] = []
        for (name, value) in (value.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
            let lower = name.lowercased()
            guard let text = value.stringValue, HeaderPolicy.mayLeave(lower) else {
                throw OperationError(
                    code: "denied", message: "the header \(lower) is not the plugin's to set")
            }
            if lower == "authorization", authorization != nil { continue }
            let revealed = try secrets.reveal(text)
            guard HeaderPolicy.isValue(revealed) else {
                throw OperationError(
                    code: "invalid", message: "the header \(lower) holds a control character")
            }
            result.append((lower, revealed))
        }
        guard result.count <= 64 else {
            throw OperationError(code: "invalid", message: "fetch takes 64 headers")
        }
        if let authorization { result.append(("authorization", authorization)) }
        if !result.contains(where: { $0.name == "user-agent" }) {
            result.append(("user-agent", "VeroForge-Marketplace"))
        }
        return result
    }

    private static func body(_ arguments: JSONValue, _ secrets: SecretVault) throws(OperationError) -> [UInt8]
    {
        guard let text = arguments["body"]?.stringValue else { return [] }
        let bytes: [UInt8]
        if arguments["bodyEncoding"]?.stringValue == "base64" {
            guard let data = Data(base64Encoded: text) else {
                throw OperationError(code: "invalid", message: "the body is not base64")
            }
            if let plain = String(validating: data, as: UTF8.self) {
                bytes = Array(try secrets.reveal(plain).utf8)
            } else {
                bytes = Array(data)
            }
        } else {
            bytes = Array(try secrets.reveal(text).utf8)
        }
        guard bytes.count <= bodyBytesMax else {
            throw OperationError(code: "limit", message: "a body has at most \(bodyBytesMax) bytes")
        }
        return bytes
    }

    func fill(_ request: inout HTTPClientRequest) {
        request.method = HTTPMethod(rawValue: method)
        for header in headers { request.headers.replaceOrAdd(name: header.name, value: header.value) }
        if !body.isEmpty { request.body = .bytes(ByteBuffer(bytes: body)) }
    }
}

/// Which headers cross the proxy.
enum HeaderPolicy {
    /// Headers that steer the connection or speak of the caller; all others of token form may leave.
    private static let kept: Set<String> = [
        "accept-encoding", "connection", "content-length", "cookie", "expect", "forwarded", "host",
        "http2-settings",
        "keep-alive", "max-forwards", "origin", "te", "trailer", "transfer-encoding", "upgrade", "via",
    ]
    /// Headers of an answer that the plugin sees, besides those that begin with `x-` and the like.
    private static let shown: Set<String> = [
        "content-disposition", "content-language", "content-type", "date", "etag", "expires", "last-modified",
        "link",
        "location", "retry-after", "www-authenticate",
    ]

    static func mayLeave(_ lowerName: String) -> Bool {
        guard !lowerName.isEmpty, lowerName.utf8.count <= 128, !kept.contains(lowerName) else { return false }
        if ["proxy-", "sec-", "x-forwarded-", "x-real-ip"].contains(where: lowerName.hasPrefix) {
            return false
        }
        return lowerName.utf8.allSatisfy { byte in
            (97...122).contains(byte) || (48...57).contains(byte) || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: "_")
        }
    }

    static func isValue(_ value: String) -> Bool {
        value.utf8.count <= 8192 && value.utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }
    }

    static func isShown(_ lowerName: String) -> Bool {
        shown.contains(lowerName) || lowerName.hasPrefix("ratelimit") || lowerName.hasPrefix("x-")
            || lowerName.hasSuffix("-request-id") || lowerName == "request-id"
            || lowerName == "stripe-version"
    }
}
