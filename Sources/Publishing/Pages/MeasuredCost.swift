import Marketplace

/// What a call of the trial run would have cost: the measured quantities at the first prices by use that a plan has.
enum MeasuredCost {
    static func words(_ pricing: PricingInfo, _ trial: TrialSummary?) -> String? {
        guard let trial,
            let heaviest = trial.actions.max(by: { ($0.operations, $0.wallMs) < ($1.operations, $1.wallMs) })
        else { return nil }
        let measured =
            "The heaviest call of its trial, \(heaviest.name), took \(Words.count(heaviest.wallMs)) ms and asked for "
            + "\(Words.count(heaviest.operations, "operation"))"
        let plan = pricing.plans.first { !$0.charges.isEmpty }
        guard let plan else { return "\(measured); no plan charges for calls." }
        var pico: Int128 = 0
        for charge in plan.charges {
            guard let tier = charge.tiers.first, charge.scheme != "percentage",
                let price = DecimalText(tier.unitAmount)?.scaled(by: 12)
            else { continue }
            let quantity: Int
            switch charge.metric {
            case "calls": quantity = 1
            case "apiCalls": quantity = heaviest.operations
            case "executionMs": quantity = heaviest.wallMs
            default: continue
            }
            pico += price * Int128(quantity) / Int128(tier.packageSize ?? 1)
        }
        guard pico > 0 else { return "\(measured)." }
        let free = plan.included.isEmpty ? "" : " beyond what is included"
        return
            "\(measured): \(DecimalText.shortest(pico, decimals: 12)) \(pricing.currency) on plan \(plan.id)\(free)."
    }
}
