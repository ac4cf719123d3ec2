/// A recursive-descent parser of ECMAScript 2025 that goes on behind an error, and that reads past TypeScript's types.
struct Parser {
    struct Failure: Error {
        var offset: Int
        var message: String
    }

    typealias ID = SyntaxTree.ID

    var lexer: Lexer
    var tree: SyntaxTree
    var token = Token()
    /// Where the last token ended.
    var lastEnd: Int32 = 0
    /// TypeScript's types are read past.
    let allowsTypes: Bool
    /// `<` where a value is expected begins a JSX element.
    let allowsMarkup: Bool
    /// False inside the head of a `for`, where `in` is no operator.
    var allowsIn = true
    /// Where a list in parentheses was tried as an arrow function's parameters, or what follows `<` as types, and was not.
    /// It is not tried again: of many inside of each other, each would double the work.
    var notArrows: Set<Int32> = []
    var notTypeArguments: Set<Int32> = []
    private var depth = 0
    private static let depthMax = 1_200
    private static let errorsMax = 50

    /// How a text is to be read.
    struct Dialect: Hashable, Sendable {
        var allowsTypes = false
        var allowsMarkup = true
        var allowsHTMLComments = true

        static let script = Dialect()
    }

    static func parse(_ bytes: [UInt8], _ dialect: Dialect = .script) -> SyntaxTree {
        let interner = Interner()
        var parser = Parser(
            lexer: Lexer(bytes, interner: interner, allowsHTMLComments: dialect.allowsHTMLComments),
            tree: SyntaxTree(interner: interner), dialect)
        parser.tree.nodes.reserveCapacity(bytes.count / 4 + 16)
        parser.program()
        parser.tree.sawHTMLComment = parser.lexer.sawHTMLComment
        return parser.tree
    }

    /// Every token of a text, as the parser asked for them, the end left out; for a comparison with others.
    static func tokens(_ bytes: [UInt8], _ dialect: Dialect = .script) -> [Token] {
        let interner = Interner()
        var parser = Parser(
            lexer: Lexer(bytes, interner: interner, allowsHTMLComments: dialect.allowsHTMLComments),
            tree: SyntaxTree(interner: interner), dialect)
        parser.taken = []
        parser.program()
        // Where the parser tried and went back, a token was taken twice.
        let all = parser.taken ?? []
        var byStart: [Int32: Token] = [:]
        for token in all { byStart[token.start] = token }
        return byStart.values.sorted { $0.start < $1.start }
    }

    private init(lexer: Lexer, tree: SyntaxTree, _ dialect: Dialect) {
        self.lexer = lexer
        self.tree = tree
        allowsTypes = dialect.allowsTypes
        allowsMarkup = dialect.allowsMarkup
    }

    /// Tokens as they are passed, where somebody wants them.
    private var taken: [Token]?

    // MARK: tokens

    mutating func advance() {
        lastEnd = token.end
        if taken != nil, token.end > token.start { taken?.append(token) }
        token = lexer.next()
        if token.hasEscape && token.kind == .identifier { tree.escapedNames.append(token.start) }
    }

    func isOp(_ op: UInt32) -> Bool { token.kind == .punctuator && token.op == op }

    func isWord(_ word: Word) -> Bool {
        token.kind == .identifier && token.text == word.id && !token.hasEscape
    }

    mutating func eat(_ op: UInt32) -> Bool {
        guard isOp(op) else { return false }
        advance()
        return true
    }

    mutating func eat(_ word: Word) -> Bool {
        guard isWord(word) else { return false }
        advance()
        return true
    }

    func fail(_ message: String) -> Failure { Failure(offset: Int(token.start), message: message) }

    mutating func expect(_ op: UInt32) throws(Failure) {
        guard eat(op) else { throw fail("another sign was expected") }
    }

    mutating func expect(_ word: Word) throws(Failure) {
        guard eat(word) else { throw fail("\(word.text) was expected") }
    }

    /// The next token, without taking it.
    func peek() -> Token {
        var ahead = lexer
        return ahead.next()
    }

