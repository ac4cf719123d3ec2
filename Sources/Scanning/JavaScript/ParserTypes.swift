/// TypeScript, as far as it must be read past: types leave nothing in the tree.
extension Parser {
    mutating func skipModifiers() {
        while token.kind == .identifier, let word = Word(rawValue: token.text),
            [.public, .private, .protected, .readonly, .override].contains(word)
        {
            let ahead = peek()
            guard
                ahead.kind == .identifier
                    || ahead.kind == .punctuator && [Op.braceOpen, Op.bracketOpen].contains(ahead.op)
            else { return }
            advance()
        }
    }

    /// Interfaces, type aliases, enums, namespaces and `declare`; nil where the word means something else.
    mutating func typeDeclaration(_ word: Word) throws(Failure) -> ID? {
        let start = token.start
        let ahead = peek()
        if word == .global, ahead.kind == .punctuator, ahead.op == Op.braceOpen {
            advance()
            return try block()
        }
        guard ahead.kind == .identifier || ahead.kind == .string, !ahead.newlineBefore else { return nil }
        switch word {
        case .interface:
            advance()
            while !isOp(Op.braceOpen) {
                guard token.kind != .end else { throw fail("an interface does not end") }
                if isOp(Op.less) { try skipTypeArguments() } else { advance() }
            }
            try skipBalanced()
            return node(.empty, start)
        case .type:
            advance()
            advance()
            if isOp(Op.less) { try skipTypeArguments() }
            guard eat(Op.assign) else { throw fail("a type was expected") }
            _ = eat(Op.bar)
            try skipType()
            try semicolon()
            return node(.empty, start)
        case .declare:
            advance()
            _ = try statement()
            return node(.empty, start)
        case .abstract:
            advance()
            return try statement()
        case .enum:
            advance()
            let name = token.text
            advance()
            let value = try primary()
            let target = node(.identifier, start, text: name)
            let item = node(.declarator, start, a: target, b: value)
            return node(.declaration, start, a: item)
        case .namespace, .module, .global:
            advance()
            while !isOp(Op.braceOpen) {
                guard token.kind != .end, !isOp(Op.semicolon) else { return node(.empty, start) }
                advance()
            }
            return try block()
        default: return nil
        }
    }

    /// Skips from an opening bracket to the one that closes it.
    mutating func skipBalanced() throws(Failure) {
        var depth = 0
        repeat {
            guard token.kind != .end else { throw fail("a bracket is not closed") }
            if token.kind == .punctuator {
                switch token.op {
                case Op.parenOpen, Op.bracketOpen, Op.braceOpen: depth += 1
                case Op.parenClose, Op.bracketClose, Op.braceClose: depth -= 1
                default: break
                }
            }
            advance()
        } while depth > 0
    }

    /// `<A, B extends C>`: counts angles, for `>>` closes two.
    mutating func skipTypeArguments() throws(Failure) {
        guard isOp(Op.less) else { throw fail("< was expected") }
        advance()
        while !closesAngle {
            guard token.kind != .end else { throw fail("a list of types does not end") }
            if eat(Op.comma) || eat(Op.assign) || eat(Word.extends) || eat(Word.const) || eat(Word.in)
                || eat(Word.out)
            {
                continue
            }
            try skipType()
        }
        if token.op != Op.greater {
            lexer.splitAngle(token)
            lastEnd = token.start + 1
            token = lexer.next()
        } else {
            advance()
        }
    }

    private var closesAngle: Bool {
        guard token.kind == .punctuator else { return false }
        // > >> >>> >= >>=
        return [Op.greater, Op.shiftRight, 0x3E3E3E, 0x3E3D, 0x3E3E3D].contains(token.op)
    }

    mutating func skipType() throws(Failure) {
        try enter()
        defer { leave() }
        _ = eat(Op.bar) || eat(Op.ampersand)
        try skipTypePrimary()
        while true {
            if isOp(Op.bracketOpen), !token.newlineBefore {
                try skipBalanced()
            } else if eat(Op.bar) || eat(Op.ampersand) {
                try skipTypePrimary()
            } else if isOp(Op.arrow) {
                advance()
                try skipType()
                return
            } else if isWord(.is) && !token.newlineBefore {
                advance()
                try skipType()
                return
            } else if isWord(.extends) && !token.newlineBefore {
                advance()
                try skipType()
                guard eat(Op.question) else { return }
                try skipType()
                try expect(Op.colon)
                try skipType()
                return
            } else {
                return
            }
        }
    }

    private mutating func skipTypePrimary() throws(Failure) {
        switch token.kind {
        case .identifier:
            if let word = Word(rawValue: token.text) {
                switch word {
                case .keyof, .readonly, .unique, .infer, .typeof, .asserts, .abstract, .new:
                    let ahead = peek()
                    let isName =
                        ahead.kind == .punctuator
                        && ![Op.braceOpen, Op.parenOpen, Op.bracketOpen, Op.less].contains(ahead.op)
                    advance()
                    if !isName { try skipTypePrimary() }
                    return
                case .import:
                    advance()
                    if isOp(Op.parenOpen) { try skipBalanced() }
                default: advance()
                }
            } else {
                advance()
            }
            while eat(Op.dot) { advance() }
            if isOp(Op.less), !token.newlineBefore { try skipTypeArguments() }
        case .string, .number, .bigint, .templateWhole: advance()
        case .templateHead: _ = try template()
        case .punctuator:
            switch token.op {
            case Op.parenOpen, Op.braceOpen, Op.bracketOpen: try skipBalanced()
            case Op.less:
                try skipTypeArguments()
                try skipTypePrimary()
            case Op.minus:
                advance()
                advance()
            case Op.question, Op.star: advance()
            default: throw fail("a type was expected")
            }
        default: throw fail("a type was expected")
        }
    }

    /// `(a: A, b?: B): C => …`; nil and nothing taken where it is no arrow function.
    mutating func typedArrow(_ start: Int32, flags: SyntaxTree.Flags) throws(Failure) -> ID? {
        let before = mark()
        guard !notArrows.contains(before.token.start) else { return nil }
        let escapes = tree.escapedNames.count
        let list: ID
        do {
            if isOp(Op.less) { try skipTypeArguments() }
            list = try parameters()
            if eat(Op.colon) { try skipReturnType() }
            guard isOp(Op.arrow) else { throw fail("an arrow was expected") }
        } catch {
            reset(before)
            tree.escapedNames.removeLast(tree.escapedNames.count - escapes)
            notArrows.insert(before.token.start)
            return nil
        }
        let holder = list == 0 ? 0 : node(.sequence, start, a: list)
        return try arrowTail(start, parameters: holder, flags: flags)
    }

    /// A return type, whose own arrow belongs to the function unless it stands in parentheses.
    private mutating func skipReturnType() throws(Failure) {
        if isWord(.asserts) { advance() }
        try skipTypePrimary()
        while true {
            if isOp(Op.bracketOpen), !token.newlineBefore {
                try skipBalanced()
            } else if eat(Op.bar) || eat(Op.ampersand) {
                try skipTypePrimary()
            } else if isWord(.is) {
                advance()
                try skipTypePrimary()
            } else {
                return
            }
        }
    }

    /// `[key: string]: T`; false where it is a computed name.
    mutating func indexSignature() throws(Failure) -> Bool {
        let before = mark()
        advance()
        guard token.kind == .identifier else {
            reset(before)
            return false
        }
        advance()
        guard isOp(Op.colon) else {
            reset(before)
            return false
        }
        advance()
        try skipType()
        try expect(Op.bracketClose)
        if eat(Op.colon) { try skipType() }
        try semicolon()
        return true
    }
}
