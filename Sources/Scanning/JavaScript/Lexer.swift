/// The tokens of ECMAScript 2025 on demand; whether a slash begins a regular expression is the parser's to say.
///
/// It never fails: what is no token comes as `.unknown`, and an unterminated text ends with the line or the file.
struct Lexer {
    /// The text with four zero bytes behind it, so that looking ahead needs no bounds.
    let source: [UInt8]
    let count: Int
    let interner: Interner
    private(set) var position = 0
    /// How many `{` are open inside each `${` of a template that is being read.
    private(set) var templateDepths: [Int] = []
    /// Something was unterminated or no token at all.
    private(set) var hasErrors = false
    /// `<!--` and `-->` begin comments in scripts and are operators in modules.
    let allowsHTMLComments: Bool
    /// Such a sign was met: the text means two things, and both are to be looked at.
    private(set) var sawHTMLComment = false

    struct State {
        fileprivate var position: Int
        fileprivate var templateDepths: [Int]
    }

    init(_ bytes: [UInt8], interner: Interner, allowsHTMLComments: Bool = true) {
        self.allowsHTMLComments = allowsHTMLComments
        source = bytes + [0, 0, 0, 0]
        count = bytes.count
        self.interner = interner
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        if bytes.dropFirst(position).starts(with: Array("#!".utf8)) { skipLine() }
    }

    var state: State {
        get { State(position: position, templateDepths: templateDepths) }
        set {
            position = newValue.position
            templateDepths = newValue.templateDepths
        }
    }

    private mutating func skipLine() {
        while position < count, source[position] != 0x0A, source[position] != 0x0D, !isLineSeparator {
            position += 1
        }
    }

    /// U+2028 or U+2029.
    private var isLineSeparator: Bool {
        source[position] == 0xE2 && source[position + 1] == 0x80 && source[position + 2] & 0xFE == 0xA8
    }

    /// Skips blanks and comments; true where a line ended among them.
    private mutating func skipBlanks() -> Bool {
        // The beginning of the file counts as the beginning of a line.
        var newline = position == 0
        while true {
            switch source[position] {
            case 0x20, 0x09, 0x0B, 0x0C: position += 1
            case 0x0A, 0x0D:
                newline = true
                position += 1
            case 0x2F where source[position + 1] == 0x2F: skipLine()
            case 0x2F where source[position + 1] == 0x2A:
                position += 2
                while position < count, !(source[position] == 0x2A && source[position + 1] == 0x2F) {
                    if source[position] == 0x0A || source[position] == 0x0D || isLineSeparator {
                        newline = true
                    }
                    position += 1
                }
                if position >= count { hasErrors = true }
                position = min(position + 2, count)
            case 0x3C
            where source[position + 1] == 0x21 && source[position + 2] == 0x2D && source[position + 3] == 0x2D:
                sawHTMLComment = true
                guard allowsHTMLComments else { return newline }
                skipLine()
            case 0x2D where newline && source[position + 1] == 0x2D && source[position + 2] == 0x3E:
                sawHTMLComment = true
                guard allowsHTMLComments else { return newline }
                skipLine()
            case 0xC2 where source[position + 1] == 0xA0: position += 2
            case 0xEF where source[position + 1] == 0xBB && source[position + 2] == 0xBF: position += 3
            case 0xE2 where isLineSeparator:
                newline = true
                position += 3
            case 0xE1, 0xE2, 0xE3:
                guard let (scalar, length) = scalar(at: position),
                    scalar.properties.generalCategory == .spaceSeparator
                else { return newline }
                position += length
            default: return newline
            }
        }
    }

    mutating func next() -> Token {
        var token = Token()
        token.newlineBefore = skipBlanks()
        token.start = Int32(position)
        guard position < count else {
            token.end = token.start
            return token
        }
        let byte = source[position]
        switch byte {
        case 0x61...0x7A, 0x41...0x5A, 0x24, 0x5F, 0x5C: identifier(&token)
        case 0x80...: identifier(&token)
        case 0x30...0x39: number(&token)
        case 0x2E where (0x30...0x39).contains(source[position + 1]): number(&token)
        case 0x22, 0x27: string(&token, quote: byte)
        case 0x60:
            position += 1
            template(&token, isHead: true)
        case 0x7D where templateDepths.last == 0:
            templateDepths.removeLast()
            position += 1
            template(&token, isHead: false)
        case 0x23:
            position += 1
            identifier(&token)
            if token.kind == .identifier { token.kind = .privateName }
        default: punctuator(&token)
        }
        token.end = Int32(position)
        return token
    }

