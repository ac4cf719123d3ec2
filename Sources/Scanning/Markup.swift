/// What a page or a picture runs: scripts, handlers, `javascript:` addresses and the pages inside of pages.
struct Markup {
    struct Snippet: Equatable {
        var text: [UInt8]
        var offset: Int
    }

    /// All plain scripts in one text as long as the page, everything else blanked, so that every offset stays what it
    /// was; nil where there is none.
    private(set) var scripts: [UInt8]?
    /// Code that stands in attributes, or is written with entities.
    private(set) var handlers: [Snippet] = []
    /// The content of `srcdoc`.
    private(set) var pages: [Snippet] = []

    private let bytes: [UInt8]
    private var output: [UInt8]
    private static let snippetsMax = 5_000

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        output = bytes.map { $0 == 0x0A || $0 == 0x0D ? $0 : 0x20 }
        var index = 0
        while index < bytes.count {
            guard bytes[index] == 0x3C else {
                index += 1
                continue
            }
            if matches("<!--", at: index) {
                index = find("-->", from: index + 4) ?? bytes.count
            } else if index + 1 < bytes.count, Self.isLetter(bytes[index + 1]) {
                index = tag(index)
            } else {
                index += 1
            }
        }
        output = []
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte & 0xDF) }
    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    private func matches(_ text: StaticString, at offset: Int) -> Bool {
        let count = text.utf8CodeUnitCount
        guard offset + count <= bytes.count else { return false }
        for step in 0..<count {
            let byte = bytes[offset + step]
            let lower = (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
            if lower != text.utf8Start[step] { return false }
        }
        return true
    }

    private func find(_ text: StaticString, from offset: Int) -> Int? {
        var index = offset
        while index < bytes.count {
            if bytes[index] == text.utf8Start[0], matches(text, at: index) { return index }
            index += 1
        }
        return nil
    }

    /// One tag with its attributes, and the content of a script; gives the place behind it.
    private mutating func tag(_ begin: Int) -> Int {
        var index = begin + 1
        let isScript =
            matches("script", at: index) && (index + 6 >= bytes.count || !Self.isLetter(bytes[index + 6]))
            || matches("svg:script", at: index)
        while index < bytes.count, bytes[index] != 0x3E, bytes[index] != 0x2F, !Self.isBlank(bytes[index]) {
            index += 1
        }
        var type = ""
        while index < bytes.count, bytes[index] != 0x3E {
            guard !Self.isBlank(bytes[index]), bytes[index] != 0x2F else {
                index += 1
                continue
            }
            let nameStart = index
            while index < bytes.count, !Self.isBlank(bytes[index]),
                ![0x3D, 0x3E, 0x2F].contains(bytes[index])
            {
                index += 1
            }
            let name = String(decoding: bytes[nameStart..<index], as: UTF8.self).lowercased()
            while index < bytes.count, Self.isBlank(bytes[index]) { index += 1 }
            guard index < bytes.count, bytes[index] == 0x3D else {
                if index == nameStart { index += 1 }
                continue
            }
            index += 1
            while index < bytes.count, Self.isBlank(bytes[index]) { index += 1 }
            let (value, end) = attribute(index)
            if name == "type" { type = String(decoding: bytes[value], as: UTF8.self).lowercased() }
            judge(name, value)
            index = end
        }
        guard isScript, index < bytes.count else { return min(index + 1, bytes.count) }
        let isEmpty = bytes[index - 1] == 0x2F
        return isEmpty ? index + 1 : script(from: index + 1, type: type)
    }

    private func attribute(_ index: Int) -> (Range<Int>, Int) {
        guard index < bytes.count else { return (index..<index, index) }
        let quote = bytes[index]
        if quote == 0x22 || quote == 0x27 {
            let end = bytes[(index + 1)...].firstIndex(of: quote) ?? bytes.count
            return (index + 1..<end, min(end + 1, bytes.count))
        }
        var end = index
        while end < bytes.count, !Self.isBlank(bytes[end]), bytes[end] != 0x3E { end += 1 }
        return (index..<end, end)
    }

    private mutating func judge(_ name: String, _ value: Range<Int>) {
        guard handlers.count + pages.count < Self.snippetsMax, !value.isEmpty else { return }
        if name.hasPrefix("on"), name.utf8.count > 3, name.utf8.allSatisfy({ Self.isLetter($0) }) {
            handlers.append(Snippet(text: Entities.decoded(bytes[value]), offset: value.lowerBound))
        } else if name == "srcdoc" {
            pages.append(Snippet(text: Entities.decoded(bytes[value]), offset: value.lowerBound))
        } else if name.hasSuffix("href") || name == "src" || name == "action" || name == "formaction"
            || name == "data"
            || name == "to" || name == "values" || name == "from"
        {
            let text = Entities.decoded(bytes[value])
            // Blanks and controls inside the scheme's name are passed over by browsers.
            let head = text.prefix(80).filter { $0 > 0x20 }
            guard String(decoding: head.prefix(11), as: UTF8.self).lowercased() == "javascript:",
                let colon = text.firstIndex(of: 0x3A)
            else { return }
            handlers.append(
                Snippet(
                    text: Builtins.percentDecoded(String(decoding: text[(colon + 1)...], as: UTF8.self)),
                    offset: value.lowerBound))
        }
    }

    private static let codeTypes: Set<String> = [
        "", "module", "text/javascript", "application/javascript", "text/ecmascript",
        "application/ecmascript",
        "application/x-javascript", "text/babel", "text/jsx", "text/typescript", "ts", "tsx",
    ]

    private mutating func script(from begin: Int, type: String) -> Int {
        let end = find("</script", from: begin) ?? find("</svg:script", from: begin) ?? bytes.count
        let plain = type.split(separator: ";").first.map(String.init) ?? ""
        guard end > begin, Self.codeTypes.contains(plain) else { return end }
        let content = bytes[begin..<end]
        if content.contains(0x26), !content.contains(0x3C) {
            // In a picture's XML, signs may be written as entities; a page's script shows them as they are.
            let decoded = Entities.decoded(content)
            if decoded.count != content.count { handlers.append(Snippet(text: decoded, offset: begin)) }
        }
        output.replaceSubrange(begin..<end, with: content)
        for mark in ["<![CDATA[", "]]>"] { blank(Array(mark.utf8), begin, end) }
        // One script ends where the next begins, whatever its last line leaves open.
        if end < output.count { output[end] = 0x3B }
        scripts = output
        return end
    }

    private mutating func blank(_ mark: [UInt8], _ begin: Int, _ end: Int) {
        var index = begin
        while index + mark.count <= end {
            if output[index] == mark[0], output[index..<index + mark.count].elementsEqual(mark) {
                for step in 0..<mark.count { output[index + step] = 0x20 }
            }
            index += 1
        }
    }
}

