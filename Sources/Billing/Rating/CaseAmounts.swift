internal import Marketplace

extension BillingCase {
    /// Shares of amounts: with free events or amounts, bounds per transaction, or tiers.
    func ratePercentage() throws(BillingError) -> Outcome {
        switch model {
        case "percentage": return try ratePlainPercentage()
        case "percentage_min_max": return try rateBoundedPercentage()
        default:
            let before = text("previous_units") == nil ? 0 : try micro("previous_units")
            let whole = try percentTiers(try Exact.sum(before, try quantity()))
            guard model.hasSuffix("_incremental"), before > 0 else {
                return Outcome(amount: try present(whole))
            }
            return Outcome(amount: try present(whole - (try percentTiers(before))))
        }
    }

    /// A percentage of a step is a unit price for each unit of money in it.
    private func percentTiers(_ amount: Int128) throws(BillingError) -> ExactAmount {
        var steps: [Rater.Step] = []
        for tier in try list("tiers") {
            let end = BillingCase.decimalText(tier["to"]) ?? BillingCase.decimalText(tier["up_to"])
            let ratio = try BillingCase.ratio(BillingCase.decimalText(tier["rate_percent"]), "rate_percent")
            steps.append(
                Rater.Step(
                    upTo: end == nil ? nil : try BillingCase.micro(end, "to"),
                    unitAmount: UnitPrice(pico: ratio),
                    flat: try BillingCase.exact(
                        BillingCase.decimalText(tier["flat_amount"]) ?? "0", "flat_amount")))
        }
        return try Rater.graduated(amount, steps).amount
    }

    /// The first events are free, up to a count and up to a sum, whichever ends first; the rest pays the
    /// percentage, and each event that is not free its fixed amount.
    private func ratePlainPercentage() throws(BillingError) -> Outcome {
        let amount = try quantity()
        guard amount > 0 else { return Outcome(amount: "0") }
        let ratio = try BillingCase.ratio(text("rate_percent"), "rate_percent")
        let fixed = try optionalExact("fixed_amount_per_event") ?? .zero
        let events = try micro("event_count") / Exact.unit
        var running: [Int128] = []
        for value in try list("running_totals") {
            running.append(try BillingCase.micro(BillingCase.decimalText(value), "running_totals"))
        }
        let freeEvents = text("free_events") == nil ? nil : try micro("free_events") / Exact.unit
        let freeAmount = text("free_amount") == nil ? nil : try micro("free_amount")
        let counted = freeEvents.map { Array(running.prefix(Int(clamping: $0))) } ?? running
        var freeSum: Int128 = 0
        if let freeAmount {
            freeSum = freeEvents == nil ? freeAmount : min(freeAmount, counted.last ?? freeAmount)
        } else if freeEvents != nil {
            freeSum = counted.last ?? 0
        }
        let limit = freeAmount
        let freeCount =
            freeEvents == nil && freeAmount == nil
            ? 0 : counted.filter { total in limit.map { total <= $0 } ?? true }.count
        let charged = max(0, amount - min(freeSum, amount))
        let share = try Rater.percentage(of: charged, ratio: ratio)
        let paying = max(0, events - Int128(freeCount))
        return Outcome(amount: try present(share + (try fixed.scaled(paying, over: 1))))
    }

    private func rateBoundedPercentage() throws(BillingError) -> Outcome {
        let ratio = try BillingCase.ratio(text("rate_percent"), "rate_percent")
        let fixed = try optionalExact("fixed_amount_per_event") ?? .zero
        let least = try optionalExact("per_transaction_min")
        let most = try optionalExact("per_transaction_max")
        var freeEvents = text("free_events") == nil ? 0 : try micro("free_events") / Exact.unit
        let freeAmount = text("free_amount") == nil ? 0 : try micro("free_amount")
        var freeLeft: Int128? = freeAmount == 0 ? nil : freeAmount
        var total = ExactAmount.zero
        for item in try list("event_values") {
            var value = try BillingCase.micro(BillingCase.decimalText(item), "event_values")
            if freeEvents > 0 {
                freeEvents -= 1
                let free = min(value, freeLeft ?? value)
                freeLeft = freeLeft.map { $0 - free }
                value -= free
                if value == 0 { continue }
            }
            let share = try Rater.percentage(of: value, ratio: ratio) + fixed
            total = try total + (try Rater.clamp(share, minimum: least, maximum: most))
        }
        return Outcome(amount: try present(total))
    }

