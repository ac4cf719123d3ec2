import Marketplace
import Provenance
import Registry

/// Search over what is listed, and what customers say of it. A review is named by an id that does not say whose it is.
struct CatalogueEndpoints: Sendable {
    let registry: Registry
    let clock: RuntimeClock

    var all: [Endpoint] { [search, reviews, rate, reply, moderate] }

    private static let pricingModels: JSONValue = [
        "type": "string", "enum": ["payPerUse", "subscription", "oneTime", "freemium"],
    ]

    private var search: Endpoint {
        Endpoint(
            method: "GET", path: "/v1/catalogue", id: "searchCatalogue",
            summary: "Finds listed plugins; docs/browsing.md says how they are ranked", access: .open,
            query: [
                Endpoint.Parameter(
                    name: "q", schema: ["type": "string", "maxLength": 256],
                    description: "a plugin's id, or words"),
                Endpoint.Parameter(
                    name: "category", schema: ["type": "string"], description: "only this category"),
                Endpoint.Parameter(
                    name: "permission", schema: ["type": "string"],
                    description: "`readData invoices`, or an operation alone"),
                Endpoint.Parameter(
                    name: "pricing", schema: Self.pricingModels, description: "only this price model"),
                Endpoint.Parameter(
                    name: "publisher", schema: ["type": "string"], description: "only this publisher"),
                Endpoint.Parameter(
                    name: "limit", schema: ["type": "integer", "minimum": 1, "maximum": 200],
                    description: "at most so many; 50 where it is not given"),
            ],
            success: Endpoint.Success(
                description: "The best first",
                schema: Schemas.object(
                    [
                        "plugins": Schemas.list(
                            Schemas.object(
                                [
                                    "id": ["type": "string"], "name": ["type": "string"],
                                    "description": ["type": "string"], "version": Schemas.version,
                                    "category": ["type": "string"], "pricing": Self.pricingModels,
                                    "score": ["type": "integer"],
                                ], required: ["id", "name", "version", "score"]))
                    ], required: ["plugins"]))
        ) { [registry] asked throws(RuntimeError) in
            func text(_ name: String) -> String? { asked.request.parameter(name) }
            let query = SearchQuery(
                text: text("q") ?? "", category: text("category"), permission: text("permission"),
                pricingModel: text("pricing").flatMap(Pricing.Model.init),
                publisher: text("publisher").flatMap(PublisherID.init),
                limit: text("limit").flatMap { Int($0) } ?? 50)
            let hits = try await blocking { try registry.search(query) }
            return .json([
                "plugins": .array(
                    hits.map { hit in
                        [
                            "id": .string(hit.listing.plugin.text), "name": .string(hit.listing.name),
                            "description": .string(hit.listing.description),
                            "version": .string(hit.listing.latest.description),
                            "category": .string(hit.listing.category),
                            "pricing": .string(hit.listing.pricingModel.rawValue),
                            "score": .integer(Int64(hit.score)),
                        ]
                    })
            ])
        }
    }

    private static let review = Schemas.object(
        [
            "id": ["type": "string"], "stars": ["type": "integer", "minimum": 1, "maximum": 5],
            "text": ["type": "string"], "version": Schemas.version, "at": Schemas.time,
            "edits": ["type": "integer"], "reply": ["type": ["string", "null"]],
            "hidden": ["type": ["string", "null"], "description": "why a moderator has hidden it"],
        ], required: ["id", "stars", "text", "version", "at"])

    private var reviews: Endpoint {
        Endpoint(
            method: "GET", path: "/v1/catalogue/{plugin}/reviews", id: "listReviews",
            summary: "What customers say of a plugin, and the mean", access: .open,
            success: Endpoint.Success(
                description: "Newest first; hidden ones are left out and not counted",
                schema: Schemas.object(
                    [
                        "count": ["type": "integer"],
                        "stars": [
                            "type": "string",
                            "description":
                                "the Bayesian mean to three places: as if five more customers had given 3.5",
                        ],
                        "histogram": Schemas.list(["type": "integer"], max: 5),
                        "reviews": Schemas.list(Self.review),
                    ], required: ["count", "stars", "histogram", "reviews"]))
        ) { [registry] asked throws(RuntimeError) in
            let plugin = try asked.plugin()
            let (summary, rows) = try await blocking {
                () -> (RatingSummary, [(rating: Rating, edits: Int)]) in
                (
                    try registry.ratingSummary(of: plugin),
                    try registry.ratings(of: plugin).map {
                        ($0, try registry.ratingHistory(of: plugin, by: $0.tenant).count)
                    }
                )
            }
            let milli = summary.milliStars
            let rest = String(milli % 1_000)
            return .json([
                "count": .integer(Int64(summary.count)),
                "stars": .string(
                    "\(milli / 1_000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"),
                "histogram": .array(summary.histogram.map { .integer(Int64($0)) }),
                "reviews": .array(rows.map { Self.document($0.rating, edits: $0.edits) }),
            ])
        }
    }