    struct Mark {
        var state: Lexer.State
        var token: Token
        var lastEnd: Int32
        var nodes: Int
    }

    func mark() -> Mark { Mark(state: lexer.state, token: token, lastEnd: lastEnd, nodes: tree.nodes.count) }

    mutating func reset(_ mark: Mark) {
        lexer.state = mark.state
        token = mark.token
        lastEnd = mark.lastEnd
        tree.nodes.removeLast(tree.nodes.count - mark.nodes)
    }

    // MARK: nodes

    mutating func node(_ kind: SyntaxTree.Kind, _ start: Int32, a: ID = 0, b: ID = 0, text: Int32 = 0) -> ID {
        tree.nodes.append(SyntaxTree.Node(kind: kind, start: start, end: lastEnd, a: a, b: b, text: text))
        return ID(tree.nodes.count - 1)
    }

    /// Builds a list by its last element.
    struct List {
        var first: ID = 0
        private var last: ID = 0

        mutating func append(_ id: ID, _ tree: inout SyntaxTree) {
            if first == 0 { first = id } else { tree[last].next = id }
            last = id
        }
    }

    mutating func enter() throws(Failure) {
        depth += 1
        if depth > Self.depthMax { throw fail("the code is nested too deeply") }
    }

    mutating func leave() { depth -= 1 }

    // MARK: programs

    private mutating func program() {
        advance()
        var body = List()
        while token.kind != .end {
            let before = token.start
            do {
                let statement = try statement()
                body.append(statement, &tree)
            } catch {
                recover(error, from: before)
                if tree.errors.count >= Self.errorsMax { break }
            }
        }
        let root = node(.program, 0, a: body.first)
        tree.root = root
        if lexer.hasErrors && tree.errors.isEmpty {
            tree.errors.append(
                (Int(lastEnd), "a text or comment does not end, or a character belongs to no token"))
        }
    }

    /// Goes on at the next statement: behind a semicolon or a brace, or where a line begins.
    private mutating func recover(_ failure: Failure, from start: Int32) {
        tree.errors.append((failure.offset, failure.message))
        depth = 0
        allowsIn = true
        if token.start == start && token.kind != .end { advance() }
        while token.kind != .end, !token.newlineBefore, !isOp(Op.semicolon), !isOp(Op.braceClose) {
            advance()
        }
        if isOp(Op.semicolon) || isOp(Op.braceClose) { advance() }
    }

    mutating func semicolon() throws(Failure) {
        if eat(Op.semicolon) || token.newlineBefore || isOp(Op.braceClose) || token.kind == .end { return }
        throw fail("a semicolon was expected")
    }

    mutating func block() throws(Failure) -> ID {
        let start = token.start
        try expect(Op.braceOpen)
        var body = List()
        while !isOp(Op.braceClose) {
            guard token.kind != .end else { throw fail("a block does not end") }
            let item = try statement()
            body.append(item, &tree)
        }
        advance()
        return node(.block, start, a: body.first)
    }

    // MARK: statements