    /// Calendar days over the period's days; a net is rounded before it is taxed.
    func rateProration() throws(BillingError) -> Outcome {
        let currency = try requireCurrency()
        switch model {
        case "proration_change":
            let parts = (text("remaining_fraction") ?? "").split(separator: "/").compactMap { Int128($0) }
            guard parts.count == 2, parts[1] > 0 else {
                throw BillingError(.input, "case", "`remaining_fraction` is no fraction")
            }
            let change = try exact("new_price") - (try exact("old_price"))
            return Outcome(amount: try change.scaled(parts[0], over: parts[1]).rounded(currency).amount)
        case "minimum_true_up_prorated":
            let least = try prorated("minimum", "days_numerator", "days_denominator")
            let due = try least - (try exact("used"))
            return Outcome(
                amount: due.atto <= 0 ? Money.zero(currency).amount : try due.rounded(currency).amount)
        case "proration_credit_note_with_tax":
            let net = try prorated("period_price", "unused_days", "period_days").rounded(currency)
            return try withTax(net, isPartsShown: true)
        default:
            let net = try prorated("period_price", "days_numerator", "days_denominator").rounded(currency)
            if model == "proration_with_tax" { return try withTax(net, isPartsShown: false) }
            return Outcome(amount: net.amount)
        }
    }

    private func prorated(_ price: String, _ part: String, _ whole: String) throws(BillingError)
        -> ExactAmount
    {
        let days = try micro(whole)
        guard days > 0 else { throw BillingError(.input, "case", "`\(whole)` is not positive") }
        return try exact(price).scaled(try micro(part), over: days)
    }

    private func withTax(_ net: Money, isPartsShown: Bool) throws(BillingError) -> Outcome {
        let tax = try Tax.amount(on: net, ratio: BillingCase.ratio(text("tax_percent"), "tax_percent"))
        let parts: JSONValue = ["net": .string(net.amount), "tax": .string(tax.amount)]
        return Outcome(amount: (net + tax).amount, parts: isPartsShown ? parts : nil)
    }

    func rateAllocation() throws(BillingError) -> Outcome {
        let key = model == "allocation" ? "ratios" : "fees"
        var texts: [String] = []
        for item in try list(key) {
            guard let text = BillingCase.decimalText(item) else {
                throw BillingError(.input, "case", "`\(key)` is no list of decimals")
            }
            texts.append(text)
        }
        let decimals =
            texts.map {
                $0.split(separator: ".", omittingEmptySubsequences: false).dropFirst().first?.count ?? 0
            }.max() ?? 0
        var weights: [Int128] = []
        for text in texts {
            guard let weight = DecimalText(text)?.scaled(by: decimals), weight >= 0 else {
                throw BillingError(.input, "case", "`\(key)` has what is no weight: \(text)")
            }
            weights.append(weight)
        }
        let whole = model == "allocation" ? units : text("coupon") ?? ""
        let total: Int64
        if isMinor {
            guard let minor = Int64(whole) else {
                throw BillingError(.input, "case", "`units` is no whole number")
            }
            total = minor
        } else {
            guard let money = Money(whole, try requireCurrency()) else {
                throw BillingError(.input, "case", "\(whole) is no amount of the currency")
            }
            total = money.minor
        }
        let show: (Int64) -> String = { minor in
            if let currency = self.currency, !self.isMinor { return Money(minor: minor, currency).amount }
            return String(minor)
        }
        let parts = try Allocation.largestRemainder(total, weights: weights).map {
            JSONValue.string(show($0))
        }
        return Outcome(amount: show(total), parts: .array(parts))
    }

    // MARK: Invoices