    private var rate: Endpoint {
        Endpoint(
            method: "PUT", path: "/v1/tenants/{tenant}/plugins/{plugin}/review", id: "rate",
            summary: "Rates a plugin that the tenant has installed, or changes its rating", access: .tenant,
            body: .json(
                Schemas.object(
                    [
                        "stars": ["type": "integer", "minimum": 1, "maximum": 5],
                        "text": ["type": "string", "maxLength": 4_000],
                    ], required: ["stars"])),
            success: Endpoint.Success(description: "The review", schema: Self.review), repeatable: true
        ) { [registry, clock] asked throws(RuntimeError) in
            let (tenant, plugin) = (try asked.tenant(), try asked.plugin())
            let json = asked.json
            let now = clock.now()
            let rating = try await blocking {
                try registry.rate(
                    plugin, by: tenant, stars: Int(json["stars"]?.integerValue ?? 0),
                    text: json["text"]?.stringValue ?? "", now: now)
            }
            return .json(Self.document(rating, edits: nil))
        }
    }

    private var reply: Endpoint {
        Endpoint(
            method: "PUT", path: "/v1/publishers/{publisher}/plugins/{plugin}/reviews/{review}/reply",
            id: "replyToReview", summary: "The publisher's answer; a later one takes its place",
            access: .publisher,
            body: .json(Schemas.object(["text": Schemas.text("the answer", max: 4_000)], required: ["text"])),
            success: Endpoint.Success(description: "The review", schema: Self.review), repeatable: true
        ) { [registry, clock] asked throws(RuntimeError) in
            let (publisher, plugin) = (try asked.publisher(), try asked.plugin())
            let text = asked.json["text"]?.stringValue ?? ""
            let id = asked.parameters["review"] ?? ""
            let now = clock.now()
            let rating = try await blocking {
                try registry.reply(
                    to: try Self.author(id, plugin, registry), about: plugin, by: publisher, text: text,
                    now: now)
            }
            return .json(Self.document(rating, edits: nil))
        }
    }

    private var moderate: Endpoint {
        Endpoint(
            method: "PUT", path: "/v1/catalogue/{plugin}/reviews/{review}/moderation", id: "moderateReview",
            summary: "Hides a review with a reason, or shows it again", access: .reviewer,
            body: .json(
                Schemas.object(
                    ["hidden": ["type": ["string", "null"], "maxLength": 1_000]], required: ["hidden"])),
            success: Endpoint.Success(status: 204, description: "Done", type: ""), repeatable: true
        ) { [registry] asked throws(RuntimeError) in
            let plugin = try asked.plugin()
            let reason = asked.json["hidden"]?.stringValue
            let id = asked.parameters["review"] ?? ""
            try await blocking {
                try registry.moderate(
                    plugin, by: try Self.author(id, plugin, registry), hiddenReason: reason)
            }
            return APIResponse(status: 204)
        }
    }

    static func reviewID(_ tenant: TenantID, _ plugin: PluginID) -> String {
        String(Digest.sha256(of: "review \(tenant) \(plugin)").hex.prefix(16))
    }

    private static func author(_ id: String, _ plugin: PluginID, _ registry: Registry) throws -> TenantID {
        let all = try registry.ratings(of: plugin, includingHidden: true)
        guard let found = all.first(where: { reviewID($0.tenant, plugin) == id }) else {
            throw RuntimeError(.notFound, id, "is no review of \(plugin)")
        }
        return found.tenant
    }

    private static func document(_ rating: Rating, edits: Int?) -> JSONValue {
        var members: [String: JSONValue] = [
            "id": .string(reviewID(rating.tenant, rating.plugin)), "stars": .integer(Int64(rating.stars)),
            "text": .string(rating.text), "version": .string(rating.version.description),
            "at": .string(rating.updatedAt.description),
            "reply": rating.reply.map(JSONValue.string) ?? .null,
            "hidden": rating.hiddenReason.map(JSONValue.string) ?? .null,
        ]
        members["edits"] = edits.map { .integer(Int64($0)) }
        return .object(members)
    }
}
