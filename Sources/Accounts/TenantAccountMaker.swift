public import Billing
public import Marketplace
import Metering
public import Publishing
public import Registry

/// A customer's account page from the registry, the segments and the books.
public struct TenantAccountMaker: Sendable {
    let registry: Registry
    let books: AccountBooks

    public init(registry: Registry, books: AccountBooks) {
        self.registry = registry
        self.books = books
    }

    /// - Parameters:
    ///   - now: the moment as of which the page speaks.
    ///   - offering: a plugin that the customer came to install; its newest offered version is put on the page.
    public func account(
        of id: TenantID, now: Instant, offering: PluginID? = nil
    ) throws(AccountsError) -> TenantAccount {
        let tenant = try AccountsError.registry { () throws(RegistryError) in try registry.tenant(id) }
        let period = now.day.period
        let used = try books.used(in: period, to: now.day).filter { $0.tenant == id.text }
        let drafts = try books.drafts(of: period).filter { $0.tenant == id }
        let invoices = try books.invoices(of: id)
        let rows = try AccountsError.registry { () throws(RegistryError) in
            try registry.installations(for: id)
        }
        let offers = try AccountsError.registry { () throws(RegistryError) in
            try registry.updates(for: id, now: now)
        }
        var installed: [Publishing.InstalledPlugin] = []
        for row in rows {
            installed.append(
                try plugin(row, offers.first { $0.installation.plugin == row.plugin }, used, drafts))
        }
        let tokens = try AccountsError.registry { () throws(RegistryError) in
            try registry.tokens(of: .tenant(id)).filter {
                $0.revokedAt == nil && $0.expiresAt.map { now < $0 } ?? true
            }
        }
        return TenantAccount(
            tenant: id.text, name: tenant.name, asOf: now.description, period: period.description,
            currency: tenant.currency.code, installed: installed,
            offers: try offering.map { plugin throws(AccountsError) in try offer(plugin, tenant, rows) }
                ?? [],
            usage: Self.usage(used), costLines: drafts.flatMap { Self.costLines($0) },
            costSoFar: Self.total(drafts.map(\.net), tenant.currency),
            forecast: drafts.isEmpty
                ? nil
                : Self.total(
                    try drafts.map { draft throws(AccountsError) in try Self.forecast(draft, period, now) },
                    tenant.currency),
            invoices: invoices.map { document in
                let invoice = document.value
                return DocumentRow(
                    number: invoice.number, period: invoice.period.description,
                    issued: invoice.issued.description, total: invoice.total.description,
                    status: "due \(invoice.due)", href: "invoices/\(invoice.number).html")
            },
            tokens: tokens.map { TokenRow(id: $0.id, label: $0.id, created: $0.issuedAt.day.description) },
            policy: UpdatePolicyInfo(
                updates: tenant.updatePolicy.rawValue,
                minimumReleaseAgeHours: Int(tenant.minimumReleaseAgeMs / 3_600_000),
                channel: tenant.channel.rawValue))
    }

    // MARK: Installed plugins

    private func plugin(
        _ row: Installation, _ offer: RegistryOffer?, _ used: [RollUpRow], _ drafts: [Invoice]
    ) throws(AccountsError) -> Publishing.InstalledPlugin {
        let manifest = try manifest(row.plugin, row.version)
        let own = used.filter { $0.plugin == row.plugin.text && $0.plan == row.plan }
        let secrets = try AccountsError.registry { () throws(RegistryError) in
            try registry.secretNames(of: row.plugin, for: row.tenant)
        }
        let nets = drafts.flatMap(\.lines).filter { $0.plugin == row.plugin }.map(\.net)
        let currency = manifest.pricing.currency
        let rating = try AccountsError.registry { () throws(RegistryError) in
            try registry.ratings(of: row.plugin, includingHidden: true).first { $0.tenant == row.tenant }
        }
        return Publishing.InstalledPlugin(
            id: row.plugin.text, title: manifest.name, version: row.version.description, plan: row.plan,
            plans: manifest.pricing.plans.map(ShownManifest.plan), currency: currency.code,
            status: row.state.rawValue, statusReason: row.stateReason ?? "",
            backEnd: row.backEnd ?? "chosen by policy", since: row.installedAt.day.description,
            permissions: row.accepted.permissions.map { ShownManifest.permission($0) },
            quotas: Self.quotas(manifest.pricing.plan(row.plan), own),
            costSoFar: nets.isEmpty ? "" : Self.total(nets, currency),
            spendCap: row.spendCapMinor.map { Money(minor: $0, currency).amount },
            update: try offer.map { offer throws(AccountsError) in try update(offer, manifest) },
            ownReview: rating.map {
                CustomerReview(
                    stars: $0.stars, text: $0.text, by: "you", version: $0.version.description,
                    day: $0.updatedAt.day.description, answer: $0.reply)
            }, actions: ShownManifest.actions(manifest),
            secrets: manifest.secrets.map {
                SecretField(name: $0.name, purpose: $0.purpose, isSet: secrets.contains($0.name))
            },
            config: manifest.config == nil ? nil : ShownManifest.pretty(row.config))
    }

    private func manifest(_ plugin: PluginID, _ version: Version) throws(AccountsError) -> Manifest {
        let listed = try AccountsError.registry { () throws(RegistryError) in
            try registry.version(plugin, version)
        }
        return try Self.manifest(listed)
    }

    static func manifest(_ listed: RegistryVersion) throws(AccountsError) -> Manifest {
        do { return try Manifest.parse(listed.manifest.serializedBytes()) } catch {
            throw AccountsError(
                .registry, "\(listed.plugin) \(listed.version)", "its manifest cannot be read: \(error)")
        }
    }

