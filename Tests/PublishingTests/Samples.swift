import Foundation

@testable import Publishing

/// A small marketplace in which every section of every page is open at least once. All names are invented.
enum Samples {
    static let asOf = "2026-03-01T06:00:00Z"

    static func markdown(_ text: String, prefix: String = "readme-", images: [BundleImage] = [])
        -> RenderedMarkdown
    {
        Markdown.render(Array(text.utf8), profile: .untrusted(images: images, idPrefix: prefix))
    }

    static let permissions = [
        PermissionRow(
            operation: "readData", target: "invoices", purpose: "find overdue invoices",
            detected: [
                SourcePlace(file: "dist/index.js", line: 12), SourcePlace(file: "dist/index.js", line: 40),
            ],
            observed: 3, change: .same),
        PermissionRow(
            operation: "fetch", target: "hooks.example.com", methods: ["GET", "POST"],
            purpose: "send the message",
            detected: (1...7).map { SourcePlace(file: "dist/send.js", line: $0) }, observed: 2, change: .added
        ),
        PermissionRow(operation: "writeData", target: "orders", declared: false, observed: 1, change: .added),
        PermissionRow(operation: "triggerWorkflow", target: "send-email", change: .removed),
    ]

    static let trial = TrialSummary(
        backEnd: "native", startMs: 3, memoryKiBMax: 1_480, cpuMs: 41, wallMs: 1_204,
        actions: [
            TrialAction(name: "remind", outcome: "ok", wallMs: 12, cpuMs: 4, operations: 3),
            TrialAction(
                name: "spin", outcome: "cpu", wallMs: 1_000, cpuMs: 1_000, operations: 0,
                detail: "ended by its limit"),
        ],
        operations: [
            TrialOperation(operation: "readData", target: "invoices", count: 3, allowed: true),
            TrialOperation(operation: "fetch", target: "evil.example.net", count: 1, allowed: false),
        ],
        events: [
            TrialEvent(atMs: 0, kind: "start", detail: "initialize"),
            TrialEvent(atMs: 14, kind: "denied", detail: "fetch evil.example.net"),
        ])

    static let findings = [
        FindingRow(
            rule: "js.dynamic-code", kind: "obfuscation", severity: "medium", file: "dist/index.js", line: 7,
            column: 3,
            message: "Code is built from text and run.",
            excerpt: [
                ExcerptLine(number: 6, text: "const body = parts.join(\"\");"),
                ExcerptLine(number: 7, text: "return new Function(body)();", marked: true),
            ], why: "What runs cannot be read in the bundle.", legitimate: "Template engines do it.",
            isNew: true,
            fingerprint: "f1"),
        FindingRow(
            rule: "bundle.license-missing", kind: "manifest", severity: "low",
            message: "There is no LICENSE file.",
            isNew: false, fingerprint: "f2"),
    ]

    static let checks = [
        CheckRow(name: "yara", result: "findings", files: 12, detail: "31 rules"),
        CheckRow(name: "secrets", result: "passed", files: 12),
    ]

    static let dependencies = [
        DependencyRow(
            name: "left-edge", version: "1.2.3", license: "MIT", advisories: ["GHSA-0000-0000-0000"]),
        DependencyRow(name: "acme.base", version: "^1.0.0", kind: "plugin"),
    ]

    static let files = [
        BundleFile(path: "dist/index.js", bytes: 4_096, sha256: String(repeating: "ab", count: 32)),
        BundleFile(
            path: "dist/big.bin", bytes: 9_000_000, sha256: String(repeating: "cd", count: 32),
            status: "partly",
            why: "beyond 8 MiB"),
    ]

    static let pricing = PricingInfo(
        model: "freemium", currency: "USD",
        plans: [
            PlanInfo(
                id: "free", interval: "month", included: [IncludedQuantity(metric: "calls", quantity: 1_000)]),
            PlanInfo(
                id: "pro", amount: "29.00", interval: "month", trialDays: 14,
                charges: [
                    ChargeInfo(
                        metric: "calls", scheme: "graduated",
                        tiers: [
                            TierInfo(upTo: 10_000, unitAmount: "0.002"), TierInfo(unitAmount: "0.0015"),
                        ])
                ]),
        ],
        example: WorkedExample(
            title: "25,000 calls in a month on plan pro",
            lines: [
                PriceLine(label: "Plan pro", amount: "29.00 USD"),
                PriceLine(label: "10,000 calls", amount: "20.00 USD"),
                PriceLine(label: "15,000 calls", amount: "22.50 USD"),
            ], total: "71.50 USD"))

