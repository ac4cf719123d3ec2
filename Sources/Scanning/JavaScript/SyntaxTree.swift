/// A syntax tree in one array: long chains cost no stack and freeing it costs nothing.
struct SyntaxTree {
    /// The number of a node; 0 is none.
    typealias ID = Int32

    enum Kind: UInt8 {
        case none
        // Expressions. Slots a, b, c, d hold other nodes; lists hang on `next`.
        case identifier, privateName, string, number, bigint, regex, template, tagged, array, object,
            property, spread
        case function, classNode, unary, update, binary, assign, conditional, call, new, member, index,
            sequence, await
        case yield, importCall, meta, superNode, this, hole, null, bool
        // Statements.
        case program, block, declaration, declarator, expression, ifNode, forNode, forIn, whileNode, doNode,
            returnNode
        case throwNode, tryNode, switchNode, caseNode, labeled, jump, empty, debugger, importNode, specifier,
            export, with
        case staticBlock
    }

    struct Flags: OptionSet {
        let rawValue: UInt16
        static let computed = Flags(rawValue: 1)
        static let shorthand = Flags(rawValue: 2)
        static let method = Flags(rawValue: 4)
        static let accessor = Flags(rawValue: 8)
        static let isStatic = Flags(rawValue: 16)
        static let arrow = Flags(rawValue: 32)
        static let async = Flags(rawValue: 64)
        static let generator = Flags(rawValue: 128)
        static let optional = Flags(rawValue: 256)
        static let declaration = Flags(rawValue: 512)
        static let isVar = Flags(rawValue: 1_024)
        static let escaped = Flags(rawValue: 2_048)
        static let expressionBody = Flags(rawValue: 4_096)
        static let typeOnly = Flags(rawValue: 8_192)
        static let isTrue = Flags(rawValue: 16_384)
    }

    struct Node {
        var kind: Kind
        var flags: Flags = []
        var start: Int32
        var end: Int32 = 0
        var a: ID = 0
        var b: ID = 0
        var c: ID = 0
        var d: ID = 0
        var next: ID = 0
        /// A name or a text, by an `Interner`.
        var text: Int32 = 0
        var op: UInt32 = 0
    }

    var nodes: [Node] = [Node(kind: .none, start: 0)]
    var numbers: [ID: Double] = [:]
    var root: ID = 0
    let interner: Interner
    /// Where parsing failed and went on, by offset.
    var errors: [(offset: Int, message: String)] = []
    /// Offsets of identifiers that are written with escapes.
    var escapedNames: [Int32] = []

    /// `<!--` or `-->` was met, which scripts and modules read differently.
    var sawHTMLComment = false

    init(interner: Interner) { self.interner = interner }

    subscript(id: ID) -> Node {
        get { nodes[Int(id)] }
        set { nodes[Int(id)] = newValue }
    }

    /// The nodes of a list.
    func list(_ first: ID) -> [ID] {
        var result: [ID] = []
        var id = first
        while id != 0 {
            result.append(id)
            id = nodes[Int(id)].next
        }
        return result
    }

    func text(_ id: ID) -> String { interner[nodes[Int(id)].text] }
}
