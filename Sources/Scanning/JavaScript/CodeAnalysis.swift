/// What one JavaScript or TypeScript text does, from its syntax tree.
struct CodeAnalysis {
    typealias ID = SyntaxTree.ID

    private(set) var facts: [CodeFact] = []
    private(set) var operations: [OperationUse] = []
    private(set) var imports: [ImportUse] = []
    /// Every constant text and every resolved name, in the order of the source: the layer that byte rules read.
    private(set) var pieces: [(text: String, offset: Int)] = []
    /// What the code decodes, or what it runs that is a known text.
    private(set) var payloads: [(bytes: [UInt8], offset: Int)] = []
    private(set) var errors: [(offset: Int, message: String)] = []
    /// Names of globals that are used and not only asked after with `typeof`.
    private(set) var ambient: [(name: String, offset: Int)] = []
    /// Identifiers that are not plain ASCII, or hold escapes.
    private(set) var names: [(name: String, offset: Int, isEscaped: Bool)] = []

    private let tree: SyntaxTree
    private let evaluator: Evaluator
    private let resolver: Resolver
    private var parents: [ID]

    /// Nodes that hold what should not be sent away.
    private var watched: [ID: FlowAnalysis.Label] = [:]

    /// A budget ran out: what was not followed may do anything.
    var isExhausted: Bool {
        evaluator.isExhausted || pieces.count >= Self.piecesMax || facts.count >= Self.factsMax
    }
    private static let piecesMax = 400_000
    private static let factsMax = 20_000

    /// The text reads differently as a script and as a module.
    var isAmbiguous: Bool { tree.sawHTMLComment }

    init(_ bytes: [UInt8], _ dialect: Parser.Dialect = .script) {
        tree = Parser.parse(bytes, dialect)
        resolver = Resolver(tree)
        evaluator = Evaluator(tree, resolver)
        parents = [ID](repeating: 0, count: tree.nodes.count)
        errors = tree.errors
        adoptChildren()
        for id in 1..<max(1, tree.nodes.count) { visit(ID(id)) }
        for item in evaluator.decoded { payloads.append((item.bytes, Int(tree[item.node].start))) }
        noteNames()
        Obfuscation.judge(tree, into: &facts)
        flow()
    }

    /// Every node's parent: the first that holds it.
    private mutating func adoptChildren() {
        func adopt(_ first: ID, _ parent: Int) {
            var child = first
            while child != 0, parents[Int(child)] == 0 {
                parents[Int(child)] = ID(parent)
                child = tree.nodes[Int(child)].next
            }
        }
        for id in 1..<max(1, tree.nodes.count) {
            adopt(tree.nodes[id].a, id)
            adopt(tree.nodes[id].b, id)
            adopt(tree.nodes[id].c, id)
            adopt(tree.nodes[id].d, id)
        }
    }

    /// What leaves: only asked where there is something to watch and a way out.
    private mutating func flow() {
        guard !watched.isEmpty,
            !operations.isEmpty || facts.contains(where: { $0.name.hasPrefix("network.") })
        else { return }
        let analysis = FlowAnalysis(tree, resolver, evaluator, parents: parents, sources: watched)
        for item in analysis.sent {
            if item.label.contains(.environment) { add("environment.sent", item.node) }
            if item.label.contains(.file) { add("files.sent", item.node) }
            if item.label.contains(.system) { add("system.sent", item.node) }
        }
    }

    /// The first fact of each name.
    var byName: [String: CodeFact] {
        Dictionary(facts.map { ($0.name, $0) }, uniquingKeysWith: { $0.offset <= $1.offset ? $0 : $1 })
    }

    private mutating func add(_ name: String, _ id: ID, _ detail: String = "") {
        guard facts.count < Self.factsMax else { return }
        facts.append(CodeFact(name: name, offset: Int(tree[id].start), detail: detail))
    }

    private mutating func visit(_ id: ID) {
        let node = tree[id]
        switch node.kind {
        case .string:
            note(tree.interner[node.text], id)
        case .template, .binary:
            noteFolded(id)
        case .call, .new:
            noteFolded(id)
            environmentUse(id)
            call(id, node)
        case .identifier where resolver.meaning[Int(id)] >= 0: environmentUse(id)
        case .identifier where resolver.meaning[Int(id)] == Resolver.free:
            ambientUse(id, node)
            reference(id)
        case .member, .index: reference(id)
        case .importNode:
            guard node.text != 0, !node.flags.contains(.typeOnly) else { return }
            importModule(tree.interner[node.text], id)
        case .importCall:
            if let name = evaluator.value(node.a).text {
                importModule(name, id)
            } else {
                imports.append(ImportUse(specifier: nil, offset: Int(node.start)))
                add("dynamic.import", id)
            }
        case .assign: assignment(node)
        case .whileNode, .doNode, .forNode: loop(id, node)
        case .debugger: add("debugger", id)
        default: break
        }
    }