    static let readme = """
        # Overdue reminders

        Sends a reminder for every invoice that is *overdue*.

        ![The settings](screenshots/a.png)

        | Setting | Default |
        |---------|--------:|
        | `days`  | 14      |

        - [x] tested
        - [ ] translated

        > [!NOTE]
        > Needs a mail workflow.

        ```js
        export const days = 14; // a fortnight
        ```
        """

    static func version(
        _ version: String, status: ListingStatus = .listed, permissions: [PermissionRow] = Samples.permissions
    ) -> ListedVersion {
        let shot = BundleImage(
            path: "screenshots/a.png", sitePath: "media/acme/remind/a.png", width: 640, height: 400)
        return ListedVersion(
            version: version, status: status,
            statusReason: status == .listed ? nil : "It sent each message twice.",
            statusAt: status == .listed ? nil : "2026-02-20T09:30:00Z",
            sha256: String(
                repeating: version.filter(\.isNumber).suffix(2).padding(
                    toLength: 2, withPad: "0", startingAt: 0), count: 32),
            bytes: 18_204, submittedAt: "2026-01-09T08:00:00Z",
            listedAt: "2026-01-1\(version.count % 10)T08:30:00Z",
            readme: markdown(readme, images: [shot]),
            changelog: markdown("## \(version)\n\nFaster.\n", prefix: "changes-"),
            permissions: permissions,
            actions: [
                ActionInfo(
                    name: "remind", summary: "Reminds a customer of an invoice.",
                    input: "{\n  \"type\": \"object\"\n}",
                    output: "{\n  \"type\": \"object\"\n}")
            ], dependencies: dependencies, engines: ">=1.0.0",
            limits: [LimitRow(name: "CPU time of a call", value: "1,000 ms")],
            verdict: .review, checks: checks, findings: findings, trial: trial,
            proof: ProofInfo(
                rows: [
                    ProofRow(
                        statement: "submission", keyID: "ed25519:11aa22bb",
                        subject: String(repeating: "ab", count: 32),
                        signedAt: "2026-01-09T08:00:00Z", detail: "signed by the publisher")
                ], logIndex: 4), files: files)
    }

    static var entries: [CatalogueEntry] {
        var beta = version("2.0.0-beta.1")
        beta.channel = "beta"
        let shot = BundleImage(
            path: "screenshots/a.png", sitePath: "media/acme/remind/a.png", width: 640, height: 400,
            alt: "The settings")
        let icon = BundleImage(
            path: "icon.png", sitePath: "media/acme/remind/icon.png", width: 128, height: 128)
        return [
            CatalogueEntry(
                publisher: "acme", name: "remind", title: "Overdue reminders",
                summary: "Reminds customers of invoices that are overdue.", category: "billing",
                author: "Acme Field Services (sample)", license: "Apache-2.0",
                keywords: ["invoices", "reminders"],
                homepage: "https://example.com/remind", repository: "https://example.com/remind.git",
                support: "help@example.com", icon: icon, screenshots: [shot], pricing: pricing,
                rating: RatingSummary(count: 12, sum: 52),
                reviews: [
                    CustomerReview(
                        stars: 4, text: "Does what it says.", by: "A customer", version: "1.1.0",
                        day: "2026-02-01",
                        answer: "Thank you.")
                ], installs: 1_204,
                versions: [
                    beta, version("1.2.0"),
                    version("1.1.0", status: .deprecated, permissions: Array(Samples.permissions.prefix(1))),
                    version("1.0.1", status: .yanked), version("1.0.0", status: .revoked),
                ]),
            CatalogueEntry(
                publisher: "acme", name: "tidy", title: "Tidy", summary: "Does nothing to your data.",
                category: "utilities", author: "Acme Field Services (sample)", license: "MIT",
                pricing: PricingInfo(model: "freemium"),
                versions: [
                    ListedVersion(
                        version: "0.1.0", sha256: String(repeating: "77", count: 32), bytes: 900,
                        listedAt: "2026-02-02T10:00:00Z", verdict: .clean)
                ]),
            CatalogueEntry(
                publisher: "zeta", name: "gone", title: "Gone", summary: "Was withdrawn.",
                category: "utilities",
                author: "Zeta (sample)", license: "MIT", pricing: PricingInfo(model: "payPerUse"),
                versions: [version("1.0.0", status: .revoked)]),
        ]
    }

