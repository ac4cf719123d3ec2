/// A regular expression without back-references, run in time proportional to pattern × text, so that a schema
/// written by a stranger cannot make its reader slow: Thompson's construction over Unicode scalars.
/// Known: literals, `.`, classes, `\d \w \s` and negations, groups, `|`, `* + ? {n,m}`, `^`, `$`.
public struct Pattern: Hashable, Sendable {
    indirect enum Node: Hashable, Sendable {
        case empty
        case start, end
        case scalars(ScalarSet)
        case sequence([Node])
        case either([Node])
        case repeated(Node, Int, Int?)
    }

    struct ScalarSet: Hashable, Sendable {
        var ranges: [ClosedRange<UInt32>]
        var negated: Bool

        func contains(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } != negated }
    }

    private let program: [Step]

    enum Step: Hashable, Sendable {
        case take(ScalarSet)
        case fork(Int, Int)
        case jump(Int)
        case start, end, match
    }

    static let lengthMax = 1_024
    /// Counted repetitions are unrolled; this bounds what they unroll to.
    static let stepsMax = 10_000

    /// `nil` if the expression has what is not known here, or grows past its bounds.
    public init?(_ text: String) {
        guard text.utf8.count <= Pattern.lengthMax else { return nil }
        var parser = PatternParser(Array(text.unicodeScalars))
        guard let node = parser.whole() else { return nil }
        var program: [Step] = []
        guard Pattern.emit(node, &program) else { return nil }
        program.append(.match)
        self.program = program
    }

    /// Whether it matches anywhere in the text, as JSON Schema's `pattern` means it.
    public func matches(_ text: String) -> Bool {
        let scalars = Array(text.unicodeScalars)
        var states = Set<Int>()
        for position in 0...scalars.count {
            follow(0, position, scalars.count, &states)
            if states.contains(program.count - 1) { return true }
            guard position < scalars.count else { break }
            var next = Set<Int>()
            for state in states {
                if case .take(let set) = program[state], set.contains(scalars[position].value) {
                    follow(state + 1, position + 1, scalars.count, &next)
                }
            }
            states = next
            if states.contains(program.count - 1) { return true }
        }
        return false
    }

    private func follow(_ first: Int, _ position: Int, _ end: Int, _ states: inout Set<Int>) {
        var waiting = [first]
        while let state = waiting.popLast() {
            guard states.insert(state).inserted else { continue }
            switch program[state] {
            case .fork(let a, let b): waiting += [b, a]
            case .jump(let a): waiting.append(a)
            case .start: if position == 0 { waiting.append(state + 1) }
            case .end: if position == end { waiting.append(state + 1) }
            case .take, .match: break
            }
        }
    }

    private static func emit(_ node: Node, _ program: inout [Step]) -> Bool {
        guard program.count < stepsMax else { return false }
        switch node {
        case .empty: return true
        case .start: program.append(.start)
        case .end: program.append(.end)
        case .scalars(let set): program.append(.take(set))
        case .sequence(let nodes): return nodes.allSatisfy { emit($0, &program) }
        case .either(let choices):
            var ends: [Int] = []
            for (index, choice) in choices.enumerated() {
                guard index < choices.count - 1 else {
                    guard emit(choice, &program) else { return false }
                    break
                }
                let fork = program.count
                program.append(.fork(fork + 1, 0))
                guard emit(choice, &program) else { return false }
                ends.append(program.count)
                program.append(.jump(0))
                program[fork] = .fork(fork + 1, program.count)
            }
            for end in ends { program[end] = .jump(program.count) }
        case .repeated(let inner, let least, let most):
            for _ in 0..<least { guard emit(inner, &program) else { return false } }
            if let most {
                var forks: [Int] = []
                for _ in least..<max(least, most) {
                    forks.append(program.count)
                    program.append(.fork(program.count + 1, 0))
                    guard emit(inner, &program) else { return false }
                }
                for fork in forks { program[fork] = .fork(fork + 1, program.count) }
            } else {
                let fork = program.count
                program.append(.fork(fork + 1, 0))
                guard emit(inner, &program) else { return false }
                program.append(.jump(fork))
                program[fork] = .fork(fork + 1, program.count)
            }
        }
        return program.count < stepsMax
    }
}

struct PatternParser {
    typealias Node = Pattern.Node
    let text: [Unicode.Scalar]
    var at = 0
    var depth = 0

    init(_ text: [Unicode.Scalar]) { self.text = text }

    mutating func whole() -> Node? {
        guard let node = either(), at == text.count else { return nil }
        return node
    }

