/// Which binding a name means: scopes, hoisting, patterns. What no scope declares is a free global.
struct Resolver {
    typealias ID = SyntaxTree.ID

    /// One step from a value to a part of it.
    enum Key: Hashable {
        case name(String)
        case position(Int)
        case unknown
    }

    struct Binding {
        enum Kind: UInt8 { case variable, parameter, function, classKind, imported }

        var kind: Kind
        var name: Int32
        /// The value that it begins with; 0 where that is not known.
        var origin: ID = 0
        var path: [Key] = []
        var module: Int32 = 0
        var writes = 0
    }

    static let notAReference: Int32 = -2
    static let free: Int32 = -1

    let tree: SyntaxTree
    private(set) var bindings: [Binding] = []
    /// For every node: the binding that an identifier means, `free`, or `notAReference`.
    private(set) var meaning: [Int32]
    /// What is assigned to `this.name`, and to a property of a local value.
    private(set) var ownProperties: [Int32: ID] = [:]
    private(set) var localProperties: [Int64: ID] = [:]
    private var scopes: Scopes
    private let arguments: Int32

    init(_ tree: SyntaxTree) {
        self.tree = tree
        meaning = [Int32](repeating: Self.notAReference, count: tree.nodes.count)
        arguments = tree.interner.intern("arguments")
        scopes = Scopes(names: tree.interner.count)
        guard tree.root != 0 else { return }
        let body = tree[tree.root].a
        hoistVariables(body)
        hoistLexical(body)
        walkList(body)
    }

    // MARK: declaring

    private mutating func declare(
        _ name: Int32, _ kind: Binding.Kind, origin: ID, path: [Key] = [], module: Int32 = 0
    ) {
        if let before = scopes.innermost(name) {
            if bindings[Int(before)].origin == 0 { bindings[Int(before)].origin = origin }
            return
        }
        scopes.declare(name, Int32(bindings.count))
        bindings.append(Binding(kind: kind, name: name, origin: origin, path: path, module: module))
    }

    private mutating func declarePattern(_ target: ID, _ kind: Binding.Kind, origin: ID, path: [Key]) {
        let node = tree[target]
        switch node.kind {
        case .identifier: declare(node.text, kind, origin: origin, path: path)
        case .assign:
            declarePattern(node.a, kind, origin: origin == 0 ? node.b : origin, path: origin == 0 ? [] : path)
        case .spread: declarePattern(node.a, kind, origin: origin, path: path + [.unknown])
        case .object:
            for item in tree.list(node.a) {
                let property = tree[item]
                if property.kind == .spread {
                    declarePattern(property.a, kind, origin: origin, path: path)
                } else {
                    declarePattern(property.b, kind, origin: origin, path: path + [key(of: property)])
                }
            }
        case .array:
            for (index, item) in tree.list(node.a).enumerated() where tree[item].kind != .hole {
                declarePattern(item, kind, origin: origin, path: path + [.position(index)])
            }
        default: break
        }
    }

    func key(of property: SyntaxTree.Node) -> Key {
        let key = tree[property.a]
        if property.flags.contains(.computed) && key.kind != .string { return .unknown }
        switch key.kind {
        case .identifier, .string: return .name(tree.interner[key.text])
        default: return .unknown
        }
    }

    /// `var` and functions belong to the whole function, wherever they stand in it.
    private mutating func hoistVariables(_ first: ID) {
        var id = first
        while id != 0 {
            let node = tree[id]
            switch node.kind {
            case .declaration where node.flags.contains(.isVar):
                for item in tree.list(node.a) {
                    declarePattern(tree[item].a, .variable, origin: tree[item].b, path: [])
                }
            case .block, .labeled, .export, .with, .whileNode, .doNode, .caseNode, .switchNode, .ifNode,
                .forNode,
                .forIn, .tryNode:
                for child in [node.a, node.b, node.c, node.d]
                where child != 0 && isStatement(tree[child].kind) {
                    hoistVariables(child)
                }
            default: break
            }
            id = node.next
        }
    }

