internal import Bundles
internal import Marketplace

/// The scan of one file: every layer through the byte rules, the code through its syntax tree.
///
/// It is a function of path, bytes and rules alone, so that files can be scanned in any order, apart, or not again.
struct FileScan {
    private(set) var summary: FileSummary
    let text: SourceText

    private let path: String
    private let rules: RuleSet
    private let engine: EngineQuestion?
    private let kind: FileKind
    /// Rule and line of what was found already: a decoded layer says it once.
    private var seen: Set<String> = []
    /// Texts that stand for one place each, scanned together at the end.
    private var decoded: [(bytes: [UInt8], origin: Int)] = []
    private var decodedBytes = 0
    private var facts: [String: CodeFact] = [:]
    private var dynamics: [CodeFact] = []

    static let layerBytesMax = 8 << 20
    static let codeBytesMax = 6 << 20
    static let payloadDepthMax = 4

    static func summary(of entry: UnpackedEntry, rules: RuleSet, engine: EngineQuestion?) -> FileSummary {
        FileScan(entry, rules, engine).summary
    }

    private init(_ entry: UnpackedEntry, _ rules: RuleSet, _ engine: EngineQuestion?) {
        let bytes = entry.bytes
        path = entry.path
        self.rules = rules
        self.engine = engine
        kind = FileKind.of(entry.path, bytes)
        summary = FileSummary(kind: kind)
        text = SourceText(bytes)
        match(Layer(raw: bytes), isCode: kind == .javaScript || kind == .typeScript, isRaw: true)
        switch kind {
        case .javaScript, .typeScript: source(bytes)
        case .html: markup(bytes, origin: nil, depth: 0)
        case .json: json(bytes)
        case .webAssembly: webAssembly(bytes, origin: nil)
        case .text, .binary: break
        }
        if kind != .binary && kind != .webAssembly {
            embedded(bytes)
            deceiving(bytes)
        }
        if kind == .javaScript {
            summary.libraries = rules.libraries.find(in: text, sha256: entry.sha256.hex)
        }
        matchDecoded()
        close()
    }

    /// Turns offsets into places.
    private mutating func close() {
        summary.facts = facts.keys.sorted().compactMap { facts[$0] }.map(resolved)
        summary.dynamics = dynamics.sorted { ($0.offset, $0.name) < ($1.offset, $1.name) }.map(resolved)
    }

    private func resolved(_ fact: CodeFact) -> FileSummary.Fact {
        FileSummary.Fact(
            name: fact.name, detail: String(fact.detail.prefix(200)), place: place(fact.offset))
    }

    private func place(_ offset: Int) -> FileSummary.Place {
        let (line, column) = text.position(offset)
        let (evidence, caret) = text.excerptAndCaret(offset)
        return FileSummary.Place(line: line, column: column, evidence: evidence, caret: caret)
    }

    private mutating func problem(_ message: String) {
        if !summary.problems.contains(message) { summary.problems.append(message) }
    }

    // MARK: code

    private func isTooLong(_ bytes: [UInt8]) -> Bool { bytes.count > Self.codeBytesMax }

    /// A file of code, read as what it says it is; where that fails, the engine that would run it is asked.
    private mutating func source(_ bytes: [UInt8]) {
        guard !isTooLong(bytes) else {
            problem("\(bytes.count) bytes of code are more than the \(Self.codeBytesMax) that are parsed")
            return
        }
        let dialect = Parser.Dialect(
            allowsTypes: kind == .typeScript,
            allowsMarkup: kind == .javaScript || path.hasSuffix(".tsx"))
        var analysis = CodeAnalysis(bytes, dialect)
        let opinion = kind == .javaScript ? engine?(bytes) : nil
        if let first = analysis.errors.first {
            if kind == .typeScript || opinion.map({ $0 != .accepts }) ?? false {
                // No engine runs it as it is. Flow's types are read like TypeScript's, where that helps.
                let typed = CodeAnalysis(bytes, Parser.Dialect(allowsTypes: true, allowsMarkup: true))
                if typed.errors.isEmpty { analysis = typed } else { blind(analysis) }
            } else {
                problem(
                    "the parser stops at line \(text.position(first.offset).line): \(first.message)"
                        + (opinion == nil ? "" : "; the engine that runs plugins goes on"))
            }
        } else if case .rejects(let why)? = opinion, dialect == .script {
            rejected(why)
        }
        take(analysis, origin: nil, depth: 0)
        readAsModule(analysis, bytes, dialect, origin: nil)
    }