    // MARK: texts

    private mutating func note(_ text: String, _ id: ID) {
        guard !text.isEmpty, pieces.count < Self.piecesMax else { return }
        pieces.append((text, Int(tree[id].start)))
        for fact in TextMarker.facts(text) { add(fact, id, text) }
    }

    private mutating func noteFolded(_ id: ID) {
        let kind = tree[id].kind
        // Inside a longer text that is known as a whole, a part says nothing new.
        let parent = parents[Int(id)]
        if kind == .binary, parent != 0, tree[parent].kind == .binary, tree[parent].a == id { return }
        switch evaluator.value(id) {
        case .text(let text):
            if parent != 0, tree[parent].kind == .binary, evaluator.value(parent).text != nil { return }
            note(text, id)
        case .prefix(let text) where kind != .call: note(text, id)
        case .bytes(let bytes) where bytes.count < 65_536: note(String(decoding: bytes, as: UTF8.self), id)
        default: break
        }
    }

    // MARK: names

    private mutating func ambientUse(_ id: ID, _ node: SyntaxTree.Node) {
        let name = tree.interner[node.text]
        guard FactName.ambientGlobals.contains(name) else { return }
        let parent = tree[parents[Int(id)]]
        if parent.kind == .unary, parent.text == Word.typeof.id { return }
        // require("x") is an import, judged as one.
        if name == "require", parent.kind == .call || parent.kind == .member { return }
        ambient.append((name, Int(node.start)))
    }

    private mutating func noteNames() {
        let foreign = Set(
            (0..<Int32(tree.interner.count)).filter { !tree.interner[$0].utf8.allSatisfy { $0 < 0x80 } })
        for node in tree.nodes where node.kind == .identifier || node.kind == .member {
            let isEscaped = node.flags.contains(.escaped)
            guard isEscaped || !foreign.isEmpty && foreign.contains(node.text) else { continue }
            names.append((tree.interner[node.text], Int(node.start), isEscaped))
        }
    }

    /// A name that leads to something global or imported, as far as it goes.
    private mutating func reference(_ id: ID) {
        let node = tree[id]
        let parent = tree[parents[Int(id)]]
        let isBase = (parent.kind == .member || parent.kind == .index) && parent.a == id
        guard case .reference(let reference) = evaluator.value(id) else { return }
        if node.kind == .index { computedAccess(id, node, reference) }
        guard !isBase else { return }
        switch reference.root {
        case .global, .module:
            let name = reference.name
            pieces.append((name, Int(node.start)))
            if name == "process.env" { environment(id) }
            if name.hasPrefix("process.env.") { add("environment.read", id, name) }
        case .local, .this, .result:
            // A method that is handed on is as good as one that is called.
            guard node.kind == .member, parent.kind != .call || parent.a != id, parent.kind != .assign else {
                return
            }
            guard let last = reference.last, reference.parent?.last == "api" else { return }
            if ["readData", "writeData", "triggerWorkflow"].contains(last) {
                operations.append(
                    OperationUse(operation: last, target: nil, method: nil, offset: Int(node.start)))
            }
        }
    }

    /// A name or call that leads to the whole environment.
    private mutating func environmentUse(_ id: ID) {
        guard case .reference(let reference) = evaluator.value(id), reference.name == "process.env" else {
            return
        }
        environment(id)
    }

    /// Written out, enumerated or sent, the environment is taken as a whole; handed to a child process it is not.
    private mutating func environment(_ id: ID) {
        let parentID = parents[Int(id)]
        let parent = tree[parentID]
        var isWhole = false
        switch parent.kind {
        case .call, .new:
            guard parent.a != id, case .reference(let callee) = evaluator.callee(parent).value else { break }
            isWhole =
                Self.writers.contains(callee.name)
                || callee.fact?.hasPrefix("network.") == true
        case .template: isWhole = true
        case .binary: isWhole = parent.op == Op.plus
        case .forIn: isWhole = parent.b == id
        case .property: isWhole = resolver.key(of: parent).isBody
        case .spread: isWhole = !isForChild(parents[Int(parentID)])
        default: break
        }
        watched[id] = .environmentObject
        add(isWhole ? "environment.all" : "environment.read", id, "process.env")
    }

