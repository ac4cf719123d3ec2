// Names that could be taken for others are refused when they are first claimed: reserved words, letters that look
// alike, and names one slip of the finger away from a name of another publisher.
public import Marketplace

public enum NameCheck {
    /// Words that would pass for the marketplace itself, or for a path of its site.
    public static let reservedWords: Set<String> = [
        "admin", "administrator", "api", "assets", "badges", "billing", "bundles", "catalogue", "categories",
        "docs",
        "feeds", "health", "help", "index", "keys", "log", "marketplace", "metadata", "official", "plugins",
        "publishers", "registry", "reports", "review", "reviews", "revocations", "root", "search", "security",
        "session", "site", "support", "system", "tenants", "well-known",
    ]

    /// Names under which the project itself publishes.
    public static let projectPublisher = "veroforge"

    /// Why a publisher's id cannot be registered, or `nil`.
    public static func problem(withPublisher id: PublisherID, among taken: [PublisherID]) -> String? {
        if reservedWords.contains(id.text) { return "is a reserved word" }
        let shape = skeleton(id.text)
        let candidates = taken.map(\.text) + [projectPublisher]
        for other in candidates where other != id.text {
            if skeleton(other) == shape { return "looks like \(other), which is taken" }
            if isOneSlip(id.text, other) { return "is one letter away from \(other), which is taken" }
        }
        return nil
    }

    /// Why a plugin's id cannot be claimed beside the ids of other publishers, or `nil`.
    public static func problem(with id: PluginID, among others: [PluginID]) -> String? {
        if reservedWords.contains(id.name) { return "has a reserved word for its name" }
        let shape = skeleton(id.publisher.text) + "." + skeleton(id.name)
        for other in others where other.publisher != id.publisher {
            let whole = skeleton(other.publisher.text) + "." + skeleton(other.name)
            if whole == shape || isOneSlip(id.text, other.text) {
                return "could be taken for \(other), which another publisher has"
            }
        }
        return nil
    }

    /// A name with the letters that look alike made equal: digits for letters, `rn` for `m`, `vv` for `w`, `cl` for
    /// `d`, and hyphens dropped.
    public static func skeleton(_ name: String) -> String {
        var text = ""
        for character in name where character != "-" {
            switch character {
            case "0": text.append("o")
            case "1", "i", "j": text.append("l")
            case "2": text.append("z")
            case "3": text.append("e")
            case "4": text.append("a")
            case "5": text.append("s")
            case "6": text.append("g")
            case "7": text.append("t")
            case "8": text.append("b")
            case "9", "q": text.append("g")
            default: text.append(character)
            }
        }
        for (pair, single) in [("rn", "m"), ("vv", "w"), ("cl", "d")] {
            text = replace(text, pair, single)
        }
        return text
    }

    /// Whether two names of at least five letters differ by one insertion, deletion, substitution or swap.
    public static func isOneSlip(_ left: String, _ right: String) -> Bool {
        let (a, b) = (Array(left.utf8), Array(right.utf8))
        guard a != b, min(a.count, b.count) >= 5, abs(a.count - b.count) <= 1 else { return false }
        return distance(a, b) == 1
    }

    /// Damerau–Levenshtein distance with adjacent swaps (optimal string alignment).
    public static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
        var before = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for i in 1...a.count {
            var row = [i] + [Int](repeating: 0, count: b.count)
            for j in 1...b.count {
                row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    row[j] = min(row[j], before[j - 2] + 1)
                }
            }
            (before, last) = (last, row)
        }
        return last[b.count]
    }

    private static func replace(_ text: String, _ pair: String, _ single: String) -> String {
        var out = ""
        var rest = Substring(text)
        while !rest.isEmpty {
            if rest.hasPrefix(pair) {
                out += single
                rest.removeFirst(pair.count)
            } else {
                out.append(rest.removeFirst())
            }
        }
        return out
    }
}
