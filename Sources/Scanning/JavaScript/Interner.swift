/// Names and texts of one file as small numbers, so that comparing them costs nothing.
final class Interner {
    private(set) var texts: [String] = []
    private var table: [Int32]
    private var hashes: [UInt32] = []
    private var mask: Int

    init() {
        table = [Int32](repeating: -1, count: 4_096)
        mask = 4_095
        for word in Word.allCases { _ = intern(word.text) }
    }

    subscript(id: Int32) -> String { texts[Int(id)] }

    func intern(_ text: String) -> Int32 {
        var text = text
        return text.withUTF8 { intern($0) }
    }

    func intern(_ bytes: UnsafeBufferPointer<UInt8>) -> Int32 {
        var hash: UInt32 = 2_166_136_261
        for byte in bytes { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        var slot = Int(hash) & mask
        while table[slot] >= 0 {
            let id = Int(table[slot])
            if hashes[id] == hash && texts[id].utf8.elementsEqual(bytes) { return Int32(id) }
            slot = (slot + 1) & mask
        }
        let id = Int32(texts.count)
        texts.append(String(decoding: bytes, as: UTF8.self))
        hashes.append(hash)
        table[slot] = id
        if texts.count * 2 > table.count { grow() }
        return id
    }

    private func grow() {
        table = [Int32](repeating: -1, count: table.count * 2)
        mask = table.count - 1
        for (id, hash) in hashes.enumerated() {
            var slot = Int(hash) & mask
            while table[slot] >= 0 { slot = (slot + 1) & mask }
            table[slot] = Int32(id)
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
