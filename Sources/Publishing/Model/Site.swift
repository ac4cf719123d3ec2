/// Everything from which the public site is made. The same model gives the same bytes.
public struct SiteModel: Codable, Sendable {
    public var settings: SiteSettings
    /// The moment as of which the site speaks, RFC 3339; no page reads a clock.
    public var asOf: String
    public var categories: [CategoryInfo]
    public var publishers: [PublisherPage]
    public var entries: [CatalogueEntry]
    public var docs: [DocSource]
    public var references: References

    public init(
        settings: SiteSettings, asOf: String, categories: [CategoryInfo] = CategoryInfo.standard,
        publishers: [PublisherPage] = [], entries: [CatalogueEntry] = [], docs: [DocSource] = [],
        references: References = References()
    ) {
        self.settings = settings
        self.asOf = asOf
        self.categories = categories
        self.publishers = publishers
        self.entries = entries
        self.docs = docs
        self.references = references
    }
}

/// What the operator sets.
public struct SiteSettings: Codable, Sendable, Equatable {
    public var name: String
    /// Where the site stands, with a closing slash; only feeds, the sitemap and canonical links use it.
    public var baseURL: String
    /// The runtime's base URL, which the customer's commands name.
    public var runtimeURL: String
    /// RFC 9116 `Contact`.
    public var securityContact: String
    /// RFC 9116 `Expires`, RFC 3339.
    public var securityExpires: String
    /// The developers' share in per cent.
    public var developerSharePercent: Int
    /// Hours within which a held submission is decided.
    public var reviewHours: Int
    /// SHA-256 of the root key's metadata, for readers who pin it.
    public var rootDigest: String?

    public init(
        name: String = "VeroForge Marketplace", baseURL: String = "https://marketplace.example.com/",
        runtimeURL: String = "https://runtime.example.com/",
        securityContact: String = "mailto:security@example.com",
        securityExpires: String = "2027-12-31T00:00:00Z", developerSharePercent: Int = 70,
        reviewHours: Int = 72, rootDigest: String? = nil
    ) {
        self.name = name
        self.baseURL = baseURL
        self.runtimeURL = runtimeURL
        self.securityContact = securityContact
        self.securityExpires = securityExpires
        self.developerSharePercent = developerSharePercent
        self.reviewHours = reviewHours
        self.rootDigest = rootDigest
    }
}

/// A category of the catalogue.
public struct CategoryInfo: Codable, Sendable, Equatable {
    public var id: String
    public var title: String
    public var summary: String

    public init(id: String, title: String, summary: String = "") {
        self.id = id
        self.title = title
        self.summary = summary
    }

    /// The categories that a manifest may name (`ManifestSchema.categories`), with their words.
    public static let standard: [CategoryInfo] = [
        CategoryInfo(id: "accounting", title: "Accounting", summary: "Ledgers, books and bank feeds."),
        CategoryInfo(id: "analytics", title: "Analytics", summary: "Reports, figures and forecasts."),
        CategoryInfo(id: "billing", title: "Billing", summary: "Payments, subscriptions and invoices."),
        CategoryInfo(
            id: "communication", title: "Communication", summary: "Messages, calls and notifications."),
        CategoryInfo(id: "crm", title: "Customer relations", summary: "Contacts, leads and deals."),
        CategoryInfo(id: "documents", title: "Documents", summary: "Contracts, signatures and files."),
        CategoryInfo(
            id: "field-service", title: "Field service", summary: "Scheduling, dispatch and visits."),
        CategoryInfo(id: "integration", title: "Integration", summary: "Bridges to other systems."),
        CategoryInfo(id: "marketing", title: "Marketing", summary: "Campaigns, forms and newsletters."),
        CategoryInfo(id: "productivity", title: "Productivity", summary: "Reminders, tasks and routines."),
        CategoryInfo(id: "security", title: "Security", summary: "Access, audit and protection."),
        CategoryInfo(id: "utilities", title: "Utilities", summary: "Small tools that do one thing."),
    ]
}

/// A publisher, and how we know who it is.
public struct PublisherPage: Codable, Sendable, Equatable {
    public var id: String
    public var name: String
    public var verified: Bool
    /// How the name was verified: "DNS record of example.com, 2026-01-10".
    public var verifiedHow: String
    /// `yyyy-mm-dd` of registration.
    public var since: String
    public var website: String?
    public var contact: String?
    /// Plain text.
    public var about: String
    public var keys: [PublisherKey]
    /// Under quarantine: nothing of it can be installed.
    public var quarantined: Bool

    public init(
        id: String, name: String, verified: Bool = false, verifiedHow: String = "", since: String = "",
        website: String? = nil, contact: String? = nil, about: String = "", keys: [PublisherKey] = [],
        quarantined: Bool = false
    ) {
        self.id = id
        self.name = name
        self.verified = verified
        self.verifiedHow = verifiedHow
        self.since = since
        self.website = website
        self.contact = contact
        self.about = about
        self.keys = keys
        self.quarantined = quarantined
    }
}

/// A signing key of a publisher.
public struct PublisherKey: Codable, Sendable, Equatable {
    public var keyID: String
    /// `yyyy-mm-dd`.
    public var from: String
    /// `yyyy-mm-dd`, when it was rotated or revoked.
    public var until: String?

    public init(keyID: String, from: String, until: String? = nil) {
        self.keyID = keyID
        self.from = from
        self.until = until
    }
}

/// A page of the docs site: our own Markdown.
public struct DocSource: Codable, Sendable, Equatable {
    /// `installing.md` becomes `docs/installing/`; `index.md` becomes `docs/`.
    public var path: String
    public var text: String
    /// The heading under which the contents list shows it.
    public var section: String

    public init(path: String, text: String, section: String = "Guides") {
        self.path = path
        self.text = text
        self.section = section
    }
}
