public import Marketplace
public import Publishing

/// Manifests in the shapes that pages show. Text goes over as text: the templates escape it.
public enum ShownManifest {
    public static func pricing(_ pricing: Pricing, example: WorkedExample? = nil) -> PricingInfo {
        PricingInfo(
            model: pricing.model.rawValue, currency: pricing.currency.code, plans: pricing.plans.map(plan),
            example: example)
    }

    public static func plan(_ plan: Plan) -> PlanInfo {
        PlanInfo(
            id: plan.id, amount: plan.amount, interval: plan.interval.rawValue,
            trialDays: plan.trialDays ?? 0,
            included: (plan.included ?? [:]).sorted { $0.key < $1.key }.map {
                IncludedQuantity(metric: $0.key.rawValue, quantity: Int($0.value))
            },
            charges: (plan.charges ?? []).map(charge))
    }

    private static func charge(_ charge: Charge) -> ChargeInfo {
        let size = charge.packageSize.map(Int.init)
        let tiers =
            charge.tiers.map { tiers in
                tiers.map { TierInfo(upTo: $0.upTo.map(Int.init), unitAmount: $0.unitAmount.description) }
            }
            ?? [
                TierInfo(
                    unitAmount: charge.unitAmount?.description ?? charge.percent ?? "0", packageSize: size)
            ]
        return ChargeInfo(
            metric: charge.metric?.rawValue ?? "amount", scheme: charge.scheme.rawValue, tiers: tiers)
    }

    public static func permission(
        _ permission: Permission, _ change: PermissionChange = .same
    ) -> Publishing.PermissionRow {
        Publishing.PermissionRow(
            operation: permission.operation.rawValue, target: permission.target,
            methods: permission.methods ?? [], purpose: permission.purpose, change: change)
    }

    public static func actions(_ manifest: Manifest) -> [ActionInfo] {
        manifest.actions.map {
            ActionInfo(
                name: $0.name, summary: $0.description, input: pretty($0.input), output: $0.output.map(pretty)
            )
        }
    }

    static func pretty(_ value: JSONValue) -> String {
        String(decoding: value.serializedBytes(pretty: true), as: UTF8.self)
    }
}
