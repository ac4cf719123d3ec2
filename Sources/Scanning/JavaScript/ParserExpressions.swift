/// Expressions. Patterns are read as the expressions that they look like: the tree is the same.
extension Parser {
    mutating func expression() throws(Failure) -> ID {
        let start = token.start
        let first = try assignment()
        guard isOp(Op.comma) else { return first }
        var items = List()
        items.append(first, &tree)
        while eat(Op.comma) {
            let item = try assignment()
            items.append(item, &tree)
        }
        return node(.sequence, start, a: items.first)
    }

    mutating func assignment() throws(Failure) -> ID {
        try enter()
        defer { leave() }
        let start = token.start
        if token.kind == .identifier && !token.hasEscape {
            if token.text == Word.yield.id, let id = try yieldExpression() { return id }
            if token.text == Word.async.id {
                let ahead = peek()
                if ahead.kind == .identifier && !ahead.newlineBefore && ahead.text != Word.function.id
                    && ahead.text != Word.in.id && ahead.text != Word.instanceof.id
                {
                    let before = mark()
                    advance()
                    let name = token.text
                    let nameStart = token.start
                    advance()
                    if isOp(Op.arrow) {
                        let parameter = node(.identifier, nameStart, text: name)
                        return try arrowTail(start, parameters: parameter, flags: .async)
                    }
                    reset(before)
                }
            }
        }
        if allowsTypes, isOp(Op.parenOpen) || isOp(Op.less), let arrow = try typedArrow(start, flags: []) {
            return arrow
        }
        let left = try conditional()
        if isOp(Op.arrow), !token.newlineBefore { return try arrowTail(start, parameters: left, flags: []) }
        guard token.kind == .punctuator, Op.isAssignment(token.op) else { return left }
        let op = token.op
        advance()
        let value = try assignment()
        let id = node(.assign, start, a: left, b: value)
        tree[id].op = op
        return id
    }

    private mutating func yieldExpression() throws(Failure) -> ID? {
        let start = token.start
        let ahead = peek()
        if ahead.kind == .punctuator {
            switch ahead.op {
            case Op.dot, Op.assign, Op.comma, Op.parenClose, Op.semicolon, Op.bracketClose, Op.braceClose,
                Op.colon:
                advance()
                return node(.yield, start)
            case Op.arrow, Op.question: return nil
            default: break
            }
        }
        advance()
        if token.newlineBefore || token.kind == .end { return node(.yield, start) }
        _ = eat(Op.star)
        return node(.yield, start, a: try assignment())
    }

    /// The body of an arrow function; `parameters` is a name, a sequence or the tree of what stood in parentheses.
    mutating func arrowTail(
        _ start: Int32, parameters: ID, flags: SyntaxTree.Flags
    ) throws(Failure) -> ID {
        try expect(Op.arrow)
        var list = parameters
        if parameters != 0, tree[parameters].kind == .sequence { list = tree[parameters].a }
        if parameters != 0, tree[parameters].kind == .none { list = 0 }
        // `async (a, b) =>` was read as a call of async.
        var all = flags.union(.arrow)
        if parameters != 0, tree[parameters].kind == .call, tree[tree[parameters].a].text == Word.async.id {
            list = tree[parameters].b
            all.insert(.async)
        }
        let inBefore = allowsIn
        let body: ID
        if isOp(Op.braceOpen) {
            allowsIn = true
            body = try block()
        } else {
            body = try assignment()
            all.insert(.expressionBody)
        }
        allowsIn = inBefore
        let id = node(.function, start, a: list, b: body)
        tree[id].flags = all
        return id
    }

    private mutating func conditional() throws(Failure) -> ID {
        let start = token.start
        let test = try binary(1)
        guard isOp(Op.question) else { return test }
        advance()
        let inBefore = allowsIn
        allowsIn = true
        let yes = try assignment()
        allowsIn = inBefore
        try expect(Op.colon)
        let no = try assignment()
        let id = node(.conditional, start, a: test, b: yes)
        tree[id].c = no
        return id
    }

    /// Left-associative chains grow in a loop, so that a thousand `+` need no stack.
    private mutating func binary(_ least: Int) throws(Failure) -> ID {
        let start = token.start
        var left = try unary()
        while true {
            var precedence = 0
            var op = token.op
            if token.kind == .punctuator {
                precedence = Op.precedence(op)
            } else if token.kind == .identifier && !token.hasEscape {
                if token.text == Word.instanceof.id || (token.text == Word.in.id && allowsIn) {
                    precedence = 8
                    op = 0
                } else if allowsTypes, !token.newlineBefore,
                    token.text == Word.as.id || token.text == Word.satisfies.id
                {
                    advance()
                    try skipType()
                    continue
                }
            }
            guard precedence >= least, precedence > 0 else { return left }
            advance()
            let right = op == Op.power ? try binaryRight(precedence) : try binary(precedence + 1)
            left = node(.binary, start, a: left, b: right)
            tree[left].op = op
        }
    }

