internal import Bundles

/// What an expression is for certain: a text, a number, bytes, or a way to something global or imported.
final class Evaluator {
    typealias ID = SyntaxTree.ID

    enum Value {
        case unknown
        case text(String)
        /// A text whose beginning is known.
        case prefix(String)
        case number(Double)
        case bool(Bool)
        case bytes([UInt8])
        case list([Value])
        case reference(Reference)
        case object(ID)
        case function(ID)

        var text: String? { if case .text(let text) = self { text } else { nil } }
        var reference: Reference? { if case .reference(let reference) = self { reference } else { nil } }
        var isUnknown: Bool { if case .unknown = self { true } else { false } }
    }

    let tree: SyntaxTree
    let resolver: Resolver
    private var references = References()
    /// What is known of each node so far.
    private var memo: [Value]
    private var progress: [Progress]
    private enum Progress: UInt8 { case none, begun, known }
    /// Values of parameters while a function is evaluated in place.
    private var arguments: [Int32: Value] = [:]
    private var steps = 0
    private var depth = 0
    /// Where decoding functions gave a text: node and text, for the layer of decoded payloads.
    private(set) var decoded: [(node: ID, bytes: [UInt8])] = []

    /// Steps or decoded texts were more than the budget.
    private(set) var isExhausted = false
    private static let stepsMax = 4_000_000
    private var inlineDepth = 0
    private var inlineSteps = 0
    private static let inlineDepthMax = 6
    private static let inlineStepsMax = 20_000
    private static let depthMax = 120
    static let textMax = 4 << 20

    init(_ tree: SyntaxTree, _ resolver: Resolver) {
        self.tree = tree
        self.resolver = resolver
        memo = [Value](repeating: .unknown, count: tree.nodes.count)
        progress = [Progress](repeating: .none, count: tree.nodes.count)
    }

    /// The way that begins at a root.
    func reference(_ root: Reference.Root) -> Value { .reference(references.root(root)) }

    func value(_ id: ID) -> Value {
        guard id != 0 else { return .unknown }
        let isPlain = arguments.isEmpty
        if isPlain, progress[Int(id)] == .known { return memo[Int(id)] }
        steps += 1
        guard steps < Self.stepsMax else {
            isExhausted = true
            return .unknown
        }
        guard depth < Self.depthMax else { return .unknown }
        if inlineDepth > 0 {
            // What a function in place comes to is not kept: calls of calls would grow without end.
            inlineSteps += 1
            guard inlineSteps < Self.inlineStepsMax else { return .unknown }
        }
        if isPlain {
            guard progress[Int(id)] == .none else { return .unknown }
            progress[Int(id)] = .begun
        }
        depth += 1
        let value = evaluate(id)
        depth -= 1
        if isPlain {
            progress[Int(id)] = .known
            memo[Int(id)] = value
        }
        return value
    }

    private func evaluate(_ id: ID) -> Value {
        let node = tree[id]
        switch node.kind {
        case .string: return .text(tree.interner[node.text])
        case .number: return .number(tree.numbers[id] ?? 0)
        case .bool: return .bool(node.flags.contains(.isTrue))
        case .regex: return .unknown
        case .template: return template(node)
        case .identifier: return identifier(id, node)
        case .this: return reference(.this)
        case .member: return property(value(node.a), .name(tree.interner[node.text]))
        case .index: return property(value(node.a), key(value(node.b)))
        case .array:
            let items = tree.list(node.a)
            guard items.count <= 20_000 else { return .unknown }
            var list: [Value] = []
            for item in items {
                if tree[item].kind == .spread {
                    guard let more = elements(value(tree[item].a)) else { return .unknown }
                    list += more
                } else {
                    list.append(value(item))
                }
            }
            return .list(list)
        case .object: return .object(id)
        case .function: return .function(id)
        case .binary: return binary(id)
        case .unary: return unary(node)
        case .sequence: return value(tree.list(node.a).last ?? 0)
        case .assign: return node.op == Op.assign ? value(node.b) : .unknown
        case .conditional:
            let yes = value(node.b)
            return yes.isUnknown ? value(node.c) : yes
        case .await: return value(node.a)
        case .call, .new: return call(id, node)
        case .importCall:
            if let name = value(node.a).text {
                return reference(.module(Self.module(name)))
            }
            return .unknown
        default: return .unknown
        }
    }