    func rateInvoice() throws(BillingError) -> Outcome {
        let currency = try requireCurrency()
        switch model {
        case "vat_category":
            let tax = try Tax.amount(
                on: try money(text("taxable"), currency),
                ratio: BillingCase.ratio(text("rate_percent"), "rate_percent"))
            return Outcome(amount: tax.amount)
        case "line_then_tax":
            let gross = try Rater.perUnit(
                try micro("quantity"), at: BillingCase.price(text("unit_price"), "unit_price")
            ).amount
            let off =
                text("discount_percent") == nil
                ? 0 : try BillingCase.ratio(text("discount_percent"), "discount_percent")
            let net = try gross.scaled(Exact.power(12) - off, over: Exact.power(12)).rounded(currency)
            return try withTax(net, isPartsShown: true)
        case "sum_of_rounded_lines":
            let each = try Rater.perUnit(
                try micro("quantity_each"), at: BillingCase.price(text("unit_price"), "unit_price")
            ).amount.rounded(currency)
            let count = try micro("lines") / Exact.unit
            guard let minor = Int64(exactly: try Exact.product(Int128(each.minor), count)) else {
                throw BillingError(.limit, "case", "the sum leaves 64 bits")
            }
            return Outcome(amount: Money(minor: minor, currency).amount)
        case "invoice_sum":
            var sum = Money.zero(currency)
            for line in try list("lines") { sum += try money(BillingCase.decimalText(line), currency) }
            return Outcome(amount: sum.amount)
        case "invoice_payable":
            let due = try money(text("tax_inclusive"), currency) - (try money(text("prepaid"), currency))
            return Outcome(amount: due.amount)
        case "invoice_total_categories":
            var sum = Money.zero(currency)
            for category in try list("categories") {
                for part in category.arrayValue ?? [] {
                    sum += try money(BillingCase.decimalText(part), currency)
                }
            }
            return Outcome(amount: sum.amount)
        default: return try rateTaxedInvoice(currency)
        }
    }

    private func rateTaxedInvoice(_ currency: Currency) throws(BillingError) -> Outcome {
        var nets: [Money] = []
        for fee in try list("fees") { nets.append(try money(BillingCase.decimalText(fee), currency)) }
        if let coupon = text("coupon") {
            let off = try money(coupon, currency)
            let parts = try Allocation.largestRemainder(
                off.minor, weights: nets.map { Int128(max(0, $0.minor)) })
            nets = zip(nets, parts).map { $0 - Money(minor: $1, currency) }
        }
        var rates: [String] = []
        if config["tax_percents"] != nil {
            for rate in try list("tax_percents") { rates.append(BillingCase.decimalText(rate) ?? "") }
        } else {
            rates = nets.map { _ in text("tax_percent") ?? "0" }
        }
        guard rates.count == nets.count else {
            throw BillingError(.input, "case", "not one rate for each fee")
        }
        var ratios: [Int128] = []
        for rate in rates { ratios.append(try BillingCase.ratio(rate, "tax_percent")) }
        let taxes = try Tax.byCategory(zip(nets, ratios).map { ($0, "S", $1) }, currency)
        let net = nets.reduce(.zero(currency), +)
        let tax = taxes.map(\.tax).reduce(.zero(currency), +)
        guard config["tax_percents"] != nil else { return Outcome(amount: (net + tax).amount) }
        var shown = [Money](repeating: .zero(currency), count: nets.count)
        for group in taxes {
            for (index, part) in zip(group.lines, group.lineTaxes) { shown[index] = part }
        }
        let parts: JSONValue = [
            "line_taxes": .array(shown.map { .string($0.amount) }), "tax_total": .string(tax.amount),
        ]
        return Outcome(amount: (net + tax).amount, parts: parts)
    }

    private func money(_ text: String?, _ currency: Currency) throws(BillingError) -> Money {
        guard let text, let money = Money(text, currency) else {
            throw BillingError(.input, "case", "\(text ?? "nothing") is no amount of \(currency.code)")
        }
        return money
    }
}