    /// A list of statements may begin with a function or a class.
    private func isStatement(_ kind: SyntaxTree.Kind) -> Bool {
        kind.rawValue >= SyntaxTree.Kind.program.rawValue || kind == .function || kind == .classNode
    }

    private mutating func hoistLexical(_ first: ID) {
        var id = first
        while id != 0 {
            let node = tree[id]
            switch node.kind {
            case .declaration where !node.flags.contains(.isVar):
                for item in tree.list(node.a) {
                    declarePattern(tree[item].a, .variable, origin: tree[item].b, path: [])
                }
            case .function where node.flags.contains(.declaration): declare(node.text, .function, origin: id)
            case .classNode where node.flags.contains(.declaration):
                declare(node.text, .classKind, origin: id)
            case .export, .labeled: hoistLexical(node.a)
            // All cases of a switch are one scope.
            case .caseNode: hoistLexical(node.b)
            case .importNode:
                for item in tree.list(node.a) {
                    let imported = Int32(bitPattern: tree[item].op)
                    let path: [Key] = imported == Word.empty.id ? [] : [.name(tree.interner[imported])]
                    declare(tree[item].text, .imported, origin: 0, path: path, module: node.text)
                }
            default: break
            }
            id = node.next
        }
    }

    // MARK: walking

    private mutating func walkList(_ first: ID) {
        var id = first
        while id != 0 {
            walk(id)
            id = tree[id].next
        }
    }

    private mutating func walk(_ id: ID) {
        let node = tree[id]
        switch node.kind {
        case .identifier: meaning[Int(id)] = scopes[node.text] ?? Self.free
        case .member: walk(node.a)
        case .property:
            if node.flags.contains(.computed) { walk(node.a) }
            if node.b != 0 { walk(node.b) }
        case .function: walkFunction(id, node)
        case .classNode:
            scopes.open()
            if node.text != 0 { declare(node.text, .classKind, origin: id) }
            if node.a != 0 { walk(node.a) }
            walkList(node.b)
            scopes.close()
        case .block, .staticBlock, .forNode, .forIn, .switchNode:
            scopes.open()
            hoistLexical(node.a)
            hoistLexical(node.b)
            hoistLexical(node.c)
            hoistLexical(node.d)
            if node.kind == .forIn, tree[node.a].kind == .declaration {
                // The loop's variable is a part of what is looped over.
                for item in tree.list(tree[node.a].a) {
                    declarePattern(tree[item].a, .variable, origin: node.b, path: [.unknown])
                }
            }
            walkSlots(node)
            scopes.close()
        case .tryNode:
            walk(node.a)
            scopes.open()
            if node.b != 0 { declarePattern(node.b, .parameter, origin: 0, path: []) }
            if node.c != 0 { walk(node.c) }
            scopes.close()
            if node.d != 0 { walk(node.d) }
        case .binary:
            // A chain of a thousand operators leans to the left.
            var chain: [ID] = []
            var left = id
            while tree[left].kind == .binary {
                chain.append(tree[left].b)
                left = tree[left].a
            }
            walk(left)
            for right in chain.reversed() { walk(right) }
        case .assign:
            walk(node.a)
            walk(node.b)
            noteAssignment(node)
        case .update:
            walk(node.a)
            let binding = meaning[Int(node.a)]
            if binding >= 0 { bindings[Int(binding)].writes += 2 }
        case .importNode, .specifier, .none, .string, .number: break
        default: walkSlots(node)
        }
    }

    private mutating func walkSlots(_ node: SyntaxTree.Node) {
        walkList(node.a)
        walkList(node.b)
        walkList(node.c)
        walkList(node.d)
    }

