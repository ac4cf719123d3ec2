/// What a file is taken for, by its name and its first bytes.
enum FileKind: String, Codable, Sendable {
    case javaScript, typeScript, html, json, webAssembly, text, binary

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
        if ending == "wasm" || WebAssemblyModule.isModule(bytes) { return .webAssembly }
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
}
