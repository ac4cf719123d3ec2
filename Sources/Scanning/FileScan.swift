internal import Bundles

/// The scan of one file: every layer through the byte rules, the code through its syntax tree.
struct FileScan {
    private(set) var findings: [Finding] = []
    private(set) var problems: [String] = []
    private(set) var analyses: [CodeAnalysis] = []
    private(set) var operations: [OperationUse] = []
    private(set) var imports: [ImportUse] = []
    private(set) var facts: [String: CodeFact] = [:]
    let kind: FileKind
    let text: SourceText

    private let path: String
    private let rules: RuleSet
    private let isPlugin: Bool
    /// Rule and line of what was found already: a decoded layer says it once.
    private var seen: Set<String> = []

    static let layerBytesMax = 8 << 20
    static let codeBytesMax = 6 << 20
    static let payloadDepthMax = 4

    init(_ entry: UnpackedEntry, rules: RuleSet, isPlugin: Bool) {
        path = entry.path
        self.rules = rules
        self.isPlugin = isPlugin
        kind = FileKind.of(entry.path, entry.bytes)
        text = SourceText(entry.bytes)
        let isCode = kind == .javaScript || kind == .typeScript
        match(Layer(raw: entry.bytes), isCode: isCode, isRaw: true)
        switch kind {
        case .javaScript, .typeScript: code(entry.bytes, origin: nil, depth: 0)
        case .html:
            if let scripts = FileKind.scripts(in: entry.bytes) { code(scripts, origin: nil, depth: 0) }
        case .json, .text, .binary: break
        }
        if kind != .binary { bidirectional(entry.bytes) }
    }

    // MARK: code

    /// - Parameter origin: where a decoded text stands in the file; nil for the file itself.
    private mutating func code(_ bytes: [UInt8], origin: Int?, depth: Int) {
        guard bytes.count <= Self.codeBytesMax else {
            problems.append(
                "\(bytes.count) bytes of code are more than the \(Self.codeBytesMax) that are parsed")
            return
        }
        let analysis = CodeAnalysis(bytes, allowsTypes: kind == .typeScript)
        func place(_ offset: Int) -> Int { origin ?? offset }
        if origin == nil {
            if let first = analysis.errors.first {
                problems.append(
                    "the parser stops at line \(text.position(first.offset).line): \(first.message)")
                add(
                    "cap.blind", first.offset,
                    "\(analysis.errors.count) places could not be parsed: \(first.message)")
            }
            match(
                Layer(name: "code", pieces: analysis.pieces, limit: Self.layerBytesMax), isCode: true,
                isRaw: false)
        } else {
            let pieces = analysis.pieces.map { (text: $0.text, offset: place($0.offset)) }
            match(
                Layer(name: "decoded", pieces: pieces, limit: Self.layerBytesMax), isCode: true, isRaw: false)
        }
        for var fact in analysis.facts {
            fact.offset = place(fact.offset)
            if let before = facts[fact.name], before.offset <= fact.offset { continue }
            facts[fact.name] = fact
        }
        operations += analysis.operations.map {
            OperationUse(
                operation: $0.operation, target: $0.target, method: $0.method, offset: place($0.offset))
        }
        imports += analysis.imports.map { ImportUse(specifier: $0.specifier, offset: place($0.offset)) }
        structure(analysis, place)
        payloads(analysis, place, depth)
        if origin == nil { analyses.append(analysis) }
    }