    static var site: SiteModel {
        SiteModel(
            settings: SiteSettings(rootDigest: String(repeating: "0f", count: 32)), asOf: asOf,
            publishers: [
                PublisherPage(
                    id: "acme", name: "Acme Field Services (sample)", verified: true,
                    verifiedHow: "DNS record of example.com, 2026-01-02", since: "2026-01-02",
                    website: "https://example.com/", contact: "plugins@example.com",
                    about: "Tools for people on the road.",
                    keys: [
                        PublisherKey(keyID: "ed25519:11aa22bb", from: "2026-01-02"),
                        PublisherKey(keyID: "ed25519:00ff00ff", from: "2025-12-01", until: "2026-01-02"),
                    ]),
                PublisherPage(id: "zeta", name: "Zeta (sample)", quarantined: true),
            ], entries: entries, docs: docs, references: references)
    }

    /// A marketplace of so many small plugins.
    static func many(_ count: Int) -> SiteModel {
        var model = site
        model.entries = (0..<count).map { number in
            var entry = entries[1]
            entry.name = "plugin-\(number)"
            entry.title = "Plugin \(number)"
            return entry
        }
        return model
    }

    static let docs = [
        DocSource(
            path: "index.md", text: "# Documentation\n\nStart with [the concepts](concepts.md).\n",
            section: "Start"),
        DocSource(
            path: "concepts.md",
            text:
                "# Concepts\n\n## Permission\n\nText.\n\n## Proof\n\nSee [verifying](verifying.md#steps).\n\n### Log\n\nText.\n",
            section: "Start"),
        DocSource(path: "installing.md", text: "# Installing\n\nText.\n"),
        DocSource(
            path: "verifying.md", text: "# Verifying\n\n## Steps\n\nText. [Source](../Sources/Provenance)\n"),
    ]

    static let references = References(
        rules: [
            RuleDoc(
                id: "js.dynamic-code", title: "Code built from text", kind: "obfuscation", severity: "medium",
                why: "What runs cannot be read.", legitimate: "Template engines.",
                fix: "Build it before you pack it.")
        ],
        commands: [
            CommandDoc(
                name: "veroforge status", abstract: "Says how the jobs stand.",
                help: "USAGE: veroforge status")
        ],
        manifestSchema: """
            {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "description": "The id."},
            "permissions": {"type": "array", "items": {"type": "object", "properties": {"operation": {"enum": ["fetch"]}}}}}}
            """,
        problems: [
            ProblemDoc(type: "limit-reached", title: "A limit was hit", status: 429, meaning: "Try later.")
        ],
        operations: [APIDoc(method: "GET", path: "/v1/tenants/{t}/usage", summary: "Usage of a tenant.")],
        types: [
            TypeDoc(
                name: "Plugin", declaration: "interface Plugin { name: string }", summary: "What you write.")
        ],
        sdk: SDKDownload(
            version: "1.0.0", path: "sdk/veroforge-sdk-1.0.0.tgz",
            signaturePath: "sdk/veroforge-sdk-1.0.0.sig.json",
            sha256: String(repeating: "5", count: 64), bytes: 34_567, keyID: "0123456789abcdef"))

    /// Files that the sample pages link to and the caller brings.
    static var extraFiles: [SiteFile] {
        var files = [
            SiteFile("media/acme/remind/a.png", [1]), SiteFile("media/acme/remind/icon.png", [2]),
            SiteFile("sdk/veroforge-sdk-1.0.0.tgz", [3]), SiteFile("sdk/veroforge-sdk-1.0.0.sig.json", [4]),
        ]
        let digests = Set(entries.flatMap { $0.versions.map(\.sha256) })
        files += digests.sorted().map { SiteFile("bundles/\($0).vfp", Array($0.utf8)) }
        return files
    }

