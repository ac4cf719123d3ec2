/// Why a text is no JSON for us, and where.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    public let line: Int
    public let column: Int
    public let message: String
    public var description: String { "line \(line), column \(column): \(message)" }
}

/// Bounds on a strangers' JSON.
public struct JSONLimits: Sendable {
    public var bytes: Int
    public var depth: Int

    public init(bytes: Int = 16 * 1_048_576, depth: Int = 64) {
        self.bytes = bytes
        self.depth = depth
    }
}

extension JSONValue {
    /// RFC 8259, strictly: valid UTF-8, no duplicate key, no lone surrogate, nothing after the value.
    public static func parse(_ bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError)
        -> JSONValue
    {
        var parser = JSONParser(bytes: bytes, limits: limits)
        return try parser.document()
    }

    public static func parse(_ text: String, limits: JSONLimits = JSONLimits()) throws(JSONError) -> JSONValue
    {
        try parse(Array(text.utf8), limits: limits)
    }
}

struct JSONParser {
    let bytes: [UInt8]
    let limits: JSONLimits
    var at = 0

    init(bytes: [UInt8], limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func document() throws(JSONError) -> JSONValue {
        guard bytes.count <= limits.bytes else { throw error("more than \(limits.bytes) bytes", at: 0) }
        let value = try value(depth: 0)
        space()
        guard at == bytes.count else { throw error("something follows the value") }
        return value
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard depth <= limits.depth else { throw error("nested deeper than \(limits.depth)") }
        space()
        guard at < bytes.count else { throw error("the text ends where a value should stand") }
        switch bytes[at] {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw error("no JSON value begins like this")
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        at += 1
        space()
        if take("}") { return .object([:]) }
        // Most objects are this small, and then their table is made once.
        var members = [String: JSONValue](minimumCapacity: 6)
        while true {
            space()
            let keyAt = at
            guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else {
                throw error("a key in quotes is expected")
            }
            let key = try string()
            space()
            guard take(":") else { throw error("a colon is expected after the key") }
            let value = try value(depth: depth + 1)
            guard members.updateValue(value, forKey: key) == nil else {
                throw error("the key \"\(key)\" stands twice", at: keyAt)
            }
            space()
            if take("}") { return .object(members) }
            guard take(",") else { throw error("a comma or a closing brace is expected") }
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        at += 1
        var items: [JSONValue] = []
        space()
        if take("]") { return .array(items) }
        while true {
            items.append(try value(depth: depth + 1))
            space()
            if take("]") { return .array(items) }
            guard take(",") else { throw error("a comma or a closing bracket is expected") }
        }
    }

    private mutating func string() throws(JSONError) -> String {
        let start = at
        at += 1
        // Runs without an escape are most of every text: such a one is taken over in one piece.
        let end = run(from: at)
        if end < bytes.count, bytes[end] == UInt8(ascii: "\"") {
            guard let text = String(validating: bytes[at..<end], as: UTF8.self) else {
                throw error("the string is not valid UTF-8", at: start)
            }
            at = end + 1
            return text
        }
        var out: [UInt8] = []
        while at < bytes.count {
            let unit = bytes[at]
            switch unit {
            case UInt8(ascii: "\""):
                at += 1
                guard let text = String(validating: out, as: UTF8.self) else {
                    throw error("the string is not valid UTF-8", at: start)
                }
                return text
            case UInt8(ascii: "\\"): out.append(contentsOf: Array(try escape().utf8))
            case 0..<0x20: throw error("a control character stands in a string")
            default:
                let begin = at
                at = run(from: at)
                out.append(contentsOf: bytes[begin..<at])
            }
        }
        throw error("the string has no end", at: start)
    }

    /// Where the characters end that stand for themselves.
    private func run(from start: Int) -> Int {
        bytes.withUnsafeBufferPointer { bytes in
            var end = start
            while end < bytes.count, bytes[end] != UInt8(ascii: "\""), bytes[end] != UInt8(ascii: "\\"),
                bytes[end] >= 0x20
            { end += 1 }
            return end
        }
    }

    private mutating func escape() throws(JSONError) -> String {
        let start = at
        at += 1
        guard at < bytes.count else { throw error("the text ends inside an escape") }
        let unit = bytes[at]
        at += 1
        switch unit {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            var scalar = try fourDigits()
            if (0xD800..<0xDC00).contains(scalar) {
                guard at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"),
                    bytes[at + 1] == UInt8(ascii: "u")
                else {
                    throw error("half a surrogate pair", at: start)
                }
                at += 2
                let low = try fourDigits()
                guard (0xDC00..<0xE000).contains(low) else { throw error("half a surrogate pair", at: start) }
                scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let value = Unicode.Scalar(scalar) else { throw error("half a surrogate pair", at: start) }
            return String(Character(value))
        default: throw error("no such escape", at: start)
        }
    }

    private mutating func fourDigits() throws(JSONError) -> UInt32 {
        guard at + 4 <= bytes.count else { throw error("the text ends inside an escape") }
        var value: UInt32 = 0
        for unit in bytes[at..<at + 4] {
            switch unit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(unit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"):
                value = value << 4 | UInt32(unit - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"):
                value = value << 4 | UInt32(unit - UInt8(ascii: "A") + 10)
            default: throw error("four hexadecimal digits are expected")
            }
        }
        at += 4
        return value
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = at
        var whole = true
        if bytes[at] == UInt8(ascii: "-") { at += 1 }
        guard at < bytes.count, IdentifierRule.isDigit(bytes[at]) else { throw error("a digit is expected") }
        if bytes[at] == UInt8(ascii: "0") { at += 1 } else { digits() }
        if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
            whole = false
            at += 1
            guard digits() else { throw error("a digit is expected after the point") }
        }
        if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
            whole = false
            at += 1
            if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
            guard digits() else { throw error("a digit is expected in the exponent") }
        }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        if whole, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else {
            throw error("the number is too large", at: start)
        }
        return .number(value)
    }

    @discardableResult
    private mutating func digits() -> Bool {
        let start = at
        while at < bytes.count, IdentifierRule.isDigit(bytes[at]) { at += 1 }
        return at > start
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
        guard bytes[at...].starts(with: word.utf8) else { throw error("no JSON value begins like this") }
        at += word.utf8.count
        return value
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard at < bytes.count, bytes[at] == UInt8(character.value) else { return false }
        at += 1
        return true
    }

    private mutating func space() {
        while at < bytes.count {
            switch bytes[at] {
            case 0x20, 0x0A, 0x0D, 0x09: at += 1
            default: return
            }
        }
    }

    private func error(_ message: String, at position: Int? = nil) -> JSONError {
        let end = min(position ?? at, bytes.count)
        let before = bytes[..<end]
        let line = before.reduce(1) { $1 == 0x0A ? $0 + 1 : $0 }
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let column = String(decoding: before[lineStart...], as: UTF8.self).unicodeScalars.count + 1
        return JSONError(line: line, column: column, message: message)
    }
}
