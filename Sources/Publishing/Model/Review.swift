/// The reviewers' queue as of one moment.
public struct ReviewQueue: Codable, Sendable, Equatable {
    /// RFC 3339.
    public var asOf: String
    /// Waiting ones first by due time, then the decided ones, newest first.
    public var items: [ReviewItem]

    public init(asOf: String, items: [ReviewItem] = []) {
        self.asOf = asOf
        self.items = items
    }
}

/// A submission as a reviewer sees it.
public struct ReviewItem: Codable, Sendable, Equatable {
    /// The submission's id: a path component of the page and an argument of the commands.
    public var submission: String
    /// `publisher.name`.
    public var plugin: String
    public var title: String
    public var version: String
    public var summary: String
    public var publisher: String
    public var publisherName: String
    public var publisherVerified: Bool
    /// "3 versions listed since 2026-01-10, none rejected".
    public var publisherHistory: String
    /// Where the submission stands: `held`, `approved`, `rejected`, `listed`, `incomplete`, …
    public var state: String
    /// RFC 3339.
    public var submittedAt: String
    /// RFC 3339; absent once decided.
    public var dueAt: String?
    public var sha256: String
    public var bytes: Int
    public var verdict: Verdict
    /// `approve`, `hold` or `reject`.
    public var recommendation: String
    public var recommendationWhy: String
    /// The version approved before, if there is one.
    public var previousVersion: String?
    public var permissions: [PermissionRow]
    public var findings: [FindingRow]
    public var checks: [CheckRow]
    public var trial: TrialSummary?
    public var dependencies: [DependencyRow]
    public var files: [BundleFile]
    public var readme: RenderedMarkdown?
    public var decisions: [DecisionRow]

    public init(
        submission: String, plugin: String, title: String, version: String, summary: String = "",
        publisher: String, publisherName: String, publisherVerified: Bool = false,
        publisherHistory: String = "", state: String, submittedAt: String, dueAt: String? = nil,
        sha256: String, bytes: Int, verdict: Verdict, recommendation: String,
        recommendationWhy: String = "", previousVersion: String? = nil,
        permissions: [PermissionRow] = [], findings: [FindingRow] = [], checks: [CheckRow] = [],
        trial: TrialSummary? = nil, dependencies: [DependencyRow] = [], files: [BundleFile] = [],
        readme: RenderedMarkdown? = nil, decisions: [DecisionRow] = []
    ) {
        self.submission = submission
        self.plugin = plugin
        self.title = title
        self.version = version
        self.summary = summary
        self.publisher = publisher
        self.publisherName = publisherName
        self.publisherVerified = publisherVerified
        self.publisherHistory = publisherHistory
        self.state = state
        self.submittedAt = submittedAt
        self.dueAt = dueAt
        self.sha256 = sha256
        self.bytes = bytes
        self.verdict = verdict
        self.recommendation = recommendation
        self.recommendationWhy = recommendationWhy
        self.previousVersion = previousVersion
        self.permissions = permissions
        self.findings = findings
        self.checks = checks
        self.trial = trial
        self.dependencies = dependencies
        self.files = files
        self.readme = readme
        self.decisions = decisions
    }
}

/// A decision that was taken.
public struct DecisionRow: Codable, Sendable, Equatable {
    /// RFC 3339.
    public var at: String
    /// A reviewer's id, or `policy`.
    public var by: String
    /// `approve`, `hold` or `reject`.
    public var decision: String
    public var reason: String

    public init(at: String, by: String, decision: String, reason: String = "") {
        self.at = at
        self.by = by
        self.decision = decision
        self.reason = reason
    }
}