    static func quotas(_ plan: Plan?, _ used: [RollUpRow]) -> [QuotaBar] {
        var metrics = Set((plan?.included ?? [:]).keys)
        metrics.formUnion((plan?.charges ?? []).compactMap(\.metric))
        return metrics.sorted().map { metric in
            QuotaBar(
                metric: metric.rawValue,
                used: Int(used.filter { $0.metric == metric.rawValue }.reduce(0) { $0 + $1.quantity }),
                included: plan?.included?[metric].map(Int.init))
        }
    }

    private func update(
        _ offer: RegistryOffer, _ old: Manifest
    ) throws(AccountsError) -> Publishing.UpdateOffer {
        let new = try manifest(offer.installation.plugin, offer.to)
        let accepted = offer.installation.accepted
        let grown = Set(new.permissions.exceeding(accepted))
        var rows = new.permissions.permissions.map {
            ShownManifest.permission($0, grown.contains($0) ? .added : .same)
        }
        rows += offer.dropped.map { ShownManifest.permission($0, .removed) }
        let plan = offer.installation.plan
        let price =
            old.pricing.plan(plan) == new.pricing.plan(plan) && old.pricing.currency == new.pricing.currency
        let before = old.pricing.plan(plan).map { "\($0.amount) \(old.pricing.currency)" } ?? "nothing"
        let after =
            new.pricing.plan(plan).map { "\($0.amount) \(new.pricing.currency)" } ?? "the plan is gone"
        var result = Publishing.UpdateOffer(
            version: offer.to.description, needsConsent: false, changes: rows,
            priceChange: price
                ? "" : "plan \(plan) was \(before), will be \(after); see the version's page for its charges")
        switch offer.decision {
        case .silent: result.note = "It asks for nothing more and is taken automatically."
        case .needsApproval:
            result.needsConsent = true
            result.note = offer.securityFix ? "It closes a security hole." : ""
        case .leftToCustomer:
            result.needsConsent = true
            result.note = "It asks for nothing more; your policy leaves updates to you."
        case .tooYoung(let until):
            result.note = "Your policy takes it from \(until.day) on, when it has been out long enough."
        }
        return result
    }

    // MARK: Offers

    private func offer(
        _ plugin: PluginID, _ tenant: Tenant, _ rows: [Installation]
    ) throws(AccountsError) -> [InstallOffer] {
        guard !rows.contains(where: { $0.plugin == plugin }) else { return [] }
        let versions = try AccountsError.registry { () throws(RegistryError) in
            try registry.versions(of: plugin)
        }
        let newest = versions.first {
            $0.isInstallable && $0.isOffered(in: tenant.channel)
                && (!$0.version.isPrerelease || tenant.channel == .beta)
        }
        guard let newest else { return [] }
        let manifest = try Self.manifest(newest)
        return [
            InstallOffer(
                id: plugin.text, title: manifest.name, summary: manifest.description,
                version: newest.version.description, currency: manifest.pricing.currency.code,
                plans: manifest.pricing.plans.map(ShownManifest.plan),
                permissions: manifest.permissions.permissions.map { ShownManifest.permission($0, .first) },
                secrets: manifest.secrets.map { SecretField(name: $0.name, purpose: $0.purpose) },
                config: manifest.config == nil ? nil : "{}")
        ]
    }

    // MARK: Money and usage

    static func usage(_ used: [RollUpRow]) -> [UsageRow] {
        var sums: [String: UsageRow] = [:]
        for row in used {
            let key = "\(row.day) \(row.plugin) \(row.metric)"
            sums[
                key,
                default: UsageRow(
                    day: row.day.description, plugin: row.plugin, metric: row.metric, quantity: 0)
            ].quantity += Int(row.quantity)
        }
        return sums.sorted { $0.key < $1.key }.map(\.value)
    }

    static func costLines(_ draft: Invoice) -> [PriceLine] {
        draft.lines.filter { !$0.net.isZero }.map {
            PriceLine(label: "\($0.plugin): \($0.description)", amount: $0.net.description)
        }
    }

    /// One sum a currency, the customer's own first.
    static func total(_ amounts: [Money], _ own: Currency) -> String {
        var sums: [Currency: Money] = [:]
        for amount in amounts { sums[amount.currency, default: .zero(amount.currency)] += amount }
        if sums.isEmpty { sums[own] = .zero(own) }
        return sums.sorted { ($0.key == own ? 0 : 1, $0.key) < ($1.key == own ? 0 : 1, $1.key) }
            .map(\.value.description).joined(separator: " and ")
    }

    /// What the month comes to if the days that are left go like those before: lines by use grow with the days,
    /// fixed ones stay. Rounded once a line, half away from zero.
    static func forecast(_ draft: Invoice, _ period: BillingPeriod, _ now: Instant) throws(AccountsError)
        -> Money
    {
        let elapsed = Int128(now.milliseconds - period.firstDay.start.milliseconds)
        let whole = Int128(period.endDay.start.milliseconds - period.firstDay.start.milliseconds)
        guard elapsed > 0 else { return draft.net }
        return draft.lines.map { line in
            guard line.kind == .usage, elapsed < whole else { return line.net }
            let minor = Rounding.halfAwayFromZero(Int128(line.net.minor) * whole, over: elapsed)
            return Money(minor: Int64(minor), draft.currency)
        }.reduce(.zero(draft.currency), +)
    }
}

/// Where drafts are heading.
public enum Forecast {
    /// Each draft's net at the end of its period if the rest goes like the days before.
    public static func nets(_ drafts: [Invoice], now: Instant) throws(AccountsError) -> [Money] {
        try drafts.map { draft throws(AccountsError) in
            try TenantAccountMaker.forecast(draft, draft.period, now)
        }
    }
}
