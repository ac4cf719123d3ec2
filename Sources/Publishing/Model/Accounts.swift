/// A customer's account page.
public struct TenantAccount: Codable, Sendable, Equatable {
    public var tenant: String
    public var name: String
    /// RFC 3339.
    public var asOf: String
    /// `yyyy-mm`.
    public var period: String
    public var currency: String
    public var installed: [InstalledPlugin]
    /// Plugins that could be installed from this page.
    public var offers: [InstallOffer]
    /// Usage of the period by day, sorted.
    public var usage: [UsageRow]
    public var costLines: [PriceLine]
    /// With its currency.
    public var costSoFar: String
    public var forecast: String?
    public var invoices: [DocumentRow]
    public var tokens: [TokenRow]
    public var policy: UpdatePolicyInfo
    /// What was just done, for the reader who comes back from a form.
    public var notice: String?

    public init(
        tenant: String, name: String, asOf: String, period: String, currency: String = "USD",
        installed: [InstalledPlugin] = [], offers: [InstallOffer] = [], usage: [UsageRow] = [],
        costLines: [PriceLine] = [], costSoFar: String = "0.00 USD", forecast: String? = nil,
        invoices: [DocumentRow] = [], tokens: [TokenRow] = [],
        policy: UpdatePolicyInfo = UpdatePolicyInfo(), notice: String? = nil
    ) {
        self.tenant = tenant
        self.name = name
        self.asOf = asOf
        self.period = period
        self.currency = currency
        self.installed = installed
        self.offers = offers
        self.usage = usage
        self.costLines = costLines
        self.costSoFar = costSoFar
        self.forecast = forecast
        self.invoices = invoices
        self.tokens = tokens
        self.policy = policy
        self.notice = notice
    }
}

/// How a customer takes updates that ask for nothing more.
public struct UpdatePolicyInfo: Codable, Sendable, Equatable {
    /// `automatic`, `security-only` or `manual`.
    public var updates: String
    /// A version younger than this is not taken.
    public var minimumReleaseAgeHours: Int
    /// `stable` or `beta`.
    public var channel: String

    public init(updates: String = "automatic", minimumReleaseAgeHours: Int = 0, channel: String = "stable") {
        self.updates = updates
        self.minimumReleaseAgeHours = minimumReleaseAgeHours
        self.channel = channel
    }
}

/// A secret that a plugin's manifest declares; its value is never shown.
public struct SecretField: Codable, Sendable, Equatable {
    public var name: String
    public var purpose: String
    public var isSet: Bool

    public init(name: String, purpose: String = "", isSet: Bool = false) {
        self.name = name
        self.purpose = purpose
        self.isSet = isSet
    }
}

/// A plugin that a customer has.
public struct InstalledPlugin: Codable, Sendable, Equatable {
    /// `publisher.name`.
    public var id: String
    public var title: String
    public var version: String
    public var plan: String
    /// The plans that it could be moved to.
    public var plans: [PlanInfo]
    public var currency: String
    /// `active`, `suspended`, `revoked`, …
    public var status: String
    public var statusReason: String
    /// The isolation back end really in use.
    public var backEnd: String
    /// `yyyy-mm-dd`.
    public var since: String
    public var permissions: [PermissionRow]
    public var quotas: [QuotaBar]
    /// With its currency.
    public var costSoFar: String
    /// Decimal string of the major unit.
    public var spendCap: String?
    public var update: UpdateOffer?
    public var ownReview: CustomerReview?
    /// What can be called, to try one from the page.
    public var actions: [ActionInfo]
    public var secrets: [SecretField]
    /// The settings as JSON; absent where the plugin has none.
    public var config: String?