    // MARK: names

    private func scalar(at offset: Int) -> (Unicode.Scalar, Int)? {
        let first = source[offset]
        let length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 0
        guard length > 0, offset + length <= count else { return nil }
        guard length > 1 else { return (Unicode.Scalar(first), 1) }
        var value = UInt32(first) & (0x7F >> UInt32(length))
        for index in 1..<length {
            guard source[offset + index] & 0xC0 == 0x80 else { return nil }
            value = value << 6 | UInt32(source[offset + index] & 0x3F)
        }
        return Unicode.Scalar(value).map { ($0, length) }
    }

    static func isPart(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x41...0x5A, 0x30...0x39, 0x24, 0x5F: true
        default: false
        }
    }

    private mutating func identifier(_ token: inout Token) {
        let start = position
        while Self.isPart(source[position]) { position += 1 }
        if source[position] < 0x80 && source[position] != 0x5C {
            token.kind = position > start ? .identifier : .unknown
            if position == start {
                position += 1
                hasErrors = true
            }
            token.text = slice(start, position)
            return
        }
        var name = Array(source[start..<position])
        scan: while position < count {
            let byte = source[position]
            if Self.isPart(byte) {
                name.append(byte)
                position += 1
            } else if byte == 0x5C, source[position + 1] == 0x75 {
                let before = position
                position += 2
                guard let value = unicodeEscape(), let scalar = Unicode.Scalar(value),
                    scalar.properties.isIDContinue || scalar == "$" || scalar == "_"
                else {
                    position = before
                    break scan
                }
                token.hasEscape = true
                name.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            } else if byte >= 0x80, let (scalar, length) = scalar(at: position),
                scalar.properties.isIDContinue || scalar.value == 0x200C || scalar.value == 0x200D
            {
                name.append(contentsOf: source[position..<position + length])
                position += length
            } else {
                break
            }
        }
        if position == start {
            hasErrors = true
            position += scalar(at: position)?.1 ?? 1
            token.kind = .unknown
            return
        }
        token.kind = .identifier
        token.text = name.withUnsafeBufferPointer { interner.intern($0) }
    }

    private func slice(_ start: Int, _ end: Int) -> Int32 {
        source.withUnsafeBufferPointer { interner.intern(UnsafeBufferPointer(rebasing: $0[start..<end])) }
    }

    // MARK: numbers

    private mutating func number(_ token: inout Token) {
        let start = position
        token.kind = .number
        let second = source[position + 1] | 0x20
        if source[position] == 0x30, second == 0x78 || second == 0x6F || second == 0x62 {
            let radix: Double = second == 0x78 ? 16 : second == 0x6F ? 8 : 2
            position += 2
            var value = 0.0
            while let digit = Base64.digit(source[position]) ?? (source[position] == 0x5F ? 0xFF : nil) {
                if digit != 0xFF { value = value * radix + Double(digit) }
                position += 1
            }
            token.number = value
        } else {
            digits()
            if source[position] == 0x2E {
                position += 1
                digits()
            }
            if source[position] | 0x20 == 0x65 {
                let sign = source[position + 1] == 0x2B || source[position + 1] == 0x2D ? 1 : 0
                if (0x30...0x39).contains(source[position + 1 + sign]) {
                    position += 1 + sign
                    digits()
                }
            }
            let text = source[start..<position].filter { $0 != 0x5F }
            let isOctal = text.count > 1 && text[0] == 0x30 && text.allSatisfy { (0x30...0x37).contains($0) }
            if isOctal {
                token.number = text.reduce(0) { $0 * 8 + Double($1 - 0x30) }
            } else {
                token.number = Double(String(decoding: text, as: UTF8.self)) ?? 0
            }
        }
        if source[position] == 0x6E {
            token.kind = .bigint
            position += 1
        }
    }

    private mutating func digits() {
        while (0x30...0x39).contains(source[position]) || source[position] == 0x5F { position += 1 }
    }

    // MARK: strings and templates

    /// The value behind `\u`: four digits, or digits in braces.
    private mutating func unicodeEscape() -> UInt32? {
        var value: UInt32 = 0
        if source[position] == 0x7B {
            var at = position + 1
            while let digit = Base64.digit(source[at]) {
                value = value << 4 | UInt32(digit)
                guard value <= 0x10FFFF else { return nil }
                at += 1
            }
            guard source[at] == 0x7D, at > position + 1 else { return nil }
            position = at + 1
            return value
        }
        for index in 0..<4 {
            guard let digit = Base64.digit(source[position + index]) else { return nil }
            value = value << 4 | UInt32(digit)
        }
        position += 4
        return value
    }

    private mutating func string(_ token: inout Token, quote: UInt8) {
        token.kind = .string
        position += 1
        let start = position
        while source[position] != quote, source[position] != 0x5C, source[position] != 0x0A, position < count
        {
            position += 1
        }
        if source[position] == quote && position < count {
            token.text = slice(start, position)
            position += 1
            return
        }
        var value = Cooked(Array(source[start..<position]))
        while position < count, source[position] != quote {
            let byte = source[position]
            if byte == 0x5C {
                token.hasEscape = true
                escape(&value)
            } else if byte == 0x0A || byte == 0x0D {
                hasErrors = true
                token.text = value.intern(interner)
                return
            } else {
                value.append(byte)
                position += 1
            }
        }
        if position >= count { hasErrors = true }
        position = min(position + 1, count)
        token.text = value.intern(interner)
    }

    /// A value that is put together from bytes and UTF-16 units; lone surrogates become U+FFFD.
    private struct Cooked {
        var bytes: [UInt8]
        var high: UInt32?

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        mutating func flush() {
            guard high != nil else { return }
            high = nil
            bytes.append(contentsOf: [0xEF, 0xBF, 0xBD])
        }

        mutating func append(_ byte: UInt8) {
            flush()
            bytes.append(byte)
        }

        mutating func append(unit value: UInt32) {
            if let first = high, (0xDC00...0xDFFF).contains(value) {
                high = nil
                append(unit: 0x10000 + (first - 0xD800) << 10 + (value - 0xDC00))
                return
            }
            flush()
            if (0xD800...0xDBFF).contains(value) {
                high = value
            } else if let scalar = Unicode.Scalar(value) {
                bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            } else {
                bytes.append(contentsOf: [0xEF, 0xBF, 0xBD])
            }
        }

        mutating func intern(_ interner: Interner) -> Int32 {
            flush()
            return bytes.withUnsafeBufferPointer { interner.intern($0) }
        }
    }

    /// One escape, with the position at its backslash.
    private mutating func escape(_ value: inout Cooked) {
        position += 1
        guard position < count else { return }
        let byte = source[position]
        position += 1
        switch byte {
        case 0x6E: value.append(0x0A)
        case 0x74: value.append(0x09)
        case 0x72: value.append(0x0D)
        case 0x62: value.append(0x08)
        case 0x66: value.append(0x0C)
        case 0x76: value.append(0x0B)
        case 0x0D:
            if source[position] == 0x0A { position += 1 }
        case 0x0A: break
        case 0xE2 where source[position] == 0x80 && source[position + 1] & 0xFE == 0xA8: position += 2
        case 0x78:
            if let high = Base64.digit(source[position]), let low = Base64.digit(source[position + 1]) {
                value.append(unit: UInt32(high << 4 | low))
                position += 2
            } else {
                value.append(byte)
            }
        case 0x75:
            if let unit = unicodeEscape() { value.append(unit: unit) } else { value.append(byte) }
        case 0x30...0x37:
            var number = UInt32(byte - 0x30)
            var digits = 1
            while digits < (byte <= 0x33 ? 3 : 2), (0x30...0x37).contains(source[position]) {
                number = number << 3 | UInt32(source[position] - 0x30)
                position += 1
                digits += 1
            }
            value.append(unit: number)
        default: value.append(byte)
        }
    }

    private mutating func template(_ token: inout Token, isHead: Bool) {
        var value = Cooked([])
        while position < count {
            let byte = source[position]
            if byte == 0x60 {
                position += 1
                token.kind = isHead ? .templateWhole : .templateTail
                token.text = value.intern(interner)
                return
            }
            if byte == 0x24 && source[position + 1] == 0x7B {
                position += 2
                templateDepths.append(0)
                token.kind = isHead ? .templateHead : .templateMiddle
                token.text = value.intern(interner)
                return
            }
            if byte == 0x5C {
                token.hasEscape = true
                escape(&value)
            } else if byte == 0x0D {
                value.append(0x0A)
                position += source[position + 1] == 0x0A ? 2 : 1
            } else {
                value.append(byte)
                position += 1
            }
        }
        hasErrors = true
        token.kind = isHead ? .templateWhole : .templateTail
        token.text = value.intern(interner)
    }

    // MARK: regular expressions and punctuators

    /// Reads a regular expression whose slash is the token given.
    mutating func regex(_ slash: Token) -> Token {
        var token = slash
        token.kind = .regex
        position = Int(slash.start) + 1
        var inClass = false
        while position < count {
            let byte = source[position]
            if byte == 0x0A || byte == 0x0D {
                hasErrors = true
                break
            }
            if byte == 0x5C {
                position += 1
                if position < count, source[position] != 0x0A { position += 1 }
                continue
            }
            position += 1
            if byte == 0x5B { inClass = true }
            if byte == 0x5D { inClass = false }
            if byte == 0x2F && !inClass { break }
        }
        while Self.isPart(source[position]) { position += 1 }
        token.end = Int32(position)
        token.text = slice(Int(slash.start), position)
        return token
    }

    private mutating func punctuator(_ token: inout Token) {
        token.kind = .punctuator
        let a = source[position]
        let b = source[position + 1]
        let c = source[position + 2]
        var length = 1
        switch a {
        case 0x7B:
            if !templateDepths.isEmpty { templateDepths[templateDepths.count - 1] += 1 }
        case 0x7D:
            if !templateDepths.isEmpty { templateDepths[templateDepths.count - 1] -= 1 }
        case 0x28, 0x29, 0x5B, 0x5D, 0x3B, 0x2C, 0x3A, 0x7E, 0x40: break
        case 0x2E: length = b == a && c == a ? 3 : 1
        case 0x3F:
            if b == 0x2E && !(0x30...0x39).contains(c) { length = 2 }
            if b == a { length = c == 0x3D ? 3 : 2 }
        case 0x3D: length = b == 0x3E ? 2 : b == a ? (c == a ? 3 : 2) : 1
        case 0x21: length = b == 0x3D ? (c == 0x3D ? 3 : 2) : 1
        case 0x2B, 0x2D: length = b == a || b == 0x3D ? 2 : 1
        case 0x2A, 0x26, 0x7C: length = b == a ? (c == 0x3D ? 3 : 2) : b == 0x3D ? 2 : 1
        case 0x2F, 0x25, 0x5E: length = b == 0x3D ? 2 : 1
        case 0x3C: length = b == a ? (c == 0x3D ? 3 : 2) : b == 0x3D ? 2 : 1
        case 0x3E:
            if b == a {
                length = c == a ? (source[position + 3] == 0x3D ? 4 : 3) : c == 0x3D ? 3 : 2
            } else {
                length = b == 0x3D ? 2 : 1
            }
        default:
            token.kind = .unknown
            hasErrors = true
        }
        for index in 0..<length { token.op = token.op << 8 | UInt32(source[position + index]) }
        position += length
    }

    /// In a type, `>>` closes two lists: gives back all but the first character of a token.
    mutating func splitAngle(_ token: Token) {
        position = Int(token.start) + 1
    }

    // MARK: JSX, which the parser asks for at its own places

    /// Goes on reading at a place.
    mutating func move(to offset: Int32) { position = min(Int(offset), count) }

    func byte(at offset: Int32) -> UInt8 { Int(offset) < count ? source[Int(offset)] : 0 }

    /// A name that may hold hyphens, colons and dots; empty where none stands there.
    mutating func jsxName(at offset: Int32) -> Token {
        move(to: offset)
        _ = skipBlanks()
        var token = Token()
        token.kind = .identifier
        token.start = Int32(position)
        while position < count,
            Self.isPart(source[position]) || source[position] >= 0x80
                || [0x2D, 0x2E, 0x3A].contains(source[position])
        {
            position += 1
        }
        token.end = Int32(position)
        token.text = slice(Int(token.start), position)
        return token
    }

    /// The value of an attribute: a text without escapes over any number of lines, or the next plain token.
    mutating func jsxValue(at offset: Int32) -> Token {
        move(to: offset)
        _ = skipBlanks()
        let quote = source[position]
        guard quote == 0x22 || quote == 0x27 else { return next() }
        var token = Token()
        token.kind = .string
        token.start = Int32(position)
        position += 1
        while position < count, source[position] != quote { position += 1 }
        token.text = slice(Int(token.start) + 1, position)
        if position >= count { hasErrors = true }
        position = min(position + 1, count)
        token.end = Int32(position)
        return token
    }

    /// What stands between tags and braces.
    mutating func jsxText(at offset: Int32) -> Token {
        move(to: offset)
        var token = Token()
        token.kind = .string
        token.start = Int32(position)
        while position < count, source[position] != 0x3C, source[position] != 0x7B { position += 1 }
        token.end = Int32(position)
        token.text = slice(Int(token.start), position)
        return token
    }
}
