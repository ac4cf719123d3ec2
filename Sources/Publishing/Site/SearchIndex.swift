import Marketplace

/// What the search page loads: one row a plugin, in arrays rather than objects because keys would be most of it.
enum SearchIndex {
    static let path = "assets/search-index.json"
    static let wordsMax = 25

    /// `[[path, title, publisher, summary, category, price shelf, access level, verified, rating in tenths, words]…]`.
    static func bytes(_ catalogue: Catalogue, entries: [CatalogueEntry]) -> [UInt8] {
        let rows = entries.map { entry -> JSONValue in
            let current = entry.current
            let rating = entry.rating.map(Words.tenths) ?? 0
            return [
                .string(String(entry.path.dropFirst("plugins/".count).dropLast())), .string(entry.title),
                .string(catalogue.publisherName(entry.publisher)), .string(clipped(entry.summary)),
                .string(entry.category), .string(PriceWords.shelf(current?.pricing ?? entry.pricing)),
                .integer(Int64(PlainWords.accessLevel(current?.permissions ?? []))),
                .integer(catalogue.publishers[entry.publisher]?.verified ?? false ? 1 : 0),
                .integer(Int64(rating)),
                .string(words(of: entry)),
            ]
        }
        return JSONValue.array(rows).serializedBytes()
    }

    /// At most 140 characters, cut at a word.
    private static func clipped(_ text: String) -> String {
        guard text.count > 140 else { return text }
        let head = text.prefix(140)
        return String(head.lastIndex(of: " ").map { head[..<$0] } ?? head) + "…"
    }

    /// Keywords, actions and targets that title and summary do not have already.
    private static func words(of entry: CatalogueEntry) -> String {
        let known = Set(tokens("\(entry.title) \(entry.summary) \(entry.id)"))
        var seen: Set<String> = []
        var words: [String] = []
        let actions = entry.current?.actions.map(\.name) ?? []
        let targets = entry.current?.permissions.map(\.target) ?? []
        for word in tokens((entry.keywords + actions + targets).joined(separator: " "))
        where !known.contains(word) && seen.insert(word).inserted && words.count < wordsMax {
            words.append(word)
        }
        return words.joined(separator: " ")
    }

    private static func tokens(_ text: String) -> [String] {
        let text = text.lowercased()
        guard text.utf8.allSatisfy({ $0 < 128 }) else {
            return text.split { !$0.isLetter && !$0.isNumber }.map(String.init).filter { $0.count > 1 }
        }
        return text.utf8.split { !(97...122).contains($0) && !(48...57).contains($0) }.filter { $0.count > 1 }
            .map { String(Substring($0)) }
    }
}