    /// `node:fs` and `fs` are one module.
    static func module(_ name: String) -> String {
        name.hasPrefix("node:") ? String(name.dropFirst(5)) : name
    }

    func elements(_ value: Value) -> [Value]? {
        switch value {
        case .list(let list): list
        case .text(let text) where text.utf8.count <= 65_536: text.map { .text(String($0)) }
        case .bytes(let bytes) where bytes.count <= 65_536: bytes.map { .number(Double($0)) }
        default: nil
        }
    }

    private func key(_ value: Value) -> Resolver.Key {
        switch value {
        case .text(let text): .name(text)
        case .number(let number) where number >= 0 && number < 1e9: .position(Int(number))
        default: .unknown
        }
    }

    private func identifier(_ id: ID, _ node: SyntaxTree.Node) -> Value {
        let meaning = resolver.meaning[Int(id)]
        if meaning == Resolver.free {
            let name = tree.interner[node.text]
            return name == "undefined" ? .unknown : reference(.global(name))
        }
        guard meaning >= 0 else { return .unknown }
        if let argument = arguments[meaning] { return argument }
        let binding = resolver.bindings[Int(meaning)]
        let base: Value
        switch binding.kind {
        case .imported:
            base = reference(.module(Self.module(tree.interner[binding.module])))
        case .function: return .function(binding.origin)
        case .parameter where binding.origin == 0:
            base = reference(.local(meaning))
        case .classKind: return reference(.local(meaning))
        case .variable, .parameter:
            guard binding.origin != 0 else { return reference(.local(meaning)) }
            base = value(binding.origin)
        }
        let result = binding.path.reduce(base) { property($0, $1) }
        if case .unknown = result { return reference(.local(meaning)) }
        // A variable that is written to later is no constant, though it still leads where it first led.
        if binding.writes > (tree[binding.origin].kind == .none ? 0 : 1)
            || binding.writes > 0 && binding.kind == .parameter
        {
            switch result {
            case .reference, .list, .text: return result
            default: return .unknown
            }
        }
        return result
    }

    static let globalAliases: Set<String> = [
        "globalThis", "window", "self", "global", "top", "parent", "frames",
    ]

    /// A part of a value.
    func property(_ base: Value, _ key: Resolver.Key) -> Value {
        switch base {
        case .reference(let reference): return property(reference, key)
        case .text(let text):
            if key == .name("length") { return .number(Double(text.utf16.count)) }
            if case .position(let index) = key, index < text.utf16.count {
                return .text(String(decoding: [Array(text.utf16)[index]], as: UTF16.self))
            }
            return .unknown
        case .list(let list):
            if key == .name("length") { return .number(Double(list.count)) }
            if case .position(let index) = key, index < list.count { return list[index] }
            if case .name(let name) = key, let index = Int(name), list.indices.contains(index) {
                return list[index]
            }
            return .unknown
        case .bytes(let bytes):
            if case .position(let index) = key, index < bytes.count { return .number(Double(bytes[index])) }
            return .unknown
        case .object(let id):
            guard case .name(let name) = key else { return .unknown }
            for item in tree.list(tree[id].a).reversed() where tree[item].kind == .property {
                var found = resolver.key(of: tree[item])
                if found == .unknown, tree[item].flags.contains(.computed) {
                    found = self.key(value(tree[item].a))
                }
                if found == .name(name) { return value(tree[item].b) }
            }
            return .unknown
        case .function, .unknown, .number, .bool, .prefix: return .unknown
        }
    }

    private func property(_ base: Reference, _ key: Resolver.Key) -> Value {
        let name: String
        switch key {
        case .name(let text): name = text
        case .position(let index): name = String(index)
        case .unknown: name = Reference.unknownStep
        }
        if base.depth == 0 {
            if case .global(let global) = base.root, Self.globalAliases.contains(global) {
                return reference(.global(name))
            }
            if let id = assigned(base.root, name) {
                let known = value(id)
                if !known.isUnknown { return known }
            }
        }
        if case .module = base.root, name == "default" { return .reference(base) }
        guard base.depth < 32 else { return .unknown }
        return .reference(base.step(name))
    }