    static let writers: Set<String> = [
        "JSON.stringify", "Object.keys", "Object.entries", "Object.values", "String", "<util>.inspect",
        "<querystring>.stringify", "URLSearchParams", "Reflect.ownKeys", "Object.getOwnPropertyNames",
        "Object.fromEntries", "btoa", "Buffer.from", "structuredClone",
    ]

    /// `{...process.env}` as the value of something that is named after an environment.
    private func isForChild(_ object: ID) -> Bool {
        let holder = tree[parents[Int(object)]]
        switch holder.kind {
        case .property: return resolver.key(of: holder).isEnvironment
        case .declarator, .assign:
            let target = tree[holder.a]
            return tree.interner[target.text].lowercased().contains("env")
        case .call, .returnNode, .conditional, .binary: return true
        default: return false
        }
    }

    private mutating func computedAccess(_ id: ID, _ node: SyntaxTree.Node, _ reference: Reference) {
        let key = tree[node.b]
        guard case .global(let root) = reference.root else { return }
        let isPlain = key.kind == .string && !key.flags.contains(.escaped) || key.kind == .number
        let last = reference.last ?? root
        if !isPlain, last != Reference.unknownStep {
            if Self.dangerous.contains(last) { add("computed.access", id, reference.name) }
        } else if last == Reference.unknownStep,
            Evaluator.globalAliases.contains(root)
        {
            add("computed.access", id, reference.name)
        } else if isPlain, reference.depth == 0, Self.dangerous.contains(root) {
            add("computed.access", id, reference.name)
        }
    }

    private static let dangerous: Set<String> = [
        "eval", "Function", "constructor", "process", "require", "child_process", "exec", "execSync", "spawn",
        "env",
        "mainModule", "binding", "fetch", "XMLHttpRequest", "importScripts", "fromCharCode",
    ]

    // MARK: imports

    private mutating func importModule(_ name: String, _ id: ID) {
        imports.append(ImportUse(specifier: name, offset: Int(tree[id].start)))
        pieces.append(("<\(Evaluator.module(name))>", Int(tree[id].start)))
        let module = Evaluator.module(name)
        if FactName.builtinModules.contains(module.split(separator: "/").first.map(String.init) ?? module) {
            add("import.builtin", id, module)
        }
        if name.hasPrefix("http:") || name.hasPrefix("https:") || name.hasPrefix("data:") {
            add("import.remote", id, name)
        }
    }

    // MARK: calls

    private mutating func call(_ id: ID, _ node: SyntaxTree.Node) {
        let (target, arguments) = evaluator.callee(node)
        guard case .reference(let reference) = target else { return }
        if reference.isRequire { return require(id, reference, arguments) }
        operation(id, reference, arguments)
        if let fact = reference.fact {
            if fact == "dynamic.code" { dynamicCode(id, arguments) } else { add(fact, id, reference.name) }
            if fact == "files.read", !reference.name.hasSuffix("Stat"), !reference.name.contains("exists") {
                watched[id] = .file
            }
            if fact == "system.info" { watched[id] = .system }
        }
        if isConstructor(reference), let code = arguments.last,
            evaluator.value(code).text != nil || reference.parent?.last == "constructor"
        {
            dynamicCode(id, arguments)
        }
        switch reference.root {
        case .global: globalCall(id, reference, arguments)
        case .module("zlib"), .module("pako"): add("decode.inflate", id, reference.name)
        default: break
        }
    }

    private mutating func require(_ id: ID, _ reference: Reference, _ arguments: [ID]) {
        if let module = arguments.first.flatMap({ evaluator.value($0).text }) {
            return importModule(module, id)
        }
        switch reference.root {
        case .global,
            .result where reference.depth == 0:
            guard !arguments.isEmpty else { return }
            imports.append(ImportUse(specifier: nil, offset: Int(tree[id].start)))
            add("dynamic.import", id)
        default: break
        }
    }

    /// `f.constructor(code)`, or what `x.constructor(code)` gave, called.
    private func isConstructor(_ reference: Reference) -> Bool {
        if reference.last == "constructor" { return true }
        guard reference.depth == 0, case .result(let name) = reference.root else { return false }
        return name.hasSuffix(".constructor")
    }

