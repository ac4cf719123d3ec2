internal import Marketplace
internal import Metering

/// Something that somebody has to look at.
struct Alarm: Hashable, Codable {
    var code: String
    var subject: String
    var text: String
}

/// A period's drafts: what the night rates, the preview shows, and the invoice stage numbers.
struct RatedPeriod: Codable {
    var schema = 1
    var period: BillingPeriod
    /// False while the period runs: a preview.
    var isDue: Bool
    /// They stand in `drafts.jsonl`, one a line.
    var drafts: [Invoice] = []
    var alarms: [Alarm]
    /// Tenants whose invoices wait, each with why.
    var held: [String: String]
    /// How many lines `drafts.jsonl` has.
    var draftCount = 0

    enum CodingKeys: String, CodingKey { case schema, period, isDue, alarms, held, draftCount }
}

/// Subscriptions, prices and usage of one period to drafts of invoices, one for each (tenant, currency).
struct Drafter {
    let period: BillingPeriod
    let config: BillingConfig
    let prices: [Digest: Pricing]
    let usage: UsageTable
    let amounts: [AmountEvent]
    var alarms: [Alarm] = []
    var held: [String: String]
    /// The amounts that plugins reported, by whose they are.
    private var reported: [UsageTable.Pair: [AmountEvent]] = [:]
    /// Of the usage's pairs those that a subscription was found for.
    private var usedPairs = 0

    init(
        period: BillingPeriod, config: BillingConfig, prices: [Digest: Pricing], usage: UsageTable,
        amounts: [AmountEvent], held: [String: String]
    ) {
        self.period = period
        self.config = config
        self.prices = prices
        self.usage = usage
        self.amounts = amounts
        self.held = held
    }

    /// The lines of one tenant in one currency, while they are being collected.
    struct Sheet {
        var customer: Customer
        var lines: [InvoiceLine] = []
    }

    struct SheetKey: Hashable, Comparable {
        var tenant: TenantID
        var currency: Currency
        static func < (a: SheetKey, b: SheetKey) -> Bool { (a.tenant, a.currency) < (b.tenant, b.currency) }
    }

    /// The invoices by tenant and currency. Tenants have nothing to do with each other: both cores draft.
    mutating func draft(_ subscriptions: [Subscription]) throws(BillingError) -> [Invoice] {
        reported = Dictionary(grouping: amounts) { .init(tenant: $0.tenant.text, plugin: $0.plugin.text) }
        let subscriptions = subscriptions.sorted { ($0.tenant, $0.plugin) < ($1.tenant, $1.plugin) }
        var blank = self
        (blank.alarms, blank.held) = ([], [:])
        let parts = try inParallel(Drafter.parts(of: subscriptions)) {
            [blank] (range) throws(BillingError) -> (drafter: Drafter, invoices: [Invoice]) in
            var own = blank
            let invoices = try own.draft(part: subscriptions[range])
            return (own, invoices)
        }
        for part in parts {
            alarms += part.drafter.alarms
            held.merge(part.drafter.held) { $1 }
        }
        if parts.reduce(0, { $0 + $1.drafter.usedPairs }) < usage.series.count {
            alarms += usageWithoutSubscription(subscriptions)
        }
        alarms = Array(Set(alarms)).sorted { ($0.code, $0.subject, $0.text) < ($1.code, $1.subject, $1.text) }
        return parts.flatMap(\.invoices)
    }

    private func usageWithoutSubscription(_ subscriptions: [Subscription]) -> [Alarm] {
        let known = Set(subscriptions.map(UsageTable.Pair.init))
        return usage.series.filter { !known.contains($0.key) }.flatMap { pair, series in
            series.map { own in
                Alarm(
                    code: "usage-without-subscription", subject: "\(pair.tenant) \(pair.plugin)",
                    text: "usage of plan `\(own.plan)` (\(own.metric)) has no subscription and is not billed")
            }
        }
    }

