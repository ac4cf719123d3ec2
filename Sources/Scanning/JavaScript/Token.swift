/// One token; texts are numbers of an `Interner`.
struct Token {
    enum Kind: UInt8 {
        case end, identifier, privateName, number, bigint, string, templateWhole, templateHead, templateMiddle
        case templateTail, regex, punctuator, unknown
    }

    var kind = Kind.end
    var start: Int32 = 0
    var end: Int32 = 0
    var newlineBefore = false
    /// The text stands there with escapes, which hide it from a plain search.
    var hasEscape = false
    /// Identifier: its name; string and template: the cooked value.
    var text: Int32 = 0
    /// Punctuator: its bytes, packed.
    var op: UInt32 = 0
    var number = 0.0
}

/// Punctuators as packed ASCII.
enum Op {
    static let parenOpen: UInt32 = 0x28
    static let parenClose: UInt32 = 0x29
    static let braceOpen: UInt32 = 0x7B
    static let braceClose: UInt32 = 0x7D
    static let bracketOpen: UInt32 = 0x5B
    static let bracketClose: UInt32 = 0x5D
    static let semicolon: UInt32 = 0x3B
    static let comma: UInt32 = 0x2C
    static let colon: UInt32 = 0x3A
    static let question: UInt32 = 0x3F
    static let dot: UInt32 = 0x2E
    static let spread: UInt32 = 0x2E2E2E
    static let optional: UInt32 = 0x3F2E
    static let arrow: UInt32 = 0x3D3E
    static let assign: UInt32 = 0x3D
    static let plus: UInt32 = 0x2B
    static let minus: UInt32 = 0x2D
    static let star: UInt32 = 0x2A
    static let power: UInt32 = 0x2A2A
    static let slash: UInt32 = 0x2F
    static let slashAssign: UInt32 = 0x2F3D
    static let percent: UInt32 = 0x25
    static let less: UInt32 = 0x3C
    static let greater: UInt32 = 0x3E
    static let not: UInt32 = 0x21
    static let tilde: UInt32 = 0x7E
    static let bar: UInt32 = 0x7C
    static let ampersand: UInt32 = 0x26
    static let caret: UInt32 = 0x5E
    static let increment: UInt32 = 0x2B2B
    static let decrement: UInt32 = 0x2D2D
    static let at: UInt32 = 0x40
    static let and: UInt32 = 0x2626
    static let or: UInt32 = 0x7C7C
    static let nullish: UInt32 = 0x3F3F
    static let shiftLeft: UInt32 = 0x3C3C
    static let shiftRight: UInt32 = 0x3E3E
    static let plusAssign: UInt32 = 0x2B3D

    static func isAssignment(_ op: UInt32) -> Bool {
        switch op {
        // = += -= *= /= %= **= <<= >>= >>>= &= |= ^= &&= ||= ??=
        case 0x3D, 0x2B3D, 0x2D3D, 0x2A3D, 0x2F3D, 0x253D, 0x2A2A3D, 0x3C3C3D, 0x3E3E3D, 0x3E3E_3E3D, 0x263D,
            0x7C3D,
            0x5E3D, 0x26263D, 0x7C7C3D, 0x3F3F3D:
            true
        default: false
        }
    }

    /// 0 where it is no binary operator.
    static func precedence(_ op: UInt32) -> Int {
        switch op {
        case nullish: 1
        case or: 2
        case and: 3
        case bar: 4
        case caret: 5
        case ampersand: 6
        // == != === !==
        case 0x3D3D, 0x213D, 0x3D3D3D, 0x213D3D: 7
        // < > <= >=
        case less, greater, 0x3C3D, 0x3E3D: 8
        // << >> >>>
        case shiftLeft, shiftRight, 0x3E3E3E: 9
        case plus, minus: 10
        case star, slash, percent: 11
        case power: 12
        default: 0
        }
    }
}
