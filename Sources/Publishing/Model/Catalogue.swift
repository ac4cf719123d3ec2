/// Where a version stands for those who look at the catalogue.
public enum ListingStatus: String, Codable, Sendable, CaseIterable {
    /// Installable and offered.
    case listed
    /// Installable by those who name it; a newer one is advised.
    case deprecated
    /// Withdrawn by its publisher: stays as a tombstone, is not offered.
    case yanked
    /// Withdrawn by the marketplace for a reason of safety: nothing runs it.
    case revoked
}

/// One plugin as the catalogue shows it. Text fields are plain text from the manifest and are escaped by the
/// templates; formatted text comes only as `SafeHTML`.
public struct CatalogueEntry: Codable, Sendable, Equatable {
    /// The publisher's half of the id.
    public var publisher: String
    /// The plugin's half of the id.
    public var name: String
    /// What people read, the manifest's `name`.
    public var title: String
    /// One or two sentences, the manifest's `description`.
    public var summary: String
    /// The id of a `CategoryInfo`.
    public var category: String
    /// The person or company named in the manifest.
    public var author: String
    /// SPDX expression.
    public var license: String
    public var keywords: [String]
    public var homepage: String?
    public var repository: String?
    public var support: String?
    public var icon: BundleImage?
    public var screenshots: [BundleImage]
    public var pricing: PricingInfo
    public var rating: RatingSummary?
    /// Written reviews, newest first.
    public var reviews: [CustomerReview]
    /// Customers who have it installed, where the marketplace says so.
    public var installs: Int?
    /// Newest first by precedence, tombstones included.
    public var versions: [ListedVersion]

    public init(
        publisher: String, name: String, title: String, summary: String, category: String,
        author: String, license: String, keywords: [String] = [], homepage: String? = nil,
        repository: String? = nil, support: String? = nil, icon: BundleImage? = nil,
        screenshots: [BundleImage] = [], pricing: PricingInfo, rating: RatingSummary? = nil,
        reviews: [CustomerReview] = [], installs: Int? = nil, versions: [ListedVersion]
    ) {
        self.publisher = publisher
        self.name = name
        self.title = title
        self.summary = summary
        self.category = category
        self.author = author
        self.license = license
        self.keywords = keywords
        self.homepage = homepage
        self.repository = repository
        self.support = support
        self.icon = icon
        self.screenshots = screenshots
        self.pricing = pricing
        self.rating = rating
        self.reviews = reviews
        self.installs = installs
        self.versions = versions
    }

    /// `publisher.name`.
    public var id: String { "\(publisher).\(name)" }

    /// What a customer gets by default: the newest listed version of the stable channel that is no pre-release, else
    /// the newest listed or deprecated one.
    public var current: ListedVersion? {
        versions.first { $0.status == .listed && $0.channel == "stable" && !$0.version.contains("-") }
            ?? versions.first { $0.status == .listed } ?? versions.first { $0.status == .deprecated }
    }
}

/// One version of a plugin, with everything that was found out about it.
public struct ListedVersion: Codable, Sendable, Equatable {
    public var version: String
    /// `stable`, `beta` or another channel's name.
    public var channel: String
    public var status: ListingStatus
    /// Why it was deprecated, yanked or revoked.
    public var statusReason: String?
    /// RFC 3339, when `status` last changed.
    public var statusAt: String?
    /// The bundle's identity, 64 hexadecimal digits; the bundle stands at `bundles/<sha256>.vfp`.
    public var sha256: String
    public var bytes: Int
    /// RFC 3339.
    public var submittedAt: String?
    /// RFC 3339.
    public var listedAt: String
    public var readme: RenderedMarkdown?
    public var changelog: RenderedMarkdown?
    public var permissions: [PermissionRow]
    public var actions: [ActionInfo]
    public var dependencies: [DependencyRow]
    /// The range of platform versions it accepts, `engines.veroforge`.
    public var engines: String?
    public var limits: [LimitRow]
    public var verdict: Verdict
    public var checks: [CheckRow]
    /// The findings that are shown to everybody.
    public var findings: [FindingRow]
    public var trial: TrialSummary?
    public var proof: ProofInfo?
    public var files: [BundleFile]
    /// Pricing of this version where it differs from the entry's.
    public var pricing: PricingInfo?

