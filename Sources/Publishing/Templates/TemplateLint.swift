/// Holds templates against the values that they are rendered with: the engine renders a name that nothing defines
/// as nothing, so a misspelt name is silent unless somebody looks.
struct TemplateLint {
    let templates: Templates
    private var found: Set<String> = []
    private var opened: Set<String> = []
    private var unopened: Set<String> = []

    /// What is wrong so far. A section that no sample opens cannot be checked inside, so that is a problem as well.
    var problems: Set<String> { found.union(unopened.subtracting(opened)) }

    init(_ templates: Templates) {
        self.templates = templates
    }

    /// Adds the names that `pages/<name>` uses and `values` lack.
    mutating func check(page name: String, with values: [TemplateValue]) {
        guard templates.sources["pages/\(name)"] != nil else {
            found.insert("pages/\(name): no such template")
            return
        }
        check("pages/\(name)", scopes: [values], depth: 0)
    }

    /// Names as they stand in a template, sections with what they hold.
    private indirect enum Tag {
        case variable(String, raw: Bool)
        case section(String, [Tag])
        case partial(String, [Tag])
        case block([Tag])
    }

    private mutating func check(_ template: String, scopes: [[TemplateValue]], depth: Int) {
        guard depth < 20, let source = templates.sources[template] else {
            found.insert("\(template): no such template, or it includes itself")
            return
        }
        var tokens = Self.tokens(of: source)[...]
        walk(Self.parse(&tokens), in: template, scopes: scopes, depth: depth)
    }

    private mutating func walk(_ tags: [Tag], in template: String, scopes: [[TemplateValue]], depth: Int) {
        for tag in tags {
            switch tag {
            case .variable(let name, let raw):
                guard name != "." else { continue }
                for value in lookUp(name, in: template, scopes: scopes) {
                    if case .markup = value, !raw {
                        found.insert("\(template): {{\(name)}} escapes markup")
                    }
                    if raw, case .text = value {
                        found.insert("\(template): {{{\(name)}}} is unescaped text")
                    }
                }
            case .section(let name, let inner):
                let values = lookUp(name, in: template, scopes: scopes)
                var scope: [TemplateValue] = []
                var isPlain = false
                for value in values {
                    if case .list(let elements) = value {
                        scope += elements
                    } else if case .record = value {
                        scope.append(value)
                    } else {
                        isPlain = true
                    }
                }
                let mark = "\(template): no sample opens {{#\(name)}}"
                if scope.isEmpty && !isPlain && !values.isEmpty {
                    unopened.insert(mark)
                } else {
                    opened.insert(mark)
                    walk(inner, in: template, scopes: scope.isEmpty ? scopes : scopes + [scope], depth: depth)
                }
            case .partial(let name, let inner):
                walk(inner, in: template, scopes: scopes, depth: depth)
                check(name, scopes: scopes, depth: depth + 1)
            case .block(let inner): walk(inner, in: template, scopes: scopes, depth: depth)
            }
        }
    }

    private mutating func lookUp(
        _ name: String, in template: String, scopes: [[TemplateValue]]
    ) -> [TemplateValue] {
        let path = name.split(separator: ".").map(String.init)
        for scope in scopes.reversed() {
            var values = scope
            var isHere = false
            for (index, part) in path.enumerated() {
                let records = values.compactMap { value -> [String: TemplateValue]? in
                    if case .record(let record) = value { return record }
                    return nil
                }
                let next = records.compactMap { $0[part] }
                // A name that only some rows of a list have would silently climb to the page's own.
                if index == 0, !next.isEmpty, next.count < records.count {
                    found.insert("\(template): {{\(name)}} is missing from some rows")
                }
                if index == 0 { isHere = !next.isEmpty }
                values = next
            }
            if isHere {
                if values.isEmpty { found.insert("\(template): {{\(name)}} is not in the model") }
                return values
            }
        }
        found.insert("\(template): {{\(name)}} is not in the model")
        return []
    }

    // MARK: Reading tags

    private static func tokens(of source: String) -> [String] {
        var tokens: [String] = []
        var rest = Array(source.utf8)[...]
        while let open = index(of: "{{", in: rest) {
            rest = rest[(open + 2)...]
            let close = rest.first == UInt8(ascii: "{") ? "}}}" : "}}"
            guard let end = index(of: close, in: rest) else { break }
            tokens.append(String(decoding: rest[..<end], as: UTF8.self))
            rest = rest[(end + close.utf8.count)...]
        }
        return tokens
    }

    private static func index(of mark: String, in bytes: ArraySlice<UInt8>) -> Int? {
        let mark = Array(mark.utf8)
        return bytes.indices.first { bytes[$0...].starts(with: mark) }
    }

    private static func parse(_ tokens: inout ArraySlice<String>) -> [Tag] {
        var tags: [Tag] = []
        while let token = tokens.popFirst() {
            let name = name(in: token)
            switch token.first {
            case "/": return tags
            case "!": continue
            case "#", "^": tags.append(.section(name, parse(&tokens)))
            case ">": tags.append(.partial(name, []))
            case "<": tags.append(.partial(name, parse(&tokens)))
            case "$": tags.append(.block(parse(&tokens)))
            case "{": tags.append(.variable(name, raw: true))
            default: tags.append(.variable(name, raw: false))
            }
        }
        return tags
    }

    private static func name(in token: String) -> String {
        var name = token[...]
        while let first = name.first, "#^/><$&{ ".contains(first) { name.removeFirst() }
        while name.last == " " { name.removeLast() }
        return String(name)
    }
}