    private mutating func globalCall(_ id: ID, _ reference: Reference, _ arguments: [ID]) {
        guard let first = arguments.first else { return }
        switch reference.name {
        case "setTimeout", "setInterval":
            switch evaluator.value(first) {
            case .text, .prefix: add("dynamic.timer", id, reference.name)
            default: break
            }
        case "Object.defineProperty", "Object.defineProperties", "Object.setPrototypeOf", "Object.assign",
            "Reflect.defineProperty":
            if case .reference(let victim) = evaluator.value(first) { tampering(victim, id) }
        case "Buffer.from":
            if arguments.count > 1, evaluator.value(arguments[1]).text == "base64" {
                add("decode.base64", id, reference.name)
            }
        default: break
        }
        if reference.last == "addEventListener" || reference.last == "on",
            let event = evaluator.value(first).text, ["keydown", "keypress", "keyup"].contains(event)
        {
            add("input.keys", id, event)
        }
    }

    private mutating func dynamicCode(_ id: ID, _ arguments: [ID]) {
        guard let code = arguments.last else { return }
        switch evaluator.value(code) {
        case .text(let text):
            // `Function("return this")()` is how old libraries reach the global object.
            if text == "return this" || text == "return this;" || text.isEmpty { return }
            let isDecoded = evaluator.decoded.contains { $0.bytes.elementsEqual(text.utf8) }
            add(isDecoded ? "dynamic.code-decoded" : "dynamic.code-constant", id, text)
            payloads.append((Array(text.utf8), Int(tree[id].start)))
        case .reference(let reference)
        where reference.name.contains("atob") || reference.name.contains("toString()"):
            add("dynamic.code-decoded", id, reference.name)
        default: add(holdsDecoder(code) ? "dynamic.code-decoded" : "dynamic.code", id)
        }
    }

    /// True where a decoding function is called somewhere inside an expression.
    private func holdsDecoder(_ id: ID) -> Bool {
        var stack = [id]
        var steps = 0
        while let next = stack.popLast(), steps < 2_000 {
            steps += 1
            let node = tree[next]
            if node.kind == .call, case .reference(let reference) = evaluator.callee(node).value {
                let name = reference.name
                if name == "atob" || name == "unescape" || name == "decodeURIComponent"
                    || name.hasPrefix("Buffer.from")
                    || name.hasPrefix("<zlib>") || name == "String.fromCharCode"
                {
                    return true
                }
            }
            for slot in [node.a, node.b, node.c, node.d] where slot != 0 { stack += tree.list(slot) }
        }
        return false
    }

    private mutating func operation(
        _ id: ID, _ reference: Reference, _ arguments: [ID]
    ) {
        let offset = Int(tree[id].start)
        let name =
            reference.last ?? { if case .global(let name) = reference.root { name } else { "" } }()
        func first() -> Evaluator.Value { arguments.first.map(evaluator.value) ?? .unknown }
        switch name {
        case "readData", "writeData", "triggerWorkflow":
            if case .module(let module) = reference.root, !module.hasPrefix("@veroforge/sdk") { return }
            operations.append(
                OperationUse(operation: name, target: first().text, method: nil, offset: offset))
        case "fetch":
            switch reference.root {
            case .global where reference.depth == 0, .this: break
            case .local:
                // `context.fetch`, `ctx.fetch`, or a `fetch` taken out of the context: not `cache.fetch`.
                let owner = reference.parent?.last
                guard owner == nil || owner == "context" || owner == "ctx" || owner == "api" else { return }
            default: return
            }
            operations.append(
                OperationUse(
                    operation: "fetch", target: host(first()), method: method(arguments),
                    offset: offset))
        default: break
        }
    }

    /// The host of a URL whose beginning is known as far as the host's end.
    private func host(_ value: Evaluator.Value) -> String? {
        let text: String
        switch value {
        case .text(let whole): text = whole + "/"
        case .prefix(let beginning): text = beginning
        default: return nil
        }
        guard let scheme = text.firstRange(of: "://") else { return nil }
        let rest = text[scheme.upperBound...]
        guard let end = rest.firstIndex(where: { $0 == "/" || $0 == "?" || $0 == "#" || $0 == ":" }) else {
            return nil
        }
        let host = rest[..<end].lowercased()
        return host.isEmpty ? nil : host
    }