    private mutating func walkFunction(_ id: ID, _ node: SyntaxTree.Node) {
        scopes.open()
        if node.text != 0, !node.flags.contains(.declaration), !node.flags.contains(.method) {
            declare(node.text, .function, origin: id)
        }
        scopes.open()
        var parameter = node.a
        while parameter != 0 {
            declarePattern(parameter, .parameter, origin: 0, path: [])
            parameter = tree[parameter].next
        }
        if !node.flags.contains(.arrow) { declare(arguments, .parameter, origin: 0) }
        walkList(node.a)
        if node.b != 0 {
            if tree[node.b].kind == .block {
                hoistVariables(tree[node.b].a)
                hoistLexical(tree[node.b].a)
                walkList(tree[node.b].a)
            } else {
                walk(node.b)
            }
        }
        scopes.close()
        scopes.close()
    }

    private mutating func noteAssignment(_ node: SyntaxTree.Node) {
        guard node.op == Op.assign || node.op == 0x7C7C3D || node.op == 0x3F3F3D else {
            // `x += y` makes of a constant something else.
            let binding = meaning[Int(node.a)]
            if binding >= 0 { bindings[Int(binding)].writes += 2 }
            return
        }
        let target = tree[node.a]
        switch target.kind {
        case .identifier: note(node.a, origin: node.b, path: [])
        case .object, .array: notePattern(node.a, origin: node.b, path: [])
        case .member:
            let base = tree[target.a]
            if base.kind == .this {
                if ownProperties[target.text] == nil { ownProperties[target.text] = node.b }
            } else if base.kind == .identifier, meaning[Int(target.a)] >= 0 {
                let key = Int64(meaning[Int(target.a)]) << 32 | Int64(target.text)
                if localProperties[key] == nil { localProperties[key] = node.b }
            }
        default: break
        }
    }

    private mutating func note(_ id: ID, origin: ID, path: [Key]) {
        let binding = meaning[Int(id)]
        guard binding >= 0 else { return }
        bindings[Int(binding)].writes += 1
        if bindings[Int(binding)].origin == 0 && bindings[Int(binding)].kind == .variable {
            bindings[Int(binding)].origin = origin
            bindings[Int(binding)].path = path
        }
    }

    private mutating func notePattern(_ id: ID, origin: ID, path: [Key]) {
        let node = tree[id]
        switch node.kind {
        case .identifier: note(id, origin: origin, path: path)
        case .assign: notePattern(node.a, origin: origin, path: path)
        case .object:
            for item in tree.list(node.a) where tree[item].kind == .property {
                notePattern(tree[item].b, origin: origin, path: path + [key(of: tree[item])])
            }
        case .array:
            for (index, item) in tree.list(node.a).enumerated() {
                notePattern(item, origin: origin, path: path + [.position(index)])
            }
        default: break
        }
    }
}

/// What each name means at the place that is looked at. A scope that closes gives the names back what they meant
/// before, so that looking a name up takes one step however deep the scopes lie.
private struct Scopes {
    private struct Meaning {
        var binding: Int32 = -1
        /// How deep the scope lies that declares it.
        var depth: Int32 = 0
    }

    private var meanings: [Meaning]
    private var depth: Int32 = 0
    /// What was hidden since a scope was opened, and how much of it before each one.
    private var hidden: [(name: Int32, meaning: Meaning)] = []
    private var marks: [Int] = []

    init(names: Int) { meanings = [Meaning](repeating: Meaning(), count: names) }

    subscript(name: Int32) -> Int32? {
        let binding = meanings[Int(name)].binding
        return binding < 0 ? nil : binding
    }

    /// The meaning that the innermost scope itself gives.
    func innermost(_ name: Int32) -> Int32? {
        let meaning = meanings[Int(name)]
        return meaning.binding >= 0 && meaning.depth == depth ? meaning.binding : nil
    }

    mutating func declare(_ name: Int32, _ binding: Int32) {
        hidden.append((name, meanings[Int(name)]))
        meanings[Int(name)] = Meaning(binding: binding, depth: depth)
    }

    mutating func open() {
        depth += 1
        marks.append(hidden.count)
    }

    mutating func close() {
        let mark = marks.removeLast()
        while hidden.count > mark {
            let last = hidden.removeLast()
            meanings[Int(last.name)] = last.meaning
        }
        depth -= 1
    }
}
