internal import Marketplace
internal import Metering
internal import Mustache

/// What finance reads, in `billing/finance/`: each page with the CSV behind it.
struct FinancePage {
    var file: String
    var title: String
    var text: String
    var columns: [String]
    var rows: [[String]]

    /// Columns whose cells are figures.
    static let figures: Set<String> = [
        "net", "developer", "platform", "tax", "credited", "total", "open", "notDue", "days1to30",
        "days31to60",
        "days61to90", "over90", "charged", "platformPercent",
    ]

    static let index: [(file: String, title: String)] = [
        ("receivables", "Aged receivables"), ("revenue-by-plugin", "Revenue by plugin"),
        ("revenue-by-publisher", "Revenue by publisher"), ("platform-share", "Platform share"),
    ]

    var csv: [UInt8] {
        var out: [UInt8] = []
        CSV.append(&out, columns)
        for row in rows { CSV.append(&out, row) }
        return out
    }

    func page(_ template: String, asOf: Day) throws(BillingError) -> [UInt8] {
        let isNumber = columns.map { Self.figures.contains($0) }
        let model: [String: Any] = [
            "file": file, "title": title, "text": text, "asOf": asOf.description,
            "pages": Self.index.map { ["file": $0.file, "title": $0.title] },
            "columns": zip(columns, isNumber).map { ["name": $0, "isNumber": $1] as [String: Any] },
            "rows": rows.map { row in
                ["cells": zip(row, isNumber).map { ["value": $0, "isNumber": $1] as [String: Any] }]
            },
        ]
        do {
            return Array(try MustacheTemplate(string: template).render(model).utf8)
        } catch {
            throw BillingError(.configuration, file, "the template cannot be read: \(error)")
        }
    }
}

extension BillingNight {
    /// A month's revenue of one plugin in one currency, as `revenue.csv` has it.
    struct Revenue {
        var month: BillingPeriod
        var plugin: PluginID
        var net: Money
        var developer: Money
        var platform: Money
        var tax: Money
        /// What credit notes of the month took back of the nets, the developers' and the platform's parts.
        var credited: Money
        var creditedDeveloper: Money
        var creditedTax: Money
    }

    func writeFinance() throws(BillingError) {
        let revenues = try allRevenue()
        let pages = [
            try receivablesPage(), byPlugin(revenues), byPublisher(revenues), platformShare(revenues),
        ]
        for page in pages {
            try write("\(paths.billing)/finance/\(page.file).csv", page.csv)
            try write(
                "\(paths.billing)/finance/\(page.file).html", try page.page(templates.finance, asOf: asOf.day)
            )
        }
    }

    /// Open invoices by tenant and age.
    private func receivablesPage() throws(BillingError) -> FinancePage {
        struct Key: Hashable {
            var tenant: TenantID
            var currency: Currency
        }
        let heads = try ledger.read { try $0.heads() }
        let open = try ledger.read { try $0.openInvoices() }
        var ages: [Key: [Int64]] = [:]
        for head in heads {
            guard let minor = open[head.number], minor != 0 else { continue }
            let overdue = asOf.day.number - head.due.number
            let bucket = overdue <= 0 ? 0 : overdue <= 30 ? 1 : overdue <= 60 ? 2 : overdue <= 90 ? 3 : 4
            ages[Key(tenant: head.tenant, currency: head.currency), default: [0, 0, 0, 0, 0]][bucket] += minor
        }
        let rows = ages.keys.sorted { ($0.tenant, $0.currency) < ($1.tenant, $1.currency) }.map { key in
            [key.tenant.text, key.currency.code]
                + ages[key]!.map { Money(minor: $0, key.currency).amount }
                + [Money(minor: ages[key]!.reduce(0, +), key.currency).amount]
        }
        return FinancePage(
            file: "receivables", title: "Aged receivables",
            text: "Open invoices by customer and days overdue.",
            columns: [
                "tenant", "currency", "notDue", "days1to30", "days31to60", "days61to90", "over90", "open",
            ], rows: rows)
    }

    private func byPlugin(_ revenues: [Revenue]) -> FinancePage {
        FinancePage(
            file: "revenue-by-plugin", title: "Revenue by plugin",
            text: "Net amounts of each closed month, whose they are, and what credit notes took back.",
            columns: ["month", "plugin", "currency", "net", "developer", "platform", "credited"],
            rows: revenues.map { own in
                [
                    own.month.description, own.plugin.text, own.net.currency.code, own.net.amount,
                    own.developer.amount, own.platform.amount, own.credited.amount,
                ]
            })
    }

    private struct Group: Hashable, Comparable {
        var month: BillingPeriod
        var name: String
        var currency: Currency
        static func < (a: Group, b: Group) -> Bool {
            (a.month, a.name, a.currency) < (b.month, b.name, b.currency)
        }
    }

