/// The only markup that the Markdown renderer writes, as a grammar that other people's claims of it are read
/// against. One pass over the bytes; the first deviation is the answer.
enum SafeHTMLGrammar {
    private static let attributes: [String: Set<String>] = [
        "p": ["class"], "h1": ["id"], "h2": ["id"], "h3": ["id"], "h4": ["id"], "h5": ["id"], "h6": ["id"],
        "a": ["href", "title", "class", "aria-label", "rel"], "em": [], "strong": [], "del": [],
        "code": ["class"], "pre": ["tabindex"], "ul": ["class"], "ol": ["start", "class"], "li": ["class"],
        "blockquote": [], "hr": [], "br": [], "span": ["class"],
        "img": ["src", "alt", "title", "width", "height", "loading"],
        "table": [], "thead": [], "tbody": [], "tr": [], "th": ["class"], "td": ["class"],
        "div": ["class", "role", "aria-label", "tabindex"],
        "input": ["type", "disabled", "checked", "aria-label"],
    ]
    private static let void: Set<String> = ["hr", "br", "img", "input"]
    private static let depthMax = 512

    /// What is wrong with `html`, or nil.
    static func problem(in html: String) -> String? {
        var reader = Reader(bytes: Array(html.utf8))
        return reader.read()
    }

    private struct Reader {
        let bytes: [UInt8]
        var position = 0
        var open: [String] = []

        init(bytes: [UInt8]) {
            self.bytes = bytes
        }

        mutating func read() -> String? {
            while position < bytes.count {
                switch bytes[position] {
                case UInt8(ascii: "<"):
                    if let problem = readTag() { return problem }
                case UInt8(ascii: ">"): return "a bare > at byte \(position)"
                case UInt8(ascii: "&"):
                    if !readEntity() { return "an unknown entity at byte \(position)" }
                case 0..<9, 11..<32, 127: return "a control character at byte \(position)"
                default: position += 1
                }
            }
            return open.isEmpty ? nil : "<\(open.last ?? "")> is not closed"
        }

        private mutating func readEntity() -> Bool {
            for entity in ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"]
            where bytes[position...].starts(with: entity.utf8) {
                position += entity.utf8.count
                return true
            }
            return false
        }

        private mutating func readTag() -> String? {
            let start = position
            position += 1
            let closing = position < bytes.count && bytes[position] == UInt8(ascii: "/")
            if closing { position += 1 }
            let name = readName()
            guard let allowed = SafeHTMLGrammar.attributes[name] else {
                return "the tag <\(name)> at byte \(start)"
            }
            if closing {
                guard open.popLast() == name else { return "</\(name)> closes nothing at byte \(start)" }
                return take(">") ? nil : "a closing tag with more than a name at byte \(start)"
            }
            var seen: Set<String> = []
            while take(" ") {
                let attribute = readName()
                guard allowed.contains(attribute), seen.insert(attribute).inserted else {
                    return "the attribute \(attribute) on <\(name)> at byte \(start)"
                }
                guard take("="), take("\""), let value = readValue() else {
                    return "a malformed attribute \(attribute) at byte \(start)"
                }
                if !isAllowed(value, of: attribute, on: name) {
                    return "the value of \(attribute) on <\(name)> at byte \(start)"
                }
            }
            guard take(">") else { return "a malformed tag <\(name)> at byte \(start)" }
            if name == "input", !seen.isSuperset(of: ["type", "disabled"]) {
                return "an <input> that is not a disabled box at byte \(start)"
            }
            if !SafeHTMLGrammar.void.contains(name) {
                open.append(name)
                if open.count > SafeHTMLGrammar.depthMax { return "more than \(depthMax) nested tags" }
            }
            return nil
        }

        private mutating func readName() -> String {
            let start = position
            while position < bytes.count,
                (97...122).contains(bytes[position]) || (48...57).contains(bytes[position])
                    || bytes[position] == UInt8(ascii: "-")
            {
                position += 1
            }
            return String(decoding: bytes[start..<position], as: UTF8.self)
        }

        private mutating func readValue() -> [UInt8]? {
            let start = position
            while position < bytes.count {
                switch bytes[position] {
                case UInt8(ascii: "\""):
                    position += 1
                    return Array(bytes[start..<(position - 1)])
                case UInt8(ascii: "<"), UInt8(ascii: ">"), 0..<9, 11..<32, 127: return nil
                case UInt8(ascii: "&"):
                    if !readEntity() { return nil }
                default: position += 1
                }
            }
            return nil
        }

        private mutating func take(_ byte: Unicode.Scalar) -> Bool {
            guard position < bytes.count, bytes[position] == UInt8(ascii: byte) else { return false }
            position += 1
            return true
        }

        private func isAllowed(_ value: [UInt8], of attribute: String, on tag: String) -> Bool {
            switch attribute {
            case "href":
                guard value.allSatisfy({ $0 > 32 && $0 < 127 }) else { return false }
                guard let scheme = LinkSafety.scheme(of: value) else { return !value.starts(with: "//".utf8) }
                return LinkSafety.isAllowed(scheme: scheme)
            case "src":
                return value.starts(with: "@root/".utf8) && value.allSatisfy { $0 > 32 && $0 < 127 }
                    && !String(decoding: value, as: UTF8.self).contains("..")
            case "class":
                return value.allSatisfy {
                    (97...122).contains($0) || (48...57).contains($0) || "-+# ".utf8.contains($0)
                }
            case "id": return !value.isEmpty && !value.contains { $0 <= 32 }
            case "type": return value == Array("checkbox".utf8)
            case "disabled", "checked": return value.isEmpty
            case "start", "width", "height", "tabindex":
                return !value.isEmpty && value.count <= 9 && value.allSatisfy { (48...57).contains($0) }
            case "role": return value == Array("note".utf8) || value == Array("group".utf8)
            case "rel": return value == Array("nofollow ugc noopener".utf8) || value == Array("noopener".utf8)
            case "loading": return value == Array("lazy".utf8)
            default: return true
            }
        }
    }
}