    private func assigned(_ root: Reference.Root, _ name: String) -> ID? {
        switch root {
        case .this: resolver.ownProperties[tree.interner.intern(name)]
        case .local(let binding):
            resolver.localProperties[Int64(binding) << 32 | Int64(tree.interner.intern(name))]
        default: nil
        }
    }

    // MARK: operators

    private func template(_ node: SyntaxTree.Node) -> Value {
        var text = ""
        for part in tree.list(node.a) {
            switch Self.asText(value(part)) {
            case .text(let piece): text += piece
            case .prefix(let piece): return .prefix(text + piece)
            default: return text.isEmpty ? .unknown : .prefix(text)
            }
            if text.utf8.count > Self.textMax { return .unknown }
        }
        return .text(text)
    }

    static func asText(_ value: Value) -> Value {
        switch value {
        case .text, .prefix: value
        case .number(let number): .text(Self.text(number))
        case .bool(let bool): .text(bool ? "true" : "false")
        case .bytes(let bytes): .text(String(decoding: bytes, as: UTF8.self))
        case .list(let list):
            list.reduce(Value.text("")) { sum, item in
                guard case .text(let left) = sum, case .text(let right) = asText(item) else {
                    return .unknown
                }
                return .text(left.isEmpty ? right : left + "," + right)
            }
        default: .unknown
        }
    }

    static func text(_ number: Double) -> String {
        number == number.rounded() && abs(number) < 1e15 ? String(Int64(number)) : "\(number)"
    }

    private func binary(_ id: ID) -> Value {
        var chain: [(ID, UInt32)] = []
        var left = id
        while tree[left].kind == .binary {
            chain.append((tree[left].b, tree[left].op))
            left = tree[left].a
        }
        guard chain.count <= 100_000 else { return .unknown }
        var result = value(left)
        var text = result.text
        for (right, op) in chain.reversed() {
            let other = value(right)
            if op == Op.plus, let before = text, case .text(let piece) = Self.asText(other) {
                // Texts grow in place: a chain of a thousand pieces must not be copied a thousand times.
                text = nil
                result = .unknown
                var grown = before
                grown += piece
                guard grown.utf8.count <= Self.textMax else { return .unknown }
                text = grown
                result = .text(grown)
            } else {
                result = Self.combine(result, other, op)
                text = result.text
            }
        }
        return result
    }

    private static func combine(_ a: Value, _ b: Value, _ op: UInt32) -> Value {
        switch op {
        case Op.plus:
            if case .number(let x) = a, case .number(let y) = b { return .number(x + y) }
            if case .prefix = a { return a }
            guard case .text(let left) = asText(a) else { return .unknown }
            switch asText(b) {
            case .text(let right): return .text(left + right)
            case .prefix(let right): return .prefix(left + right)
            default: return .prefix(left)
            }
        case Op.or, Op.nullish: return a.isUnknown ? b : a
        case Op.and: return b
        default:
            guard case .number(let x) = a, case .number(let y) = b else { return .unknown }
            switch op {
            case Op.minus: return .number(x - y)
            case Op.star: return .number(x * y)
            case Op.slash: return y == 0 ? .unknown : .number(x / y)
            case Op.percent: return y == 0 ? .unknown : .number(x.truncatingRemainder(dividingBy: y))
            case Op.caret: return .number(Double(int32(x) ^ int32(y)))
            case Op.bar: return .number(Double(int32(x) | int32(y)))
            case Op.ampersand: return .number(Double(int32(x) & int32(y)))
            case Op.shiftLeft: return .number(Double(int32(x) << (int32(y) & 31)))
            case Op.shiftRight: return .number(Double(int32(x) >> (int32(y) & 31)))
            default: return .unknown
            }
        }
    }

    private static func int32(_ number: Double) -> Int32 {
        guard number.isFinite, abs(number) < 9e18 else { return 0 }
        return Int32(truncatingIfNeeded: Int64(number))
    }

