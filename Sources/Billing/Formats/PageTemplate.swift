internal import Marketplace
internal import Mustache

/// What a page shows under one name.
enum PageValue: Sendable {
    case text(String)
    case flag(Bool)
    case part(PageModel)
    case list([PageModel])
}

typealias PageModel = [String: PageValue]

/// A page's template, read once for many pages. A night makes hundreds of thousands of rows, and a general engine looks
/// at each value's type again for each of them: the Mustache that our own pages are made of (variables, escaped;
/// sections; inverted sections) is filled in here, over bytes. A template that needs more goes to the engine.
struct PageTemplate: Sendable {
    private enum Filling: Sendable {
        case own([Token])
        case engine(MustacheTemplate)
    }

    private indirect enum Token: Sendable {
        case text([UInt8])
        case variable(String)
        case section(String, isInverted: Bool, [Token])
    }

    private let filling: Filling

    init(_ text: String, subject: String) throws(BillingError) {
        do {
            let engine = try MustacheTemplate(string: text)
            var parser = Parser(text)
            filling = parser.document().map { .own($0) } ?? .engine(engine)
        } catch {
            throw BillingError(.configuration, subject, "the template cannot be read: \(error)")
        }
    }

    func page(_ model: PageModel) -> [UInt8] {
        switch filling {
        case .engine(let template): return Array(template.render(Self.general(model)).utf8)
        case .own(let tokens):
            var out: [UInt8] = []
            Self.fill(tokens, [model], &out)
            return out
        }
    }

    /// The model as the engine takes it.
    static func general(_ model: PageModel) -> [String: Any] {
        model.mapValues { value in
            switch value {
            case .text(let text): text
            case .flag(let flag): flag
            case .part(let part): general(part)
            case .list(let parts): parts.map { general($0) }
            }
        }
    }

    // MARK: Filling in

    private static func fill(_ tokens: [Token], _ stack: [PageModel], _ out: inout [UInt8]) {
        for token in tokens {
            switch token {
            case .text(let bytes): out.append(contentsOf: bytes)
            case .variable(let name): append(value(name, stack), to: &out)
            case .section(let name, let isInverted, let inner):
                let value = value(name, stack)
                if isInverted {
                    if isNothing(value) { fill(inner, stack, &out) }
                    continue
                }
                switch value {
                case .flag(true), .text: fill(inner, stack, &out)
                case .part(let part): fill(inner, stack + [part], &out)
                case .list(let parts): for part in parts { fill(inner, stack + [part], &out) }
                case .flag(false), nil: break
                }
            }
        }
    }

    private static func value(_ name: String, _ stack: [PageModel]) -> PageValue? {
        for model in stack.reversed() {
            if let value = model[name] { return value }
        }
        return nil
    }

    private static func isNothing(_ value: PageValue?) -> Bool {
        switch value {
        case nil, .flag(false): true
        case .list(let parts): parts.isEmpty
        case .flag(true), .text, .part: false
        }
    }

    private static func append(_ value: PageValue?, to out: inout [UInt8]) {
        switch value {
        case .text(var text):
            text.withUTF8 { units in
                if units.allSatisfy({ escape($0) == nil }) {
                    out.append(contentsOf: units)
                    return
                }
                for unit in units {
                    if let escape = escape(unit) { out += Array(escape.utf8) } else { out.append(unit) }
                }
            }
        case .flag(let flag): out += Array(String(flag).utf8)
        // Nobody writes these into a text.
        case .part, .list, nil: break
        }
    }

    private static func escape(_ unit: UInt8) -> String? {
        switch unit {
        case UInt8(ascii: "<"): "&lt;"
        case UInt8(ascii: ">"): "&gt;"
        case UInt8(ascii: "&"): "&amp;"
        case UInt8(ascii: "\""): "&quot;"
        case UInt8(ascii: "'"): "&#39;"
        default: nil
        }
    }

    // MARK: Reading

    /// Reads a template line by line; nil where something stands in it that is not ours to fill in.
    private struct Parser {
        private let bytes: [UInt8]
        private let isOurs: Bool
        private var at = 0

        init(_ text: String) {
            bytes = Array(text.utf8)
            isOurs = !text.contains { $0.isNewline && $0 != "\n" }
        }

        mutating func document() -> [Token]? {
            guard isOurs, let tokens = tokens(of: nil, startsLine: true), at == bytes.count else {
                return nil
            }
            return tokens
        }

        /// A tag alone on its line takes the line with it; what a section begins in is told by `startsLine`.
        private mutating func tokens(of section: String?, startsLine: Bool) -> [Token]? {
            var tokens: [Token] = []
            var text: [UInt8] = []
            var (startsLine, indent) = (startsLine, [UInt8]())
            func flush() {
                if !text.isEmpty { tokens.append(.text(text)) }
                text = []
            }
            while at < bytes.count {
                if startsLine { indent = takeBlanks() }
                let before = at
                while at < bytes.count, bytes[at] != 0x0A, !isTag { at += 1 }
                if at > before || at == bytes.count || bytes[at] == 0x0A {
                    if at > before || at < bytes.count { text += indent }
                    text += bytes[before..<at]
                    indent = []
                    startsLine = false
                }
                if at == bytes.count { break }
                if bytes[at] == 0x0A {
                    text.append(0x0A)
                    at += 1
                    startsLine = true
                    continue
                }
                guard let (sign, name) = takeTag() else { return nil }
                let isAlone = sign != nil && startsLine && takeRestOfLine()
                if !isAlone { text += indent }
                indent = []
                flush()
                switch sign {
                case UInt8(ascii: "/"): return name == section ? tokens : nil
                case nil: tokens.append(.variable(name))
                default:
                    guard let inner = self.tokens(of: name, startsLine: isAlone) else { return nil }
                    tokens.append(.section(name, isInverted: sign == UInt8(ascii: "^"), inner))
                }
                startsLine = isAlone
            }
            flush()
            return section == nil ? tokens : nil
        }

        private var isTag: Bool {
            bytes[at] == UInt8(ascii: "{") && at + 1 < bytes.count && bytes[at + 1] == UInt8(ascii: "{")
        }

        private mutating func takeBlanks() -> [UInt8] {
            let start = at
            while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x09 { at += 1 }
            return Array(bytes[start..<at])
        }

        private mutating func takeTag() -> (sign: UInt8?, name: String)? {
            at += 2
            var sign: UInt8?
            if at < bytes.count, "#^/".utf8.contains(bytes[at]) {
                sign = bytes[at]
                at += 1
            }
            _ = takeBlanks()
            let start = at
            while at < bytes.count, Parser.isNameUnit(bytes[at]) { at += 1 }
            let name = String(decoding: bytes[start..<at], as: UTF8.self)
            _ = takeBlanks()
            guard !name.isEmpty, bytes[at...].starts(with: "}}".utf8) else { return nil }
            at += 2
            return (sign, name)
        }

        private static func isNameUnit(_ unit: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(unit | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(unit) || unit == UInt8(ascii: "_")
        }

        /// Blanks and the line's end; nothing is taken where something else follows.
        private mutating func takeRestOfLine() -> Bool {
            let start = at
            if at == bytes.count { return true }
            _ = takeBlanks()
            if at < bytes.count, bytes[at] == 0x0A {
                at += 1
                return true
            }
            at = start
            return false
        }
    }
}