    private mutating func blind(_ analysis: CodeAnalysis) {
        guard let first = analysis.errors.first else { return }
        summary.isInert = true
        problem("the parser stops at line \(text.position(first.offset).line): \(first.message)")
        add(
            "cap.blind", first.offset,
            "\(analysis.errors.count) places could not be parsed, and no engine runs the file as it is: "
                + first.message)
    }

    private mutating func rejected(_ why: String) {
        let line = why.split(separator: ":").compactMap { Int($0) }.first ?? 1
        summary.findings.append(
            BuiltInRules.finding(
                "man.engine-rejects", path,
                message: "the engine that runs plugins cannot parse it: "
                    + SourceText.printable(String(why.prefix(200))),
                line: max(1, min(line, 1_000_000)), column: 1))
        summary.carets.append(0)
    }

    /// `<!--` begins a comment in a script and is an operator in a module: what stands behind it is looked at as both.
    private mutating func readAsModule(
        _ analysis: CodeAnalysis, _ bytes: [UInt8], _ dialect: Parser.Dialect, origin: Int?
    ) {
        guard analysis.isAmbiguous else { return }
        var other = dialect
        other.allowsHTMLComments = false
        let second = CodeAnalysis(bytes, other)
        if second.errors.isEmpty { take(second, origin: origin, depth: 0) }
    }

    /// Code inside of something else: a page's scripts, an attribute, a decoded text.
    private mutating func inner(_ bytes: [UInt8], origin: Int?, depth: Int, isCertain: Bool) {
        guard !isTooLong(bytes) else {
            problem("\(bytes.count) bytes of code are more than the \(Self.codeBytesMax) that are parsed")
            return
        }
        let analysis = CodeAnalysis(bytes, .script)
        if isCertain, let first = analysis.errors.first {
            if engine?(bytes) == .accepts {
                problem(
                    "the parser stops inside of a script: \(first.message); the engine that runs plugins goes on"
                )
            } else {
                add(
                    "cap.blind", origin ?? first.offset,
                    "\(analysis.errors.count) places of a script could not be parsed: \(first.message)")
            }
        }
        take(analysis, origin: origin, depth: depth)
        readAsModule(analysis, bytes, .script, origin: origin)
    }

    /// - Parameter origin: where a decoded text stands in the file; nil for the file itself.
    private mutating func take(_ analysis: CodeAnalysis, origin: Int?, depth: Int) {
        func offset(_ inner: Int) -> Int { origin ?? inner }
        if analysis.isExhausted { problem("the code is too involved to be followed to its end") }
        if origin == nil {
            match(
                Layer(name: "code", pieces: analysis.pieces, limit: Self.layerBytesMax), isCode: true,
                isRaw: false)
        } else {
            for piece in analysis.pieces { keep(Array(piece.text.utf8), offset(piece.offset)) }
        }
        for var fact in analysis.facts {
            fact.offset = offset(fact.offset)
            if fact.name.hasPrefix("dynamic.") || fact.name.hasPrefix("tamper."), origin == nil,
                dynamics.count < 200
            {
                dynamics.append(fact)
            }
            if let before = facts[fact.name], before.offset <= fact.offset { continue }
            facts[fact.name] = fact
        }
        for use in analysis.operations {
            summary.operations.append(
                FileSummary.Operation(
                    operation: use.operation, target: use.target, method: use.method,
                    place: place(offset(use.offset))))
        }
        for use in analysis.imports {
            summary.imports.append(
                FileSummary.Import(specifier: use.specifier, place: place(offset(use.offset))))
        }
        if origin == nil {
            var names = Set(summary.ambient.map(\.name))
            for use in analysis.ambient where names.insert(use.name).inserted {
                summary.ambient.append(FileSummary.Fact(name: use.name, detail: "", place: place(use.offset)))
            }
        }
        structure(analysis, offset)
        payloads(analysis, offset, depth)
    }