    private mutating func payloads(_ analysis: CodeAnalysis, _ place: (Int) -> Int, _ depth: Int) {
        var total = 0
        for payload in analysis.payloads {
            total += payload.bytes.count
            guard total <= Self.layerBytesMax else {
                problems.append("the code decodes more than \(Self.layerBytesMax) bytes")
                return
            }
            let origin = place(payload.offset)
            match(Layer(name: "decoded", bytes: payload.bytes, origin: origin), isCode: false, isRaw: false)
            guard Self.looksLikeCode(payload.bytes) else { continue }
            if depth + 1 < Self.payloadDepthMax {
                code(payload.bytes, origin: origin, depth: depth + 1)
            } else {
                problems.append("code lies in code more than \(Self.payloadDepthMax) deep")
            }
        }
        for piece in analysis.pieces
        where piece.text.utf8.count >= 80 && piece.text.utf8.count <= Self.layerBytesMax {
            guard let plain = Self.decodedText(piece.text) else { continue }
            let origin = place(piece.offset)
            match(Layer(name: "decoded", bytes: plain, origin: origin), isCode: false, isRaw: false)
            if Self.looksLikeCode(plain), depth + 1 < Self.payloadDepthMax {
                code(plain, origin: origin, depth: depth + 1)
                if piece.text.utf8.count >= 400 {
                    add(
                        "obf.encoded-payload", origin,
                        "\(plain.count) bytes of code are hidden in an encoded text")
                }
            }
        }
    }

    /// A long literal in base64 or hex whose content is text, compressed or not.
    private static func decodedText(_ text: String) -> [UInt8]? {
        var body = text
        if body.hasPrefix("data:"), let comma = body.prefix(200).firstRange(of: ";base64,") {
            body = String(body[comma.upperBound...])
        }
        let bytes = Array(body.utf8)
        guard let decoded = Base64.decodeHex(bytes) ?? Base64.decode(bytes), decoded.count >= 32 else {
            return nil
        }
        if decoded.starts(with: [0x1F, 0x8B]) || decoded[0] == 0x78 {
            if let plain = Builtins.inflate(decoded), isText(plain) { return plain }
        }
        return isText(decoded) ? decoded : nil
    }

    private static func isText(_ bytes: [UInt8]) -> Bool {
        guard String(validating: bytes.prefix(4_000).dropLast(3), as: UTF8.self) != nil || bytes.count < 4
        else { return false }
        let odd = bytes.prefix(4_000).filter { $0 < 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }
        return odd.count * 50 < min(bytes.count, 4_000)
    }

    private static func looksLikeCode(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 8, isText(bytes) else { return false }
        let text = String(decoding: bytes.prefix(65_536), as: UTF8.self)
        let marks = [
            "(", "require", "process", "function", "=>", "var ", "const ", "let ", "import", "eval",
            "globalThis", ".", ";",
        ]
        return marks.filter(text.contains).count >= 2
    }

    // MARK: findings

    private mutating func add(_ rule: String, _ offset: Int, _ message: String, severity: Severity? = nil) {
        let (line, column) = text.position(offset)
        guard seen.insert("\(rule):\(line):\(message)").inserted else { return }
        findings.append(
            BuiltInRules.finding(
                rule, path, message: message, line: line, column: column, severity: severity
            ).citing(text, at: offset))
    }

    /// What the tree shows by itself: names that deceive, access by pieced names, marks of obfuscators.
    private mutating func structure(_ analysis: CodeAnalysis, _ place: (Int) -> Int) {
        for name in analysis.names {
            if name.name.unicodeScalars.contains(where: Confusables.isInvisible) {
                add(
                    "obf.invisible-identifier", place(name.offset),
                    "the name \(SourceText.printable(name.name)) holds invisible characters")
            } else if Confusables.isMixed(name.name) {
                add(
                    "obf.homoglyph", place(name.offset),
                    "the name \(name.name) mixes alphabets whose letters look alike")
            }
        }
        let named = analysis.byName
        if let table = named["string.array"], named["shuffle.array"] != nil || named["names.hex"] != nil {
            add(
                "obf.string-array", place(table.offset),
                "\(table.detail) stand in a table and are fetched by number")
        } else if let names = named["names.hex"],
            named["control.flattened"] != nil || named["debug.trap"] != nil
        {
            add(
                "obf.string-array", place(names.offset),
                "the code went through an obfuscator: \(names.detail)")
        }
        for fact in analysis.facts where fact.name == "computed.access" {
            add(
                "obf.computed-access", place(fact.offset),
                "\(fact.detail) is reached by a name put together at run time")
        }
        if let fact = named["dynamic.code-decoded"] {
            add("obf.packed", place(fact.offset), "decoded text is run as code")
        }
    }

