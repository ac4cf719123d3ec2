import Marketplace

// MARK: The customer's account

extension PrivatePages {
    /// The pages of a customer, paths relative to `private/tenants/<id>/`.
    public func account(_ account: TenantAccount) throws(PublishingError) -> [SiteFile] {
        let consents = account.installed.filter { $0.update?.needsConsent ?? false }
        let calls = account.usage.filter { $0.metric == "calls" }
        let values = values(
            path: "index.html", title: account.name, area: "Your account", asOf: account.asOf,
            [
                "tenant": .text(account.tenant), "name": .text(account.name), "period": .text(account.period),
                "costSoFar": .text(account.costSoFar), "forecast": .optional(account.forecast),
                "installedCount": .text(Words.count(account.installed.count, "plugin")),
                "hasConsents": .flag(!consents.isEmpty), "consents": consents.asList(consent),
                "hasInstalled": .flag(!account.installed.isEmpty),
                "installed": account.installed.sorted { $0.id < $1.id }.asList(installed),
                "hasUsage": .flag(!account.usage.isEmpty),
                "chart": .markup(
                    Charts.days(Self.sums(calls.map { ($0.day, $0.quantity) }), label: "Calls a day")),
                "usage": account.usage.prefix(1_000).asList {
                    [
                        "day": .text($0.day), "plugin": .text($0.plugin),
                        "metric": .text(Words.metric($0.metric)),
                        "quantity": .text(Words.count($0.quantity)),
                    ]
                },
                "hasCost": .flag(!account.costLines.isEmpty),
                "costLines": account.costLines.asList {
                    ["label": .text($0.label), "amount": .text($0.amount)]
                },
                "hasDocuments": .flag(!account.invoices.isEmpty),
                "documents": account.invoices.asList(document),
                "hasOffers": .flag(!account.offers.isEmpty), "offers": account.offers.asList(offer),
                "hasTokens": .flag(!account.tokens.isEmpty),
                "notice": .optional(account.notice),
                "releaseAge": .number(account.policy.minimumReleaseAgeHours),
                "policies": Self.choices(
                    [
                        ("automatic", "by themselves, where nothing grows"),
                        ("security-only", "only where they close a security hole"),
                        ("manual", "never without me"),
                    ], chosen: account.policy.updates),
                "channels": Self.choices(
                    [("stable", "stable"), ("beta", "beta: tried earlier, breaks more often")],
                    chosen: account.policy.channel),
                "tokens": account.tokens.asList {
                    [
                        "id": .text($0.id), "label": .text($0.label), "created": .text($0.created),
                        "lastUsed": .optional($0.lastUsed),
                    ]
                },
            ])
        return [
            SiteFile("index.html", try templates.render("account", values)),
            SiteFile("usage.csv", text: Self.csv(account.usage)),
        ]
    }

    private static func choices(_ all: [(String, String)], chosen: String) -> TemplateValue {
        all.asList { id, words in
            ["value": .text(id), "words": .text(words), "isChosen": .flag(id == chosen)]
        }
    }

    private func consent(_ plugin: InstalledPlugin) -> TemplateValue {
        let rows = plugin.update?.changes ?? []
        let same = rows.filter { $0.change == .same }.count
        return [
            "id": .text(plugin.id), "title": .text(plugin.title), "from": .text(plugin.version),
            "version": .text(plugin.update?.version ?? ""),
            "versionLink": .text(Self.page(of: plugin.id) + (plugin.update?.version ?? "") + "/"),
            "note": .optional(plugin.update?.note), "priceChange": .optional(plugin.update?.priceChange),
            "hasChanges": .flag(rows.contains { $0.change != .same }),
            "changes": rows.filter { $0.change != .same }.asList(Parts.permission),
            "same": .optional(same == 0 ? nil : Words.count(same, "permission")),
            "asked": rows.filter { $0.change != .removed }.asList {
                ["json": .text(Self.permissionJSON($0))]
            },
        ]
    }

