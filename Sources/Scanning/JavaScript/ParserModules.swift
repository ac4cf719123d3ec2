/// Imports and exports.
extension Parser {
    mutating func importDeclaration() throws(Failure) -> ID {
        let start = token.start
        advance()
        if token.kind == .string {
            let source = token.text
            advance()
            try importTail()
            return node(.importNode, start, text: source)
        }
        var isTypeOnly = false
        if isWord(.type) || isWord(.defer) || isWord(.source) {
            let ahead = peek()
            let isModifier =
                ahead.kind == .identifier && ahead.text != Word.from.id
                || ahead.kind == .punctuator && (ahead.op == Op.braceOpen || ahead.op == Op.star)
            if isModifier {
                isTypeOnly = isWord(.type)
                advance()
            }
        }
        var items = List()
        if token.kind == .identifier {
            let itemStart = token.start
            let name = token.text
            advance()
            if allowsTypes, eat(Op.assign) {
                // import x = require("y")
                let value = try assignment()
                try semicolon()
                let target = node(.identifier, itemStart, text: name)
                let item = node(.declarator, itemStart, a: target, b: value)
                return node(.declaration, start, a: item)
            }
            let id = specifier(itemStart, imported: Word.default.id, local: name)
            items.append(id, &tree)
            _ = eat(Op.comma)
        }
        if eat(Op.star) {
            try expect(Word.as)
            let itemStart = token.start
            let name = token.text
            advance()
            let id = specifier(itemStart, imported: Word.empty.id, local: name)
            items.append(id, &tree)
        } else if eat(Op.braceOpen) {
            while !isOp(Op.braceClose) {
                guard token.kind != .end else { throw fail("an import does not end") }
                let itemStart = token.start
                if allowsTypes, isWord(.type) {
                    let ahead = peek()
                    if ahead.kind == .identifier && ahead.text != Word.as.id { advance() }
                }
                let imported = token.text
                var local = imported
                advance()
                if eat(Word.as) {
                    local = token.text
                    advance()
                }
                let id = specifier(itemStart, imported: imported, local: local)
                items.append(id, &tree)
                if !isOp(Op.braceClose) { try expect(Op.comma) }
            }
            advance()
        }
        try expect(Word.from)
        guard token.kind == .string else { throw fail("the name of a module was expected") }
        let source = token.text
        advance()
        try importTail()
        let id = node(.importNode, start, a: items.first, text: source)
        if isTypeOnly { tree[id].flags = .typeOnly }
        return id
    }

    /// A specifier: what it is called there in `op`, what it is called here in `text`.
    private mutating func specifier(_ start: Int32, imported: Int32, local: Int32) -> ID {
        let id = node(.specifier, start, text: local)
        tree[id].op = UInt32(bitPattern: imported)
        return id
    }

    private mutating func importTail() throws(Failure) {
        if isWord(.with)
            || (token.kind == .identifier && tree.interner[token.text] == "assert" && !token.newlineBefore)
        {
            advance()
            if isOp(Op.braceOpen) { _ = try primary() }
        }
        try semicolon()
    }

    mutating func exportDeclaration() throws(Failure) -> ID {
        let start = token.start
        advance()
        if allowsTypes, isOp(Op.assign) {
            advance()
            let value = try assignment()
            try semicolon()
            return node(.export, start, a: value)
        }
        if allowsTypes, isWord(.as) {
            // export as namespace x
            advance()
            try expect(Word.namespace)
            advance()
            try semicolon()
            return node(.empty, start)
        }
        if allowsTypes, isWord(.type) {
            let ahead = peek()
            if ahead.kind == .punctuator, ahead.op == Op.braceOpen || ahead.op == Op.star { advance() }
        }
        if eat(Word.default) {
            if isOp(Op.at) { try decorators() }
            if isWord(.function) { return node(.export, start, a: try function(flags: .declaration)) }
            if isWord(.class) { return node(.export, start, a: try classNode(flags: .declaration)) }
            if isWord(.async) {
                let ahead = peek()
                if ahead.kind == .identifier, ahead.text == Word.function.id, !ahead.newlineBefore {
                    advance()
                    return node(.export, start, a: try function(flags: [.declaration, .async]))
                }
            }
            if allowsTypes, let word = Word(rawValue: token.text), let skipped = try typeDeclaration(word) {
                return node(.export, start, a: skipped)
            }
            let value = try assignment()
            try semicolon()
            return node(.export, start, a: value)
        }
        if eat(Op.star) {
            if eat(Word.as) { advance() }
            return try exportFrom(start)
        }
        if eat(Op.braceOpen) {
            while !isOp(Op.braceClose) {
                guard token.kind != .end else { throw fail("an export does not end") }
                advance()
            }
            advance()
            return try exportFrom(start)
        }
        return node(.export, start, a: try statement())
    }

    private mutating func exportFrom(_ start: Int32) throws(Failure) -> ID {
        var source: Int32 = 0
        if eat(Word.from) {
            guard token.kind == .string else { throw fail("the name of a module was expected") }
            source = token.text
            advance()
            try importTail()
        } else {
            try semicolon()
        }
        return node(.importNode, start, text: source)
    }
}