    private mutating func binaryRight(_ precedence: Int) throws(Failure) -> ID {
        try enter()
        defer { leave() }
        return try binary(precedence)
    }

    private mutating func unary() throws(Failure) -> ID {
        let start = token.start
        if token.kind == .punctuator {
            switch token.op {
            case Op.not, Op.tilde, Op.plus, Op.minus, Op.increment, Op.decrement:
                let op = token.op
                try enter()
                defer { leave() }
                advance()
                let value = try unary()
                let isUpdate = op == Op.increment || op == Op.decrement
                let id = node(isUpdate ? .update : .unary, start, a: value)
                tree[id].op = op
                return id
            default: break
            }
        } else if token.kind == .identifier, !token.hasEscape {
            switch token.text {
            case Word.typeof.id, Word.void.id, Word.delete.id:
                let word = token.text
                try enter()
                defer { leave() }
                advance()
                let value = try unary()
                return node(.unary, start, a: value, text: word)
            case Word.await.id:
                let ahead = peek()
                let isName =
                    ahead.kind == .end
                    || ahead.kind == .punctuator
                        && [
                            Op.dot, Op.assign, Op.comma, Op.parenClose, Op.semicolon, Op.colon, Op.arrow,
                            Op.optional,
                            Op.braceClose, Op.bracketClose, Op.question,
                        ].contains(ahead.op)
                if !isName {
                    try enter()
                    defer { leave() }
                    advance()
                    return node(.await, start, a: try unary())
                }
            default: break
            }
        }
        let value = try postfix()
        if !token.newlineBefore, isOp(Op.increment) || isOp(Op.decrement) {
            let op = token.op
            advance()
            let id = node(.update, start, a: value)
            tree[id].op = op
            return id
        }
        return value
    }

    // MARK: calls and members

    private mutating func postfix() throws(Failure) -> ID {
        let start = token.start
        var value: ID
        if isWord(.new) {
            value = try newExpression()
        } else {
            value = try primary()
        }
        while true {
            guard let next = try postfixStep(value, start, allowsCall: true) else { return value }
            value = next
        }
    }

    /// One `.name`, `[key]`, call or template behind a value; nil where there is none.
    private mutating func postfixStep(_ value: ID, _ start: Int32, allowsCall: Bool) throws(Failure) -> ID? {
        if token.kind == .templateWhole || token.kind == .templateHead {
            let text = try template()
            return node(.tagged, start, a: value, b: text)
        }
        guard token.kind == .punctuator else { return nil }
        switch token.op {
        case Op.dot, Op.optional:
            let isOptional = token.op == Op.optional
            if isOptional && !allowsCall { throw fail("?. cannot stand in new") }
            advance()
            if isOptional && (isOp(Op.parenOpen) || isOp(Op.bracketOpen)) {
                guard let id = try postfixStep(value, start, allowsCall: true) else { return nil }
                tree[id].flags.insert(.optional)
                return id
            }
            guard token.kind == .identifier || token.kind == .privateName else {
                throw fail("a name was expected")
            }
            let name = token.text
            let isEscaped = token.hasEscape
            advance()
            let id = node(.member, start, a: value, text: name)
            if isEscaped { tree[id].flags.insert(.escaped) }
            return id
        case Op.bracketOpen:
            advance()
            let inBefore = allowsIn
            allowsIn = true
            let key = try expression()
            allowsIn = inBefore
            try expect(Op.bracketClose)
            return node(.index, start, a: value, b: key)
        case Op.parenOpen where allowsCall:
            let arguments = try arguments()
            return node(.call, start, a: value, b: arguments)
        case Op.not where allowsTypes && !token.newlineBefore:
            advance()
            return value
        case Op.less where allowsTypes:
            let before = mark()
            guard !notTypeArguments.contains(before.token.start) else { return nil }
            do {
                try skipTypeArguments()
                if isOp(Op.parenOpen) || token.kind == .templateWhole || token.kind == .templateHead {
                    return try postfixStep(value, start, allowsCall: allowsCall) ?? value
                }
            } catch {}
            reset(before)
            notTypeArguments.insert(before.token.start)
            return nil
        case Op.shiftLeft where allowsTypes: return nil
        default: return nil
        }
    }

