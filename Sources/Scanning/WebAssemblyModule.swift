/// The outer form of a WebAssembly module: what it asks its host for, and the texts that it holds.
struct WebAssemblyModule {
    /// `module.name` of every import, with its offset.
    private(set) var imports: [(name: String, offset: Int)] = []
    /// The data segments' bytes, section by section.
    private(set) var data: [(bytes: [UInt8], offset: Int)] = []

    static func isModule(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x00, 0x61, 0x73, 0x6D]) }

    /// nil where the sections do not fit the file.
    init?(_ bytes: [UInt8]) {
        guard Self.isModule(bytes), bytes.count >= 8 else { return nil }
        var reader = Reader(bytes: bytes, position: 8, end: bytes.count)
        while reader.position < bytes.count {
            guard let kind = reader.byte(), let size = reader.number(), size <= bytes.count - reader.position
            else { return nil }
            var section = Reader(bytes: bytes, position: reader.position, end: reader.position + size)
            switch kind {
            case 2: guard readImports(&section) else { return nil }
            case 11: data.append((Array(bytes[section.position..<section.end]), section.position))
            default: break
            }
            reader.position += size
        }
    }

    private mutating func readImports(_ section: inout Reader) -> Bool {
        guard let count = section.number() else { return false }
        for _ in 0..<count {
            let offset = section.position
            guard let module = section.text(), let name = section.text(), let kind = section.byte() else {
                return false
            }
            imports.append(("\(module).\(name)", offset))
            switch kind {
            case 0: guard section.number() != nil else { return false }
            case 1: guard section.byte() != nil, section.limits() else { return false }
            case 2: guard section.limits() else { return false }
            case 3: guard section.byte() != nil, section.byte() != nil else { return false }
            case 4: guard section.byte() != nil, section.number() != nil else { return false }
            default: return false
            }
        }
        return true
    }

    private struct Reader {
        let bytes: [UInt8]
        var position: Int
        let end: Int

        mutating func byte() -> UInt8? {
            guard position < end else { return nil }
            position += 1
            return bytes[position - 1]
        }

        /// LEB128, at most five bytes.
        mutating func number() -> Int? {
            var value = 0
            for shift in stride(from: 0, to: 35, by: 7) {
                guard let next = byte() else { return nil }
                value |= Int(next & 0x7F) << shift
                if next & 0x80 == 0 { return value }
            }
            return nil
        }

        mutating func text() -> String? {
            guard let count = number(), count <= end - position else { return nil }
            position += count
            return String(decoding: bytes[(position - count)..<position], as: UTF8.self)
        }

        mutating func limits() -> Bool {
            guard let flags = byte(), number() != nil else { return false }
            return flags & 1 == 0 || number() != nil
        }
    }
}