    private mutating func either() -> Node? {
        depth += 1
        defer { depth -= 1 }
        guard depth < 32 else { return nil }
        var choices: [Node] = []
        repeat {
            guard let choice = sequence() else { return nil }
            choices.append(choice)
        } while take("|")
        return choices.count == 1 ? choices[0] : .either(choices)
    }

    private mutating func sequence() -> Node? {
        var nodes: [Node] = []
        while at < text.count, text[at] != "|", text[at] != ")" {
            guard let atom = atom(), let node = quantified(atom) else { return nil }
            nodes.append(node)
        }
        return nodes.isEmpty ? .empty : .sequence(nodes)
    }

    private mutating func quantified(_ atom: Node) -> Node? {
        var node = atom
        if take("*") {
            node = .repeated(atom, 0, nil)
        } else if take("+") {
            node = .repeated(atom, 1, nil)
        } else if take("?") {
            node = .repeated(atom, 0, 1)
        } else if take("{") {
            guard let least = integer() else { return nil }
            var most: Int? = least
            if take(",") { most = integer() }
            guard take("}"), least <= 1_000, most.map({ $0 >= least && $0 <= 1_000 }) ?? true else {
                return nil
            }
            node = .repeated(atom, least, most)
        } else {
            return node
        }
        _ = take("?")
        return node
    }

    private mutating func integer() -> Int? {
        var value: Int?
        while at < text.count,
            let digit = text[at].properties.numericType == .decimal ? Int(String(text[at])) : nil
        {
            value = (value ?? 0) * 10 + digit
            guard value! <= 100_000 else { return nil }
            at += 1
        }
        return value
    }

    private mutating func atom() -> Node? {
        let scalar = text[at]
        at += 1
        switch scalar {
        case "^": return .start
        case "$": return .end
        case ".": return .scalars(.init(ranges: [0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029], negated: true))
        case "(":
            if take("?") { guard take(":") else { return nil } }
            guard let node = either(), take(")") else { return nil }
            return node
        case "[": return set().map(Node.scalars)
        case "\\": return escape().map(Node.scalars)
        case "*", "+", "?", "{", ")": return nil
        default: return .scalars(.init(ranges: [scalar.value...scalar.value], negated: false))
        }
    }

    private mutating func escape() -> Pattern.ScalarSet? {
        guard at < text.count else { return nil }
        let scalar = text[at]
        at += 1
        let digits: [ClosedRange<UInt32>] = [0x30...0x39]
        let word: [ClosedRange<UInt32>] = [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A]
        let space: [ClosedRange<UInt32>] = [
            0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x2028...0x2029, 0xFEFF...0xFEFF,
        ]
        switch scalar {
        case "d": return .init(ranges: digits, negated: false)
        case "D": return .init(ranges: digits, negated: true)
        case "w": return .init(ranges: word, negated: false)
        case "W": return .init(ranges: word, negated: true)
        case "s": return .init(ranges: space, negated: false)
        case "S": return .init(ranges: space, negated: true)
        case "n": return .init(ranges: [0x0A...0x0A], negated: false)
        case "r": return .init(ranges: [0x0D...0x0D], negated: false)
        case "t": return .init(ranges: [0x09...0x09], negated: false)
        default:
            // A letter or digit here would be a class, a boundary or a back-reference that is not known.
            guard !scalar.properties.isAlphabetic, scalar.properties.numericType == nil else { return nil }
            return .init(ranges: [scalar.value...scalar.value], negated: false)
        }
    }

    private mutating func set() -> Pattern.ScalarSet? {
        let negated = take("^")
        var ranges: [ClosedRange<UInt32>] = []
        while at < text.count, text[at] != "]" {
            guard let low = member() else { return nil }
            guard low.ranges.count == 1, !low.negated, let first = low.ranges.first, first.count == 1,
                at + 1 < text.count, text[at] == "-", text[at + 1] != "]"
            else {
                guard !low.negated else { return nil }
                ranges += low.ranges
                continue
            }
            at += 1
            guard let high = member(), let last = high.ranges.first, last.count == 1, high.ranges.count == 1,
                !high.negated, last.lowerBound >= first.lowerBound
            else { return nil }
            ranges.append(first.lowerBound...last.lowerBound)
        }
        guard take("]") else { return nil }
        return .init(ranges: ranges, negated: negated)
    }

    private mutating func member() -> Pattern.ScalarSet? {
        if take("\\") { return escape() }
        guard at < text.count else { return nil }
        at += 1
        return .init(ranges: [text[at - 1].value...text[at - 1].value], negated: false)
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard at < text.count, text[at] == scalar else { return false }
        at += 1
        return true
    }
}
