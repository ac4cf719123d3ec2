/// Which addresses may stand in an `href`.
enum LinkSafety {
    /// The scheme in lower case, or nil for a relative reference.
    static func scheme(of url: some Sequence<UInt8>) -> String? {
        var scheme: [UInt8] = []
        for byte in url {
            switch byte {
            case UInt8(ascii: ":"): return String(decoding: scheme, as: UTF8.self)
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): scheme.append(byte | 0x20)
            case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"): return nil
            default: scheme.append(byte)
            }
        }
        return nil
    }

    /// `https`, `http` and `mailto` only; everything else (`javascript:`, `data:`, …) is refused.
    static func isAllowed(scheme: String) -> Bool {
        scheme == "https" || scheme == "http" || scheme == "mailto"
    }

    /// `url` as an attribute's value: what may not stand in an address is percent-encoded, then escaped.
    static func attribute(_ url: some Sequence<UInt8>) -> [UInt8] {
        let hexadecimal = Array("0123456789ABCDEF".utf8)
        var out: [UInt8] = []
        for byte in url {
            switch byte {
            case UInt8(ascii: "&"): out.append(contentsOf: "&amp;".utf8)
            case UInt8(ascii: "'"): out.append(contentsOf: "&#39;".utf8)
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                out.append(byte)
            case _ where "-_.+!*(),%#@?=;:/$~".utf8.contains(byte): out.append(byte)
            default:
                out.append(UInt8(ascii: "%"))
                out.append(hexadecimal[Int(byte >> 4)])
                out.append(hexadecimal[Int(byte & 15)])
            }
        }
        return out
    }
}
