/// Names and texts of one file as small numbers, so that comparing them costs nothing.
final class Interner {
    private var names = NameTable.words

    subscript(id: Int32) -> String { names.texts[Int(id)] }

    /// How many there are: every number is below.
    var count: Int { names.texts.count }

    func intern(_ text: String) -> Int32 {
        var text = text
        return text.withUTF8 { names.number(of: $0) }
    }

    func intern(_ text: UnsafeBufferPointer<UInt8>) -> Int32 { names.number(of: text) }
}

/// The table behind an `Interner`.
private struct NameTable: Sendable {
    private(set) var texts: [String] = []
    /// The bytes of all texts behind each other, and where each one ends.
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    private var hashes: [UInt32] = []
    private var slots = [Int32](repeating: -1, count: 4_096)

    /// The parser's own words in their order, which every file begins with.
    static let words: NameTable = {
        var table = NameTable()
        for word in Word.allCases {
            var text = word.text
            text.withUTF8 { _ = table.number(of: $0) }
        }
        return table
    }()

    mutating func number(of text: UnsafeBufferPointer<UInt8>) -> Int32 {
        var hash: UInt32 = 2_166_136_261
        for byte in text { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        var slot = Int(hash) & (slots.count - 1)
        while slots[slot] >= 0 {
            let id = Int(slots[slot])
            if hashes[id] == hash && holds(id, text) { return Int32(id) }
            slot = (slot + 1) & (slots.count - 1)
        }
        let id = Int32(texts.count)
        texts.append(String(decoding: text, as: UTF8.self))
        bytes.append(contentsOf: text)
        ends.append(bytes.count)
        hashes.append(hash)
        slots[slot] = id
        if texts.count * 2 > slots.count { grow() }
        return id
    }

    private func holds(_ id: Int, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let begin = id == 0 ? 0 : ends[id - 1]
        guard ends[id] - begin == text.count else { return false }
        return bytes.withUnsafeBufferPointer { all in
            for index in 0..<text.count where all[begin + index] != text[index] { return false }
            return true
        }
    }

    private mutating func grow() {
        slots = [Int32](repeating: -1, count: slots.count * 2)
        for (id, hash) in hashes.enumerated() {
            var slot = Int(hash) & (slots.count - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = Int32(id)
        }
    }
}

/// Words that the parser asks for; each one's number in an `Interner` is its place here.
enum Word: Int32, CaseIterable {
    case empty
    case abstract, accessor, any, `as`, asserts, async, await, `break`, `case`, `catch`, `class`, const,
        constructor
    case `continue`, debugger, declare, `default`, delete, `do`, `else`, `enum`, export, extends, `false`,
        finally, `for`
    case from, function, get, global, `if`, implements, `import`, `in`, infer, instanceof, interface, `is`,
        keyof, `let`
    case meta, module, namespace, new, null, of, out, override, package, `private`, protected, `public`,
        readonly, require
    case `return`, satisfies, set, `static`, `super`, `switch`, target, this, `throw`, `true`, `try`, type,
        typeof
    case undefined, unique, using, `var`, void, `while`, with, yield, source, `defer`

    var id: Int32 { rawValue }
    var text: String { self == .empty ? "" : String(describing: self) }
}
