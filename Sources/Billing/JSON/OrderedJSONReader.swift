internal import Marketplace

/// Reads what `OrderedJSONWriter` writes, indented or not: exactly the expected members in the order of their names.
/// Anything else, a member twice or one too many among it, is an error.
struct OrderedJSONReader {
    private let bytes: [UInt8]
    private let subject: String
    private var at = 0
    private var isFirst = true
    /// Documents mostly speak of one currency.
    private var currency: Currency?
    private var lastDigest: (text: [UInt8], value: Digest)?

    /// Reads a whole text with `body`: nothing may stand behind it.
    static func read<T>(
        _ bytes: [UInt8], subject: String, _ body: (inout OrderedJSONReader) throws(BillingError) -> T
    ) throws(BillingError) -> T {
        var reader = OrderedJSONReader(bytes: bytes, subject: subject)
        let value = try body(&reader)
        reader.skipSpace()
        if reader.at != bytes.count { throw reader.unexpected("end") }
        return value
    }

    private init(bytes: [UInt8], subject: String) {
        self.bytes = bytes
        self.subject = subject
    }

    func unexpected(_ what: String) -> BillingError {
        BillingError(.storage, subject, "is not the JSON that is expected: no \(what) at byte \(at)")
    }

    // MARK: Structure

    mutating func object<T>(
        _ body: (inout OrderedJSONReader) throws(BillingError) -> T
    ) throws(BillingError) -> T {
        try sign("{")
        isFirst = true
        let value = try body(&self)
        try sign("}")
        isFirst = false
        return value
    }

    mutating func array<T>(
        _ item: (inout OrderedJSONReader) throws(BillingError) -> T
    ) throws(BillingError) -> [T] {
        try sign("[")
        var items: [T] = []
        while !take("]") {
            if !items.isEmpty { try sign(",") }
            items.append(try item(&self))
        }
        isFirst = false
        return items
    }

    /// Goes past the name of a member; false, and nowhere, where another or none comes next.
    mutating func has(_ name: StaticString) -> Bool {
        let start = at
        if isFirst || take(","), take("\""), matches(name), takeHere("\""), take(":") {
            isFirst = false
            return true
        }
        at = start
        return false
    }

    mutating func name(_ name: StaticString) throws(BillingError) {
        if !has(name) { throw unexpected("`\(name)`") }
    }

    // MARK: Values

    mutating func text() throws(BillingError) -> String {
        try sign("\"")
        let start = at
        let isASCII = skipPlain()
        if at < bytes.count, bytes[at] == UInt8(ascii: "\"") {
            at += 1
            let units = bytes[start..<(at - 1)]
            if isASCII { return String(decoding: units, as: UTF8.self) }
            guard let text = String(validating: units, as: UTF8.self) else {
                throw unexpected("text in UTF-8")
            }
            return text
        }
        guard at < bytes.count, bytes[at] == UInt8(ascii: "\\") else { throw unexpected("end of a text") }
        let units = try escaped(from: start)
        try endText()
        guard let text = String(validating: units, as: UTF8.self) else { throw unexpected("text in UTF-8") }
        return text
    }

    /// The bytes of a text without escapes.
    private mutating func plain() throws(BillingError) -> Range<Int> {
        try sign("\"")
        let start = at
        skipPlain()
        let end = at
        try endText()
        return start..<end
    }

    /// To the end of a text or its first escape; whether all on the way was ASCII.
    @discardableResult
    private mutating func skipPlain() -> Bool {
        bytes.withUnsafeBufferPointer { units in
            var (place, all) = (at, UInt8(0))
            while place < units.count, units[place] != UInt8(ascii: "\""), units[place] != UInt8(ascii: "\\"),
                units[place] >= 0x20
            {
                all |= units[place]
                place += 1
            }
            at = place
            return all < 0x80
        }
    }