    public init(
        id: String, title: String, version: String, plan: String, plans: [PlanInfo] = [],
        currency: String = "USD", status: String = "active", statusReason: String = "",
        backEnd: String = "native", since: String, permissions: [PermissionRow] = [],
        quotas: [QuotaBar] = [], costSoFar: String = "", spendCap: String? = nil,
        update: UpdateOffer? = nil, ownReview: CustomerReview? = nil, actions: [ActionInfo] = [],
        secrets: [SecretField] = [], config: String? = nil
    ) {
        self.id = id
        self.title = title
        self.version = version
        self.plan = plan
        self.plans = plans
        self.currency = currency
        self.status = status
        self.statusReason = statusReason
        self.backEnd = backEnd
        self.since = since
        self.permissions = permissions
        self.quotas = quotas
        self.costSoFar = costSoFar
        self.spendCap = spendCap
        self.update = update
        self.ownReview = ownReview
        self.actions = actions
        self.secrets = secrets
        self.config = config
    }
}

/// How much of a quantity is used.
public struct QuotaBar: Codable, Sendable, Equatable {
    public var metric: String
    public var used: Int
    /// Absent where nothing is included and each unit is charged.
    public var included: Int?

    public init(metric: String, used: Int, included: Int? = nil) {
        self.metric = metric
        self.used = used
        self.included = included
    }
}

/// A version that waits for the customer.
public struct UpdateOffer: Codable, Sendable, Equatable {
    public var version: String
    /// Somebody has to say yes: permissions grow, the price changes, or the customer's policy asks for it.
    public var needsConsent: Bool
    /// Every permission of the new version, and those that it no longer asks for.
    public var changes: [PermissionRow]
    public var priceChange: String
    /// A sentence about when and why, plain text.
    public var note: String

    public init(
        version: String, needsConsent: Bool, changes: [PermissionRow] = [], priceChange: String = "",
        note: String = ""
    ) {
        self.version = version
        self.needsConsent = needsConsent
        self.changes = changes
        self.priceChange = priceChange
        self.note = note
    }
}

/// A plugin that can be installed.
public struct InstallOffer: Codable, Sendable, Equatable {
    public var id: String
    public var title: String
    public var summary: String
    public var version: String
    public var currency: String
    public var plans: [PlanInfo]
    public var permissions: [PermissionRow]
    public var secrets: [SecretField]
    /// The settings to begin with as JSON; absent where the plugin has none.
    public var config: String?

    public init(
        id: String, title: String, summary: String, version: String, currency: String = "USD",
        plans: [PlanInfo] = [], permissions: [PermissionRow] = [], secrets: [SecretField] = [],
        config: String? = nil
    ) {
        self.id = id
        self.title = title
        self.summary = summary
        self.version = version
        self.currency = currency
        self.plans = plans
        self.permissions = permissions
        self.secrets = secrets
        self.config = config
    }
}

/// A quantity of a day.
public struct UsageRow: Codable, Sendable, Equatable {
    /// `yyyy-mm-dd`.
    public var day: String
    public var plugin: String
    public var metric: String
    public var quantity: Int

    public init(day: String, plugin: String, metric: String, quantity: Int) {
        self.day = day
        self.plugin = plugin
        self.metric = metric
        self.quantity = quantity
    }
}

/// An invoice, credit note or payout statement to open.
public struct DocumentRow: Codable, Sendable, Equatable {
    public var number: String
    /// `yyyy-mm`.
    public var period: String
    /// `yyyy-mm-dd`.
    public var issued: String
    /// With its currency.
    public var total: String
    public var status: String
    /// Relative to the page, or absolute; empty where there is nothing to open.
    public var href: String

    public init(
        number: String, period: String, issued: String, total: String, status: String = "",
        href: String = ""
    ) {
        self.number = number
        self.period = period
        self.issued = issued
        self.total = total
        self.status = status
        self.href = href
    }
}

/// An access token, of which only the name and dates are known.
public struct TokenRow: Codable, Sendable, Equatable {
    public var id: String
    public var label: String
    /// `yyyy-mm-dd`.
    public var created: String
    public var lastUsed: String?

    public init(id: String, label: String, created: String, lastUsed: String? = nil) {
        self.id = id
        self.label = label
        self.created = created
        self.lastUsed = lastUsed
    }
}