    mutating func statement() throws(Failure) -> ID {
        try enter()
        defer { leave() }
        let start = token.start
        if token.kind == .punctuator {
            switch token.op {
            case Op.braceOpen: return try block()
            case Op.semicolon:
                advance()
                return node(.empty, start)
            case Op.at:
                try decorators()
                return try statement()
            default: return try expressionStatement()
            }
        }
        guard token.kind == .identifier, !token.hasEscape, let word = Word(rawValue: token.text) else {
            return try expressionStatement()
        }
        switch word {
        case .const where allowsTypes && peek().text == Word.enum.id && peek().kind == .identifier:
            advance()
            return try statement()
        case .var, .const: return try declarations(isStatement: true)
        case .let:
            let ahead = peek()
            let isDeclaration =
                ahead.kind == .identifier && ahead.text != Word.in.id && ahead.text != Word.instanceof.id
                || ahead.kind == .punctuator && (ahead.op == Op.bracketOpen || ahead.op == Op.braceOpen)
            return isDeclaration ? try declarations(isStatement: true) : try expressionStatement()
        case .using:
            let ahead = peek()
            return ahead.kind == .identifier && !ahead.newlineBefore && ahead.text != Word.in.id
                ? try declarations(isStatement: true) : try expressionStatement()
        case .await:
            if try takesAwaitUsing() { return try declarations(isStatement: true) }
            return try expressionStatement()
        case .function: return try function(flags: .declaration)
        case .async:
            let ahead = peek()
            guard ahead.kind == .identifier, ahead.text == Word.function.id, !ahead.newlineBefore else {
                return try expressionStatement()
            }
            advance()
            return try function(flags: [.declaration, .async], start: start)
        case .class: return try classNode(flags: .declaration)
        case .if:
            advance()
            let test = try parenthesised()
            let yes = try statement()
            let no: ID = eat(Word.else) ? try statement() : 0
            let id = node(.ifNode, start, a: test, b: yes)
            tree[id].c = no
            return id
        case .for: return try forStatement()
        case .while:
            advance()
            let test = try parenthesised()
            return node(.whileNode, start, a: test, b: try statement())
        case .do:
            advance()
            let body = try statement()
            try expect(Word.while)
            let test = try parenthesised()
            _ = eat(Op.semicolon)
            return node(.doNode, start, a: test, b: body)
        case .return, .throw:
            advance()
            var value: ID = 0
            if !token.newlineBefore, !isOp(Op.semicolon), !isOp(Op.braceClose), token.kind != .end {
                value = try expression()
            }
            try semicolon()
            return node(word == .return ? .returnNode : .throwNode, start, a: value)
        case .break, .continue:
            advance()
            var label: Int32 = 0
            if token.kind == .identifier, !token.newlineBefore {
                label = token.text
                advance()
            }
            try semicolon()
            let id = node(.jump, start, text: label)
            if word == .break { tree[id].flags = .isTrue }
            return id
        case .try: return try tryStatement()
        case .switch: return try switchStatement()
        case .with:
            advance()
            let object = try parenthesised()
            return node(.with, start, a: object, b: try statement())
        case .debugger:
            advance()
            try semicolon()
            return node(.debugger, start)
        case .import:
            let ahead = peek()
            if ahead.kind == .punctuator, ahead.op == Op.parenOpen || ahead.op == Op.dot {
                return try expressionStatement()
            }
            return try importDeclaration()
        case .export: return try exportDeclaration()
        default:
            if allowsTypes, let skipped = try typeDeclaration(word) { return skipped }
            return try expressionStatement()
        }
    }

    /// `await using x` declares; `await using.x` asks a name. Passes the `await` of the first.
    private mutating func takesAwaitUsing() throws(Failure) -> Bool {
        let before = mark()
        advance()
        if isWord(.using), !token.newlineBefore {
            let ahead = peek()
            let isName = ahead.kind == .identifier && !ahead.newlineBefore
            if isName, ahead.text != Word.in.id, ahead.text != Word.instanceof.id { return true }
        }
        reset(before)
        return false
    }

    private mutating func expressionStatement() throws(Failure) -> ID {
        let start = token.start
        if token.kind == .identifier {
            let ahead = peek()
            if ahead.kind == .punctuator, ahead.op == Op.colon {
                let label = token.text
                advance()
                advance()
                return node(.labeled, start, a: try statement(), text: label)
            }
        }
        let value = try expression()
        try semicolon()
        return node(.expression, start, a: value)
    }

    mutating func parenthesised() throws(Failure) -> ID {
        try expect(Op.parenOpen)
        let value = try expression()
        try expect(Op.parenClose)
        return value
    }

