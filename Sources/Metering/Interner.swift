internal import Glibc

/// Names to small numbers, by their bytes. One for each thread of a roll-up.
struct Interner {
    private struct Name {
        var hash: UInt64
        var start: UInt32
        var count: UInt32
    }

    /// All names' bytes, one behind the other, each filled up with zeros to whole words.
    private var bytes: [UInt8] = []
    private var held: [Name] = []
    private var slots: [UInt32]

    init() {
        slots = [UInt32](repeating: UInt32.max, count: 1 << 8)
    }

    var count: Int { held.count }

    subscript(_ index: Int) -> [UInt8] {
        let name = held[index]
        return Array(bytes[Int(name.start)..<Int(name.start + name.count)])
    }

    func text(_ index: UInt32) -> String { String(decoding: self[Int(index)], as: UTF8.self) }

    @inline(__always)
    static func hash(_ p: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
        MeterHash.bytes(p, count, seed: 0x1656_67B1_9E37_79F9)
    }

    /// Seven more bytes than the name has must be readable.
    @inline(__always)
    mutating func intern(_ p: UnsafePointer<UInt8>, _ count: Int, hash: UInt64) -> UInt32 {
        var at = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[at] != UInt32.max {
            let name = held[Int(slots[at])]
            if name.hash == hash, name.count == count,
                bytes.withUnsafeBufferPointer({ Interner.isSame($0.baseAddress! + Int(name.start), p, count) }
                )
            {
                return slots[at]
            }
            at = (at + 1) & (slots.count - 1)
        }
        return add(p, count, hash, at)
    }

    /// Word by word: names are short, and a call costs more than they do.
    @inline(__always)
    private static func isSame(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        // SAFETY: ours are whole words, and the caller promises as much of the other.
        let (left, right) = (UnsafeRawPointer(a), UnsafeRawPointer(b))
        var at = 0
        while at < count {
            var differing =
                left.loadUnaligned(fromByteOffset: at, as: UInt64.self)
                ^ right.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            if count - at < 8 { differing &= (1 << UInt64(truncatingIfNeeded: (count - at) * 8)) - 1 }
            if differing != 0 { return false }
            at += 8
        }
        return true
    }

    private mutating func add(_ p: UnsafePointer<UInt8>, _ count: Int, _ hash: UInt64, _ at: Int) -> UInt32 {
        let index = UInt32(held.count)
        // An empty name has an address too.
        if bytes.isEmpty { bytes = [UInt8](repeating: 0, count: 8) }
        held.append(Name(hash: hash, start: UInt32(bytes.count), count: UInt32(count)))
        bytes.append(contentsOf: UnsafeBufferPointer(start: p, count: count))
        bytes.append(contentsOf: repeatElement(0, count: -count & 7))
        slots[at] = index
        if held.count * 2 > slots.count { grow() }
        return index
    }

    mutating func intern(_ text: String) -> (index: UInt32, hash: UInt64) {
        let bytes = Array(text.utf8) + [UInt8](repeating: 0, count: 8)
        let count = text.utf8.count
        return bytes.withUnsafeBufferPointer { buffer in
            let hash = Interner.hash(buffer.baseAddress!, count)
            return (intern(buffer.baseAddress!, count, hash: hash), hash)
        }
    }

    private mutating func grow() {
        slots = [UInt32](repeating: UInt32.max, count: slots.count * 2)
        for (index, name) in held.enumerated() {
            var at = Int(truncatingIfNeeded: name.hash) & (slots.count - 1)
            while slots[at] != UInt32.max { at = (at + 1) & (slots.count - 1) }
            slots[at] = UInt32(index)
        }
    }
}
