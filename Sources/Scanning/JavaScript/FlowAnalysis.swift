/// Where data goes inside one text: what is read on one side and handed to a network call on the other.
///
/// It does not ask in which order statements run: a name that ever holds something, holds it. That two things stand in
/// one file says little, for a bundle holds everything; that one reaches the other says much.
struct FlowAnalysis {
    typealias ID = SyntaxTree.ID

    struct Label: OptionSet, Hashable {
        let rawValue: UInt8
        static let environment = Label(rawValue: 1)
        static let file = Label(rawValue: 2)
        static let system = Label(rawValue: 4)
        /// The environment as an object: one variable out of it is none of the whole.
        static let environmentObject = Label(rawValue: 8)

        /// What an object's whole content holds.
        var poured: Label { contains(.environmentObject) ? union(.environment) : self }
    }

    private let tree: SyntaxTree
    private let resolver: Resolver
    private let evaluator: Evaluator
    private let sources: [ID: Label]
    private var held: [Label]
    private var bindings: [Int32: Label] = [:]
    private var ownProperties: [Int32: Label] = [:]
    private var returns: [ID: Label] = [:]
    private var owner: [ID] = []
    private var isChanged = false
    private(set) var sent: [(label: Label, node: ID)] = []

    private static let passesMax = 6

    /// - Parameter sources: the nodes that hold something worth watching.
    init(
        _ tree: SyntaxTree, _ resolver: Resolver, _ evaluator: Evaluator, parents: [ID], sources: [ID: Label]
    ) {
        self.tree = tree
        self.resolver = resolver
        self.evaluator = evaluator
        self.sources = sources
        held = [Label](repeating: [], count: tree.nodes.count)
        owner = Self.owners(tree, parents)
        for _ in 0..<Self.passesMax {
            isChanged = false
            // A node's parts have smaller numbers than itself: one pass carries a label up the whole expression.
            for id in 1..<max(1, tree.nodes.count) { step(ID(id)) }
            if !isChanged { break }
        }
        for id in 1..<max(1, tree.nodes.count)
        where tree.nodes[id].kind == .call || tree.nodes[id].kind == .new {
            sink(ID(id))
        }
    }

    /// The function in which each `return` stands.
    private static func owners(_ tree: SyntaxTree, _ parents: [ID]) -> [ID] {
        var owner = [ID](repeating: 0, count: tree.nodes.count)
        for id in stride(from: tree.nodes.count - 1, to: 0, by: -1) {
            let parent = parents[id]
            owner[id] = parent == 0 ? 0 : tree[parent].kind == .function ? parent : owner[Int(parent)]
        }
        return owner
    }

    private mutating func mark(_ id: ID, _ label: Label) {
        guard !label.isSubset(of: held[Int(id)]) else { return }
        held[Int(id)].formUnion(label)
        isChanged = true
    }

    private mutating func mark(binding: Int32, _ label: Label) {
        guard binding >= 0, !label.isEmpty, !label.isSubset(of: bindings[binding] ?? []) else { return }
        bindings[binding, default: []].formUnion(label)
        isChanged = true
    }

    private func all(_ first: ID) -> Label {
        var label: Label = []
        var id = first
        while id != 0 {
            label.formUnion(held[Int(id)])
            id = tree[id].next
        }
        return label
    }

    private mutating func step(_ id: ID) {
        let node = tree[id]
        var label = sources[id] ?? []
        switch node.kind {
        case .identifier:
            let binding = resolver.meaning[Int(id)]
            if binding >= 0 { label.formUnion(bindings[binding] ?? []) }
        case .member:
            let name = tree.interner[node.text]
            if name != "length" && name != "size" {
                label.formUnion(held[Int(node.a)].subtracting(.environmentObject))
            }
            if tree[node.a].kind == .this { label.formUnion(ownProperties[node.text] ?? []) }
        case .index:
            // By a known name it is one variable, by an unknown one it may be each.
            let key = held[Int(node.b)]
            label.formUnion(held[Int(node.a)].subtracting(.environmentObject).union(key))
        case .call, .new: label.formUnion(call(node))
        case .binary where [Op.plus, Op.or, Op.and, Op.nullish].contains(node.op):
            label.formUnion(held[Int(node.a)].union(held[Int(node.b)]))
            if node.op == Op.plus { label = label.poured }
        case .template: label.formUnion(all(node.a).poured)
        case .array, .object: label.formUnion(all(node.a))
        case .tagged: label.formUnion(held[Int(node.a)].union(held[Int(node.b)]))
        case .property, .assign: label.formUnion(held[Int(node.b)])
        case .spread: label.formUnion(held[Int(node.a)].poured)
        case .await, .yield: label.formUnion(held[Int(node.a)])
        case .conditional: label.formUnion(held[Int(node.b)].union(held[Int(node.c)]))
        case .sequence: label.formUnion(all(node.a))
        case .returnNode:
            if owner[Int(id)] != 0 { noteReturn(owner[Int(id)], held[Int(node.a)]) }
        case .declarator: assign(node.a, held[Int(node.b)])
        case .forIn: assign(node.a, held[Int(node.b)].poured.subtracting(.environmentObject))
        case .function where node.flags.contains(.expressionBody): noteReturn(id, held[Int(node.b)])
        default: break
        }
        if node.kind == .assign { assign(node.a, held[Int(node.b)]) }
        mark(id, label)
    }

