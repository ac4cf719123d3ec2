internal import Marketplace
internal import Metering
internal import Provenance

/// How an invoice's line came to be: its price, its tiers, and the usage lines whose sum it is.
extension BillingNight {
    /// `VF-000001` explains every line, `VF-000001/2` the second one. At most `usageLines` lines of usage are listed
    /// for each line of the invoice; their number and sum are always told.
    public func explain(_ reference: String, usageLines most: Int = 50) throws(BillingError) -> String {
        let parts = reference.split(separator: "/", omittingEmptySubsequences: false)
        let invoice = try issued(String(parts.first ?? ""))
        var lines = invoice.lines
        if parts.count == 2 {
            guard let number = Int(parts[1]), let line = lines.first(where: { $0.number == number }) else {
                throw BillingError(
                    .notFound, reference, "the invoice has no such line; it has 1 to \(lines.count)")
            }
            lines = [line]
        } else if parts.count > 2 {
            throw BillingError(.notFound, reference, "is no invoice and no line")
        }
        var out = "\(invoice.number)  \(invoice.customer.name) (\(invoice.tenant.text))  \(invoice.period)\n"
        for line in lines { out += try explain(line, of: invoice, most) }
        if parts.count == 1 {
            for tax in invoice.taxes {
                out += "\ntax \(tax.category) \(tax.rate) % of \(tax.taxable) = \(tax.tax)\n"
            }
            out += "\nnet \(invoice.net) + tax \(invoice.tax) = total \(invoice.total)\n"
            for share in invoice.shares {
                out +=
                    "of the net, \(share.developer) to \(share.publisher.text), \(share.platform) to the platform\n"
            }
        }
        return out
    }

    /// An issued invoice, from the books.
    public func issued(_ number: String) throws(BillingError) -> Invoice {
        guard let issued = try ledger.read({ try $0.invoices(number: number).first }),
            issued.kind == "invoice"
        else {
            throw BillingError(.notFound, number, "no invoice has this number")
        }
        return try Invoice(json: issued.document, subject: number)
    }

    private func explain(_ line: InvoiceLine, of invoice: Invoice, _ most: Int) throws(BillingError) -> String
    {
        var out = "\n\(invoice.number)/\(line.number)  \(line.description)\n"
        out += "  price \(line.price.hex)  (billing/prices/), version \(line.version)\n"
        if let days = line.days, let whole = line.periodDays, line.kind == .base {
            out += "  \(days) of \(whole) days, \(line.from) to \(line.to.adding(days: -1))\n"
        }
        if line.metric != nil {
            out += "  used \(line.quantity), included \(line.included), charged \(line.charged)\n"
        }
        if let unit = line.unitAmount {
            out +=
                "  at \(unit) \(invoice.currency)" + (line.packageSize.map { " for each begun \($0)" } ?? "")
                + "\n"
        }
        for tier in line.tiers {
            let end = tier.upTo.map { "up to \($0)" } ?? "beyond"
            out += "  tier \(end): \(tier.quantity) × \(tier.unitAmount)"
            out += (tier.flatAmount.map { " + \($0.amount)" } ?? "") + " → \(tier.amount)\n"
        }
        out += "  amount \(line.amount) − discount \(line.discount.amount) = net \(line.net)"
        out +=
            ", tax \(line.taxCategory) \(line.taxRate) %, developer's share \(line.shareBasisPoints)/10000\n"
        if line.metric != nil { out += try usage(of: line, invoice, most) }
        return out
    }

    private func usage(of line: InvoiceLine, _ invoice: Invoice, _ most: Int) throws(BillingError) -> String {
        let found = try tracedLines(of: line, invoice)
        let sum = found.reduce(Int64(0)) { $0 + $1.quantity }
        guard sum == line.quantity else {
            throw BillingError(
                .conservation, "\(invoice.number)/\(line.number)",
                "the usage lines add up to \(sum), not \(line.quantity)")
        }
        var out = "  \(found.count) usage lines add up to \(sum):\n"
        let prefix = paths.data + "/"
        for entry in found.prefix(most) {
            let file = entry.file.hasPrefix(prefix) ? String(entry.file.dropFirst(prefix.count)) : entry.file
            out += "    \(file):\(entry.offset)  \(entry.time)  \(entry.id)  \(entry.quantity)\n"
        }
        if found.count > most { out += "    … and \(found.count - most) more\n" }
        return out
    }

