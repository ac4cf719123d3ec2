/// An XML element with what Billing needs of it. A small reader of our own: elements, attributes and text, the five
/// entities, no DTD, bounded depth; name prefixes are of no matter.
struct XMLTree {
    static let depthMax = 32

    var name: String
    var attributes: [String: String] = [:]
    var text = ""
    var children: [XMLTree] = []

    func children(named name: String) -> [XMLTree] { children.filter { $0.name == name } }
    func first(_ name: String) -> XMLTree? { children.first { $0.name == name } }
    /// The text of the first leaf: `<Sts><Cd>BOOK</Cd></Sts>` and `<Sts>BOOK</Sts>` say the same.
    var leafText: String { children.isEmpty ? text : children[0].leafText }

    func all(_ name: String) -> [XMLTree] {
        (self.name == name ? [self] : []) + children.flatMap { $0.all(name) }
    }

    static func parse(_ bytes: [UInt8], _ subject: String) throws(BillingError) -> XMLTree {
        var reader = XMLReader(bytes: bytes, subject: subject)
        return try reader.document()
    }
}

private struct XMLReader {
    let bytes: [UInt8]
    let subject: String
    var at = 0

    mutating func document() throws(BillingError) -> XMLTree {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
        try skipBetween()
        let root = try element(depth: 0)
        try skipBetween()
        guard at == bytes.count else { throw fail("something follows the root element") }
        return root
    }

    private func fail(_ why: String) -> BillingError { BillingError(.input, subject, "byte \(at): \(why)") }
    private func starts(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { bytes[at...].starts(with: $0) }
    }

    private mutating func space() {
        while at < bytes.count, bytes[at] <= 0x20 { at += 1 }
    }

    private mutating func take(_ byte: UInt8) throws(BillingError) {
        guard at < bytes.count, bytes[at] == byte else {
            throw fail("`\(Character(UnicodeScalar(byte)))` is expected")
        }
        at += 1
    }

    private mutating func skip(past text: StaticString) throws(BillingError) {
        while at < bytes.count {
            if starts(text) {
                at += text.utf8CodeUnitCount
                return
            }
            at += 1
        }
        throw fail("`\(text)` is missing")
    }

    private mutating func skipBetween() throws(BillingError) {
        while at < bytes.count {
            if bytes[at] <= 0x20 {
                at += 1
            } else if starts("<?") {
                try skip(past: "?>")
            } else if starts("<!--") {
                try skip(past: "-->")
            } else {
                return
            }
        }
    }

    private mutating func name() throws(BillingError) -> String {
        let start = at
        while at < bytes.count, bytes[at] > 0x20, !Array("/>=<&\"'".utf8).contains(bytes[at]) { at += 1 }
        guard at > start, let text = String(validating: bytes[start..<at], as: UTF8.self) else {
            throw fail("no name")
        }
        return text.split(separator: ":").last.map(String.init) ?? text
    }

    private mutating func element(depth: Int) throws(BillingError) -> XMLTree {
        guard depth < XMLTree.depthMax else { throw fail("nested too deeply") }
        try take(UInt8(ascii: "<"))
        var tree = XMLTree(name: try name())
        while true {
            space()
            if starts("/>") {
                at += 2
                return tree
            }
            if starts(">") { break }
            let key = try name()
            space()
            try take(UInt8(ascii: "="))
            space()
            tree.attributes[key] = try quoted()
        }
        at += 1
        var text = ""
        while true {
            let start = at
            while at < bytes.count, bytes[at] != UInt8(ascii: "<") { at += 1 }
            text += try unescape(bytes[start..<at])
            if starts("</") { break }
            if starts("<!--") {
                try skip(past: "-->")
            } else {
                tree.children.append(try element(depth: depth + 1))
            }
        }
        at += 2
        guard try name() == tree.name else { throw fail("`\(tree.name)` is closed by another") }
        space()
        try take(UInt8(ascii: ">"))
        tree.text = XMLReader.trim(text)
        return tree
    }

    private mutating func quoted() throws(BillingError) -> String {
        guard at < bytes.count, bytes[at] == 0x22 || bytes[at] == 0x27 else {
            throw fail("a quote is expected")
        }
        let quote = bytes[at]
        at += 1
        let start = at
        while at < bytes.count, bytes[at] != quote { at += 1 }
        let value = try unescape(bytes[start..<at])
        try take(quote)
        return value
    }

    private static func trim(_ text: String) -> String {
        let units = Array(text.utf8)
        guard let first = units.firstIndex(where: { $0 > 0x20 }),
            let last = units.lastIndex(where: { $0 > 0x20 })
        else { return "" }
        return String(decoding: units[first...last], as: UTF8.self)
    }

    private func unescape(_ slice: ArraySlice<UInt8>) throws(BillingError) -> String {
        guard let text = String(validating: slice, as: UTF8.self) else { throw fail("is not UTF-8") }
        guard text.contains("&") else { return text }
        let parts = text.split(separator: "&", omittingEmptySubsequences: false)
        var out = String(parts[0])
        for part in parts.dropFirst() {
            guard let end = part.firstIndex(of: ";") else { throw fail("an entity is not closed") }
            switch part[..<end] {
            case "amp": out += "&"
            case "lt": out += "<"
            case "gt": out += ">"
            case "quot": out += "\""
            case "apos": out += "'"
            default: throw fail("an entity that is none of the five")
            }
            out += part[part.index(after: end)...]
        }
        return out
    }
}
