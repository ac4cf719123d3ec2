/// Escaping byte by byte. A `Character` may be a quote and a combining mark together, so escaping by `Character` lets such
/// quotes through; bytes cannot hide.
public enum HTMLEscape {
    /// What stands for a byte in a page; nil where it stands for itself.
    @usableFromInline @inline(__always)
    static func replacement(_ byte: UInt8) -> StaticString? {
        switch byte {
        case UInt8(ascii: "&"): "&amp;"
        case UInt8(ascii: "<"): "&lt;"
        case UInt8(ascii: ">"): "&gt;"
        case UInt8(ascii: "\""): "&quot;"
        case UInt8(ascii: "'"): "&#39;"
        // No control character belongs in a page: each shows as U+FFFD.
        case 0..<9, 11..<32, 127: "\u{FFFD}"
        default: nil
        }
    }

    @inlinable
    public static func append(_ bytes: some Sequence<UInt8>, to out: inout [UInt8]) {
        for byte in bytes {
            if let replacement = replacement(byte) {
                replacement.withUTF8Buffer { out.append(contentsOf: $0) }
            } else {
                out.append(byte)
            }
        }
    }

    public static func text(_ text: String) -> String {
        // Nothing to escape: most texts.
        let isPlain = text.utf8.withContiguousStorageIfAvailable { $0.allSatisfy { replacement($0) == nil } }
        if isPlain == true { return text }
        var out: [UInt8] = []
        out.reserveCapacity(text.utf8.count + 16)
        append(text.utf8, to: &out)
        return String(decoding: out, as: UTF8.self)
    }
}
