// Counts that quotas and plan rules are made of.
import GRDB
public import Marketplace

extension Registry {
    /// Whether a bundle was handed in before, by whomever.
    public func hasSubmission(_ id: Marketplace.Digest) throws(RegistryError) -> Bool {
        try read { try Registry.submission(id, $0) != nil }
    }

    /// How many submissions a publisher has sent since a moment: the daily quota's question.
    public func submissionCount(of publisher: PublisherID, since: Instant) throws(RegistryError) -> Int {
        try read {
            try Int.fetchOne(
                $0, sql: "SELECT COUNT(*) FROM submissions WHERE publisher = ? AND receivedAt >= ?",
                arguments: [publisher.text, since.column]) ?? 0
        }
    }

    /// The plans of a manifest that differ from a listed plan of the same id. A plan's id stands for its price for
    /// ever once it is listed; another price is another plan.
    public func changedPlans(in manifest: Manifest) throws(RegistryError) -> [String] {
        try read { database in
            var listed: [String: (plan: Plan, currency: Currency)] = [:]
            // Oldest first: the first listing of an id is what it means.
            for version in try Registry.versions(of: manifest.id, database).reversed() {
                let pricing = try Registry.parse(version.manifest, version.bundle).pricing
                for plan in pricing.plans where listed[plan.id] == nil {
                    listed[plan.id] = (plan, pricing.currency)
                }
            }
            return manifest.pricing.plans.filter { plan in
                listed[plan.id].map { $0.plan != plan || $0.currency != manifest.pricing.currency } ?? false
            }.map(\.id).sorted()
        }
    }
}
