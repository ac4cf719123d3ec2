import Billing
public import Marketplace
import Metering
public import Publishing
public import Registry

/// A publisher's dashboard from the registry, the segments and the books.
public struct DashboardMaker: Sendable {
    let registry: Registry
    let books: AccountBooks

    public init(registry: Registry, books: AccountBooks) {
        self.registry = registry
        self.books = books
    }

    public func dashboard(
        of id: PublisherID, now: Instant, counted: CallCounts? = nil
    ) throws(AccountsError) -> PublisherDashboard {
        let publisher = try AccountsError.registry { () throws(RegistryError) in try registry.publisher(id) }
        let period = now.day.period
        let counts: CallCounts
        if let counted {
            counts = counted
        } else {
            counts = try CallCounts.of(
                usage: books.usage, from: period.firstDay, to: min(now.day, period.endDay.adding(days: -1)),
                publisher: id, disk: books.disk)
        }
        let own = counts.counts.filter { $0.key.plugin.hasPrefix(id.text + ".") }
        let earned = try Earnings(
            of: id, invoices: try invoices(period), used: try books.used(in: period, to: now.day))
        let currency = publisher.currency
        let versions = try AccountsError.registry { () throws(RegistryError) in
            try registry.allVersions().filter { $0.plugin.publisher == id }
        }
        var plugins: [DashboardPlugin] = []
        for group in Dictionary(grouping: versions, by: \.plugin).sorted(by: { $0.key < $1.key }) {
            plugins.append(
                try plugin(group.key, group.value.sorted { $0.version > $1.version }, own, earned, currency))
        }
        return PublisherDashboard(
            publisher: id.text, name: publisher.name, asOf: now.description, period: period.description,
            currency: currency.code, exponent: currency.exponent, plugins: plugins,
            days: Self.days(own, earned, currency), submissions: try submissions(id),
            payouts: try books.statements(of: id).map { document in
                let statement = document.value
                return DocumentRow(
                    number: statement.number, period: statement.day.period.description,
                    issued: statement.day.description, total: statement.paid.description, status: "paid",
                    href: "payouts/\(Self.name(document.path)).html")
            }, otherEarned: earned.others(than: currency).map(\.description))
    }

    /// The last step of a path.
    static func name(_ path: String) -> String { String(path.split(separator: "/").last ?? "") }

    /// The period's issued invoices, else the drafts of the last night.
    private func invoices(_ period: BillingPeriod) throws(AccountsError) -> [Invoice] {
        let issued = try books.invoices(in: period).map(\.value)
        return issued.isEmpty ? try books.drafts(of: period) : issued
    }

    private func plugin(
        _ id: PluginID, _ versions: [RegistryVersion], _ counts: [CallCounts.Key: CallCounts.Count],
        _ earned: Earnings, _ currency: Currency
    ) throws(AccountsError) -> DashboardPlugin {
        let installs = try AccountsError.registry { () throws(RegistryError) in
            try registry.installationCounts(of: id)
        }
        let own = counts.filter { $0.key.plugin == id.text }
        return DashboardPlugin(
            id: id.text, title: try TenantAccountMaker.manifest(versions[0]).name,
            installs: installs.values.reduce(0, +), calls: own.values.reduce(0) { $0 + $1.calls },
            errors: own.values.reduce(0) { $0 + $1.errors },
            earnedMinor: Int(earned.sum(currency) { $0.plugin == id.text }),
            versions: versions.map { version in
                let part = own.filter { $0.key.version == version.version.description }
                return DashboardVersion(
                    version: version.version.description, status: Self.status(version),
                    channel: version.channel.rawValue, installs: installs[version.version] ?? 0,
                    calls: part.values.reduce(0) { $0 + $1.calls },
                    errors: part.values.reduce(0) { $0 + $1.errors },
                    earnedMinor: Int(
                        earned.sum(currency) {
                            $0.plugin == id.text && $0.version == version.version.description
                        }))
            })
    }

    private static func status(_ version: RegistryVersion) -> ListingStatus {
        if version.revocation != nil { return .revoked }
        if version.yankedAt != nil { return .yanked }
        return version.deprecated == nil ? .listed : .deprecated
    }

    private static func days(
        _ counts: [CallCounts.Key: CallCounts.Count], _ earned: Earnings, _ currency: Currency
    ) -> [DashboardDay] {
        struct Key: Hashable, Comparable {
            let day: Day
            let plugin: String
            static func < (a: Key, b: Key) -> Bool { (a.day, a.plugin) < (b.day, b.plugin) }
        }
        var rows: [Key: DashboardDay] = [:]
        func row(_ day: Day, _ plugin: String) -> Key {
            let key = Key(day: day, plugin: plugin)
            if rows[key] == nil { rows[key] = DashboardDay(day: day.description, plugin: plugin) }
            return key
        }
        for (key, count) in counts {
            let place = row(key.day, key.plugin)
            rows[place]?.calls += count.calls
            rows[place]?.errors += count.errors
        }
        for part in earned.parts where part.amount.currency == currency && part.amount.minor != 0 {
            rows[row(part.day, part.plugin)]?.earnedMinor += Int(part.amount.minor)
        }
        return rows.sorted { $0.key < $1.key }.map(\.value)
    }

    private func submissions(_ id: PublisherID) throws(AccountsError) -> [SubmissionRow] {
        let rows = try AccountsError.registry { () throws(RegistryError) in
            try registry.submissions(of: id, limit: 50)
        }
        return rows.map { row in
            SubmissionRow(
                submission: row.id.hex, plugin: row.plugin?.text ?? "not read yet",
                version: row.version?.description ?? "", state: row.state.rawValue,
                submittedAt: row.receivedAt.description,
                next: [row.reason.text, row.reason.nextStep ?? row.state.defaultNextStep]
                    .filter { !$0.isEmpty }.joined(separator: " "))
        }
    }
}
