import Billing
import Marketplace

/// What calls would cost a customer under each plan of the manifest, by the rater that rates invoices: the charges of
/// these calls alone, beyond what a plan includes, before rounding to the currency.
enum CallCost {
    /// What was used, by metric, and what was reported for a percentage.
    struct Used: Sendable {
        var quantities: [Metric: Int64]
        /// In 10⁻⁶ of the major unit.
        var reportedMicros: Int128
    }

    /// One line a plan: `per-message 0.003 USD`.
    static func lines(_ pricing: Pricing, _ used: Used) -> [String] {
        pricing.plans.map { plan in
            let name = plan.id
            var sum = ExactAmount.zero
            do throws(BillingError) {
                for charge in plan.charges ?? [] { sum = try sum + amount(charge, used) }
            } catch {
                return "\(name): \(error)"
            }
            let text = sum.decimalText ?? "—"
            return "\(name) \(text) \(pricing.currency)"
                + (plan.included == nil ? "" : " beyond what is included")
        }
    }

    private static func amount(_ charge: Charge, _ used: Used) throws(BillingError) -> ExactAmount {
        // The rater counts in millionths.
        let millionths: Int128 = 1_000_000
        let quantity = Int128(charge.metric.flatMap { used.quantities[$0] } ?? 0) * millionths
        let price = charge.unitAmount ?? UnitPrice(pico: 0)
        let steps = (charge.tiers ?? []).map { tier in
            Rater.Step(upTo: tier.upTo.map { Int128($0) * millionths }, unitAmount: tier.unitAmount)
        }
        switch charge.scheme {
        case .perUnit: return try Rater.perUnit(quantity, at: price).amount
        case .graduated: return try Rater.graduated(quantity, steps).amount
        case .volume: return try Rater.volume(quantity, steps).amount
        case .package:
            // These calls' part of a package.
            return try Rater.perUnit(quantity, at: price).amount
                .scaled(1, over: Int128(charge.packageSize ?? 1))
        case .percentage:
            // 10⁻¹² of the amount for each 10⁻¹⁰ of a per cent.
            let ratio = DecimalText(charge.percent ?? "")?.scaled(by: 10) ?? 0
            return try Rater.percentage(of: used.reportedMicros, ratio: Int128(ratio))
        }
    }
}