/// A publisher's pages.
public struct PublisherDashboard: Codable, Sendable, Equatable {
    public var publisher: String
    public var name: String
    /// RFC 3339.
    public var asOf: String
    /// `yyyy-mm`.
    public var period: String
    public var currency: String
    /// The currency's decimal places.
    public var exponent: Int
    public var plugins: [DashboardPlugin]
    /// Sorted by day, one row a day and plugin.
    public var days: [DashboardDay]
    public var submissions: [SubmissionRow]
    public var payouts: [DocumentRow]
    /// What was earned in other currencies, each with its currency.
    public var otherEarned: [String]
    /// What was just done, for the reader who comes back from a form.
    public var notice: String?

    public init(
        publisher: String, name: String, asOf: String, period: String, currency: String = "USD",
        exponent: Int = 2, plugins: [DashboardPlugin] = [], days: [DashboardDay] = [],
        submissions: [SubmissionRow] = [], payouts: [DocumentRow] = [], otherEarned: [String] = [],
        notice: String? = nil
    ) {
        self.publisher = publisher
        self.name = name
        self.asOf = asOf
        self.period = period
        self.currency = currency
        self.exponent = exponent
        self.plugins = plugins
        self.days = days
        self.submissions = submissions
        self.payouts = payouts
        self.otherEarned = otherEarned
        self.notice = notice
    }
}

/// A publisher's plugin with its figures of the period.
public struct DashboardPlugin: Codable, Sendable, Equatable {
    public var id: String
    public var title: String
    public var installs: Int
    public var calls: Int
    public var errors: Int
    /// The developer's share in minor units.
    public var earnedMinor: Int
    public var versions: [DashboardVersion]

    public init(
        id: String, title: String, installs: Int = 0, calls: Int = 0, errors: Int = 0,
        earnedMinor: Int = 0, versions: [DashboardVersion] = []
    ) {
        self.id = id
        self.title = title
        self.installs = installs
        self.calls = calls
        self.errors = errors
        self.earnedMinor = earnedMinor
        self.versions = versions
    }
}

/// A version with its figures of the period and the forms that manage it.
public struct DashboardVersion: Codable, Sendable, Equatable {
    public var version: String
    public var status: ListingStatus
    public var channel: String
    public var installs: Int
    public var calls: Int
    public var errors: Int
    /// The developer's share in minor units.
    public var earnedMinor: Int

    public init(
        version: String, status: ListingStatus = .listed, channel: String = "stable", installs: Int = 0,
        calls: Int = 0, errors: Int = 0, earnedMinor: Int = 0
    ) {
        self.version = version
        self.status = status
        self.channel = channel
        self.installs = installs
        self.calls = calls
        self.errors = errors
        self.earnedMinor = earnedMinor
    }
}

/// The figures of a day.
public struct DashboardDay: Codable, Sendable, Equatable {
    /// `yyyy-mm-dd`.
    public var day: String
    public var plugin: String
    public var calls: Int
    public var errors: Int
    /// The developer's share in minor units.
    public var earnedMinor: Int

    public init(day: String, plugin: String, calls: Int = 0, errors: Int = 0, earnedMinor: Int = 0) {
        self.day = day
        self.plugin = plugin
        self.calls = calls
        self.errors = errors
        self.earnedMinor = earnedMinor
    }
}

/// A submission as its publisher sees it.
public struct SubmissionRow: Codable, Sendable, Equatable {
    public var submission: String
    public var plugin: String
    public var version: String
    public var state: String
    /// RFC 3339.
    public var submittedAt: String
    public var verdict: Verdict?
    /// What happens next, or what to do.
    public var next: String
    public var findings: [FindingRow]

    public init(
        submission: String, plugin: String, version: String, state: String, submittedAt: String,
        verdict: Verdict? = nil, next: String = "", findings: [FindingRow] = []
    ) {
        self.submission = submission
        self.plugin = plugin
        self.version = version
        self.state = state
        self.submittedAt = submittedAt
        self.verdict = verdict
        self.next = next
        self.findings = findings
    }
}
