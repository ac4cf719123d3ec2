/// Text as it stands in XML 1.0, between tags and in attributes.
public enum XMLText {
    /// Markup is escaped; a control character, for which XML 1.0 has no place even when escaped, shows as U+FFFD.
    public static func escaped(_ text: String) -> String {
        if text.utf8.withContiguousStorageIfAvailable({ $0.allSatisfy(isPlain) }) == true { return text }
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "\u{0}"..<"\u{20}" where scalar != "\n" && scalar != "\t": out += "\u{FFFD}"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    private static func isPlain(_ unit: UInt8) -> Bool {
        unit >= 0x20 && unit != UInt8(ascii: "&") && unit != UInt8(ascii: "<") && unit != UInt8(ascii: ">")
            && unit != UInt8(ascii: "\"")
    }
}
