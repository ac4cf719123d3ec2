import FoundationEssentials
public import Marketplace
import Synchronization

/// The whole host of one simulated installation: the application, the vendors, and what belongs to the installation
/// itself (`secret`, `storage.*`, `crypto.*`, `usage.report`). It answers every operation that a runner may send,
/// so a trial or a scenario needs nothing else. Permissions are the caller's business.
public final class SimulatedHost: Sendable {
    /// Computes an HMAC: algorithm (`sha1`, `sha256`, `sha512`), key, message.
    public typealias HMAC = @Sendable (_ algorithm: String, _ key: [UInt8], _ message: [UInt8]) -> [UInt8]?

    /// An amount that was reported for percentage pricing.
    public struct ReportedAmount: Sendable, Equatable {
        public let amount: String
        public let currency: String
    }

    private struct State {
        var storage: [String: JSONValue] = [:]
        var storedBytes = 0
        var amounts: [ReportedAmount] = []
    }

    public let app: SimulatedApp
    private let secrets: [String: String]
    private let storageBytesMax: Int
    private let hmac: HMAC
    private let state = Mutex(State())

    /// - Parameters:
    ///   - secrets: the secrets that the manifest declares, with sample values.
    ///   - storageBytesMax: the quota of `storage.set`.
    ///   - hmac: signs for `crypto.sign` and `crypto.verifyHmac`; this module has no cryptography of its own.
    public init(
        app: SimulatedApp, secrets: [String: String] = [:], storageBytesMax: Int = 1_048_576,
        hmac: @escaping HMAC = { _, _, _ in nil }
    ) {
        self.app = app
        self.secrets = secrets
        self.storageBytesMax = storageBytesMax
        self.hmac = hmac
    }

    /// The key-value store as it is now.
    public var storage: [String: JSONValue] { state.withLock { $0.storage } }
    /// The amounts reported so far.
    public var amounts: [ReportedAmount] { state.withLock { $0.amounts } }

    public func perform(_ request: OperationRequest) -> OperationOutcome {
        let arguments = request.arguments.objectValue ?? [:]
        switch request.name {
        case "secret":
            guard let name = arguments["name"]?.stringValue, secrets[name] != nil else {
                return Self.failure("denied", "the manifest declares no such secret")
            }
            return .success(.string(SecretMark.text(name)))
        case "fetch": return fetch(request.arguments)
        case "crypto.sign", "crypto.verifyHmac": return sign(request.name, arguments)
        case "storage.get", "storage.set", "storage.delete", "storage.list":
            return store(request.name, arguments)
        case "usage.report":
            guard let amount = arguments["amount"]?.stringValue,
                let currency = arguments["currency"]?.stringValue,
                DecimalText(amount) != nil, Currency(currency) != nil
            else { return Self.failure("invalid", "usage.report takes a decimal amount and a currency") }
            state.withLock { $0.amounts.append(ReportedAmount(amount: amount, currency: currency)) }
            return .success(.null)
        default: return app.perform(request)
        }
    }

    private static func failure(_ code: String, _ message: String) -> OperationOutcome {
        .failure(OperationError(code: code, message: message))
    }

    /// Applies `auth` and replaces secret marks as the proxy would, then asks the vendor's stand-in.
    private func fetch(_ arguments: JSONValue) -> OperationOutcome {
        var fields = arguments.objectValue ?? [:]
        var headers = fields["headers"]?.objectValue ?? [:]
        for (scheme, name) in fields["auth"]?.objectValue ?? [:] {
            guard let name = name.stringValue, let secret = secrets[name] else {
                return Self.failure("denied", "the manifest declares no such secret")
            }
            let basic = "Basic \(Data(secret.utf8).base64EncodedString())"
            headers["authorization"] = .string(scheme == "basic" ? basic : "Bearer \(secret)")
        }
        fields["headers"] = .object(headers.mapValues(reveal))
        if fields["bodyEncoding"]?.stringValue == "base64", let text = fields["body"]?.stringValue,
            let bytes = Data(base64Encoded: text)
        {
            fields["body"] = .string(String(decoding: bytes, as: UTF8.self))
            fields["bodyEncoding"] = nil
        }
        if let body = fields["body"] { fields["body"] = reveal(body) }
        if let url = fields["url"] { fields["url"] = reveal(url) }
        return app.fetch(.object(fields))
    }

    private func reveal(_ value: JSONValue) -> JSONValue {
        guard var text = value.stringValue, text.contains(SecretMark.start) else { return value }
        for (name, secret) in secrets {
            text = text.split(separator: SecretMark.text(name), omittingEmptySubsequences: false)
                .joined(separator: secret)
        }
        return .string(text)
    }

    private func sign(_ operation: String, _ arguments: [String: JSONValue]) -> OperationOutcome {
        guard let name = arguments["secret"]?.stringValue, let secret = secrets[name] else {
            return Self.failure("denied", "the manifest declares no such secret")
        }
        guard let algorithm = arguments["algorithm"]?.stringValue,
            let message = arguments["data"]?.stringValue.flatMap({ Data(base64Encoded: $0) }),
            let code = hmac(algorithm, Array(secret.utf8), Array(message))
        else { return Self.failure("invalid", "the algorithm or the bytes cannot be signed") }
        let asBase64 = arguments["encoding"]?.stringValue == "base64"
        let signature = asBase64 ? Data(code).base64EncodedString() : Hex.encode(code)
        if operation == "crypto.sign" { return .success(["signature": .string(signature)]) }
        let given = arguments["signature"]?.stringValue ?? ""
        return .success(["valid": .bool((asBase64 ? given : given.lowercased()) == signature)])
    }

    private func store(_ operation: String, _ arguments: [String: JSONValue]) -> OperationOutcome {
        state.withLock { state in
            if operation == "storage.list" {
                let prefix = arguments["prefix"]?.stringValue ?? ""
                let keys = state.storage.keys.filter { $0.hasPrefix(prefix) }.sorted()
                return .success(["keys": .array(keys.map(JSONValue.string))])
            }
            guard let key = arguments["key"]?.stringValue, !key.isEmpty, key.utf8.count <= 512 else {
                return Self.failure("invalid", "a storage key has 1 to 512 bytes")
            }
            if operation == "storage.get" {
                return .success(state.storage[key].map { ["value": $0] } ?? .null)
            }
            let old = state.storage[key].map { key.utf8.count + $0.serializedBytes().count } ?? 0
            guard operation == "storage.set" else {
                state.storage[key] = nil
                state.storedBytes -= old
                return .success(.null)
            }
            let value = arguments["value"] ?? .null
            let new = key.utf8.count + value.serializedBytes().count
            if state.storedBytes - old + new > storageBytesMax {
                return Self.failure("limit", "the storage quota of \(storageBytesMax) bytes is reached")
            }
            state.storage[key] = value
            state.storedBytes += new - old
            return .success(.null)
        }
    }
}

/// How a secret looks inside the sandbox: a mark that the proxy replaces on the way out.
public enum SecretMark {
    static let start = "{{secret:"

    /// The mark of a secret: `{{secret:NAME}}`.
    public static func text(_ name: String) -> String { "\(start)\(name)}}" }
}