    private func unary(_ node: SyntaxTree.Node) -> Value {
        let inner = value(node.a)
        switch node.op {
        case Op.minus: if case .number(let number) = inner { return .number(-number) }
        case Op.plus:
            if case .number = inner { return inner }
            if let text = inner.text, let number = Double(text) { return .number(number) }
        case Op.tilde: if case .number(let number) = inner { return .number(Double(~Self.int32(number))) }
        case Op.not: if case .bool(let bool) = inner { return .bool(!bool) }
        default: break
        }
        return .unknown
    }

    // MARK: calls

    /// What is called, with `.call`, `.apply` and `.bind` seen through, and the arguments as values.
    func callee(_ node: SyntaxTree.Node) -> (value: Value, arguments: [ID]) {
        var target = value(node.a)
        var list = tree.list(node.b)
        if case .reference(let reference) = target, let owner = reference.parent, let last = reference.last {
            if last == "call" || last == "apply" {
                target = .reference(owner)
                if last == "call" {
                    list = Array(list.dropFirst())
                } else if list.count > 1, tree[list[1]].kind == .array {
                    list = tree.list(tree[list[1]].a)
                } else {
                    list = []
                }
            }
        }
        return (target, list)
    }

    private func call(_ id: ID, _ node: SyntaxTree.Node) -> Value {
        if node.kind == .call, tree[node.a].kind == .member || tree[node.a].kind == .index {
            let base = value(tree[node.a].a)
            let name: String? =
                tree[node.a].kind == .member ? tree.interner[tree[node.a].text] : value(tree[node.a].b).text
            if let name, let result = method(base, name, tree.list(node.b), id) { return result }
        }
        let (target, list) = callee(node)
        switch target {
        case .reference(let called):
            if let function = called.function,
                let result = Builtins.call(function, list, node, self, id)
            {
                return result
            }
            if let owner = called.parent, called.last == "bind" { return .reference(owner) }
            return called.name.utf8.count > 200 ? .unknown : reference(.result(called.name))
        case .function(let function) where node.kind == .call: return inline(function, list.map(value))
        default: return .unknown
        }
    }

    private func method(_ base: Value, _ name: String, _ list: [ID], _ id: ID) -> Value? {
        switch base {
        case .text(let text): return Builtins.method(text, name, list.map(value), self)
        case .list(let items): return Builtins.method(items, name, list.map(value), self)
        case .bytes(let bytes):
            let result = Builtins.method(bytes, name, list.map(value))
            if case .text(let text)? = result { noteDecoded(id, Array(text.utf8)) }
            return result
        case .number(let number) where name == "toString":
            guard case .number(let radix)? = list.first.map(value), (2...36).contains(radix) else {
                return .text(Self.text(number))
            }
            return .text(String(Int64(number), radix: Int(radix)))
        default: return nil
        }
    }

    func noteDecoded(_ id: ID, _ bytes: [UInt8]) {
        guard bytes.count >= 4, arguments.isEmpty else { return }
        guard decoded.count < 10_000 else {
            isExhausted = true
            return
        }
        decoded.append((id, bytes))
    }

    /// A small function in place: one expression, or a body whose only statement returns one.
    func inline(_ id: ID, _ values: [Value]) -> Value {
        let node = tree[id]
        guard node.kind == .function, arguments.count < 64, inlineDepth < Self.inlineDepthMax,
            !node.flags.contains(.generator)
        else {
            return .unknown
        }
        var result = node.b
        if tree[result].kind == .block {
            let body = tree.list(tree[result].a)
            guard body.count == 1, tree[body[0]].kind == .returnNode else { return .unknown }
            result = tree[body[0]].a
        }
        guard result != 0 else { return .unknown }
        let before = arguments
        for (index, parameter) in tree.list(node.a).enumerated() where tree[parameter].kind == .identifier {
            let meaning = resolver.meaning[Int(parameter)]
            if meaning >= 0 { arguments[meaning] = index < values.count ? values[index] : .unknown }
        }
        // Without a parameter the marker keeps results out of the memo, which belongs to the outer meaning.
        arguments[-3] = .unknown
        if inlineDepth == 0 { inlineSteps = 0 }
        inlineDepth += 1
        defer {
            arguments = before
            inlineDepth -= 1
        }
        return value(result)
    }
}
