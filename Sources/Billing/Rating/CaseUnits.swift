internal import Marketplace

extension BillingCase {
    /// per unit, graduated, volume, package, each also as the increase over what the period had before.
    func rateUnits() throws(BillingError) -> Outcome {
        if model == "package_count" {
            let count = try Rater.packages(try quantity(), size: try micro("package_size"))
            return Outcome(amount: String(count))
        }
        let before = text("previous_units") == nil ? 0 : try micro("previous_units")
        let total = try Exact.sum(before, try quantity())
        let whole = try rated(total)
        guard model.hasSuffix("_incremental") else {
            let amount = try Rater.clamp(
                whole.amount, minimum: try optionalExact("minimum"), maximum: try optionalExact("maximum"))
            return Outcome(amount: try present(amount))
        }
        // The minimum is owed once, with the last invoice of the period; nothing before means nothing was billed.
        let isLast = config["last_in_period"]?.boolValue ?? false
        let least = isLast ? try optionalExact("minimum") : nil
        let most = try optionalExact("maximum")
        let amount = try Rater.clamp(whole.amount, minimum: least, maximum: most)
        let billed: ExactAmount
        if let given = try optionalExact("previously_billed") {
            billed = given
        } else if before == 0 {
            billed = .zero
        } else {
            billed = try Rater.clamp(try rated(before).amount, minimum: nil, maximum: most)
        }
        let due = try amount - billed
        var parts: [JSONValue]?
        if before > 0, text("previously_billed") == nil {
            let earlier = try rated(before).parts
            parts = []
            for (index, part) in whole.parts.enumerated() {
                let had = index < earlier.count ? earlier[index].amount : .zero
                let more = try part.amount - had
                if more != .zero { parts!.append(.string(try present(more))) }
            }
        }
        return Outcome(amount: try present(due), parts: parts.map { .array($0) })
    }

    private func rated(_ quantity: Int128) throws(BillingError) -> Rater.Result {
        switch model {
        case "per_unit", "per_unit_incremental":
            return try Rater.perUnit(quantity, at: BillingCase.price(text("unit_amount"), "unit_amount"))
        case "graduated", "graduated_incremental":
            return try Rater.graduated(quantity, try steps())
        case "volume": return try Rater.volume(quantity, try steps())
        case "volume_prorated":
            return try Rater.volume(quantity, try steps(), selector: try micro("full_units_selecting_tier"))
        default:
            let free = text("free_units") == nil ? 0 : try micro("free_units")
            return try Rater.package(
                max(0, quantity - free), size: try micro("package_size"),
                at: BillingCase.price(text("package_amount"), "package_amount"))
        }
    }

    /// `{from?, to | up_to, unit_amount?, flat_amount?}`; only the ends count, a `from` follows from the one before.
    func steps() throws(BillingError) -> [Rater.Step] {
        var steps: [Rater.Step] = []
        for tier in try list("tiers") {
            let end = BillingCase.decimalText(tier["to"]) ?? BillingCase.decimalText(tier["up_to"])
            steps.append(
                Rater.Step(
                    upTo: end == nil ? nil : try BillingCase.micro(end, "to"),
                    unitAmount: try BillingCase.price(
                        BillingCase.decimalText(tier["unit_amount"]) ?? "0", "unit_amount"),
                    flat: try BillingCase.exact(
                        BillingCase.decimalText(tier["flat_amount"]) ?? "0", "flat_amount")))
        }
        return steps
    }

    /// Units that came and went inside the period: the tier is that of the full units, the price that of the
    /// prorated ones. A step's flat amount is owed once the full units have reached it.
    func rateGraduatedProrated() throws(BillingError) -> Outcome {
        let steps = try steps()
        let full = try list("event_units")
        let prorated = try list("event_prorated_units")
        guard full.count == prorated.count else {
            throw BillingError(
                .input, "case", "there are not as many `event_prorated_units` as `event_units`")
        }
        var running: Int128 = 0
        var peak: Int128 = 0
        var amount = ExactAmount.zero
        for (units, days) in zip(full, prorated) {
            let change = try BillingCase.micro(BillingCase.decimalText(units), "event_units")
            let weight = try BillingCase.micro(BillingCase.decimalText(days), "event_prorated_units")
            if change == 0 { continue }
            let next = running + change
            guard next >= 0 else { throw BillingError(.input, "case", "`event_units` fall below zero") }
            let (low, high) = (min(running, next), max(running, next))
            var from: Int128 = 0
            for step in steps {
                let inside = max(0, min(step.upTo ?? high, high) - max(from, low))
                // The event's own units spread evenly over the steps it touches.
                let priced = ExactAmount(atto: try Exact.product(inside, step.unitAmount.pico))
                amount = try amount + priced.scaled(weight, over: Int128(change.magnitude))
                guard let upTo = step.upTo else { break }
                from = upTo
            }
            running = next
            peak = max(peak, next)
        }
        amount =
            try amount
            + (try Rater.graduated(
                peak,
                steps.map {
                    Rater.Step(upTo: $0.upTo, unitAmount: UnitPrice(pico: 0), flat: $0.flat)
                })).amount
        return Outcome(amount: try amount.rounded(try requireCurrency()).amount)
    }
}