    mutating func integer() throws(BillingError) -> Int64 {
        skipSpace()
        let start = at
        let isNegative = takeHere("-")
        // Downwards, because the least number has no positive twin.
        var (value, isNumber) = (Int64(0), true)
        let first = at
        while at < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[at]) {
            let (product, tooMuch) = value.multipliedReportingOverflow(by: 10)
            let (next, overflow) = product.subtractingReportingOverflow(Int64(bytes[at] - UInt8(ascii: "0")))
            if tooMuch || overflow { isNumber = false }
            value = next
            at += 1
        }
        // One spelling for each number: no zero before it, none that is negative.
        isNumber =
            isNumber && at > first && (at - first == 1 || bytes[first] != UInt8(ascii: "0"))
            && (isNegative ? value != 0 : value != .min)
        guard isNumber else {
            at = start
            throw unexpected("whole number")
        }
        return isNegative ? value : -value
    }

    mutating func money() throws(BillingError) -> Money {
        try object { json throws(BillingError) in
            try json.name("amount")
            let amount = try json.plain()
            try json.name("currency")
            let code = try json.plain()
            if json.currency?.code.utf8.elementsEqual(json.bytes[code]) != true {
                json.currency = Currency(String(decoding: json.bytes[code], as: UTF8.self))
            }
            guard let currency = json.currency,
                let minor = MinorUnits.read(json.bytes[amount], decimals: currency.exponent)
            else { throw json.unexpected("amount of a currency") }
            return Money(minor: minor, currency)
        }
    }

    /// A value that is written as text.
    mutating func value<T>(_ make: (String) -> T?) throws(BillingError) -> T {
        let text = try text()
        guard let value = make(text) else { throw unexpected("good \(T.self) before the end of `\(text)`") }
        return value
    }

    /// A digest: documents name the same few again and again.
    mutating func digest() throws(BillingError) -> Digest {
        let start = at
        let text = try plain()
        if let lastDigest, lastDigest.text.elementsEqual(bytes[text]) { return lastDigest.value }
        guard let value = Digest(hex: String(decoding: bytes[text], as: UTF8.self)) else {
            at = start
            throw unexpected("digest")
        }
        lastDigest = (Array(bytes[text]), value)
        return value
    }

    mutating func value<T>(_ name: StaticString, _ make: (String) -> T?) throws(BillingError) -> T {
        try self.name(name)
        return try value(make)
    }

    mutating func text(_ name: StaticString) throws(BillingError) -> String {
        try self.name(name)
        return try text()
    }

    mutating func integer(_ name: StaticString) throws(BillingError) -> Int64 {
        try self.name(name)
        return try integer()
    }

    mutating func money(_ name: StaticString) throws(BillingError) -> Money {
        try self.name(name)
        return try money()
    }

    mutating func array<T>(
        _ name: StaticString, _ item: (inout OrderedJSONReader) throws(BillingError) -> T
    ) throws(BillingError) -> [T] {
        try self.name(name)
        return try array(item)
    }

    // MARK: Signs

    private mutating func skipSpace() {
        while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x0A { at += 1 }
    }

    private mutating func take(_ sign: Unicode.Scalar) -> Bool {
        skipSpace()
        return takeHere(sign)
    }

    /// Without space before it: inside quotation marks a space is a part of the text.
    private mutating func takeHere(_ sign: Unicode.Scalar) -> Bool {
        guard at < bytes.count, bytes[at] == UInt8(ascii: sign) else { return false }
        at += 1
        return true
    }

    private mutating func sign(_ sign: Unicode.Scalar) throws(BillingError) {
        if !take(sign) { throw unexpected("`\(sign)`") }
    }

    private mutating func endText() throws(BillingError) {
        if !takeHere("\"") { throw unexpected("end of a text") }
    }

    private mutating func matches(_ name: StaticString) -> Bool {
        let count = name.utf8CodeUnitCount
        guard at + count < bytes.count else { return false }
        for index in 0..<count where bytes[at + index] != name.utf8Start[index] { return false }
        at += count
        return true
    }

    /// The text from `start` whose first escape is at `at`; stops at its closing mark.
    private mutating func escaped(from start: Int) throws(BillingError) -> [UInt8] {
        var units = Array(bytes[start..<at])
        while at < bytes.count, bytes[at] != UInt8(ascii: "\"") {
            guard bytes[at] >= 0x20 else { throw unexpected("character of a text") }
            if bytes[at] != UInt8(ascii: "\\") {
                units.append(bytes[at])
                at += 1
                continue
            }
            guard at + 1 < bytes.count else { throw unexpected("escape") }
            switch bytes[at + 1] {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): units.append(bytes[at + 1])
            case UInt8(ascii: "b"): units.append(0x08)
            case UInt8(ascii: "t"): units.append(0x09)
            case UInt8(ascii: "n"): units.append(0x0A)
            case UInt8(ascii: "f"): units.append(0x0C)
            case UInt8(ascii: "r"): units.append(0x0D)
            case UInt8(ascii: "u"):
                // Only control characters are written so.
                guard at + 5 < bytes.count,
                    let code = Hex.decode(String(decoding: bytes[(at + 2)...(at + 5)], as: UTF8.self)),
                    code[0] == 0, code[1] < 0x20
                else { throw unexpected("escape of a control character") }
                units.append(code[1])
                at += 4
            default: throw unexpected("escape")
            }
            at += 2
        }
        return units
    }
}