    /// Characters that turn the direction of the text, outside of the languages that need them.
    private mutating func bidirectional(_ bytes: [UInt8]) {
        guard kind == .javaScript || kind == .typeScript || kind == .json || kind == .html else { return }
        var index = 0
        while index + 2 < bytes.count {
            if bytes[index] == 0xE2, bytes[index + 1] == 0x80 || bytes[index + 1] == 0x81 {
                let value = UInt32(bytes[index + 1] & 1) << 6 | UInt32(bytes[index + 2] & 0x3F)
                // U+202A…U+202E and U+2066…U+2069
                if bytes[index + 1] == 0x80 && (0x2A...0x2E).contains(value)
                    || bytes[index + 1] == 0x81
                        && (0x66...0x69).contains(value)
                {
                    add("obf.bidirectional", index, "a character turns the direction of the text")
                }
                index += 3
            } else {
                index += 1
            }
        }
    }

    /// Text for people: what it says about attacks is none.
    private var isProse: Bool {
        [".md", ".txt", ".rst", ".markdown", "LICENSE"].contains { path.hasSuffix($0) }
    }

    // MARK: byte rules

    private mutating func match(_ layer: Layer, isCode: Bool, isRaw: Bool) {
        let matches: [YaraEngine.Match]
        do {
            matches = try rules.yara.scan(layer.bytes)
        } catch {
            problems.append("the byte rules failed on the \(layer.name) layer: \(error.cause)")
            return
        }
        var perRule: [String: Int] = [:]
        for match in matches {
            if let secret = rules.secrets[match.rule] {
                self.secret(secret, match, layer)
                continue
            }
            guard let rule = rules.yaraRules[match.rule] else { continue }
            // In code, a rule about what code says reads the texts of the tree, where comments are no longer.
            if rule.layers == "code" && isRaw && (isCode || isProse) { continue }
            if rule.layers == "raw" && !isRaw { continue }
            let origin = layer.origin(match.offset)
            perRule[match.rule, default: 0] += 1
            guard perRule[match.rule, default: 0] <= 5 else { continue }
            let (line, column) = text.position(origin)
            guard seen.insert("\(rule.id):\(line)").inserted else { continue }
            let hidden = layer.name == "decoded" ? " (in text that the code decodes)" : ""
            findings.append(
                Finding(
                    rule: rule.id, class: rule.class, severity: rule.severity, file: path, line: line,
                    column: column,
                    message: rule.description + hidden
                ).citing(text, at: origin))
        }
    }

    private mutating func secret(_ rule: SecretRule, _ match: YaraEngine.Match, _ layer: Layer) {
        let end = min(match.offset + match.length, layer.bytes.count)
        guard match.offset < end else { return }
        let rest = layer.bytes[end..<min(end + 8_000, layer.bytes.count)]
        if (path.hasSuffix("-lock.json") || path.hasSuffix("yarn.lock") || path.hasSuffix("pnpm-lock.yaml"))
            && rule.confirmation == .assignment
        {
            return
        }
        guard let value = SecretJudge.confirm(rule, layer.bytes[match.offset..<end], rest: rest) else {
            return
        }
        let origin = layer.origin(match.offset)
        let (line, column) = text.position(origin)
        guard seen.insert("secret:\(value)").inserted else { return }
        // A generic rule says nothing about what a specific one has named.
        guard rule.confirmation != .assignment || seen.insert("secret-line:\(line)").inserted else { return }
        seen.insert("secret-line:\(line)")
        findings.append(
            Finding(
                rule: rule.id, class: .secret, severity: rule.description.severity, file: path, line: line,
                column: column, message: rule.description.description, evidence: Self.blank(value)))
    }

    /// The first four characters and the length: enough to find it, too little to use it.
    static func blank(_ value: String) -> String {
        "\(SourceText.printable(String(value.prefix(4))))… (\(value.count) characters)"
    }
}