    /// Paths that the sample's report and proof pages link to where they are there.
    static let brought: Set<String> = [
        "plugins/acme/remind/1.2.0/report/scan.json", "plugins/acme/remind/1.2.0/report/scan.sarif",
        "plugins/acme/remind/1.2.0/proof.json", "log/entries.jsonl", "log/checkpoint.json",
    ]

    static let reviewItem = ReviewItem(
        submission: "s-0001", plugin: "acme.remind", title: "Overdue reminders", version: "1.3.0",
        summary: "Reminds customers of invoices that are overdue.", publisher: "acme",
        publisherName: "Acme Field Services (sample)", publisherVerified: true,
        publisherHistory: "3 versions listed since 2026-01-10, none rejected", state: "held",
        submittedAt: "2026-02-27T10:00:00Z", dueAt: "2026-02-28T10:00:00Z",
        sha256: String(repeating: "ab", count: 32),
        bytes: 20_480, verdict: .review, recommendation: "hold", recommendationWhy: "It asks for a new host.",
        previousVersion: "1.2.0", permissions: permissions, findings: findings, checks: checks, trial: trial,
        dependencies: dependencies, files: files, readme: markdown(readme),
        decisions: [
            DecisionRow(at: "2026-02-27T10:05:00Z", by: "policy", decision: "hold", reason: "new host")
        ])

    static var queue: ReviewQueue {
        var waiting = reviewItem
        waiting.submission = "s-0002"
        waiting.dueAt = "2026-03-03T10:00:00Z"
        var decided = reviewItem
        decided.submission = "s-0000"
        decided.dueAt = nil
        decided.state = "rejected"
        decided.previousVersion = nil
        return ReviewQueue(asOf: asOf, items: [waiting, reviewItem, decided])
    }

    static let account = TenantAccount(
        tenant: "north", name: "North Depot (sample)", asOf: asOf, period: "2026-03",
        installed: [
            InstalledPlugin(
                id: "acme.remind", title: "Overdue reminders", version: "1.2.0", plan: "pro",
                plans: pricing.plans,
                status: "suspended", statusReason: "The spend cap was reached.", since: "2026-01-12",
                permissions: Array(permissions.prefix(2)),
                quotas: [
                    QuotaBar(metric: "calls", used: 1_250, included: 1_000),
                    QuotaBar(metric: "bytes", used: 52_000),
                ], costSoFar: "29.50 USD", spendCap: "50.00",
                update: UpdateOffer(
                    version: "1.3.0", needsConsent: true, changes: consentRows,
                    priceChange: "29.00 to 39.00 USD a month", note: "It closes a security hole."),
                ownReview: CustomerReview(
                    stars: 4, text: "Good.", by: "North", version: "1.2.0", day: "2026-02-01")),
            InstalledPlugin(
                id: "acme.tidy", title: "Tidy", version: "0.1.0", plan: "free", plans: pricing.plans,
                since: "2026-02-12",
                update: UpdateOffer(
                    version: "0.2.0", needsConsent: false,
                    note: "It asks for nothing more and is taken automatically."),
                actions: [
                    ActionInfo(name: "tidy", summary: "Tidies up.", input: "{\n  \"type\": \"object\"\n}"),
                    ActionInfo(name: "ping", summary: ""),
                ],
                secrets: [
                    SecretField(name: "API_KEY", purpose: "signs requests", isSet: true),
                    SecretField(name: "HOOK_KEY"),
                ], config: "{}"),
            InstalledPlugin(
                id: "acme.still", title: "Still", version: "1.0.0", plan: "pro", plans: pricing.plans,
                since: "2026-02-12",
                update: UpdateOffer(version: "1.1.0", needsConsent: true)),
            InstalledPlugin(
                id: "acme.young", title: "Young", version: "1.0.0", plan: "pro", plans: pricing.plans,
                since: "2026-02-12", update: UpdateOffer(version: "1.1.0", needsConsent: false)),
        ],
        offers: [
            InstallOffer(
                id: "acme.tidy", title: "Tidy", summary: "Does nothing to your data.", version: "0.1.0",
                plans: pricing.plans, permissions: Array(permissions.prefix(2)),
                secrets: [
                    SecretField(name: "API_KEY", purpose: "signs requests"), SecretField(name: "HOOK_KEY"),
                ], config: "{}"),
            InstallOffer(
                id: "acme.remind", title: "Overdue reminders", summary: "Reminds.", version: "1.2.0",
                plans: [PlanInfo(id: "whole", amount: "49.00", interval: "once")]),
        ],
        usage: [
            UsageRow(day: "2026-03-01", plugin: "acme.remind", metric: "calls", quantity: 250),
            UsageRow(day: "2026-03-02", plugin: "acme.remind", metric: "calls", quantity: 1_000),
            UsageRow(day: "2026-03-02", plugin: "acme.remind", metric: "bytes", quantity: 52_000),
        ],
        costLines: [
            PriceLine(label: "Plan pro", amount: "29.00 USD"),
            PriceLine(label: "250 calls", amount: "0.50 USD"),
        ],
        costSoFar: "29.50 USD", forecast: "31.00 USD",
        invoices: [
            DocumentRow(
                number: "VF-2026-000012", period: "2026-02", issued: "2026-03-01", total: "36.00 USD",
                status: "paid",
                href: "invoices/VF-2026-000012.html"),
            DocumentRow(number: "VF-2026-000013", period: "2026-02", issued: "2026-03-01", total: "1.00 USD"),
        ],
        tokens: [
            TokenRow(id: "t1", label: "production", created: "2026-01-12", lastUsed: "2026-03-01"),
            TokenRow(id: "t2", label: "trial", created: "2026-01-12"),
        ], policy: UpdatePolicyInfo(updates: "manual", minimumReleaseAgeHours: 24, channel: "beta"),
        notice: "Saved.")