    private mutating func payloads(_ analysis: CodeAnalysis, _ offset: (Int) -> Int, _ depth: Int) {
        for payload in analysis.payloads {
            let origin = offset(payload.offset)
            keep(payload.bytes, origin)
            guard Self.looksLikeCode(payload.bytes) else { continue }
            if depth + 1 < Self.payloadDepthMax {
                inner(payload.bytes, origin: origin, depth: depth + 1, isCertain: false)
            } else {
                problem("code lies in code more than \(Self.payloadDepthMax) deep")
            }
        }
        for piece in analysis.pieces
        where piece.text.utf8.count >= 80 && piece.text.utf8.count <= Self.layerBytesMax {
            guard let plain = EncodedText.decode(piece.text) else { continue }
            let origin = offset(piece.offset)
            keep(plain, origin)
            guard Self.looksLikeCode(plain), depth + 1 < Self.payloadDepthMax else { continue }
            inner(plain, origin: origin, depth: depth + 1, isCertain: false)
            if piece.text.utf8.count >= 400, !piece.text.hasPrefix("data:") {
                add(
                    "obf.encoded-payload", origin,
                    "\(plain.count) bytes of code are hidden in an encoded text")
            }
        }
    }

    /// Keeps a decoded text for the pass at the end.
    private mutating func keep(_ bytes: [UInt8], _ origin: Int) {
        guard bytes.count >= 4 else { return }
        guard decodedBytes + bytes.count <= Self.layerBytesMax else {
            problem("more than \(Self.layerBytesMax) bytes are decoded")
            return
        }
        decodedBytes += bytes.count
        decoded.append((bytes, origin))
    }

    private mutating func matchDecoded() {
        guard !decoded.isEmpty else { return }
        var bytes: [UInt8] = []
        var runs: [(start: Int, origin: Int)] = []
        for item in decoded {
            runs.append((bytes.count, item.origin))
            bytes += item.bytes
            bytes.append(0x0A)
        }
        match(Layer(name: "decoded", bytes: bytes, places: runs), isCode: false, isRaw: false)
        decoded = []
    }

    static func looksLikeCode(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 8, EncodedText.isText(bytes) else { return false }
        var seen: UInt32 = 0
        bytes.withUnsafeBufferPointer { bytes in
            codeMarks.each(in: UnsafeBufferPointer(rebasing: bytes.prefix(65_536))) { mark, _ in
                seen |= 1 << UInt32(mark)
            }
        }
        return seen.nonzeroBitCount >= 2
    }

    private static let codeMarks = LiteralSet([
        "(", "require", "process", "function", "=>", "var ", "const ", "let ", "import", "eval", "globalThis",
        ".", ";",
    ])

    // MARK: other texts

    private mutating func markup(_ bytes: [UInt8], origin: Int?, depth: Int) {
        let markup = Markup(bytes)
        if let scripts = markup.scripts {
            inner(scripts, origin: origin, depth: depth, isCertain: origin == nil)
        }
        for handler in markup.handlers {
            inner(handler.text, origin: origin ?? handler.offset, depth: depth, isCertain: false)
        }
        for page in markup.pages {
            if depth + 1 < Self.payloadDepthMax {
                self.markup(page.text, origin: origin ?? page.offset, depth: depth + 1)
            } else {
                problem("pages lie in pages more than \(Self.payloadDepthMax) deep")
            }
        }
    }