    public init(
        version: String, channel: String = "stable", status: ListingStatus = .listed,
        statusReason: String? = nil, statusAt: String? = nil, sha256: String, bytes: Int,
        submittedAt: String? = nil, listedAt: String, readme: RenderedMarkdown? = nil,
        changelog: RenderedMarkdown? = nil, permissions: [PermissionRow] = [],
        actions: [ActionInfo] = [], dependencies: [DependencyRow] = [], engines: String? = nil,
        limits: [LimitRow] = [], verdict: Verdict, checks: [CheckRow] = [], findings: [FindingRow] = [],
        trial: TrialSummary? = nil, proof: ProofInfo? = nil, files: [BundleFile] = [],
        pricing: PricingInfo? = nil
    ) {
        self.version = version
        self.channel = channel
        self.status = status
        self.statusReason = statusReason
        self.statusAt = statusAt
        self.sha256 = sha256
        self.bytes = bytes
        self.submittedAt = submittedAt
        self.listedAt = listedAt
        self.readme = readme
        self.changelog = changelog
        self.permissions = permissions
        self.actions = actions
        self.dependencies = dependencies
        self.engines = engines
        self.limits = limits
        self.verdict = verdict
        self.checks = checks
        self.findings = findings
        self.trial = trial
        self.proof = proof
        self.files = files
        self.pricing = pricing
    }
}

/// An image that came in a bundle and was checked and re-encoded by the worker.
public struct BundleImage: Codable, Sendable, Equatable {
    /// Path inside the bundle, as README.md refers to it.
    public var path: String
    /// Path inside the public site, without a leading slash.
    public var sitePath: String
    public var width: Int
    public var height: Int
    public var alt: String

    public init(path: String, sitePath: String, width: Int, height: Int, alt: String = "") {
        self.path = path
        self.sitePath = sitePath
        self.width = width
        self.height = height
        self.alt = alt
    }
}

/// Ratings summed up.
public struct RatingSummary: Codable, Sendable, Equatable {
    public var count: Int
    /// Sum of all stars (1 to 5 each).
    public var sum: Int

    public init(count: Int, sum: Int) {
        self.count = count
        self.sum = sum
    }
}

/// One customer's words about a plugin.
public struct CustomerReview: Codable, Sendable, Equatable {
    /// 1 to 5.
    public var stars: Int
    /// Plain text.
    public var text: String
    /// The name under which the customer chose to write.
    public var by: String
    /// The version that was in use.
    public var version: String
    /// `yyyy-mm-dd`.
    public var day: String
    /// The publisher's answer, plain text.
    public var answer: String?

    public init(stars: Int, text: String, by: String, version: String, day: String, answer: String? = nil) {
        self.stars = stars
        self.text = text
        self.by = by
        self.version = version
        self.day = day
        self.answer = answer
    }
}

/// An action that an application may call.
public struct ActionInfo: Codable, Sendable, Equatable {
    public var name: String
    public var summary: String
    /// The JSON Schema of the input, pretty-printed.
    public var input: String?
    /// The JSON Schema of the output, pretty-printed.
    public var output: String?

    public init(name: String, summary: String, input: String? = nil, output: String? = nil) {
        self.name = name
        self.summary = summary
        self.input = input
        self.output = output
    }
}

/// Another plugin or package that this one brings or needs.
public struct DependencyRow: Codable, Sendable, Equatable {
    public var name: String
    /// The range or the locked version.
    public var version: String
    /// `plugin` (another plugin of the marketplace) or `npm`.
    public var kind: String
    public var license: String?
    /// Identifiers of advisories that match.
    public var advisories: [String]

    public init(
        name: String, version: String, kind: String = "npm", license: String? = nil,
        advisories: [String] = []
    ) {
        self.name = name
        self.version = version
        self.kind = kind
        self.license = license
        self.advisories = advisories
    }
}

/// A limit from the manifest in words and a number with its unit.
public struct LimitRow: Codable, Sendable, Equatable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// A file of a bundle.
public struct BundleFile: Codable, Sendable, Equatable {
    public var path: String
    public var bytes: Int
    public var sha256: String
    /// `scanned`, `partly` or `not`.
    public var status: String
    /// Why it was not scanned whole.
    public var why: String?

    public init(path: String, bytes: Int, sha256: String, status: String = "scanned", why: String? = nil) {
        self.path = path
        self.bytes = bytes
        self.sha256 = sha256
        self.status = status
        self.why = why
    }
}
