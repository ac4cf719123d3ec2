internal import Mustache

/// What a template is given: records and lists, because looking a name up in a dictionary is three times as fast as
/// finding it by reflection. Text is escaped by the template engine; markup comes in only as what the
/// Markdown renderer or this module's own drawing wrote.
enum TemplateValue: Sendable {
    case text(String)
    case number(Int)
    case flag(Bool)
    /// Stands for a value that is not there: its section is skipped.
    case absent
    case list([TemplateValue])
    case record([String: TemplateValue])
    /// Markup of our own making, written by `{{{name}}}`.
    case markup(String)

    /// The same, as the template engine takes it.
    var forTemplate: Any {
        switch self {
        case .text(let text): Self.defused(text)
        case .number(let number): number
        case .flag(let flag): flag
        case .absent: [Int]()
        case .list(let values): values.map(\.forTemplate)
        case .record(let values): RecordNames(values: values)
        case .markup(let markup): markup
        }
    }

    /// Text, or nothing where it is nil or empty.
    static func optional(_ text: String?) -> TemplateValue {
        guard let text, !text.isEmpty else { return .absent }
        return .text(text)
    }

    /// The engine escapes by `Character`, so `"` with a combining mark behind it (or certain letters before it)
    /// would go through as it is and end an attribute. Such marks get U+25CC, the base that Unicode draws
    /// under marks that have none, and control characters show as U+FFFD.
    static func defused(_ text: String) -> String {
        var isPlain = true
        var isASCII = true
        for byte in text.utf8 {
            if byte < 32 && byte != 9 && byte != 10 || byte == 127 { isPlain = false }
            if byte >= 128 { isASCII = false }
        }
        if isPlain && isASCII { return text }
        var out = String.UnicodeScalarView()
        for character in text {
            let scalars = character.unicodeScalars
            let isJoined = scalars.count > 1 && scalars.contains { "<>&\"'".unicodeScalars.contains($0) }
            for (index, scalar) in scalars.enumerated() {
                if isJoined && index > 0 { out.append("\u{25CC}") }
                let isControl = scalar.value < 32 && scalar != "\t" && scalar != "\n" || scalar.value == 127
                out.append(isControl ? "\u{FFFD}" : scalar)
            }
        }
        return String(out)
    }
}

extension TemplateValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    init(stringLiteral value: String) { self = .text(value) }
}

extension TemplateValue: ExpressibleByBooleanLiteral {
    init(booleanLiteral value: Bool) { self = .flag(value) }
}

extension TemplateValue: ExpressibleByDictionaryLiteral {
    init(dictionaryLiteral elements: (String, TemplateValue)...) {
        self = .record(Dictionary(elements, uniquingKeysWith: { _, last in last }))
    }
}

extension TemplateValue: ExpressibleByArrayLiteral {
    init(arrayLiteral elements: TemplateValue...) { self = .list(elements) }
}

extension Sequence {
    /// Each element as a record of a list.
    func asList(_ record: (Element) throws -> TemplateValue) rethrows -> TemplateValue {
        .list(try map(record))
    }
}

/// What the engine asks a record for, name by name. For a dictionary it would find out anew each time how that is asked.
private struct RecordNames: MustacheParent {
    let values: [String: TemplateValue]

    func child(named name: String) -> Any? { values[name]?.forTemplate }
}
