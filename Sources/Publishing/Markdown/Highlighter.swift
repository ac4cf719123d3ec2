import Marketplace

/// Colours code with classes, by a small scanner that knows comments, strings, numbers and words. It never fails:
/// what it does not know is plain text.
enum Highlighter {
    struct Language {
        var keywords: Set<String>
        var lineComments: [String] = []
        var blockComment: (String, String)?
        var quotes: String = "\"'"
    }

    static func append(_ code: [UInt8], language: String, to out: inout [UInt8]) {
        guard let language = rules(for: language) else { return HTMLEscape.append(code, to: &out) }
        var scanner = Scanner(code: code, language: language)
        scanner.run(into: &out)
    }

    private static func rules(for name: String) -> Language? {
        switch name {
        case "js", "javascript", "ts", "typescript", "mjs", "cjs", "jsx", "tsx":
            Language(
                keywords: scriptKeywords, lineComments: ["//"], blockComment: ("/*", "*/"), quotes: "\"'`")
        case "json": Language(keywords: ["true", "false", "null"], quotes: "\"")
        case "sh", "bash", "shell", "console":
            Language(keywords: shellKeywords, lineComments: ["#"])
        case "yaml", "yml": Language(keywords: ["true", "false", "null"], lineComments: ["#"])
        case "swift":
            Language(keywords: swiftKeywords, lineComments: ["//"], blockComment: ("/*", "*/"), quotes: "\"")
        case "sql": Language(keywords: [], lineComments: ["--"], quotes: "'")
        default: nil
        }
    }

    private static let scriptKeywords: Set<String> = [
        "async", "await", "break", "case", "catch", "class", "const", "continue", "default", "delete", "do",
        "else",
        "enum", "export", "extends", "false", "finally", "for", "from", "function", "if", "implements",
        "import", "in",
        "instanceof", "interface", "let", "new", "null", "of", "private", "public", "readonly", "return",
        "static",
        "switch", "this", "throw", "true", "try", "type", "typeof", "undefined", "var", "void", "while",
        "yield",
    ]
    private static let shellKeywords: Set<String> = [
        "case", "do", "done", "elif", "else", "esac", "export", "fi", "for", "function", "if", "in", "then",
        "while",
    ]
    private static let swiftKeywords: Set<String> = [
        "any", "async", "await", "case", "catch", "do", "else", "enum", "extension", "false", "for", "func",
        "guard",
        "if", "import", "in", "init", "let", "nil", "private", "public", "return", "self", "some", "static",
        "struct",
        "switch", "throw", "throws", "true", "try", "var", "while",
    ]

    private struct Scanner {
        let code: [UInt8]
        let language: Language
        var position = 0

        init(code: [UInt8], language: Language) {
            self.code = code
            self.language = language
        }

        mutating func run(into out: inout [UInt8]) {
            while position < code.count {
                let start = position
                let kind = next()
                if kind.isEmpty {
                    HTMLEscape.append(code[start..<position], to: &out)
                } else {
                    out.append(contentsOf: "<span class=\"\(kind)\">".utf8)
                    HTMLEscape.append(code[start..<position], to: &out)
                    out.append(contentsOf: "</span>".utf8)
                }
            }
        }

        private mutating func next() -> String {
            for mark in language.lineComments where starts(with: mark) && isCommentStart(mark) {
                position = code[position...].firstIndex(of: UInt8(ascii: "\n")) ?? code.count
                return "hl-c"
            }
            if let (open, close) = language.blockComment, starts(with: open) {
                position += open.utf8.count
                while position < code.count, !starts(with: close) { position += 1 }
                position = min(code.count, position + close.utf8.count)
                return "hl-c"
            }
            let byte = code[position]
            if language.quotes.utf8.contains(byte) { return string(until: byte) }
            if isWord(byte) { return word() }
            position += 1
            return ""
        }

        /// A `#` inside a word is no comment.
        private func isCommentStart(_ mark: String) -> Bool {
            mark != "#" || position == 0 || code[position - 1] <= 32
        }

        private mutating func string(until quote: UInt8) -> String {
            position += 1
            while position < code.count, code[position] != quote {
                if code[position] == UInt8(ascii: "\n"), quote != UInt8(ascii: "`") { return "hl-s" }
                position += code[position] == UInt8(ascii: "\\") ? 2 : 1
            }
            position = min(code.count, position + 1)
            return "hl-s"
        }

        private mutating func word() -> String {
            let start = position
            while position < code.count, isWord(code[position]) { position += 1 }
            if (48...57).contains(code[start]) { return "hl-n" }
            return language.keywords.contains(String(decoding: code[start..<position], as: UTF8.self))
                ? "hl-k" : ""
        }

        private func isWord(_ byte: UInt8) -> Bool {
            (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte) || byte == 95
                || byte == 36 || byte >= 128
        }

        private func starts(with text: String) -> Bool { code[position...].starts(with: text.utf8) }
    }
}
