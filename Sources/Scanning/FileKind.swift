/// What a file is taken for, by its name and its first bytes.
enum FileKind: Sendable {
    case javaScript, typeScript, html, json, text, binary

    static func of(_ path: String, _ bytes: [UInt8]) -> FileKind {
        let name = path.split(separator: "/").last.map { $0.lowercased() } ?? path
        let ending = name.split(separator: ".").last.map(String.init) ?? ""
        switch ending {
        case "js", "mjs", "cjs", "jsx": return .javaScript
        case "ts", "mts", "cts", "tsx": return .typeScript
        case "html", "htm", "svg", "xhtml", "vue", "xml": return .html
        case "json", "map", "webmanifest": return .json
        default: break
        }
        if bytes.starts(with: Array("#!".utf8)),
            bytes.prefix(120).split(separator: 0x0A).first.map({ line in
                String(decoding: line, as: UTF8.self).contains("node")
            }) ?? false
        {
            return .javaScript
        }
        if bytes.prefix(8_000).contains(0) { return .binary }
        let head = bytes.prefix(200).drop { $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }
        if head.starts(with: Array("<svg".utf8)) || head.starts(with: Array("<!".utf8)) { return .html }
        return .text
    }

    /// The scripts of a page or picture, everything else blanked, so that every offset stays what it was.
    static func scripts(in bytes: [UInt8]) -> [UInt8]? {
        var output = bytes.map { $0 == 0x0A || $0 == 0x0D ? $0 : 0x20 }
        var found = false
        var index = 0
        func matches(_ text: StaticString, at offset: Int) -> Bool {
            let count = text.utf8CodeUnitCount
            guard offset + count <= bytes.count else { return false }
            for step in 0..<count {
                let wanted = text.utf8Start[step]
                let byte = bytes[offset + step]
                let lower = (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
                if lower != wanted { return false }
            }
            return true
        }
        while index < bytes.count {
            guard bytes[index] == 0x3C, matches("<script", at: index) else {
                index += 1
                continue
            }
            guard let open = bytes[index...].firstIndex(of: 0x3E) else { break }
            var end = open + 1
            while end < bytes.count, !(bytes[end] == 0x3C && matches("</script", at: end)) { end += 1 }
            if end > open + 1 {
                output.replaceSubrange((open + 1)..<end, with: bytes[(open + 1)..<end])
                // One script ends where the next begins, whatever its last line leaves open.
                if end < output.count { output[end] = 0x3B }
                found = true
            }
            index = end
        }
        return found ? output : nil
    }
}