    /// Texts that are written with escapes, and the sources that a map brings along.
    private mutating func json(_ bytes: [UInt8]) {
        let (texts, isWhole) = JSONStrings.escaped(in: bytes, limit: Self.layerBytesMax)
        if !isWhole { problem("more than \(Self.layerBytesMax) bytes of texts are written with escapes") }
        guard !texts.isEmpty else { return }
        let isMap = ByteSearch.first(Array("\"mappings\"".utf8), in: bytes) != nil
        match(JSONStrings.layer(texts, name: isMap ? "source map" : "text"), isCode: isMap, isRaw: isMap)
        guard isMap else { return }
        // What a rule about code says, it says about the sources' code and not about their comments.
        for item in texts where item.bytes.count >= 80 && Self.looksLikeCode(item.bytes) {
            let analysis = CodeAnalysis(item.bytes, Parser.Dialect(allowsTypes: true, allowsMarkup: true))
            for piece in analysis.pieces { keep(Array(piece.text.utf8), item.runs[0].origin) }
        }
    }

    private mutating func webAssembly(_ bytes: [UInt8], origin: Int?) {
        guard let module = WebAssemblyModule(bytes) else {
            if origin == nil { problem("it begins like a WebAssembly module, and its sections do not fit") }
            return
        }
        for item in module.imports { keep(Array(item.name.utf8), origin ?? item.offset) }
        for item in module.data { keep(item.bytes, origin ?? item.offset) }
    }

    /// `data:` addresses: what they hold is scanned as what they say they are.
    private mutating func embedded(_ bytes: [UInt8]) {
        let (found, isWhole) = EmbeddedData.find(in: bytes, limit: Self.layerBytesMax)
        if !isWhole { problem("more than \(Self.layerBytesMax) bytes stand in data addresses") }
        for item in found {
            keep(item.bytes, item.offset)
            if item.type.contains("javascript") || item.type.contains("ecmascript") {
                inner(item.bytes, origin: item.offset, depth: 1, isCertain: false)
            } else if item.type.contains("html") || item.type.contains("svg") || item.type.contains("xml") {
                markup(item.bytes, origin: item.offset, depth: 1)
            } else if item.type.contains("json") {
                let texts = JSONStrings.escaped(in: item.bytes, limit: Self.layerBytesMax).texts
                for text in texts { keep(text.bytes, item.offset) }
            } else if WebAssemblyModule.isModule(item.bytes) {
                webAssembly(item.bytes, origin: item.offset)
            } else if item.bytes.starts(with: [0x50, 0x4B, 3, 4]) || item.bytes.starts(with: [0x1F, 0x8B]) {
                nested(item)
            }
        }
    }

    /// An archive inside of a text: held to the same rules as one that stands for itself.
    private mutating func nested(_ item: EmbeddedData) {
        let inner = ArchiveReader.read(item.bytes)
        if inner.entries.isEmpty, item.bytes.first == 0x1F, let plain = Builtins.inflate(item.bytes) {
            keep(plain, item.offset)
            if Self.looksLikeCode(plain) {
                self.inner(plain, origin: item.offset, depth: 1, isCertain: false)
            }
            return
        }
        for entry in inner.entries {
            keep(entry.bytes, item.offset)
            if Self.looksLikeCode(entry.bytes) {
                self.inner(entry.bytes, origin: item.offset, depth: 1, isCertain: false)
            }
        }
        if !inner.isSound { problem("an archive in a data address cannot be read whole") }
    }

    // MARK: findings

    private mutating func add(_ rule: String, _ offset: Int, _ message: String, severity: Severity? = nil) {
        let (line, _) = text.position(offset)
        guard seen.insert("\(rule):\(line):\(message)").inserted else { return }
        append(BuiltInRules.finding(rule, path, message: message, severity: severity).at(place(offset)))
    }

    private mutating func append(_ finding: Finding) {
        var plain = finding
        plain.caret = 0
        summary.findings.append(plain)
        summary.carets.append(finding.caret)
    }