/// Characters that are written by name or number.
enum Entities {
    private static let names: [String: UInt8] = [
        "lt": 0x3C, "gt": 0x3E, "amp": 0x26, "quot": 0x22, "apos": 0x27, "colon": 0x3A, "lpar": 0x28,
        "rpar": 0x29,
        "Tab": 0x09, "NewLine": 0x0A, "sol": 0x2F, "period": 0x2E, "semi": 0x3B, "equals": 0x3D,
        "comma": 0x2C,
        "lsqb": 0x5B, "rsqb": 0x5D, "lbrack": 0x5B, "rbrack": 0x5D, "lcub": 0x7B, "rcub": 0x7D, "grave": 0x60,
        "plus": 0x2B, "dollar": 0x24, "lowbar": 0x5F, "nbsp": 0x20, "num": 0x23, "percnt": 0x25, "bsol": 0x5C,
    ]

    static func decoded(_ source: ArraySlice<UInt8>) -> [UInt8] {
        guard source.contains(0x26) else { return Array(source) }
        var output: [UInt8] = []
        var index = source.startIndex
        while index < source.endIndex {
            guard source[index] == 0x26 else {
                output.append(source[index])
                index += 1
                continue
            }
            var end = index + 1
            while end < source.endIndex, end - index < 12, source[end] == 0x23 || Lexer.isPart(source[end]) {
                end += 1
            }
            let name = String(decoding: source[(index + 1)..<end], as: UTF8.self)
            guard let bytes = character(name) else {
                output.append(0x26)
                index += 1
                continue
            }
            output += bytes
            index = end < source.endIndex && source[end] == 0x3B ? end + 1 : end
        }
        return output
    }

    private static func character(_ name: String) -> [UInt8]? {
        if name.hasPrefix("#") {
            let digits = name.dropFirst()
            let value =
                digits.first == "x" || digits.first == "X"
                ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
            guard let scalar = value.flatMap(Unicode.Scalar.init) else { return nil }
            return Array(UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
        return names[name].map { [$0] }
    }
}
