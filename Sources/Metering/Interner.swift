/// Names to small numbers, by their bytes. One for each thread of a roll-up.
struct Interner {
    private(set) var names: [[UInt8]] = []
    private var hashes: [UInt64] = []
    private var slots: [UInt32]

    init() {
        slots = [UInt32](repeating: UInt32.max, count: 1 << 12)
    }

    static func hash(_ p: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
        MeterHash.bytes(p, count, seed: 0x1656_67B1_9E37_79F9)
    }

    mutating func intern(_ p: UnsafePointer<UInt8>, _ count: Int, hash: UInt64) -> UInt32 {
        var at = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[at] != UInt32.max {
            let index = Int(slots[at])
            if hashes[index] == hash, equal(names[index], p, count) { return UInt32(index) }
            at = (at + 1) & (slots.count - 1)
        }
        let index = UInt32(names.count)
        names.append(Array(UnsafeBufferPointer(start: p, count: count)))
        hashes.append(hash)
        slots[at] = index
        if names.count * 2 > slots.count { grow() }
        return index
    }

    mutating func intern(_ text: String) -> (index: UInt32, hash: UInt64) {
        var bytes = Array(text.utf8)
        if bytes.isEmpty { bytes = [0] }
        let count = text.utf8.count
        return bytes.withUnsafeBufferPointer { buffer in
            let hash = Interner.hash(buffer.baseAddress!, count)
            return (intern(buffer.baseAddress!, count, hash: hash), hash)
        }
    }

    private func equal(_ name: [UInt8], _ p: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        guard name.count == count else { return false }
        for index in 0..<count where name[index] != p[index] { return false }
        return true
    }

    private mutating func grow() {
        slots = [UInt32](repeating: UInt32.max, count: slots.count * 2)
        for (index, hash) in hashes.enumerated() {
            var at = Int(truncatingIfNeeded: hash) & (slots.count - 1)
            while slots[at] != UInt32.max { at = (at + 1) & (slots.count - 1) }
            slots[at] = UInt32(index)
        }
    }
}
