import Crypto
import FoundationEssentials
import Marketplace

/// The secrets of one installation, opened: what stands in their place inside the sandbox, and how they are kept
/// from coming back.
struct SecretVault: Sendable {
    /// Values by name. Short ones are not looked for in answers: they would be found everywhere.
    private let values: [String: String]
    private let traces: [String]
    private static let traceBytesMin = 6

    init(_ values: [String: String]) {
        self.values = values
        traces = Set(values.values.flatMap(Self.forms)).sorted { $0.utf8.count > $1.utf8.count }
    }

    /// The same vault, which also keeps an `Authorization` header's value from coming back.
    func hiding(_ authorization: String) -> SecretVault {
        let token = authorization.split(separator: " ", maxSplits: 1).last.map(String.init) ?? authorization
        guard values.values.allSatisfy({ $0 != token }) else { return self }
        return SecretVault(values.merging([" authorization": token]) { kept, _ in kept })
    }

    /// The value of a secret.
    subscript(name: String) -> String? { values[name] }

    static let markStart = "{{secret:"
    private static let markEnd = "}}"

    /// Puts values in place of `{{secret:NAME}}`.
    ///
    /// - Throws: `denied` for a name that the installation does not hold.
    func reveal(_ text: String, encodePercent: Bool = false) throws(OperationError) -> String {
        guard text.contains(Self.markStart) else { return text }
        var result = ""
        var rest = text[...]
        while let start = rest.firstRange(of: Self.markStart) {
            result += rest[..<start.lowerBound]
            let after = rest[start.upperBound...]
            guard let end = after.firstRange(of: Self.markEnd) else {
                throw OperationError(code: "invalid", message: "a secret's mark is not closed")
            }
            let name = String(after[..<end.lowerBound])
            guard let value = values[name] else {
                throw OperationError(
                    code: "denied", message: "the secret \(name) is not set for this installation")
            }
            result += encodePercent ? PercentEncoding.encode(value) : value
            rest = after[end.upperBound...]
        }
        return result + rest
    }

    /// Puts `***` in place of every secret, also where it stands encoded.
    func scrub(_ text: String) -> String {
        var text = text
        for trace in traces where text.contains(trace) { text = text.replacing(trace, with: "***") }
        return text
    }

    /// Scrubs bytes that may be no text.
    func scrub(_ bytes: [UInt8]) -> [UInt8] {
        if let text = String(validating: bytes, as: UTF8.self) { return Array(scrub(text).utf8) }
        var bytes = bytes
        for trace in traces {
            let pattern = Array(trace.utf8)
            while let found = bytes.firstRange(of: pattern) {
                bytes.replaceSubrange(found, with: Array("***".utf8))
            }
        }
        return bytes
    }

    /// The spellings in which a value may come back: plain, JSON-escaped, percent-encoded, base64, hexadecimal.
    private static func forms(_ value: String) -> [String] {
        guard value.utf8.count >= traceBytesMin else { return [] }
        let bytes = Array(value.utf8)
        let base64 = Data(bytes).base64EncodedString()
        var forms = [
            value, String(JSONValue.string(value).serialized().dropFirst().dropLast()),
            PercentEncoding.encode(value),
            base64, String(base64.prefix { $0 != "=" }), Hex.encode(bytes), Hex.encode(bytes).uppercased(),
        ]
        // `user:password` is sent as base64 of the pair, and the password alone may be echoed.
        if let colon = value.firstIndex(of: ":") {
            let password = String(value[value.index(after: colon)...])
            if password.utf8.count >= traceBytesMin { forms.append(password) }
        }
        return forms
    }

    /// The HMAC of a message under a secret.
    func sign(_ name: String, algorithm: String, _ message: [UInt8]) throws(OperationError) -> [UInt8] {
        guard let value = values[name] else {
            throw OperationError(
                code: "denied", message: "the secret \(name) is not set for this installation")
        }
        let key = SymmetricKey(data: Array(value.utf8))
        switch algorithm {
        case "sha1": return Array(HMAC<Insecure.SHA1>.authenticationCode(for: message, using: key))
        case "sha256": return Array(HMAC<SHA256>.authenticationCode(for: message, using: key))
        case "sha512": return Array(HMAC<SHA512>.authenticationCode(for: message, using: key))
        default: throw OperationError(code: "invalid", message: "an HMAC is sha1, sha256 or sha512")
        }
    }
}