    private func tracedLines(of line: InvoiceLine, _ invoice: Invoice) throws(BillingError) -> [UsageTrace
        .Line]
    {
        let period = invoice.period
        let sources = try closedSources(period)
        let quarantine = try BillingJSON.decode(
            [QuarantinedLine].self, from: try read(paths.file(period, "quarantine.json")),
            subject: "quarantine")
        let places = Set(
            quarantine.map { QuarantinedLine.Place(file: "\(paths.data)/\($0.file)", offset: $0.offset) })
        let trace = UsageTrace(
            tenant: invoice.tenant.text, plugin: line.plugin.text, plan: line.plan, metric: line.metric!)
        let found = try BillingError.storing { () throws(MeteringError) in
            try trace.lines(in: sources, until: period.endDay.start, quarantined: places, disk: disk)
        }
        // The same plan may have had two prices in the period: each line has the days of its own.
        let events = try MeterLines.subscriptions(
            try read(paths.file(period, "subscriptions.jsonl")), subject: "subscriptions of \(period)")
        let own = events.filter { $0.tenant == invoice.tenant && $0.plugin == line.plugin }
        guard let subscription = Subscription.all(own, end: period.endDay.start).first else { return [] }
        var book = prices
        try book.thaw(from: paths.prices, disk)
        let plan = book.prices[line.price]?.plan(line.plan)
        let trialEnd = subscription.firstInstalled.day.adding(days: plan?.trialDays ?? 0)
        let most = plan?.charges?.first { $0.scheme == .percentage }?.reportedMax
            .flatMap { Money($0, invoice.currency)?.minor }
        return found.filter {
            subscription.terms(plan: line.plan, on: $0.time.day)?.price == line.price
                && $0.time.day >= trialEnd
        }.map { entry in
            // One report counts for no more than the manifest allows.
            guard line.metric!.hasPrefix("amount."), let most, entry.quantity > most else { return entry }
            var capped = entry
            capped.quantity = most
            return capped
        }
    }

    /// The segments of a closed period, with what of each an earlier period had billed.
    func closedSources(_ period: BillingPeriod) throws(BillingError) -> [RollUp.Source] {
        var billed: [String: BillingPeriod] = [:]
        var earlier: [PeriodInputs.Segment] = []
        for closing in try ledger.read({ try $0.closings() }) where closing.period < period {
            for segment in try inputs(closing.period).segments {
                billed["\(segment.node)-\(segment.sequence)"] = closing.period
                earlier.append(segment)
            }
        }
        let own = try inputs(period)
        let keys = Set(own.segments.map { "\($0.node)-\($0.sequence)" })
        var sources: [RollUp.Source] = []
        for segment in own.segments {
            let before = billed["\(segment.node)-\(segment.sequence)"]
            sources.append(.init(place(segment), billedBefore: before?.endDay.start))
        }
        if own.account.late > 0 {
            for segment in Set(earlier) where !keys.contains("\(segment.node)-\(segment.sequence)") {
                let before = billed["\(segment.node)-\(segment.sequence)"]!
                sources.append(.init(place(segment), role: .known, billedBefore: before.endDay.start))
            }
        }
        return sources
    }

    func inputs(_ period: BillingPeriod) throws(BillingError) -> PeriodInputs {
        try BillingJSON.decode(
            PeriodInputs.self, from: try read(paths.file(period, "inputs.json")),
            subject: "inputs of \(period)")
    }

    /// Where a segment lies now: it may have been compressed since.
    private func place(_ segment: PeriodInputs.Segment) -> String {
        let path = "\(paths.data)/\(segment.path)"
        return disk.exists(path) || path.hasSuffix(".zst") ? path : path + ".zst"
    }
}