    private func installed(_ plugin: InstalledPlugin) -> TemplateValue {
        [
            "id": .text(plugin.id), "anchor": .text(Self.anchor(plugin.id)),
            "link": .text(Self.page(of: plugin.id)),
            "title": .text(plugin.title), "version": .text(plugin.version), "status": .text(plugin.status),
            "statusReason": .optional(plugin.statusReason), "plan": .text(plugin.plan),
            "since": .text(plugin.since),
            "backEnd": .text(plugin.backEnd), "cost": .optional(plugin.costSoFar),
            "hasQuotas": .flag(!plugin.quotas.isEmpty),
            "quotas": plugin.quotas.asList { quota in
                [
                    "words": .text(Self.words(of: quota)),
                    "bar": quota.included.map {
                        .list([["svg": .markup(Charts.quota(used: quota.used, included: $0))]])
                    } ?? .list([]),
                ]
            },
            "update": plugin.update.map {
                .list([
                    [
                        "version": .text($0.version), "needsConsent": .flag($0.needsConsent),
                        "note": .optional($0.note),
                    ]
                ])
            } ?? .list([]),
            "hasPermissions": .flag(!plugin.permissions.isEmpty),
            "permissions": plugin.permissions.asList(Parts.permission),
            "plans": plugin.plans.asList { plan in
                guard case .record(var values) = Parts.plan(plan, plugin.currency) else { return [:] }
                values["isChosen"] = .flag(plan.id == plugin.plan)
                return .record(values)
            },
            "currency": .text(plugin.currency), "spendCap": .text(plugin.spendCap ?? ""),
            "isUpgrade": .flag(Self.isUpgrade(plugin)),
            "hasActions": .flag(!plugin.actions.isEmpty && plugin.status == "active"),
            "actions": plugin.actions.enumerated().asList { index, action in
                [
                    "name": .text(action.name), "summary": .optional(action.summary),
                    "anchor": .text("\(Self.anchor(plugin.id))-\(index)"), "input": .optional(action.input),
                ]
            },
            "hasSecrets": .flag(!plugin.secrets.isEmpty),
            "secrets": plugin.secrets.enumerated().asList { index, secret in
                Self.secret(secret, "\(Self.anchor(plugin.id))-\(index)")
            },
            "hasConfig": .flag(plugin.config != nil), "config": .text(plugin.config ?? ""),
            "stars": (1...5).asList {
                ["value": .number($0), "isChosen": .flag($0 == (plugin.ownReview?.stars ?? 5))]
            },
            "reviewText": .text(plugin.ownReview?.text ?? ""),
        ]
    }

    private static func secret(_ secret: SecretField, _ anchor: String) -> TemplateValue {
        [
            "name": .text(secret.name), "purpose": .optional(secret.purpose), "isSet": .flag(secret.isSet),
            "anchor": .text(anchor),
        ]
    }

    /// On a plan that costs nothing, with others that do.
    private static func isUpgrade(_ plugin: InstalledPlugin) -> Bool {
        let isFree = plugin.plans.first { $0.id == plugin.plan }.map { Words.isZero($0.amount) } ?? false
        return isFree && plugin.plans.contains { !Words.isZero($0.amount) }
    }

    /// A permission as the API takes it.
    static func permissionJSON(_ row: PermissionRow) -> String {
        var object: [String: JSONValue] = ["operation": .string(row.operation)]
        switch row.operation {
        case "readData", "writeData": object["entity"] = .string(row.target)
        case "triggerWorkflow": object["workflow"] = .string(row.target)
        default: object["host"] = .string(row.target)
        }
        if !row.methods.isEmpty { object["methods"] = .array(row.methods.map(JSONValue.string)) }
        return JSONValue.object(object).serialized()
    }

    private static func words(of quota: QuotaBar) -> String {
        let used = "\(Words.count(quota.used)) \(Words.metric(quota.metric))"
        guard let included = quota.included else { return used }
        let beyond = quota.used > included ? ", \(Words.count(quota.used - included)) beyond" : ""
        return "\(used) of \(Words.count(included)) included\(beyond)"
    }

    private func offer(_ offer: InstallOffer) -> TemplateValue {
        [
            "id": .text(offer.id), "anchor": .text(Self.anchor(offer.id)),
            "link": .text(Self.page(of: offer.id)),
            "title": .text(offer.title), "version": .text(offer.version), "summary": .text(offer.summary),
            "hasPermissions": .flag(!offer.permissions.isEmpty),
            "permissions": offer.permissions.enumerated().asList { index, row in
                guard case .record(var values) = Parts.permission(row) else { return [:] }
                values["anchor"] = .text("\(Self.anchor(offer.id))-\(index)")
                values["json"] = .text(Self.permissionJSON(row))
                return .record(values)
            },
            "plans": offer.plans.asList { Parts.plan($0, offer.currency) },
            "isBoughtOnce": .flag(!offer.plans.isEmpty && offer.plans.allSatisfy { $0.interval == "once" }),
            "hasSecrets": .flag(!offer.secrets.isEmpty),
            "secrets": offer.secrets.enumerated().asList { index, secret in
                Self.secret(secret, "\(Self.anchor(offer.id))-\(index)")
            },
            "hasConfig": .flag(offer.config != nil), "config": .text(offer.config ?? ""),
        ]
    }

    func document(_ row: DocumentRow) -> TemplateValue {
        [
            "number": .text(row.number), "period": .text(row.period), "issued": .text(row.issued),
            "total": .text(row.total), "status": .text(row.status),
            "href": .optional(LinkSafety.scheme(of: row.href.utf8) == nil ? row.href : nil),
        ]
    }

    /// A plugin's id as part of an HTML id.
    private static func anchor(_ id: String) -> String { id.split(separator: ".").joined(separator: "-") }

    static func page(of id: String) -> String {
        let parts = id.split(separator: ".", maxSplits: 1)
        return parts.count == 2 ? "plugins/\(parts[0])/\(parts[1])/" : "browse/"
    }