    mutating func declarations(isStatement: Bool) throws(Failure) -> ID {
        let start = token.start
        let isVar = isWord(.var)
        advance()
        var items = List()
        repeat {
            let itemStart = token.start
            let target = try bindingTarget()
            if allowsTypes {
                _ = eat(Op.not)
                if eat(Op.colon) { try skipType() }
            }
            let value: ID = eat(Op.assign) ? try assignment() : 0
            let item = node(.declarator, itemStart, a: target, b: value)
            items.append(item, &tree)
        } while eat(Op.comma)
        if isStatement { try semicolon() }
        let id = node(.declaration, start, a: items.first)
        if isVar { tree[id].flags = .isVar }
        return id
    }

    mutating func bindingTarget() throws(Failure) -> ID {
        if isOp(Op.braceOpen) || isOp(Op.bracketOpen) { return try primary() }
        guard token.kind == .identifier else { throw fail("a name was expected") }
        let start = token.start
        let name = token.text
        advance()
        return node(.identifier, start, text: name)
    }

    private mutating func forStatement() throws(Failure) -> ID {
        let start = token.start
        advance()
        _ = eat(Word.await)
        try expect(Op.parenOpen)
        var first: ID = 0
        if isOp(Op.semicolon) {
            first = 0
        } else {
            allowsIn = false
            defer { allowsIn = true }
            if isWord(.await) { _ = try takesAwaitUsing() }
            let ahead = peek()
            // `for (let of …)` declares a variable of that name: as a name itself, `let` cannot stand before `of`.
            let isLet =
                isWord(.let)
                && (ahead.kind == .identifier && ahead.text != Word.in.id
                    || ahead.kind == .punctuator
                        && (ahead.op == Op.bracketOpen || ahead.op == Op.braceOpen))
            if isWord(.var) || isWord(.const) || isLet
                || (isWord(.using) && ahead.kind == .identifier && ahead.text != Word.of.id)
            {
                first = try declarations(isStatement: false)
            } else {
                first = try expression()
            }
        }
        allowsIn = true
        if isWord(.of) || isWord(.in) {
            let isOf = isWord(.of)
            advance()
            let subject = isOf ? try assignment() : try expression()
            try expect(Op.parenClose)
            let body = try statement()
            let id = node(.forIn, start, a: first, b: subject)
            tree[id].c = body
            if isOf { tree[id].flags = .isTrue }
            return id
        }
        try expect(Op.semicolon)
        let test: ID = isOp(Op.semicolon) ? 0 : try expression()
        try expect(Op.semicolon)
        let step: ID = isOp(Op.parenClose) ? 0 : try expression()
        try expect(Op.parenClose)
        let body = try statement()
        let id = node(.forNode, start, a: first, b: test)
        tree[id].c = step
        tree[id].d = body
        return id
    }

    private mutating func tryStatement() throws(Failure) -> ID {
        let start = token.start
        advance()
        let body = try block()
        var parameter: ID = 0
        var handler: ID = 0
        var finalizer: ID = 0
        if eat(Word.catch) {
            if eat(Op.parenOpen) {
                parameter = try bindingTarget()
                if allowsTypes && eat(Op.colon) { try skipType() }
                try expect(Op.parenClose)
            }
            handler = try block()
        }
        if eat(Word.finally) { finalizer = try block() }
        let id = node(.tryNode, start, a: body, b: parameter)
        tree[id].c = handler
        tree[id].d = finalizer
        return id
    }

    private mutating func switchStatement() throws(Failure) -> ID {
        let start = token.start
        advance()
        let subject = try parenthesised()
        try expect(Op.braceOpen)
        var cases = List()
        while !isOp(Op.braceClose) {
            let caseStart = token.start
            var test: ID = 0
            if eat(Word.case) { test = try expression() } else { try expect(Word.default) }
            try expect(Op.colon)
            var body = List()
            while !isOp(Op.braceClose), !isWord(.case), !isWord(.default) {
                guard token.kind != .end else { throw fail("a switch does not end") }
                let item = try statement()
                body.append(item, &tree)
            }
            let id = node(.caseNode, caseStart, a: test, b: body.first)
            cases.append(id, &tree)
        }
        advance()
        return node(.switchNode, start, a: subject, b: cases.first)
    }
}