    private func grouped(_ revenues: [Revenue], by name: (Revenue) -> String) -> [(Group, [Revenue])] {
        Dictionary(grouping: revenues) {
            Group(month: $0.month, name: name($0), currency: $0.net.currency)
        }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private func byPublisher(_ revenues: [Revenue]) -> FinancePage {
        FinancePage(
            file: "revenue-by-publisher", title: "Revenue by publisher",
            text: "The same by whose plugins they are.",
            columns: ["month", "publisher", "currency", "net", "developer", "platform", "credited"],
            rows: grouped(revenues) { $0.plugin.publisher.text }.map { group, own in
                let zero = Money.zero(group.currency)
                return [
                    group.month.description, group.name, group.currency.code,
                    own.map(\.net).reduce(zero, +).amount, own.map(\.developer).reduce(zero, +).amount,
                    own.map(\.platform).reduce(zero, +).amount, own.map(\.credited).reduce(zero, +).amount,
                ]
            })
    }

    /// What stays with the platform, after what was taken back.
    private func platformShare(_ revenues: [Revenue]) -> FinancePage {
        FinancePage(
            file: "platform-share", title: "Platform share",
            text: "What customers were charged less what was credited, and the platform's part of the net.",
            columns: ["month", "currency", "charged", "developer", "platform", "tax", "platformPercent"],
            rows: grouped(revenues) { _ in "" }.map { group, own in
                let zero = Money.zero(group.currency)
                let net = own.map { $0.net - $0.credited }.reduce(zero, +)
                let developer = own.map { $0.developer - $0.creditedDeveloper }.reduce(zero, +)
                let tax = own.map { $0.tax - $0.creditedTax }.reduce(zero, +)
                let platform = net - developer
                // A month of credit notes alone has no share to speak of.
                let percent =
                    net.minor <= 0
                    ? ""
                    : DecimalText.format(
                        Rounding.halfAwayFromZero(Int128(platform.minor) * 10_000, over: Int128(net.minor)),
                        decimals: 2)
                return [
                    group.month.description, group.currency.code, (net + tax).amount, developer.amount,
                    platform.amount, tax.amount, percent,
                ]
            })
    }

    // MARK: What it is made of

    /// A closed period's revenue by plugin, from the lines of its conservation proof; credit notes by their month.
    private func allRevenue() throws(BillingError) -> [Revenue] {
        struct Key: Hashable, Comparable {
            var month: BillingPeriod
            var plugin: PluginID
            var currency: Currency
            static func < (a: Key, b: Key) -> Bool {
                (a.month, a.plugin, a.currency) < (b.month, b.plugin, b.currency)
            }
        }
        var sums: [Key: Revenue] = [:]
        func change(_ key: Key, _ body: (inout Revenue) -> Void) {
            let zero = Money.zero(key.currency)
            var own =
                sums[key]
                ?? Revenue(
                    month: key.month, plugin: key.plugin, net: zero, developer: zero, platform: zero,
                    tax: zero,
                    credited: zero, creditedDeveloper: zero, creditedTax: zero)
            body(&own)
            sums[key] = own
        }
        for closing in try ledger.read({ try $0.closings() }) {
            let path = paths.file(closing.period, "revenue.csv")
            guard let bytes = try readIfPresent(path) else { continue }
            for row in try CSVReader.rows(bytes, path).dropFirst() {
                guard row.count == 7, let plugin = PluginID(row[0]), let currency = Currency(row[2]),
                    let net = Money(row[3], currency), let developer = Money(row[4], currency),
                    let platform = Money(row[5], currency), let tax = Money(row[6], currency)
                else { throw BillingError(.storage, path, "a row cannot be read") }
                change(Key(month: closing.period, plugin: plugin, currency: currency)) {
                    $0.net += net
                    $0.developer += developer
                    $0.platform += platform
                    $0.tax += tax
                }
            }
        }
        for issued in try ledger.read({ try $0.invoices(kind: "credit") }) {
            let note = try BillingJSON.decode(CreditNote.self, from: issued.document, subject: issued.number)
            for line in try LineProof.rows(of: note) {
                guard let plugin = PluginID(line.plugin) else { continue }
                change(Key(month: issued.period, plugin: plugin, currency: note.currency)) {
                    $0.credited += line.charged - line.tax
                    $0.creditedDeveloper += line.developer
                    $0.creditedTax += line.tax
                }
            }
        }
        return sums.keys.sorted().map { sums[$0]! }
    }

    /// `revenue.csv` of each closed month, from the proof that `reconcile` wrote of its lines.
    func writeRevenue() throws(BillingError) {
        struct Key: Hashable, Comparable {
            var plugin: String
            var currency: Currency
            static func < (a: Key, b: Key) -> Bool { (a.plugin, a.currency) < (b.plugin, b.currency) }
        }
        for closing in try ledger.read({ try $0.closings() }) {
            let path = paths.file(closing.period, "revenue.csv")
            if closing.held.isEmpty, disk.exists(path) { continue }
            let proof = paths.file(closing.period, "conservation.csv")
            var sums: [Key: [Int64]] = [:]
            for row in try CSVReader.rows(try readIfPresent(proof) ?? [], proof).dropFirst() {
                guard row.count == 8, let currency = Currency(row[3]) else {
                    throw BillingError(.storage, proof, "a row cannot be read")
                }
                let amounts = row[4...].compactMap { Money($0, currency)?.minor }
                guard amounts.count == 4 else { throw BillingError(.storage, proof, "a row cannot be read") }
                let key = Key(plugin: row[2], currency: currency)
                let before = sums[key] ?? [0, 0, 0, 0]
                sums[key] = zip(before, amounts).map { $0 + $1 }
            }
            var out: [UInt8] = []
            CSV.append(&out, ["plugin", "publisher", "currency", "net", "developer", "platform", "tax"])
            for key in sums.keys.sorted() {
                let sum = sums[key]!
                let net = sum[1] + sum[2]
                let publisher = String(key.plugin.split(separator: ".").first ?? "")
                CSV.append(
                    &out,
                    [key.plugin, publisher, key.currency.code]
                        + [net, sum[1], sum[2], sum[3]].map { Money(minor: $0, key.currency).amount })
            }
            try write(path, out)
        }
    }
}