    mutating func arguments() throws(Failure) -> ID {
        try expect(Op.parenOpen)
        let inBefore = allowsIn
        allowsIn = true
        defer { allowsIn = inBefore }
        var items = List()
        while !isOp(Op.parenClose) {
            let item = try spreadOrAssignment()
            items.append(item, &tree)
            if !isOp(Op.parenClose) { try expect(Op.comma) }
        }
        advance()
        return items.first
    }

    private mutating func spreadOrAssignment() throws(Failure) -> ID {
        let start = token.start
        if eat(Op.spread) { return node(.spread, start, a: try assignment()) }
        return try assignment()
    }

    private mutating func newExpression() throws(Failure) -> ID {
        try enter()
        defer { leave() }
        let start = token.start
        advance()
        if eat(Op.dot) {
            advance()
            return node(.meta, start)
        }
        var callee = isWord(.new) ? try newExpression() : try primary()
        while let next = try postfixStep(callee, start, allowsCall: false) { callee = next }
        let arguments: ID = isOp(Op.parenOpen) ? try arguments() : 0
        return node(.new, start, a: callee, b: arguments)
    }

    mutating func template() throws(Failure) -> ID {
        let start = token.start
        var parts = List()
        var piece = node(.string, start, text: token.text)
        tree[piece].end = token.end
        parts.append(piece, &tree)
        if token.kind == .templateWhole {
            advance()
            return node(.template, start, a: parts.first)
        }
        while true {
            advance()
            let value = try expression()
            parts.append(value, &tree)
            guard token.kind == .templateMiddle || token.kind == .templateTail else {
                throw fail("a template does not end")
            }
            piece = node(.string, token.start, text: token.text)
            parts.append(piece, &tree)
            if token.kind == .templateTail {
                advance()
                return node(.template, start, a: parts.first)
            }
        }
    }

    // MARK: primary expressions

    mutating func primary() throws(Failure) -> ID {
        try enter()
        defer { leave() }
        let start = token.start
        switch token.kind {
        case .number:
            let value = token.number
            advance()
            let id = node(.number, start)
            tree.numbers[id] = value
            return id
        case .bigint:
            advance()
            return node(.bigint, start)
        case .string:
            let text = token.text
            let isEscaped = token.hasEscape
            advance()
            let id = node(.string, start, text: text)
            if isEscaped { tree[id].flags = .escaped }
            return id
        case .templateWhole, .templateHead: return try template()
        case .identifier: return try word(start)
        case .privateName:
            let text = token.text
            advance()
            return node(.privateName, start, text: text)
        case .punctuator: return try punctuation(start)
        case .regex, .end, .templateMiddle, .templateTail, .unknown: throw fail("an expression was expected")
        }
    }

    private mutating func word(_ start: Int32) throws(Failure) -> ID {
        let text = token.text
        if !token.hasEscape, let word = Word(rawValue: text) {
            switch word {
            case .function: return try function(flags: [])
            case .class: return try classNode(flags: [])
            case .async:
                let ahead = peek()
                if ahead.kind == .identifier, ahead.text == Word.function.id, !ahead.newlineBefore {
                    advance()
                    return try function(flags: .async, start: start)
                }
                if allowsTypes, ahead.kind == .punctuator, ahead.op == Op.parenOpen || ahead.op == Op.less {
                    let before = mark()
                    advance()
                    if let arrow = try typedArrow(start, flags: .async) { return arrow }
                    reset(before)
                }
            case .this:
                advance()
                return node(.this, start)
            case .super:
                advance()
                return node(.superNode, start)
            case .null:
                advance()
                return node(.null, start)
            case .true, .false:
                advance()
                let id = node(.bool, start)
                if word == .true { tree[id].flags = .isTrue }
                return id
            case .new: return try newExpression()
            case .import: return try importExpression(start)
            case .if, .for, .while, .return, .var, .const, .throw, .switch, .case, .catch, .else, .export,
                .extends,
                .finally, .in, .instanceof, .break, .continue, .default, .do, .try, .with, .debugger:
                throw fail("an expression was expected")
            default: break
            }
        }
        advance()
        return node(.identifier, start, text: text)
    }

    private mutating func importExpression(_ start: Int32) throws(Failure) -> ID {
        advance()
        if eat(Op.dot) {
            // import.meta, or the phases import.source() and import.defer().
            let name = token.text
            advance()
            if name == Word.meta.id { return node(.meta, start) }
        }
        let arguments = try arguments()
        return node(.importCall, start, a: arguments)
    }

