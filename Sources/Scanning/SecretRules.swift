internal import Bundles
internal import Marketplace

/// One kind of credential: how it looks, and how a match is confirmed.
struct SecretRule: Sendable {
    enum Confirmation: String, Sendable {
        case none
        /// The last six characters are the CRC-32 of those before, in base 62 (GitHub, npm).
        case crc32Base62 = "crc32-base62"
        /// Three base64url parts of which the first is a JSON object that names an algorithm.
        case jwt
        /// A key follows the header, not only its mention.
        case pem
        /// The password in a URL is a literal.
        case urlPassword = "url-password"
        /// The quoted value of an assignment.
        case assignment
    }

    var id: String
    var pattern: String
    var ignoresCase: Bool
    var confirmation: Confirmation
    /// Least Shannon entropy in bits a character of what follows the prefix; 0 for none.
    var entropyMin: Double
    var description: RuleSet.Description
    /// Parts that joined make a made-up credential which must be found; apart, so that the file holds none.
    var samples: [String]
    /// Texts that look alike and must not be found.
    var misses: [String]

    var identifier: String { String(id.map { $0 == "." || $0 == "-" ? "_" : $0 }) }

    /// The pattern as a YARA rule: one Aho-Corasick pass finds the candidates of all of them.
    var yaraSource: String {
        "rule \(identifier) { meta: secret = 1 strings: $s = /\(pattern)/\(ignoresCase ? " nocase" : "") condition: $s }"
    }
}

/// `rules/secrets/*.yaml`.
struct SecretRules: Sendable {
    private(set) var rules: [SecretRule] = []
    private var byIdentifier: [String: Int] = [:]

    subscript(identifier: String) -> SecretRule? { byIdentifier[identifier].map { rules[$0] } }

    mutating func add(yaml bytes: [UInt8], name: String) throws(ScanError) {
        let document = try YAMLReader.read(bytes, name: name, code: .badRule)
        guard document["schema"]?.stringValue == "veroforge.secrets/1",
            let list = document["rules"]?.arrayValue
        else {
            throw ScanError(.badRule, subject: name, cause: "schema is not veroforge.secrets/1")
        }
        for item in list {
            guard let id = item["id"]?.stringValue, id.hasPrefix("sec."),
                let pattern = item["pattern"]?.stringValue,
                let severity = Severity(rawValue: item["severity"]?.stringValue ?? "high"),
                let confirmation = SecretRule.Confirmation(rawValue: item["confirm"]?.stringValue ?? "none"),
                let what = item["what"]?.stringValue
            else { throw ScanError(.badRule, subject: name, cause: "a rule lacks id, pattern or what") }
            byIdentifier[String(id.map { $0 == "." || $0 == "-" ? "_" : $0 })] = rules.count
            rules.append(
                SecretRule(
                    id: id, pattern: pattern, ignoresCase: item["ignore-case"]?.boolValue ?? false,
                    confirmation: confirmation, entropyMin: item["entropy"]?.doubleValue ?? 0,
                    description: RuleSet.Description(
                        id: id, class: .secret, severity: severity, description: "\(what) stands in the text",
                        hint: item["hint"]?.stringValue
                            ?? "Revoke it, then declare it under secrets and use context.secret().",
                        legitimate: item["legitimate"]?.stringValue
                            ?? "A made-up value in documentation or tests.",
                        reference: item["reference"]?.stringValue ?? "docs/scanner.md#secrets",
                        created: "2026-11-22",
                        layers: "any"),
                    samples: item["samples"]?.arrayValue?.map { $0.strings.joined() } ?? [],
                    misses: item["misses"]?.arrayValue?.map { $0.strings.joined() } ?? []))
        }
    }
}

/// Decides whether a candidate is a credential.
enum SecretJudge {
    private static let placeholders = [
        "example", "xxxx", "your", "placeholder", "changeme", "dummy", "sample", "redacted", "0000000000",
        "1234567890",
        "abcdefgh", "process.env", "deadbeef", "insert", "replace", "<", ">", "${", "{{", "....", "****",
        "todo", "fake",
    ]