    private mutating func noteReturn(_ function: ID, _ label: Label) {
        guard !label.isSubset(of: returns[function] ?? []) else { return }
        returns[function, default: []].formUnion(label)
        isChanged = true
    }

    /// What is put into a name, a pattern or a property.
    private mutating func assign(_ target: ID, _ label: Label) {
        guard !label.isEmpty, target != 0 else { return }
        let node = tree[target]
        switch node.kind {
        case .identifier: mark(binding: resolver.meaning[Int(target)], label)
        case .declaration: for item in tree.list(node.a) { assign(tree[item].a, label) }
        case .object:
            for item in tree.list(node.a) { assign(tree[item].b == 0 ? tree[item].a : tree[item].b, label) }
        case .array: for item in tree.list(node.a) { assign(item, label) }
        case .assign, .spread: assign(node.a, label)
        case .member, .index:
            if tree[node.a].kind == .this, node.kind == .member {
                if !label.isSubset(of: ownProperties[node.text] ?? []) {
                    ownProperties[node.text, default: []].formUnion(label)
                    isChanged = true
                }
            } else if tree[node.a].kind == .identifier {
                mark(binding: resolver.meaning[Int(node.a)], label)
            }
        default: break
        }
    }

    private static let collectors: Set<String> = [
        "push", "unshift", "set", "add", "append", "concat", "assign",
    ]
    private static let tests: Set<String> = [
        "includes", "indexOf", "has", "test", "some", "every", "startsWith", "endsWith", "lastIndexOf",
        "hasOwnProperty",
    ]

    private mutating func call(_ node: SyntaxTree.Node) -> Label {
        let given = all(node.b)
        let callee = tree[node.a]
        var label = given
        var from: Label = []
        if callee.kind == .member || callee.kind == .index {
            from = held[Int(callee.a)]
            let name = callee.kind == .member ? tree.interner[callee.text] : ""
            if Self.tests.contains(name) { return [] }
            if Self.collectors.contains(name), tree[callee.a].kind == .identifier {
                mark(binding: resolver.meaning[Int(callee.a)], given)
            }
            label.formUnion(from)
        }
        if case .function(let function) = evaluator.value(node.a) {
            hand(node.b, to: function)
            label = returns[function] ?? []
        } else if label.contains(.environmentObject) {
            if case .reference(let reference) = evaluator.callee(node).value,
                CodeAnalysis.writers.contains(reference.name)
            {
                label = label.poured
            }
            label.subtract(.environmentObject)
        }
        // A function that is handed to a method of what is watched is given parts of it.
        if !from.isEmpty || !given.isEmpty {
            for item in tree.list(node.b) {
                guard case .function(let function) = evaluator.value(item) else { continue }
                for parameter in tree.list(tree[function].a) { assign(parameter, from.union(given)) }
            }
        }
        return label
    }

    private mutating func hand(_ arguments: ID, to function: ID) {
        let parameters = tree.list(tree[function].a)
        for (index, argument) in tree.list(arguments).enumerated() where index < parameters.count {
            assign(parameters[index], held[Int(argument)])
        }
    }

    // MARK: where it leaves

    private static let senders: Set<String> = [
        "write", "end", "send", "emit", "push", "setHeader", "postMessage",
    ]

    private mutating func sink(_ id: ID) {
        let node = tree[id]
        var label = all(node.b)
        guard !label.isEmpty, case .reference(let reference) = evaluator.callee(node).value else { return }
        var isSink = reference.fact?.hasPrefix("network.") ?? false
        if !isSink, let last = reference.last, Self.senders.contains(last),
            case .result(let name) = reference.root
        {
            isSink = FactName.ofCall(name)?.hasPrefix("network.") ?? false
        }
        if !isSink, reference.last == "fetch" || reference.name == "this.fetch" { isSink = true }
        guard isSink else { return }
        // A function that is handed over is called back, not sent.
        label = tree.list(node.b).filter { tree[$0].kind != .function }.reduce(into: Label()) {
            $0.formUnion(held[Int($1)].poured)
        }
        if !label.isEmpty { sent.append((label, id)) }
    }
}
