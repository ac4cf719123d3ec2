import FoundationEssentials
import Marketplace
import Provenance

/// The JSON twin of an entry: everything that its pages show, without markup.
enum EntryTwin {
    static func bytes(of entry: CatalogueEntry) -> [UInt8] {
        Array((JSONText.of(value(of: entry)) + "\n").utf8)
    }

    static func value(of entry: CatalogueEntry) -> JSONValue {
        var object: [String: JSONValue] = [
            "schema": "veroforge.entry/1", "id": .string(entry.id), "publisher": .string(entry.publisher),
            "title": .string(entry.title), "summary": .string(entry.summary),
            "category": .string(entry.category),
            "author": .string(entry.author), "license": .string(entry.license),
            "keywords": .array(entry.keywords.map(JSONValue.string)),
            "pricing": encoded(entry.pricing),
            "versions": .array(entry.versions.map { version(of: $0, in: entry) }),
        ]
        object["current"] = entry.current.map { .string($0.version) }
        object["homepage"] = entry.homepage.map(JSONValue.string)
        object["repository"] = entry.repository.map(JSONValue.string)
        object["support"] = entry.support.map(JSONValue.string)
        object["installs"] = entry.installs.map { .integer(Int64($0)) }
        object["rating"] = entry.rating.map(encoded)
        return .object(object)
    }

    private static func version(of version: ListedVersion, in entry: CatalogueEntry) -> JSONValue {
        var object: [String: JSONValue] = [
            "version": .string(version.version), "channel": .string(version.channel),
            "status": .string(version.status.rawValue), "sha256": .string(version.sha256),
            "bytes": .integer(Int64(version.bytes)), "bundle": .string("bundles/\(version.sha256).vfp"),
            "listedAt": .string(version.listedAt), "verdict": .string(version.verdict.rawValue),
            "permissions": .array(version.permissions.map(encoded)),
            "actions": .array(version.actions.map(encoded)),
            "dependencies": .array(version.dependencies.map(encoded)),
            "page": .string(entry.path(of: version)),
        ]
        object["statusReason"] = version.statusReason.map(JSONValue.string)
        object["engines"] = version.engines.map(JSONValue.string)
        object["pricing"] = version.pricing.map(encoded)
        return .object(object)
    }

    private static func encoded(_ value: some Encodable) -> JSONValue {
        let encoder = JSONEncoder()
        guard let data = try? encoder.encode(value), let parsed = try? JSONValue.parse(Array(data)) else {
            preconditionFailure("a page model encodes as JSON")
        }
        return parsed
    }

    /// The list of all entries, and the entry that names it by its digest.
    static func index(of catalogue: Catalogue) -> [SiteFile] {
        let asOf = JSONValue.string(catalogue.model.asOf)
        let list: JSONValue = [
            "schema": "veroforge.index/1", "asOf": asOf, "plugins": .array(catalogue.entries.map(row)),
        ]
        let bytes = list.serializedBytes()
        let entry: JSONValue = [
            "schema": "veroforge.index-entry/1", "asOf": asOf,
            "index": [
                "name": "index/index.json", "sha256": .string(Digest.sha256(of: bytes).hex),
                "bytes": .integer(Int64(bytes.count)), "plugins": .integer(Int64(catalogue.entries.count)),
            ],
        ]
        return [SiteFile("index/index.json", bytes), SiteFile("index/entry.json", entry.serializedBytes())]
    }

    /// A short row of the whole catalogue.
    private static func row(of entry: CatalogueEntry) -> JSONValue {
        var object: [String: JSONValue] = [
            "id": .string(entry.id), "title": .string(entry.title), "summary": .string(entry.summary),
            "category": .string(entry.category), "entry": .string("\(entry.path)entry.json"),
            "price": .string(PriceWords.shelf(entry.current?.pricing ?? entry.pricing)),
        ]
        if let current = entry.current {
            object["version"] = .string(current.version)
            object["sha256"] = .string(current.sha256)
        }
        return .object(object)
    }
}

/// JSON as text for pages and files.
enum JSONText {
    static func of(_ value: JSONValue) -> String { value.serialized() }

    /// For a `<script type="application/ld+json">`: no `<` can end the element. By bytes, because a `<` with a
    /// combining mark behind it is another `Character`.
    static func inPage(_ value: JSONValue) -> String {
        var out: [UInt8] = []
        for byte in value.serializedBytes() {
            if byte == UInt8(ascii: "<") { out += Array("\\u003c".utf8) } else { out.append(byte) }
        }
        return String(decoding: out, as: UTF8.self)
    }
}

/// schema.org's words for search engines.
enum StructuredData {
    static func plugin(_ inputs: PluginInputs) -> String {
        let entry = inputs.entry
        var object: [String: JSONValue] = [
            "@context": "https://schema.org", "@type": "SoftwareApplication", "name": .string(entry.title),
            "description": .string(entry.summary), "applicationCategory": "BusinessApplication",
            "operatingSystem": "VeroForge", "url": .string(inputs.settings.baseURL + entry.path),
            "author": ["@type": "Organization", "name": .string(inputs.publisherName)],
        ]
        if let current = entry.current { object["softwareVersion"] = .string(current.version) }
        if let rating = entry.rating, rating.count > 0 {
            object["aggregateRating"] = [
                "@type": "AggregateRating", "ratingValue": .string(Words.mean(rating)),
                "ratingCount": .integer(Int64(rating.count)),
            ]
        }
        let offers = (entry.current?.pricing ?? entry.pricing).plans.map { plan -> JSONValue in
            [
                "@type": "Offer", "name": .string(plan.id), "price": .string(plan.amount),
                "priceCurrency": .string((entry.current?.pricing ?? entry.pricing).currency),
            ]
        }
        if !offers.isEmpty { object["offers"] = .array(offers) }
        return JSONText.inPage(.object(object))
    }
}

/// A small picture with the listed version, for a README elsewhere.
enum Badge {
    static func svg(of entry: CatalogueEntry) -> [UInt8] {
        let label = "veroforge"
        let value = entry.current.map { "v\($0.version)" } ?? "withdrawn"
        let left = label.utf8.count * 7 + 12
        let right = value.utf8.count * 7 + 12
        let colour = entry.current == nil ? "#8a2b2b" : "#1f5f8b"
        let title = HTMLEscape.text("\(entry.id): \(value)")
        return Array(
            """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(left + right)" height="20" role="img" aria-label="\(title)">
            <title>\(title)</title>
            <rect width="\(left)" height="20" fill="#444"/>
            <rect x="\(left)" width="\(right)" height="20" fill="\(colour)"/>
            <g fill="#fff" font-family="Verdana,sans-serif" font-size="11">
            <text x="6" y="14">\(label)</text>
            <text x="\(left + 6)" y="14">\(HTMLEscape.text(value))</text>
            </g>
            </svg>

            """.utf8)
    }
}