    /// What the tree shows by itself: names that deceive, access by pieced names, marks of obfuscators.
    private mutating func structure(_ analysis: CodeAnalysis, _ offset: (Int) -> Int) {
        for name in analysis.names {
            if name.name.unicodeScalars.contains(where: Confusables.isInvisible) {
                add(
                    "obf.invisible-identifier", offset(name.offset),
                    "the name \(SourceText.printable(name.name)) holds invisible characters")
            } else if Confusables.isMixed(name.name) {
                add(
                    "obf.homoglyph", offset(name.offset),
                    "the name \(name.name) mixes alphabets whose letters look alike")
            }
        }
        let named = analysis.byName
        if let table = named["string.array"], named["shuffle.array"] != nil || named["names.hex"] != nil {
            add(
                "obf.string-array", offset(table.offset),
                "\(table.detail) stand in a table and are fetched by number")
        } else if let names = named["names.hex"],
            named["control.flattened"] != nil || named["debug.trap"] != nil
        {
            add(
                "obf.string-array", offset(names.offset),
                "the code went through an obfuscator: \(names.detail)")
        }
        for fact in analysis.facts where fact.name == "computed.access" {
            add(
                "obf.computed-access", offset(fact.offset),
                "\(fact.detail) is reached by a name put together at run time")
        }
        if let fact = named["dynamic.code-decoded"] {
            add("obf.packed", offset(fact.offset), "decoded text is run as code")
        }
    }

    /// Characters that turn the direction of the text, and long runs of characters that nobody sees.
    private mutating func deceiving(_ bytes: [UInt8]) {
        guard kind != .text else { return }
        for place in HiddenCharacters.find(in: bytes) {
            switch place.kind {
            case .direction:
                add("obf.bidirectional", place.offset, "a character turns the direction of the text")
            case .run:
                add(
                    "obf.hidden-text", place.offset,
                    "\(place.count) characters that nobody sees stand behind each other")
            case .blanks:
                guard kind == .javaScript || kind == .typeScript else { continue }
                add("obf.hidden-code", place.offset, "code stands behind \(place.count) blanks, out of sight")
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
            problem("the byte rules failed on the \(layer.name) layer: \(error.cause)")
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
            let (line, _) = text.position(origin)
            guard seen.insert("\(rule.id):\(line)").inserted else { continue }
            let hidden = layer.name == "decoded" ? " (in text that is decoded)" : ""
            append(
                Finding(
                    rule: rule.id, class: rule.class, severity: rule.severity, file: path,
                    message: rule.description + hidden
                ).at(place(origin)))
        }
    }

    private mutating func secret(_ rule: SecretRule, _ match: YaraEngine.Match, _ layer: Layer) {
        let end = min(match.offset + match.length, layer.bytes.count)
        guard match.offset < end else { return }
        let rest = layer.bytes[end..<min(end + 8_000, layer.bytes.count)]
        if rule.confirmation == .assignment, Lockfile.isLockfile(path) { return }
        guard let value = SecretJudge.confirm(rule, layer.bytes[match.offset..<end], rest: rest) else {
            return
        }
        let origin = layer.origin(match.offset)
        let (line, column) = text.position(origin)
        guard seen.insert("secret:\(value)").inserted else { return }
        // A generic rule says nothing about what a specific one has named.
        guard rule.confirmation != .assignment || seen.insert("secret-line:\(line)").inserted else { return }
        seen.insert("secret-line:\(line)")
        append(
            Finding(
                rule: rule.id, class: .secret, severity: rule.description.severity, file: path, line: line,
                column: column, message: rule.description.description, evidence: Self.blank(value)))
    }

    /// The first four characters and the length: enough to find it, too little to use it.
    static func blank(_ value: String) -> String {
        "\(SourceText.printable(String(value.prefix(4))))… (\(value.count) characters)"
    }
}
