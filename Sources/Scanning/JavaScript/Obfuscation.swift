/// The marks that obfuscators leave in a syntax tree. Minified code has none of them: short names and no blanks are
/// not hiding.
enum Obfuscation {
    typealias ID = SyntaxTree.ID

    static func judge(_ tree: SyntaxTree, into facts: inout [CodeFact]) {
        var hexNames: Set<Int32> = []
        let looksHex = Set((0..<Int32(tree.interner.count)).filter { isHexName(tree.interner[$0]) })
        var firstHex = 0
        var array: (offset: Int, count: Int)?
        var shuffles: Int?
        var accessors: [Int32: Int] = [:]
        var flattened: Int?
        for index in 1..<max(1, tree.nodes.count) {
            let node = tree.nodes[index]
            switch node.kind {
            case .identifier where !looksHex.isEmpty && looksHex.contains(node.text):
                if hexNames.isEmpty { firstHex = Int(node.start) }
                hexNames.insert(node.text)
            case .array:
                let items = tree.list(node.a)
                if items.count >= 10, items.allSatisfy({ tree[$0].kind == .string }),
                    array.map({ $0.count < items.count }) ?? true
                {
                    array = (Int(node.start), items.count)
                }
            case .call: countAccessor(tree, node, &accessors, &shuffles)
            case .whileNode, .forNode: if isFlattened(tree, node) { flattened = Int(node.start) }
            default: break
            }
        }
        func add(_ name: String, _ offset: Int, _ detail: String) {
            facts.append(CodeFact(name: name, offset: offset, detail: detail))
        }
        if hexNames.count >= 5 { add("names.hex", firstHex, "\(hexNames.count) names") }
        if let shuffles { add("shuffle.array", shuffles, "") }
        if let flattened { add("control.flattened", flattened, "") }
        let busiest = accessors.values.max() ?? 0
        if let array, busiest >= 8 { add("string.array", array.offset, "\(array.count) texts") }
    }

    /// `_0x1a2b3c`.
    static func isHexName(_ name: String) -> Bool {
        name.utf8.first == 0x5F && name.hasPrefix("_0x") && name.utf8.count >= 6
            && name.utf8.dropFirst(3).allSatisfy { Base64.digit($0) != nil }
    }

    /// `f(0x1a2)` with nothing but a number, again and again; and `push(shift())` on one array.
    private static func countAccessor(
        _ tree: SyntaxTree, _ node: SyntaxTree.Node, _ accessors: inout [Int32: Int], _ shuffles: inout Int?
    ) {
        let callee = tree[node.a]
        let first = node.b == 0 ? nil : tree[node.b]
        if callee.kind == .identifier, let first, first.kind == .number {
            accessors[callee.text, default: 0] += 1
        }
        guard let first, first.kind == .call, let outer = memberName(tree, callee),
            let inner = memberName(tree, tree[first.a])
        else { return }
        // Both on one array: that is how a table of texts is turned until it fits.
        let owner = tree[callee.a]
        guard owner.kind == .identifier, tree[tree[first.a].a].kind == .identifier,
            owner.text == tree[tree[first.a].a].text
        else { return }
        if outer == "push" && inner == "shift" || outer == "unshift" && inner == "pop" {
            shuffles = Int(node.start)
        }
    }

    private static func memberName(_ tree: SyntaxTree, _ node: SyntaxTree.Node) -> String? {
        switch node.kind {
        case .member: tree.interner[node.text]
        case .index where tree[node.b].kind == .string: tree.interner[tree[node.b].text]
        default: nil
        }
    }

    /// `while (true) { switch (order[i++]) { case "0": … } break; }`
    private static func isFlattened(_ tree: SyntaxTree, _ node: SyntaxTree.Node) -> Bool {
        let body = node.kind == .forNode ? node.d : node.b
        guard body != 0, tree[body].kind == .block else { return false }
        for item in tree.list(tree[body].a) where tree[item].kind == .switchNode {
            let subject = tree[tree[item].a]
            guard subject.kind == .index, tree[subject.b].kind == .update else { continue }
            if tree.list(tree[item].b).count >= 3 { return true }
        }
        return false
    }
}
