/// `data:` addresses with base64 content, wherever they stand in a text.
struct EmbeddedData {
    var type: String
    var bytes: [UInt8]
    /// Where the address begins.
    var offset: Int

    private static let mark = Array(";base64,".utf8)

    /// - Returns: what was found, and false where it was more than `limit` bytes in all.
    static func find(in source: [UInt8], limit: Int) -> (found: [EmbeddedData], isWhole: Bool) {
        var found: [EmbeddedData] = []
        var total = 0
        var index = 0
        while let at = position(of: mark, in: source, from: index) {
            let body = at + mark.count
            var end = body
            while end < source.count, isContent(source[end]) { end += 1 }
            index = max(end, body)
            guard let begin = start(of: at, in: source), end - body >= 16 else { continue }
            total += end - body
            guard total <= limit else { return (found, false) }
            var content = Array(source[body..<end].filter { $0 != 0x25 && $0 != 0x5C })
            // A cut text still shows what it holds as far as it goes.
            if content.last != 0x3D { content.removeLast(content.count % 4 == 1 ? 1 : 0) }
            guard let bytes = Base64.decode(content) else { continue }
            found.append(
                EmbeddedData(
                    type: String(decoding: source[(begin + 5)..<at], as: UTF8.self).lowercased(),
                    bytes: bytes,
                    offset: begin))
        }
        return (found, true)
    }

    private static func isContent(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2F, 0x2D, 0x5F, 0x3D: true
        default: false
        }
    }

    private static func position(of mark: [UInt8], in source: [UInt8], from begin: Int) -> Int? {
        guard source.count >= mark.count, begin <= source.count - mark.count else { return nil }
        return source.withUnsafeBufferPointer { buffer in
            var index = begin
            let last = source.count - mark.count
            while index <= last {
                if buffer[index] == 0x3B, buffer[index + 1] == 0x62 {
                    var step = 2
                    while step < mark.count, buffer[index + step] | 0x20 == mark[step] | 0x20 { step += 1 }
                    if step == mark.count { return index }
                }
                index += 1
            }
            return nil
        }
    }

    /// The place of `data:` in the hundred bytes before.
    private static func start(of mark: Int, in source: [UInt8]) -> Int? {
        let word = Array("data:".utf8)
        var index = mark - 5
        while index >= max(0, mark - 100) {
            if source[index] | 0x20 == 0x64,
                zip(source[index..<index + 5], word).allSatisfy({ $0 | 0x20 == $1 | 0x20 })
            {
                return index
            }
            index -= 1
        }
        return nil
    }
}
