/// JSX: elements inside of expressions. An element is a list of everything in it that is evaluated or named, which is
/// what the facts need; what it renders to is the business of the factory that a build tool puts in.
extension Parser {
    /// An element with the token at its `<`; behind it stands the next plain token.
    mutating func jsxElement() throws(Failure) -> ID {
        let (id, end) = try jsxParts()
        lexer.move(to: end)
        lastEnd = end
        token = lexer.next()
        return id
    }

    private mutating func jsxParts() throws(Failure) -> (ID, Int32) {
        try enter()
        defer { leave() }
        let start = token.start
        var items = List()
        token = lexer.jsxName(at: start + 1)
        try jsxTagName(&items)
        advance()
        if allowsTypes, isOp(Op.less) { try skipTypeArguments() }
        while !startsWithGreater, !isOp(Op.slash) {
            try jsxAttribute(&items)
        }
        if isOp(Op.slash) {
            lexer.move(to: token.start + 1)
            advance()
            guard startsWithGreater else { throw fail("a tag does not end") }
            return (jsxNode(start, items, token.start + 1), token.start + 1)
        }
        let end = try jsxChildren(from: token.start + 1, &items)
        return (jsxNode(start, items, end), end)
    }

    private mutating func jsxNode(_ start: Int32, _ items: List, _ end: Int32) -> ID {
        let id = node(.array, start, a: items.first)
        tree[id].end = end
        return id
    }

    private var startsWithGreater: Bool {
        token.kind == .punctuator && lexer.byte(at: token.start) == 0x3E
    }

    /// `Name`, `name.part`: a component is a value that is called; `div` is only a text.
    private mutating func jsxTagName(_ items: inout List) throws(Failure) {
        let text = tree.interner[token.text]
        guard let first = text.utf8.first else { return }
        lastEnd = token.end
        let isComponent = (0x41...0x5A).contains(first) || text.contains(".")
        let id: ID
        if isComponent {
            let parts = text.split(separator: ".")
            var value = node(.identifier, token.start, text: tree.interner.intern(String(parts[0])))
            for part in parts.dropFirst() {
                value = node(.member, token.start, a: value, text: tree.interner.intern(String(part)))
            }
            id = value
        } else {
            id = node(.string, token.start, text: token.text)
        }
        items.append(id, &tree)
    }

    private mutating func jsxAttribute(_ items: inout List) throws(Failure) {
        if isOp(Op.braceOpen) {
            advance()
            try expect(Op.spread)
            let value = try assignment()
            items.append(value, &tree)
            try expect(Op.braceClose)
            return
        }
        guard token.kind == .identifier else { throw fail("the name of an attribute was expected") }
        token = lexer.jsxName(at: token.start)
        // A name in plain code may begin with an escape, a name here may not.
        guard token.end > token.start else { throw fail("the name of an attribute was expected") }
        advance()
        guard isOp(Op.assign) else { return }
        lastEnd = token.end
        token = lexer.jsxValue(at: token.start + 1)
        if token.kind == .string {
            let id = node(.string, token.start, text: token.text)
            items.append(id, &tree)
            advance()
        } else if isOp(Op.braceOpen) {
            advance()
            let value = try assignment()
            items.append(value, &tree)
            try expect(Op.braceClose)
        } else if isOp(Op.less) {
            let value = try jsxElement()
            items.append(value, &tree)
        } else {
            throw fail("the value of an attribute was expected")
        }
    }

    /// Reads to the closing tag and gives the place behind it.
    private mutating func jsxChildren(from begin: Int32, _ items: inout List) throws(Failure) -> Int32 {
        var at = begin
        while true {
            token = lexer.jsxText(at: at)
            if tree.interner[token.text].utf8.contains(where: { $0 > 0x20 }) {
                lastEnd = token.end
                let id = node(.string, token.start, text: token.text)
                items.append(id, &tree)
            }
            lastEnd = token.end
            token = lexer.next()
            if isOp(Op.braceOpen) {
                advance()
                if !isOp(Op.braceClose) {
                    _ = eat(Op.spread)
                    let value = try assignment()
                    items.append(value, &tree)
                }
                guard isOp(Op.braceClose) else { throw fail("a brace is not closed") }
                at = token.end
            } else if token.kind == .punctuator, lexer.byte(at: token.start) == 0x3C {
                if lexer.byte(at: token.start + 1) == 0x2F {
                    token = lexer.jsxName(at: token.start + 2)
                    advance()
                    guard startsWithGreater else { throw fail("a closing tag does not end") }
                    return token.start + 1
                }
                let (child, end) = try jsxParts()
                items.append(child, &tree)
                at = end
            } else {
                throw fail("a tag is not closed")
            }
        }
    }
}