    /// Quantities summed by day, in order of day.
    static func sums(_ rows: [(day: String, quantity: Int)]) -> [(day: String, value: Int)] {
        var sums: [String: Int] = [:]
        for row in rows { sums[row.day, default: 0] += row.quantity }
        return sums.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// RFC 4180; a field that a spreadsheet could take for a formula is quoted with a leading apostrophe.
    static func csv(_ rows: [UsageRow]) -> String {
        func field(_ text: String) -> String {
            let text = text.first.map { "=+-@\t\r".contains($0) } ?? false ? "'\(text)" : text
            guard text.contains(where: { ",\"\n\r".contains($0) }) else { return text }
            return "\""
                + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
                + "\""
        }
        var out = "day,plugin,metric,quantity\r\n"
        for row in rows {
            out += "\(field(row.day)),\(field(row.plugin)),\(field(row.metric)),\(row.quantity)\r\n"
        }
        return out
    }
}

// MARK: The publisher's pages

extension PrivatePages {
    /// The pages of a publisher, paths relative to `private/publishers/<id>/`.
    public func publisher(_ dashboard: PublisherDashboard) throws(PublishingError) -> [SiteFile] {
        func earned(_ minor: Int) -> TemplateValue { .text(amount(minor, dashboard)) }
        let plugins = dashboard.plugins.sorted { $0.id < $1.id }
        let values = values(
            path: "index.html", title: dashboard.name, area: "Your plugins", asOf: dashboard.asOf,
            [
                "publisher": .text(dashboard.publisher), "name": .text(dashboard.name),
                "period": .text(dashboard.period),
                "installs": .text(Words.count(plugins.reduce(0) { $0 + $1.installs })),
                "calls": .text(Words.count(plugins.reduce(0) { $0 + $1.calls })),
                "errors": .text(Words.count(plugins.reduce(0) { $0 + $1.errors })),
                "earned": earned(plugins.reduce(0) { $0 + $1.earnedMinor }),
                "otherEarned": .optional(dashboard.otherEarned.joined(separator: ", ")),
                "notice": .optional(dashboard.notice),
                "hasPlugins": .flag(!plugins.isEmpty),
                "plugins": plugins.asList { plugin in
                    [
                        "id": .text(plugin.id), "title": .text(plugin.title),
                        "link": .text(Self.page(of: plugin.id)),
                        "installs": .text(Words.count(plugin.installs)),
                        "calls": .text(Words.count(plugin.calls)),
                        "errors": .text(Words.count(plugin.errors)), "earned": earned(plugin.earnedMinor),
                        "versions": plugin.versions.enumerated().asList { index, version in
                            [
                                "version": .text(version.version), "status": .text(version.status.rawValue),
                                "channel": .text(version.channel),
                                "installs": .text(Words.count(version.installs)),
                                "calls": .text(Words.count(version.calls)),
                                "errors": .text(Words.count(version.errors)),
                                "earned": earned(version.earnedMinor),
                                "isYanked": .flag(version.status == .yanked),
                                "isListed": .flag(version.status == .listed || version.status == .deprecated),
                                "anchor": .text("\(Self.anchor(plugin.id))-\(index)"),
                            ]
                        },
                    ]
                },
                "hasDays": .flag(!dashboard.days.isEmpty),
                "chart": .markup(
                    Charts.days(Self.sums(dashboard.days.map { ($0.day, $0.calls) }), label: "Calls a day")),
                "days": dashboard.days.asList {
                    [
                        "day": .text($0.day), "plugin": .text($0.plugin),
                        "calls": .text(Words.count($0.calls)),
                        "errors": .text(Words.count($0.errors)), "earned": earned($0.earnedMinor),
                    ]
                },
                "hasSubmissions": .flag(!dashboard.submissions.isEmpty),
                "submissions": dashboard.submissions.asList { row in
                    [
                        "submission": .text(row.submission), "plugin": .text(row.plugin),
                        "version": .text(row.version),
                        "state": .text(row.state), "submitted": .text(Words.minute(row.submittedAt)),
                        "verdict": .optional(row.verdict?.rawValue), "next": .optional(row.next),
                        "hasFindings": .flag(!row.findings.isEmpty),
                        "findings": Parts.sorted(row.findings).asList {
                            Parts.finding($0, isRuleListed: false)
                        },
                    ]
                },
                "hasDocuments": .flag(!dashboard.payouts.isEmpty),
                "documents": dashboard.payouts.asList(document),
            ])
        return [SiteFile("index.html", try templates.render("dashboard", values))]
    }

    private func amount(_ minor: Int, _ dashboard: PublisherDashboard) -> String {
        var unit = 1
        for _ in 0..<dashboard.exponent { unit *= 10 }
        let sign = minor < 0 ? "-" : ""
        let (whole, rest) = (Int(minor.magnitude) / unit, Int(minor.magnitude) % unit)
        guard dashboard.exponent > 0 else { return "\(sign)\(Words.count(whole)) \(dashboard.currency)" }
        let digits = String(rest)
        let zeros = String(repeating: "0", count: dashboard.exponent - digits.count)
        return "\(sign)\(Words.count(whole)).\(zeros)\(digits) \(dashboard.currency)"
    }
}