    /// A new permission, one as before, one no longer asked for.
    static let consentRows = [
        PermissionRow(
            operation: "fetch", target: "hooks.example.com", methods: ["POST"], purpose: "post the reminder",
            change: .added),
        PermissionRow(operation: "readData", target: "invoices", change: .same),
        PermissionRow(operation: "readData", target: "notes", change: .removed),
    ]

    static let answer: LivePages.Answer = {
        var answer = LivePages.Answer(
            heading: "A new token", words: "It was made.", isGood: true, back: "/account/",
            backWords: "Your account", asOf: asOf)
        answer.secret = "vft_t_0000"
        answer.document = "{\n  \"id\": \"t3\"\n}"
        return answer
    }()

    static let problem: LivePages.Answer = {
        var answer = LivePages.Answer(
            heading: "That was not taken", words: "plan: gold is no plan of acme.tidy", isGood: false,
            back: "/account/", backWords: "Your account", asOf: asOf)
        answer.points = [("/plan", "is none of free, pro"), ("/seats", "is not a number")]
        return answer
    }()

    static let dashboard = PublisherDashboard(
        publisher: "acme", name: "Acme Field Services (sample)", asOf: asOf, period: "2026-02",
        plugins: [
            DashboardPlugin(
                id: "acme.remind", title: "Overdue reminders", installs: 3, calls: 1_500, errors: 2,
                earnedMinor: 4_305,
                versions: [
                    DashboardVersion(version: "1.2.0", installs: 2, calls: 1_400, errors: 2),
                    DashboardVersion(version: "1.0.0", status: .revoked, installs: 1, calls: 100),
                ])
        ],
        days: [
            DashboardDay(day: "2026-02-01", plugin: "acme.remind", calls: 500, errors: 2, earnedMinor: 1_005),
            DashboardDay(day: "2026-02-02", plugin: "acme.remind", calls: 1_000, earnedMinor: 3_300),
        ],
        submissions: [
            SubmissionRow(
                submission: "s-0001", plugin: "acme.remind", version: "1.3.0", state: "held",
                submittedAt: "2026-02-27T10:00:00Z", verdict: .review,
                next: "A reviewer decides by 2026-03-02.",
                findings: findings)
        ],
        payouts: [
            DocumentRow(
                number: "P-2026-000003", period: "2026-01", issued: "2026-02-01", total: "43.05 USD",
                status: "paid")
        ])

    static let privateSettings = PrivateSettings(site: SiteSettings())

    static func templates() throws -> Templates {
        try Templates(folder: "\(root)/site-templates")
    }

    /// The package's folder.
    static let root: String = {
        var path = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        path.removeLast(3)
        return path.joined(separator: "/")
    }()
}
