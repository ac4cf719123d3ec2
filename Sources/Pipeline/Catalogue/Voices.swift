import Marketplace
import Publishing
import Registry

/// What customers say of a plugin and how many have it, from the registry.
struct Voices {
    let rating: Publishing.RatingSummary?
    let reviews: [CustomerReview]
    let installs: Int

    init(of plugin: PluginID, _ registry: Registry) throws(PipelineError) {
        let rows = try PipelineError.translating { () throws(RegistryError) in
            try registry.ratings(of: plugin)
        }
        rating =
            rows.isEmpty
            ? nil : Publishing.RatingSummary(count: rows.count, sum: rows.reduce(0) { $0 + $1.stars })
        var names: [TenantID: String] = [:]
        for row in rows where !row.text.isEmpty && names[row.tenant] == nil {
            names[row.tenant] = try PipelineError.translating { () throws(RegistryError) in
                try registry.tenant(row.tenant).name
            }
        }
        reviews = rows.filter { !$0.text.isEmpty }.prefix(50).map {
            CustomerReview(
                stars: $0.stars, text: $0.text, by: names[$0.tenant] ?? "a customer",
                version: $0.version.description, day: $0.updatedAt.day.description, answer: $0.reply)
        }
        let counts = try PipelineError.translating { () throws(RegistryError) in
            try registry.installationCounts(of: plugin)
        }
        installs = counts.values.reduce(0, +)
    }
}