    /// Stretches of a sorted list that no tenant crosses.
    private static func parts(of subscriptions: [Subscription], size: Int = 2_048) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var start = 0
        while start < subscriptions.count {
            var end = min(start + size, subscriptions.count)
            while end < subscriptions.count, subscriptions[end].tenant == subscriptions[end - 1].tenant {
                end += 1
            }
            parts.append(start..<end)
            start = end
        }
        return parts
    }

    private mutating func draft(part: ArraySlice<Subscription>) throws(BillingError) -> [Invoice] {
        var sheets: [SheetKey: Sheet] = [:]
        var last: UsageTable.Pair?
        for subscription in part {
            let pair = UsageTable.Pair(subscription)
            if pair != last, usage.series[pair] != nil { usedPairs += 1 }
            last = pair
            for (currency, lines) in try lines(of: subscription) {
                let key = SheetKey(tenant: subscription.tenant, currency: currency)
                sheets[key, default: Sheet(customer: subscription.customer)].lines += lines
            }
        }
        var invoices: [Invoice] = []
        for key in sheets.keys.sorted() {
            if let invoice = try invoice(key, sheets[key]!) { invoices.append(invoice) }
        }
        return invoices
    }

    // MARK: One subscription

    /// A plan at a price, with what of the period it was in force.
    struct Terms: Hashable, Comparable {
        var plan: String
        var price: Digest
        static func < (a: Terms, b: Terms) -> Bool { (a.plan, a.price) < (b.plan, b.price) }
    }

    private mutating func lines(of subscription: Subscription) throws(BillingError) -> [(
        Currency, [InvoiceLine]
    )] {
        var byCurrency: [Currency: [InvoiceLine]] = [:]
        let touching = subscription.segments.filter {
            $0.from < period.endDay.start && $0.to > period.firstDay.start
        }
        var termsInForce: [Terms] = []
        for segment in touching {
            let terms = Terms(plan: segment.plan, price: segment.price)
            if !termsInForce.contains(terms) { termsInForce.append(terms) }
        }
        let used = usageByTerms(subscription)
        for terms in used.keys.sorted() where !termsInForce.contains(terms) { termsInForce.append(terms) }
        for terms in termsInForce {
            guard let pricing = prices[terms.price], let plan = pricing.plan(terms.plan) else {
                hold(
                    subscription.tenant,
                    "the price \(terms.price.hex.prefix(12)) or its plan `\(terms.plan)` is not known")
                continue
            }
            let maker = LineMaker(
                period: period, config: config, subscription: subscription, terms: terms, pricing: pricing,
                plan: plan,
                segments: touching.filter { $0.plan == terms.plan && $0.price == terms.price })
            var lines = try maker.baseLines()
            let reported = (reported[UsageTable.Pair(subscription)] ?? []).filter { event in
                event.plan == terms.plan
                    && subscription.terms(plan: event.plan, on: event.time.day)?.price == terms.price
            }
            lines += try maker.usageLines(used[terms] ?? [:], reported, &alarms)
            byCurrency[pricing.currency, default: []] += lines
        }
        for currency in byCurrency.keys {
            let sum = byCurrency[currency]!.map(\.amount).reduce(.zero(currency), +)
            guard let cap = subscription.cap(at: period.endDay.start), cap.currency == currency,
                let last = byCurrency[currency]!.last
            else { continue }
            alarms += alerts(subscription, sum, cap)
            if sum.minor <= cap.minor { continue }
            byCurrency[currency]!.append(LineMaker.spendCapLine(like: last, period, cap - sum, cap))
            alarms.append(
                Alarm(
                    code: "spend-cap", subject: "\(subscription.tenant.text) \(subscription.plugin.text)",
                    text: "charges of \(sum) were held to the tenant's limit of \(cap)"))
        }
        return byCurrency.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// The tenant is told at each of the configured parts of its own limit.
    private func alerts(_ subscription: Subscription, _ sum: Money, _ cap: Money) -> [Alarm] {
        config.capAlertPercents.filter {
            cap.minor > 0 && Int128(sum.minor) * 100 >= Int128(cap.minor) * Int128($0)
        }.map { percent in
            Alarm(
                code: "spend-alert-\(percent)",
                subject: "\(subscription.tenant.text) \(subscription.plugin.text)",
                text: "charges have reached \(percent) % of the tenant's limit of \(cap)")
        }
    }

    /// A metric's days and quantities under one set of terms.
    typealias Used = [String: [(day: Day, quantity: Int64)]]

    private mutating func usageByTerms(_ subscription: Subscription) -> [Terms: Used] {
        var result: [Terms: Used] = [:]
        let (tenant, plugin) = (subscription.tenant.text, subscription.plugin.text)
        for own in usage.series[.init(subscription)] ?? [] {
            // Mostly there is one set of terms, for every day the same.
            if subscription.segments.count == 1, let only = subscription.segments.first, only.plan == own.plan
            {
                result[Terms(plan: only.plan, price: only.price), default: [:]][own.metric, default: []] +=
                    own.days
                continue
            }
            for entry in own.days {
                guard let segment = subscription.terms(plan: own.plan, on: entry.day) else {
                    alarms.append(
                        Alarm(
                            code: "usage-without-subscription", subject: "\(tenant) \(plugin)",
                            text:
                                "usage of plan `\(own.plan)` (\(own.metric)) was never agreed to and is not billed"
                        ))
                    continue
                }
                let terms = Terms(plan: segment.plan, price: segment.price)
                result[terms, default: [:]][own.metric, default: []].append(entry)
            }
        }
        return result
    }

    private mutating func hold(_ tenant: TenantID, _ why: String) {
        held[tenant.text] = why
        alarms.append(Alarm(code: "held", subject: tenant.text, text: why))
    }

    // MARK: One invoice

    private mutating func invoice(_ key: SheetKey, _ sheet: Sheet) throws(BillingError) -> Invoice? {
        let currency = key.currency
        let zero = Money.zero(currency)
        var lines = sheet.lines
        guard lines.contains(where: { !$0.amount.isZero }) else { return nil }
        let lastDay = period.endDay.adding(days: -1)
        guard
            let rate = config.tax(
                country: sheet.customer.country, hasVATID: sheet.customer.vatID != nil, on: lastDay)
        else {
            hold(key.tenant, "the tax table has no row for country `\(sheet.customer.country)`")
            return nil
        }
        let ratio = Exact.ratio(percent: rate.rate)!
        var discounts: [InvoiceDiscount] = []
        for coupon in config.coupons where coupon.tenant == key.tenant {
            guard coupon.from <= lastDay, coupon.until.map({ $0 > period.firstDay }) ?? true else { continue }
            if let discount = try apply(coupon, to: &lines, currency) { discounts.append(discount) }
        }
        for index in lines.indices {
            lines[index].number = index + 1
            lines[index].net = lines[index].amount - lines[index].discount
            lines[index].taxCategory = rate.category
            lines[index].taxRate = rate.rate
            lines[index].shareBasisPoints = config.shareBasisPoints(
                plugin: lines[index].plugin, version: lines[index].version, on: lastDay)
        }
        let taxes = try Tax.byCategory(lines.map { ($0.net, $0.taxCategory, ratio) }, currency)
        let net = lines.map(\.net).reduce(zero, +)
        let tax = taxes.map(\.tax).reduce(zero, +)
        let invoice = Invoice(
            schema: 1, number: "", tenant: key.tenant, period: period, issued: lastDay, due: lastDay,
            currency: currency,
            seller: .init(
                name: config.issuer.name, address: config.issuer.address, country: config.issuer.country,
                vatID: config.issuer.vatID),
            customer: .init(
                name: sheet.customer.name, address: nil, country: sheet.customer.country,
                vatID: sheet.customer.vatID),
            lines: lines, discounts: discounts,
            taxes: taxes.map {
                InvoiceTax(category: $0.category, rate: rate.rate, taxable: $0.taxable, tax: $0.tax)
            },
            shares: try shares(of: lines, currency), net: net, tax: tax, total: net + tax, previous: nil,
            paymentReference: "", iban: config.issuer.iban, bic: config.issuer.bic)
        if let violation = invoice.firstViolation() {
            throw BillingError(.conservation, "\(key.tenant.text) \(period)", violation)
        }
        return invoice
    }

    private func apply(
        _ coupon: BillingConfig.Coupon, to lines: inout [InvoiceLine], _ currency: Currency
    ) throws(BillingError) -> InvoiceDiscount? {
        let covered = lines.indices.filter { coupon.plugin == nil || lines[$0].plugin == coupon.plugin }
        let open = covered.map { lines[$0].amount - lines[$0].discount }
        let base = open.reduce(.zero(currency), +)
        guard base.minor > 0 else { return nil }
        var off: Money
        if let percent = coupon.percent {
            off = try Tax.amount(on: base, ratio: Exact.ratio(percent: percent)!)
        } else {
            guard let amount = coupon.amount, amount.currency == currency else { return nil }
            off = amount
        }
        if off.minor > base.minor { off = base }
        if off.isZero { return nil }
        let parts = try Allocation.largestRemainder(off.minor, weights: open.map { Int128(max(0, $0.minor)) })
        for (index, part) in zip(covered, parts) { lines[index].discount += Money(minor: part, currency) }
        return InvoiceDiscount(coupon: coupon.id, amount: off)
    }

    /// The developer's part in one rounding for each (invoice, publisher), whatever shares its plugins have.
    private func shares(of lines: [InvoiceLine], _ currency: Currency) throws(BillingError) -> [InvoiceShare]
    {
        var result: [InvoiceShare] = []
        let byPublisher = Dictionary(grouping: lines, by: \.plugin.publisher)
        for publisher in byPublisher.keys.sorted() {
            let own = byPublisher[publisher]!
            let nets = own.map(\.net).reduce(.zero(currency), +)
            let developer = Money(minor: RevenueShare.developer(own), currency)
            result.append(
                InvoiceShare(
                    publisher: publisher, nets: nets, developer: developer, platform: nets - developer))
        }
        return result
    }
}

extension RevenueShare {
    /// round(Σ net × share) of one publisher's lines.
    static func developer(_ lines: [InvoiceLine]) -> Int64 {
        let weighted = lines.reduce(Int128(0)) { $0 + Int128($1.net.minor) * Int128($1.shareBasisPoints) }
        return Int64(Rounding.halfAwayFromZero(weighted, over: Int128(wholeBasisPoints)))
    }
}