    private func method(_ arguments: [ID]) -> String? {
        guard arguments.count > 1 else { return "GET" }
        let value = evaluator.value(arguments[1])
        guard case .object(let object) = value else { return nil }
        for item in tree.list(tree[object].a) {
            if tree[item].kind == .spread { return nil }
            if resolver.key(of: tree[item]) == .name("method") {
                return evaluator.value(tree[item].b).text?.uppercased()
            }
        }
        return "GET"
    }

    // MARK: tampering and loops

    private mutating func assignment(_ node: SyntaxTree.Node) {
        let target = tree[node.a]
        guard target.kind == .member || target.kind == .index,
            case .reference(let base) = evaluator.value(target.a)
        else { return }
        tampering(base, node.a)
    }

    private static let builtins: Set<String> = [
        "Object", "Array", "String", "Number", "Function", "Promise", "JSON", "Math", "Date", "RegExp", "Map",
        "Set",
        "Symbol", "Reflect", "Proxy", "Error", "ArrayBuffer", "Uint8Array",
    ]

    private mutating func tampering(_ victim: Reference, _ id: ID) {
        guard case .global(let root) = victim.root, Self.builtins.contains(root) else { return }
        if victim.depth == 1 && victim.last == "prototype" { add("tamper.prototype", id, victim.name) }
        if victim.depth == 0 && ["JSON", "Math", "Reflect", "Promise"].contains(root) {
            add("tamper.global", id, victim.name)
        }
    }

    private mutating func loop(_ id: ID, _ node: SyntaxTree.Node) {
        let (test, body): (ID, ID) =
            switch node.kind {
            case .forNode: (node.b, node.d)
            default: (node.a, node.b)
            }
        let isEndless = test == 0 ? node.kind == .forNode : isAlwaysTrue(test)
        guard isEndless, node.kind != .forNode || node.c == 0 || test == 0 else { return }
        if !leaves(body, depth: 0, inLoop: false) { add("loop.endless", id) }
    }

    /// A literal, or a constant that is one: what is computed may change.
    private func isAlwaysTrue(_ id: ID) -> Bool {
        let node = tree[id]
        switch node.kind {
        case .bool: return node.flags.contains(.isTrue)
        case .number: return tree.numbers[id] != 0
        case .array, .object: return true
        case .string: return !tree.interner[node.text].isEmpty
        case .sequence: return tree.list(node.a).last.map(isAlwaysTrue) ?? false
        case .unary where node.op == Op.not: return isAlwaysFalse(node.a)
        case .identifier:
            let meaning = resolver.meaning[Int(id)]
            guard meaning >= 0 else { return false }
            let binding = resolver.bindings[Int(meaning)]
            guard binding.kind == .variable, binding.writes == 0, binding.origin != 0, binding.path.isEmpty
            else {
                return false
            }
            return tree[binding.origin].kind == .bool && tree[binding.origin].flags.contains(.isTrue)
        default: return false
        }
    }

    private func isAlwaysFalse(_ id: ID) -> Bool {
        let node = tree[id]
        switch node.kind {
        case .bool: return !node.flags.contains(.isTrue)
        case .number: return tree.numbers[id] == 0
        case .unary where node.op == Op.not: return isAlwaysTrue(node.a)
        default: return false
        }
    }

    /// True where something in a loop's body may end it, or give others a turn.
    private func leaves(_ first: ID, depth: Int, inLoop: Bool) -> Bool {
        var id = first
        while id != 0 {
            let node = tree[id]
            switch node.kind {
            case .returnNode, .throwNode, .await, .yield: return true
            case .jump where node.flags.contains(.isTrue): if !inLoop || node.text != 0 { return true }
            case .function, .classNode: break
            default:
                guard depth < 200 else { return true }
                let isLoop = [.whileNode, .doNode, .forNode, .forIn, .switchNode].contains(node.kind)
                for child in [node.a, node.b, node.c, node.d] where child != 0 {
                    if leaves(child, depth: depth + 1, inLoop: inLoop || isLoop) { return true }
                }
            }
            id = node.next
        }
        return false
    }
}

extension Resolver.Key {
    fileprivate var isBody: Bool {
        guard case .name(let name) = self else { return false }
        return ["body", "data", "payload", "content", "json", "form", "text", "message", "qs", "params"]
            .contains(name)
    }

    fileprivate var isEnvironment: Bool {
        guard case .name(let name) = self else { return false }
        return name.lowercased().contains("env")
    }
}
