// Search over the catalogue for the command line and the API. Ranking: an exact id first; then by the sum of the
// weights of the words found (id and name 8, keywords 4, category 3, description 1), a word that is only begun
// counting half; equal sums by id.
import GRDB
public import Marketplace

/// What is searched for; every part that is set must hold.
public struct SearchQuery: Hashable, Sendable {
    public var text: String
    public var category: String?
    /// `readData invoices`, or an operation alone, such as `fetch`.
    public var permission: String?
    public var pricingModel: Pricing.Model?
    public var publisher: PublisherID?
    public var limit: Int

    public init(
        text: String = "", category: String? = nil, permission: String? = nil,
        pricingModel: Pricing.Model? = nil,
        publisher: PublisherID? = nil, limit: Int = 50
    ) {
        self.text = text
        self.category = category
        self.permission = permission
        self.pricingModel = pricingModel
        self.publisher = publisher
        self.limit = limit
    }
}

public struct SearchHit: Hashable, Sendable {
    public let listing: Listing
    public let score: Int
}

enum SearchWords {
    /// Lower-case runs of letters and digits, at most 64 bytes each.
    static func words(_ text: String) -> [String] {
        text.lowercased().split { !$0.isLetter && !$0.isNumber }.map { String($0.prefix(64)) }
    }

    static func weights(of manifest: Manifest) -> [(String, Int)] {
        var weights: [String: Int] = [:]
        func add(_ text: String, _ weight: Int) {
            for word in words(text) { weights[word] = max(weights[word] ?? 0, weight) }
        }
        add(manifest.description, 1)
        add(manifest.category, 3)
        for keyword in manifest.keywords { add(keyword, 4) }
        add(manifest.name, 8)
        add(manifest.id.text, 8)
        return weights.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}

extension Registry {
    public func search(_ query: SearchQuery) throws(RegistryError) -> [SearchHit] {
        try read { database in
            var conditions = ["1"]
            var values: [(any DatabaseValueConvertible)?] = []
            func require(_ sql: String, _ value: String?) {
                guard let value else { return }
                conditions.append(sql)
                values.append(value)
            }
            require("category = ?", query.category)
            require("pricingModel = ?", query.pricingModel?.rawValue)
            require("publisher = ?", query.publisher?.text)
            if let permission = query.permission {
                conditions.append(
                    "plugin IN (SELECT plugin FROM listingPermissions WHERE permission = ? OR permission >= ? AND permission < ?)"
                )
                // `fetch` alone stands for every permission whose first word it is; `!` follows the blank.
                values += [permission, permission + " ", permission + "!"]
            }
            let rows = try Row.fetchAll(
                database,
                sql: "SELECT * FROM listings WHERE \(conditions.joined(separator: " AND ")) ORDER BY plugin",
                arguments: StatementArguments(values))
            var hits = try rows.map { SearchHit(listing: try Listing($0), score: 0) }
            for word in SearchWords.words(query.text) {
                let found = try Registry.scores(of: word, database)
                hits = hits.compactMap { hit in
                    found[hit.listing.plugin.text].map {
                        SearchHit(listing: hit.listing, score: hit.score + $0)
                    }
                }
            }
            let exact = PluginID(query.text.lowercased())
            hits = hits.map {
                $0.listing.plugin == exact ? SearchHit(listing: $0.listing, score: $0.score + 1000) : $0
            }
            hits.sort { $0.score == $1.score ? $0.listing.plugin < $1.listing.plugin : $0.score > $1.score }
            return Array(hits.prefix(max(0, query.limit)))
        }
    }

    private static func scores(of word: String, _ database: Database) throws -> [String: Int] {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT plugin, MAX(CASE WHEN word = ? THEN 2 * weight ELSE weight END) AS score
                FROM listingWords WHERE word >= ? AND word < ? GROUP BY plugin
                """, arguments: [word, word, word + "\u{10FFFF}"])
        return Dictionary(uniqueKeysWithValues: rows.map { ($0["plugin"] as String, $0["score"] as Int) })
    }
}
