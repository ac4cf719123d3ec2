/// The manifest's rules between fields, which a JSON Schema cannot say.
enum ManifestRules {
    static func problems(_ m: Manifest) -> [JSONSchema.Violation] {
        var out: [JSONSchema.Violation] = []
        func say(_ pointer: String, _ message: String) {
            out.append(.init(pointer: pointer, message: message))
        }

        for (index, permission) in m.permissions.permissions.enumerated()
        where !m.apiSurface.contains(permission.operation.rawValue) {
            say("/apiSurface", "lacks \(permission.operation.rawValue), which permission \(index + 1) is for")
        }
        for operation in m.apiSurface where OperationName.needingPermission.contains(operation) {
            if !m.permissions.permissions.contains(where: { $0.operation.rawValue == operation }) {
                say("/permissions", "has none for \(operation), which apiSurface names")
            }
        }
        unique(m.actions.map(\.name), "/actions", "action", &out)
        unique(m.secrets.map(\.name), "/secrets", "secret", &out)
        unique(m.dependencies.map(\.id.text), "/dependencies", "dependency", &out)
        unique(m.pricing.plans.map(\.id), "/pricing/plans", "plan", &out)
        if m.dependencies.contains(where: { $0.id == m.id }) {
            say("/dependencies", "names the plugin itself")
        }
        for (index, plan) in m.pricing.plans.enumerated() {
            PricingRules.problems(plan, m.pricing, "/pricing/plans/\(index)", &out)
        }
        PricingRules.problems(m.pricing, &out)
        limits(m.limits, &out)
        for (index, action) in m.actions.enumerated() {
            if let problem = JSONSchema.unsupported(action.input) { say("/actions/\(index)/input", problem) }
            if let problem = action.output.flatMap(JSONSchema.unsupported) {
                say("/actions/\(index)/output", problem)
            }
        }
        if let problem = m.config.flatMap(JSONSchema.unsupported) { say("/config", problem) }
        return out
    }

    private static func unique(
        _ names: [String], _ pointer: String, _ what: String, _ out: inout [JSONSchema.Violation]
    ) {
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted {
            out.append(.init(pointer: pointer, message: "the \(what) \(name) stands twice"))
        }
    }

    private static func limits(_ limits: Limits, _ out: inout [JSONSchema.Violation]) {
        let max = Limits.maximum
        let pairs: [(String, Int64, Int64)] = [
            ("cpuMs", limits.cpuMs, max.cpuMs), ("wallMs", limits.wallMs, max.wallMs),
            ("memoryMiB", limits.memoryMiB, max.memoryMiB), ("tempMiB", limits.tempMiB, max.tempMiB),
            ("storageMiB", limits.storageMiB, max.storageMiB), ("apiCalls", limits.apiCalls, max.apiCalls),
            ("egressBytes", limits.egressBytes, max.egressBytes),
            ("egressBytesPerSecond", limits.egressBytesPerSecond, max.egressBytesPerSecond),
        ]
        for (name, value, maximum) in pairs where value > maximum {
            out.append(
                .init(pointer: "/limits/\(name)", message: "\(value) is above the platform's \(maximum)"))
        }
    }
}

/// The price rules: what a model must and must not have.
enum PricingRules {
    static func problems(_ pricing: Pricing, _ out: inout [JSONSchema.Violation]) {
        func say(_ message: String) { out.append(.init(pointer: "/pricing", message: message)) }
        let plans = pricing.plans
        switch pricing.model {
        case .payPerUse:
            if plans.contains(where: { ($0.charges ?? []).isEmpty }) { say("a payPerUse plan needs charges") }
        case .subscription:
            if plans.contains(where: { $0.interval == .once }) {
                say("a subscription's interval is month or year")
            }
        case .oneTime:
            if plans.contains(where: { $0.interval != .once }) { say("a oneTime plan's interval is once") }
        case .freemium:
            let free = plans.filter {
                Money($0.amount, pricing.currency)?.isZero == true && ($0.charges ?? []).isEmpty
            }
            if free.isEmpty { say("freemium needs a plan of amount 0 without charges") }
            if free.count == plans.count { say("freemium needs a paid plan besides the free one") }
        }
    }

    static func problems(
        _ plan: Plan, _ pricing: Pricing, _ pointer: String, _ out: inout [JSONSchema.Violation]
    ) {
        func say(_ sub: String, _ message: String) {
            out.append(.init(pointer: pointer + sub, message: message))
        }
        for (name, text) in [("amount", plan.amount), ("minimum", plan.minimum), ("maximum", plan.maximum)] {
            guard let text else { continue }
            guard let money = Money(text, pricing.currency), money.minor >= 0, money.minor <= amountMinorMax
            else {
                say(
                    "/\(name)",
                    "\(text) is no amount of \(pricing.currency) between 0 and \(amountMinorMax) minor units")
                continue
            }
        }
        if let low = plan.minimum.flatMap({ Money($0, pricing.currency) }),
            let high = plan.maximum.flatMap({ Money($0, pricing.currency) }), high.minor < low.minor
        {
            say("/maximum", "is below the minimum")
        }
        if plan.interval == .once, plan.trialDays != nil {
            say("/trialDays", "a one-time price has no trial")
        }
        for (index, charge) in (plan.charges ?? []).enumerated() {
            problems(charge, pricing, pointer + "/charges/\(index)", &out)
        }
    }

    /// A hundred million major units at two decimals: past this, a price is a mistake.
    static let amountMinorMax: Int64 = 10_000_000_000

    private static func problems(
        _ charge: Charge, _ pricing: Pricing, _ pointer: String, _ out: inout [JSONSchema.Violation]
    ) {
        func say(_ message: String) { out.append(.init(pointer: pointer, message: message)) }
        if let price = charge.unitAmount, price.pico < 0 { say("a unit amount is not negative") }
        if charge.scheme != .percentage, charge.metric == nil { say("names no metric") }
        switch charge.scheme {
        case .perUnit:
            if charge.unitAmount == nil { say("perUnit needs unitAmount") }
        case .package:
            if charge.unitAmount == nil || (charge.packageSize ?? 0) < 1 {
                say("package needs unitAmount and a packageSize of 1 or more")
            }
        case .graduated, .volume:
            guard let tiers = charge.tiers, !tiers.isEmpty else {
                return say("\(charge.scheme.rawValue) needs tiers")
            }
            if tiers.last?.upTo != nil { say("the last tier has no upTo") }
            if tiers.dropLast().contains(where: { $0.upTo == nil }) { say("only the last tier has no upTo") }
            let bounds = tiers.compactMap(\.upTo)
            if zip(bounds, bounds.dropFirst()).contains(where: { $0 >= $1 }) || (bounds.first ?? 1) < 1 {
                say("tiers rise from above zero")
            }
            if tiers.contains(where: { $0.unitAmount.pico < 0 }) { say("a unit amount is not negative") }
            if tiers.contains(where: {
                $0.flatAmount.map { Money($0, pricing.currency)?.minor ?? -1 < 0 } == true
            }) {
                say("a flatAmount is no amount of \(pricing.currency)")
            }
        case .percentage:
            guard let percent = charge.percent.flatMap(DecimalText.init)?.scaled(by: 6), percent > 0,
                percent <= 100_000_000
            else { return say("percentage needs a percent above 0 and up to 100") }
            guard let cap = charge.reportedMax.flatMap({ Money($0, pricing.currency) }), cap.minor > 0 else {
                return say("percentage needs reportedMax, the most that one report may carry")
            }
        }
    }
}
