/// A stranger's SVG, read strictly and written anew: shapes and paints only. No script, style, link, reference to
/// anything outside or inside, entity, or text; what is not on the list is an error that names it.
enum SafeSVG {
    static let bytesMax = 65_536
    static let elementsMax = 2_000

    private static let shapes: Set<String> = [
        "svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon",
    ]
    /// Left out with all that is in them.
    private static let words: Set<String> = ["title", "desc", "metadata"]
    private static let attributes: Set<String> = [
        "viewBox", "width", "height", "x", "y", "rx", "ry", "cx", "cy", "r", "x1", "y1", "x2", "y2", "d",
        "points",
        "fill", "fill-rule", "fill-opacity", "clip-rule", "stroke", "stroke-width", "stroke-linecap",
        "stroke-linejoin", "stroke-miterlimit", "stroke-dasharray", "stroke-dashoffset", "stroke-opacity",
        "opacity",
        "transform",
    ]
    /// Said for readers or other programs; left out.
    private static let ignored: Set<String> = [
        "xmlns", "version", "id", "class", "role", "aria-label", "aria-hidden", "focusable",
        "preserveAspectRatio",
        "xml:space",
    ]

    static func remade(_ bytes: [UInt8]) throws(PublishingError) -> [UInt8] {
        guard bytes.count <= bytesMax else { throw wrong("is longer than \(bytesMax) bytes") }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw wrong("is not UTF-8") }
        var reader = Reader(text: Array(text.utf8)[...])
        var out = ""
        var open: [String] = []
        var count = 0
        while let token = try reader.next() {
            count += 1
            guard count <= elementsMax * 3 else { throw wrong("has more than \(elementsMax) elements") }
            switch token {
            case .start(let name, let given, let isEmpty):
                if words.contains(name) {
                    if !isEmpty { try reader.skip(to: name) }
                    continue
                }
                guard shapes.contains(name) else { throw wrong("has an element <\(name)>") }
                guard open.isEmpty == (name == "svg"), !(open.isEmpty && !out.isEmpty) else {
                    throw wrong("is not one <svg> around shapes")
                }
                out += "<\(name)"
                if name == "svg" { out += " xmlns=\"http://www.w3.org/2000/svg\"" }
                for (key, value) in given where !ignored.contains(key) {
                    guard attributes.contains(key) else { throw wrong("has an attribute \(key)") }
                    guard value.utf8.allSatisfy(isPlain), !value.lowercased().contains("url") else {
                        throw wrong("has a value that is not plain in \(key)")
                    }
                    out += " \(key)=\"\(value)\""
                }
                out += isEmpty ? "/>" : ">"
                if !isEmpty { open.append(name) }
            case .end(let name):
                guard open.last == name else { throw wrong("closes <\(name)> where it is not open") }
                open.removeLast()
                out += "</\(name)>"
            }
        }
        guard !out.isEmpty, open.isEmpty, out.contains("viewBox=") else {
            throw wrong("is not one closed <svg> with a viewBox")
        }
        return Array((out + "\n").utf8)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 9, 10, 13, 32, 35, 37, 40, 41, 43, 44, 45, 46, 48...57, 65...90, 97...122: true
        default: false
        }
    }

    static func wrong(_ cause: String) -> PublishingError {
        PublishingError(.model, subject: "picture", cause: cause)
    }

    private enum Token {
        case start(String, [(String, String)], isEmpty: Bool)
        case end(String)
    }

    /// Tags one after the other. Text between them has to be white space.
    private struct Reader {
        var text: ArraySlice<UInt8>

        mutating func next() throws(PublishingError) -> Token? {
            while let byte = text.first {
                if byte == 32 || byte == 9 || byte == 10 || byte == 13 {
                    text = text.dropFirst()
                } else if text.starts(with: Array("<!--".utf8)) {
                    try jump(behind: "-->")
                } else if text.starts(with: Array("<?xml".utf8)) {
                    try jump(behind: "?>")
                } else if byte == UInt8(ascii: "<") {
                    text = text.dropFirst()
                    return try tag()
                } else {
                    throw wrong("has text outside of its shapes")
                }
            }
            return nil
        }

        private mutating func tag() throws(PublishingError) -> Token {
            if text.first == UInt8(ascii: "/") {
                text = text.dropFirst()
                let name = try name()
                skipSpace()
                try expect(">")
                return .end(name)
            }
            let name = try name()
            var given: [(String, String)] = []
            while true {
                skipSpace()
                if text.first == UInt8(ascii: "/") {
                    text = text.dropFirst()
                    try expect(">")
                    return .start(name, given, isEmpty: true)
                }
                if text.first == UInt8(ascii: ">") {
                    text = text.dropFirst()
                    return .start(name, given, isEmpty: false)
                }
                let key = try self.name()
                skipSpace()
                try expect("=")
                skipSpace()
                guard let quote = text.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'"),
                    let end = text.dropFirst().firstIndex(of: quote)
                else { throw wrong("has an attribute without quotes") }
                let value = String(decoding: text[(text.startIndex + 1)..<end], as: UTF8.self)
                guard !given.contains(where: { $0.0 == key }) else { throw wrong("says \(key) twice") }
                given.append((key, value))
                text = text[(end + 1)...]
            }
        }

        private mutating func name() throws(PublishingError) -> String {
            let name = text.prefix {
                (65...90).contains($0) || (97...122).contains($0) || (48...57).contains($0) || $0 == 45
                    || $0 == 58
            }
            guard !name.isEmpty, name.count <= 64 else { throw wrong("is not written as plain SVG") }
            text = text[name.endIndex...]
            return String(decoding: name, as: UTF8.self)
        }

        private mutating func skipSpace() {
            while let byte = text.first, byte == 32 || byte == 9 || byte == 10 || byte == 13 {
                text = text.dropFirst()
            }
        }

        private mutating func expect(_ sign: Character) throws(PublishingError) {
            guard text.first == sign.asciiValue else { throw wrong("is cut off") }
            text = text.dropFirst()
        }

        private mutating func jump(behind end: String) throws(PublishingError) {
            let mark = Array(end.utf8)
            while !text.isEmpty {
                if text.starts(with: mark) {
                    text = text.dropFirst(mark.count)
                    return
                }
                text = text.dropFirst()
            }
            throw wrong("is cut off")
        }

        mutating func skip(to name: String) throws(PublishingError) { try jump(behind: "</\(name)>") }
    }
}