    private mutating func punctuation(_ start: Int32) throws(Failure) -> ID {
        switch token.op {
        case Op.parenOpen: return try parenthesis(start)
        case Op.bracketOpen: return try array(start)
        case Op.braceOpen: return try object(start)
        case Op.slash, Op.slashAssign:
            token = lexer.regex(token)
            let text = token.text
            advance()
            return node(.regex, start, text: text)
        case Op.at:
            try decorators()
            return try primary()
        case Op.less where allowsMarkup: return try jsxElement()
        case Op.less where allowsTypes:
            try skipTypeArguments()
            return try primary()
        default: throw fail("an expression was expected")
        }
    }

    /// A value in parentheses, or the parameters of an arrow function.
    private mutating func parenthesis(_ start: Int32) throws(Failure) -> ID {
        advance()
        let inBefore = allowsIn
        allowsIn = true
        defer { allowsIn = inBefore }
        var items = List()
        var count = 0
        while !isOp(Op.parenClose) {
            let item = try spreadOrAssignment()
            items.append(item, &tree)
            count += 1
            if !isOp(Op.parenClose) { try expect(Op.comma) }
        }
        advance()
        if count == 1, tree[items.first].kind != .spread, !isOp(Op.arrow) { return items.first }
        guard count > 0 else {
            guard isOp(Op.arrow) else { throw fail("an arrow was expected") }
            return node(.none, start)
        }
        return node(.sequence, start, a: items.first)
    }

    private mutating func array(_ start: Int32) throws(Failure) -> ID {
        advance()
        let inBefore = allowsIn
        allowsIn = true
        defer { allowsIn = inBefore }
        var items = List()
        while !isOp(Op.bracketClose) {
            if isOp(Op.comma) {
                let hole = node(.hole, token.start)
                items.append(hole, &tree)
                advance()
                continue
            }
            let item = try spreadOrAssignment()
            items.append(item, &tree)
            if !isOp(Op.bracketClose) { try expect(Op.comma) }
        }
        advance()
        return node(.array, start, a: items.first)
    }

    private mutating func object(_ start: Int32) throws(Failure) -> ID {
        advance()
        let inBefore = allowsIn
        allowsIn = true
        defer { allowsIn = inBefore }
        var items = List()
        while !isOp(Op.braceClose) {
            guard token.kind != .end else { throw fail("an object does not end") }
            let item = try property()
            items.append(item, &tree)
            if !isOp(Op.braceClose) { try expect(Op.comma) }
        }
        advance()
        return node(.object, start, a: items.first)
    }

    private mutating func property() throws(Failure) -> ID {
        let start = token.start
        if eat(Op.spread) { return node(.spread, start, a: try assignment()) }
        var functionFlags: SyntaxTree.Flags = .method
        var isAccessor = false
        if token.kind == .identifier, !token.hasEscape,
            token.text == Word.async.id || token.text == Word.get.id || token.text == Word.set.id
        {
            let ahead = peek()
            let isName =
                ahead.kind == .punctuator && ahead.op != Op.bracketOpen && ahead.op != Op.star
                || ahead.kind == .end
            if !isName {
                if token.text == Word.async.id { functionFlags.insert(.async) } else { isAccessor = true }
                advance()
            }
        }
        if eat(Op.star) { functionFlags.insert(.generator) }
        let (key, flags) = try propertyKey()
        var value: ID = 0
        var all = flags
        if isOp(Op.parenOpen) || (allowsTypes && isOp(Op.less)) {
            value = try functionRest(start, name: tree[key].text, flags: functionFlags)
            all.insert(isAccessor ? .accessor : .method)
        } else if eat(Op.colon) {
            value = try assignment()
        } else {
            // A shorthand, or a pattern's default: { a = 1 }.
            all.insert(.shorthand)
            value = node(.identifier, tree[key].start, text: tree[key].text)
            tree[value].end = tree[key].end
            if eat(Op.assign) {
                let fallback = try assignment()
                value = node(.assign, start, a: value, b: fallback)
                tree[value].op = Op.assign
            }
        }
        let id = node(.property, start, a: key, b: value)
        tree[id].flags = all
        return id
    }

    /// The key of a property or member: a name, a text, a number or a computed value.
    mutating func propertyKey() throws(Failure) -> (ID, SyntaxTree.Flags) {
        let start = token.start
        switch token.kind {
        case .identifier, .privateName, .string:
            let text = token.text
            let kind: SyntaxTree.Kind = token.kind == .string ? .string : .identifier
            advance()
            return (node(kind, start, text: text), [])
        case .number, .bigint:
            let value = token.number
            advance()
            let id = node(.number, start)
            tree.numbers[id] = value
            return (id, [])
        case .punctuator where token.op == Op.bracketOpen:
            advance()
            let key = try assignment()
            try expect(Op.bracketClose)
            return (key, .computed)
        default: throw fail("the name of a property was expected")
        }
    }
}
