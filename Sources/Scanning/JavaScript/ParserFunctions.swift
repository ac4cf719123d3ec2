/// Functions and classes.
extension Parser {
    mutating func function(flags: SyntaxTree.Flags, start given: Int32? = nil) throws(Failure) -> ID {
        let start = given ?? token.start
        try expect(Word.function)
        var all = flags
        if eat(Op.star) { all.insert(.generator) }
        var name: Int32 = 0
        if token.kind == .identifier {
            name = token.text
            advance()
        }
        return try functionRest(start, name: name, flags: all)
    }

    /// Parameters and body.
    mutating func functionRest(_ start: Int32, name: Int32, flags: SyntaxTree.Flags) throws(Failure) -> ID {
        if allowsTypes && isOp(Op.less) { try skipTypeArguments() }
        let parameters = try parameters()
        if allowsTypes, eat(Op.colon) { try skipType() }
        if allowsTypes, !isOp(Op.braceOpen) {
            // An overload or a declaration without a body.
            try semicolon()
            let id = node(.function, start, a: 0, text: name)
            tree[id].flags = flags.union(.typeOnly)
            return id
        }
        let inBefore = allowsIn
        allowsIn = true
        let body = try block()
        allowsIn = inBefore
        let id = node(.function, start, a: parameters, b: body, text: name)
        tree[id].flags = flags
        return id
    }

    mutating func parameters() throws(Failure) -> ID {
        try expect(Op.parenOpen)
        var items = List()
        while !isOp(Op.parenClose) {
            let start = token.start
            while isOp(Op.at) { try decorators() }
            if allowsTypes { skipModifiers() }
            let isRest = eat(Op.spread)
            var item = try bindingTarget()
            if allowsTypes {
                _ = eat(Op.question)
                if eat(Op.colon) { try skipType() }
            }
            if eat(Op.assign) {
                let fallback = try assignment()
                item = node(.assign, start, a: item, b: fallback)
                tree[item].op = Op.assign
            }
            if isRest { item = node(.spread, start, a: item) }
            items.append(item, &tree)
            if !isOp(Op.parenClose) { try expect(Op.comma) }
        }
        advance()
        return items.first
    }

    mutating func classNode(flags: SyntaxTree.Flags) throws(Failure) -> ID {
        let start = token.start
        advance()
        var name: Int32 = 0
        if token.kind == .identifier, !isWord(.extends), !(allowsTypes && isWord(.implements)) {
            name = token.text
            advance()
        }
        if allowsTypes && isOp(Op.less) { try skipTypeArguments() }
        var parent: ID = 0
        if eat(Word.extends) {
            let value = try heritage()
            parent = value
            if allowsTypes && isOp(Op.less) { try skipTypeArguments() }
        }
        if allowsTypes, eat(Word.implements) {
            repeat { try skipType() } while eat(Op.comma)
        }
        try expect(Op.braceOpen)
        var members = List()
        while !isOp(Op.braceClose) {
            guard token.kind != .end else { throw fail("a class does not end") }
            if eat(Op.semicolon) { continue }
            if isOp(Op.at) {
                try decorators()
                continue
            }
            let member = try member()
            if member != 0 { members.append(member, &tree) }
        }
        advance()
        let id = node(.classNode, start, a: parent, b: members.first, text: name)
        tree[id].flags = flags
        return id
    }

    /// What a class extends: a value with members and calls, but no object that would swallow the body.
    private mutating func heritage() throws(Failure) -> ID {
        let start = token.start
        var value = try primary()
        while true {
            if eat(Op.dot) {
                let name = token.text
                advance()
                value = node(.member, start, a: value, text: name)
            } else if isOp(Op.parenOpen) {
                let list = try arguments()
                value = node(.call, start, a: value, b: list)
            } else if eat(Op.bracketOpen) {
                let key = try expression()
                try expect(Op.bracketClose)
                value = node(.index, start, a: value, b: key)
            } else {
                return value
            }
        }
    }

    private func isMemberEnd(_ ahead: Token) -> Bool {
        if ahead.kind == .end { return true }
        guard ahead.kind == .punctuator else { return false }
        switch ahead.op {
        case Op.parenOpen, Op.assign, Op.semicolon, Op.braceClose, Op.comma: return true
        case Op.colon, Op.question, Op.not, Op.less: return allowsTypes
        default: return false
        }
    }

    private mutating func member() throws(Failure) -> ID {
        let start = token.start
        var flags: SyntaxTree.Flags = []
        var functionFlags: SyntaxTree.Flags = .method
        var isAbstract = false
        modifiers: while token.kind == .identifier, !token.hasEscape, let word = Word(rawValue: token.text) {
            let ahead = peek()
            if isMemberEnd(ahead) { break }
            switch word {
            case .static:
                advance()
                flags.insert(.isStatic)
                if isOp(Op.braceOpen) { return node(.staticBlock, start, a: try block()) }
            case .async where !ahead.newlineBefore:
                advance()
                functionFlags.insert(.async)
            case .get, .set:
                if ahead.newlineBefore && ahead.kind == .punctuator { break modifiers }
                advance()
                flags.insert(.accessor)
            case .accessor: advance()
            case .public, .private, .protected, .readonly, .abstract, .override, .declare:
                guard allowsTypes else { break modifiers }
                if word == .abstract || word == .declare { isAbstract = true }
                advance()
            default: break modifiers
            }
        }
        if eat(Op.star) { functionFlags.insert(.generator) }
        if allowsTypes, isOp(Op.bracketOpen), try indexSignature() { return 0 }
        let (key, keyFlags) = try propertyKey()
        flags.formUnion(keyFlags)
        if allowsTypes, isOp(Op.question) || isOp(Op.not) { advance() }
        var value: ID = 0
        if isOp(Op.parenOpen) || (allowsTypes && isOp(Op.less)) {
            value = try functionRest(start, name: tree[key].text, flags: functionFlags)
            if !flags.contains(.accessor) { flags.insert(.method) }
        } else {
            if allowsTypes, eat(Op.colon) { try skipType() }
            if eat(Op.assign), !isAbstract || !isOp(Op.semicolon) { value = try assignment() }
            try semicolon()
        }
        let id = node(.property, start, a: key, b: value)
        tree[id].flags = flags
        return id
    }

    /// `@name(...)`: its value is run, so it is read, and dropped from the tree with what stands in it.
    mutating func decorators() throws(Failure) {
        while eat(Op.at) {
            let start = token.start
            var value = try primary()
            while isOp(Op.dot) || isOp(Op.parenOpen) {
                if eat(Op.dot) {
                    let name = token.text
                    advance()
                    value = node(.member, start, a: value, text: name)
                } else {
                    let list = try arguments()
                    value = node(.call, start, a: value, b: list)
                }
            }
        }
    }
}