    /// The secret part of a match, or nil where it is none.
    static func confirm(_ rule: SecretRule, _ match: ArraySlice<UInt8>, rest: ArraySlice<UInt8>) -> String? {
        let text = String(decoding: match, as: UTF8.self)
        var value = text
        switch rule.confirmation {
        case .none: break
        case .crc32Base62:
            guard holdsCRC(text) else { return nil }
            return text
        case .jwt:
            guard isToken(text) else { return nil }
            return text
        case .pem:
            // The key itself follows, after no more than a line's end as source code writes it.
            let blanks = Set("\n\r\t \\nr\"'`+,".utf8)
            let skipped = rest.prefix(24).prefix { blanks.contains($0) }
            let body = rest.dropFirst(skipped.count).prefix(400).prefix {
                isBase64($0) || blanks.contains($0)
            }
            guard !skipped.isEmpty, body.filter({ isBase64($0) }).count >= 60 else { return nil }
            return text
        case .urlPassword:
            guard let at = text.lastIndex(of: "@"), let scheme = text.firstRange(of: "://") else {
                return nil
            }
            let user = text[scheme.upperBound..<at]
            guard let colon = user.firstIndex(of: ":") else { return nil }
            value = String(user[user.index(after: colon)...])
            let weak = [
                "pass", "password", "passwd", "pwd", "secret", "user", "root", "test", "postgres", "admin",
                "guest",
            ]
            if value.contains("$") || value.contains("%s") || value.count < 6
                || weak.contains(value.lowercased())
            {
                return nil
            }
        case .assignment:
            guard let quoted = lastQuoted(text) else { return nil }
            value = quoted
            if value.contains(" ") || value.contains("+") && value.lowercased().contains("ctrl") {
                return nil
            }
            guard value.contains(where: \.isNumber), value.contains(where: \.isLetter) else { return nil }
            if isWordLike(value) { return nil }
        }
        let lower = value.lowercased()
        if placeholders.contains(where: lower.contains) { return nil }
        if rule.entropyMin > 0 && entropy(value) < rule.entropyMin { return nil }
        if Set(value).count <= 4 { return nil }
        return value
    }

    private static func isBase64(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2F, 0x3D: true
        default: false
        }
    }

    private static func lastQuoted(_ text: String) -> String? {
        guard let last = text.last, last == "\"" || last == "'" || last == "`" else { return nil }
        let body = text.dropLast()
        guard let open = body.lastIndex(of: last) else { return nil }
        return String(body[body.index(after: open)...])
    }

    /// `myAwesomeKey2`, `some-kebab-name-1`, `ns.path.name`: names, not keys.
    private static func isWordLike(_ value: String) -> Bool {
        let digits = value.filter(\.isNumber).count
        if digits * 8 < value.count && changes(value) * 2 < value.count { return true }
        let parts = value.split { "-_./:".contains($0) }
        return parts.count > 1 && parts.allSatisfy { $0.allSatisfy(\.isLetter) || $0.allSatisfy(\.isNumber) }
            && !parts.contains { $0.count > 12 }
    }

    /// How often capitals, small letters, digits and the rest follow each other: at every third or fourth letter in
    /// names, at more than every second in random text.
    private static func changes(_ value: String) -> Int {
        func kind(_ unit: UInt8) -> Int {
            switch unit {
            case 0x30...0x39: 0
            case 0x41...0x5A: 1
            case 0x61...0x7A: 2
            default: 3
            }
        }
        return zip(value.utf8, value.utf8.dropFirst()).count { kind($0) != kind($1) }
    }

    /// Shannon entropy in bits a character.
    static func entropy(_ text: String) -> Double {
        var counts = [Int](repeating: 0, count: 256)
        var total = 0
        for byte in text.utf8 {
            counts[Int(byte)] += 1
            total += 1
        }
        guard total > 0 else { return 0 }
        var sum = 0.0
        for count in counts where count > 0 {
            let share = Double(count) / Double(total)
            sum -= share * log2(share)
        }
        return sum
    }

    /// Base-2 logarithm by series: the platform's is another import, and the values are few.
    private static func log2(_ value: Double) -> Double {
        var mantissa = value.significand
        var result = Double(value.exponent)
        var bit = 0.5
        for _ in 0..<30 {
            mantissa *= mantissa
            if mantissa >= 2 {
                mantissa /= 2
                result += bit
            }
            bit /= 2
        }
        return result
    }

    private static let base62 = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    /// The six characters that end a token whose body this is.
    static func crcTail(_ body: some Sequence<UInt8>) -> String {
        var value = Checksum.crc32(body)
        var tail: [UInt8] = []
        for _ in 0..<6 {
            tail.insert(base62[Int(value % 62)], at: 0)
            value /= 62
        }
        return String(decoding: tail, as: UTF8.self)
    }

    private static func holdsCRC(_ token: String) -> Bool {
        guard let line = token.lastIndex(of: "_") else { return false }
        let body = token[token.index(after: line)...]
        guard body.count > 6 else { return false }
        return crcTail(body.dropLast(6).utf8) == body.suffix(6)
    }

    private static func isToken(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Base64.decode(Array(parts[0].utf8)),
            let object = try? JSONValue.parse(header), object["alg"] != nil,
            let payload = Base64.decode(Array(parts[1].utf8)), (try? JSONValue.parse(payload)) != nil
        else { return false }
        return true
    }
}
