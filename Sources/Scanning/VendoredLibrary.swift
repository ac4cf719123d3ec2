internal import Marketplace

/// A library that somebody copied into the bundle: recognised by its banner or by the constant in which it keeps its
/// version, or by the file's digest, where no lockfile names it.
struct VendoredLibrary: Codable, Sendable, Equatable {
    var name: String
    var version: String
    var place: FileSummary.Place
}

/// `rules/libraries.tsv`: how libraries are recognised.
struct VendoredLibraries: Sendable {
    /// How a library says who it is.
    private struct Banner: Sendable {
        var name: String
        /// The number of the text that stands directly before the version.
        var before: Int
        var length: Int
        /// The number of a text that must stand in the same file; nil where the first says enough.
        var beside: Int?
    }

    private var banners: [Banner] = []
    private var files: [String: (name: String, version: String)] = [:]
    private let texts: LiteralSet
    private let textCount: Int

    init() {
        texts = LiteralSet([String]())
        textCount = 0
    }

    /// Columns kind, library, version, key and other text, then where it was measured; `#` begins a comment.
    init(tsv: [UInt8], name: String) throws(ScanError) {
        var numbers: [String: Int] = [:]
        var literals: [String] = []
        func number(_ text: String) -> Int {
            if let known = numbers[text] { return known }
            numbers[text] = literals.count
            literals.append(text)
            return literals.count - 1
        }
        for line in String(decoding: tsv, as: UTF8.self).split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 7, !parts[1].isEmpty, Version(parts[2]) != nil, parts[3].utf8.count >= 4
            else {
                throw ScanError(
                    .badRule, subject: name, cause: "kind, library, version and key are needed: \(line)")
            }
            switch parts[0] {
            case "banner":
                let beside = parts[4].isEmpty ? nil : number(parts[4])
                banners.append(
                    Banner(
                        name: parts[1], before: number(parts[3]), length: parts[3].utf8.count, beside: beside)
                )
            case "file" where parts[3].utf8.count == 64: files[parts[3]] = (parts[1], parts[2])
            default: throw ScanError(.badRule, subject: name, cause: "banner or file is needed: \(line)")
            }
        }
        texts = LiteralSet(literals)
        textCount = literals.count
    }

    /// Every library that a text is or holds, each once, in the order of names.
    func find(in text: SourceText, sha256: String) -> [VendoredLibrary] {
        var ends = [[Int]](repeating: [], count: textCount)
        text.bytes.withUnsafeBufferPointer { bytes in
            texts.each(in: bytes) { literal, end in if ends[literal].count < 64 { ends[literal].append(end) }
            }
        }
        var found: [String: VendoredLibrary] = [:]
        func add(_ name: String, _ version: String, _ offset: Int) {
            let (line, column) = text.position(offset)
            let (evidence, caret) = text.excerptAndCaret(offset)
            found[name] = VendoredLibrary(
                name: name, version: version,
                place: FileSummary.Place(line: line, column: column, evidence: evidence, caret: caret))
        }
        for banner in banners where found[banner.name] == nil {
            if let beside = banner.beside, ends[beside].isEmpty { continue }
            let versions = ends[banner.before].compactMap { end in
                Self.version(text.bytes, from: end).map { (text: $0, end: end) }
            }
            // Where several are named, none is certain.
            guard let first = versions.first, versions.allSatisfy({ $0.text == first.text }) else { continue }
            add(banner.name, first.text, first.end - banner.length)
        }
        if let file = files[sha256], found[file.name] == nil { add(file.name, file.version, 0) }
        return found.values.sorted { $0.name < $1.name }
    }

    private static func version(_ bytes: [UInt8], from begin: Int) -> String? {
        var end = begin
        while end < bytes.count, end - begin < 40,
            (0x30...0x39).contains(bytes[end]) || bytes[end] == 0x2E || bytes[end] == 0x2D
                || bytes[end] == 0x2B
                || end > begin && ((0x61...0x7A).contains(bytes[end]) || (0x41...0x5A).contains(bytes[end]))
        {
            end += 1
        }
        let text = String(decoding: bytes[begin..<end], as: UTF8.self)
        return Version(text)?.description
    }
}

/// A plain search for bytes.
enum ByteSearch {
    static func first(_ wanted: [UInt8], in bytes: [UInt8], from begin: Int = 0) -> Int? {
        guard let head = wanted.first, bytes.count >= wanted.count else { return nil }
        let last = bytes.count - wanted.count
        return bytes.withUnsafeBufferPointer { buffer in
            wanted.withUnsafeBufferPointer { wanted in
                var index = begin
                while index <= last {
                    guard let base = buffer.baseAddress,
                        let hit = CBytes.find(head, base + index, last - index + 1)
                    else { return nil }
                    index = hit - base
                    var step = 1
                    while step < wanted.count, buffer[index + step] == wanted[step] { step += 1 }
                    if step == wanted.count { return index }
                    index += 1
                }
                return nil
            }
        }
    }
}
