import ArgumentParser
import Billing
import Foundation
import Marketplace
import Pipeline

extension BillCommand {
    struct Preview: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "preview",
            abstract: "What a tenant's next invoice would be, from the usage as far as it is written.",
            discussion: "The night's own code on today's partial log. Writes nothing.")
        @OptionGroup var options: DataOptions
        @Argument(help: "A tenant's id.") var tenant: String
        @Option(
            name: .customLong("what-if"),
            help: "PLUGIN=PLAN or PLUGIN=PLAN:SEATS: as if the tenant had that plan from now on.")
        var whatIf: [String] = []
        @Option(help: "text or json.") var format: OutputFormat = .text

        func run() throws {
            let tenant = try BillArguments.tenant(tenant)
            let changes = try whatIf.map(BillArguments.change)
            let drafts = try BillDesk.act(options) { (night) throws(BillingError) in
                let drafts = try night.preview(tenant, whatIf: changes)
                // A name that is mistyped is not a customer to whom nothing is charged.
                if drafts.isEmpty, try night.subscriptions(of: tenant).isEmpty {
                    throw BillingError(.notFound, tenant.text, "has no subscription, and nothing is charged")
                }
                return drafts
            }
            if format == .json { return try BillDesk.print(drafts) }
            if drafts.isEmpty { print("nothing is charged so far") }
            for draft in drafts {
                print("\(draft.tenant.text)  \(draft.period)  \(draft.currency)  (preview)")
                for line in draft.lines { print("  \(line.number)  \(line.description)  \(line.net.amount)") }
                print("  net \(draft.net.amount) + tax \(draft.tax.amount) = \(draft.total)")
            }
        }
    }

    struct PlanVerb: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "plan",
            abstract: "A tenant's subscriptions; with PLUGIN and PLAN, change one.",
            discussion:
                "A change is written to the usage log like any other and billed by calendar days. A running runtime hears of it when it reads its registry next."
        )
        @OptionGroup var options: DataOptions
        @Argument(help: "A tenant's id.") var tenant: String
        @Argument(help: "A plugin's id.") var plugin: String?
        @Argument(help: "A plan of the price that the tenant agreed to.") var plan: String?
        @Option(help: "As many seats from now on.") var seats: Int64?
        @Option(help: "text or json.") var format: OutputFormat = .text

        func validate() throws {
            if plugin != nil, plan == nil { throw ValidationError("Name the plan as well.") }
            if let seats, seats < 1 { throw ValidationError("--seats must be 1 or more.") }
        }

        func run() throws {
            let tenant = try BillArguments.tenant(tenant)
            if let plugin, let plan {
                let id = try BillArguments.plugin(plugin)
                let context = try options.context()
                try PlanDesk(context).change(
                    tenant, .init(plugin: id, plan: plan, seats: seats), id: UUID().uuidString.lowercased())
                print("\(tenant.text) has plan \(plan) of \(id.text) from now on")
                return
            }
            let list = try BillDesk.act(options) { (night) throws(BillingError) in
                try night.subscriptions(of: tenant)
            }
            if format == .json { return try BillDesk.print(list) }
            if list.isEmpty { print("no subscriptions") }
            for one in list {
                print(
                    "\(one.plugin.text) \(one.version)  plan \(one.plan), \(one.seats) seats, since \(one.since)"
                        + (one.spendCap.map { ", at most \($0) a month" } ?? ""))
                print("  plans of this price: \(one.plans.joined(separator: ", "))")
            }
        }
    }
}

enum BillArguments {
    static func tenant(_ text: String) throws(PipelineError) -> TenantID {
        guard let tenant = TenantID(text) else { throw PipelineError(.usage, "\(text) is no tenant's id") }
        return tenant
    }

    static func plugin(_ text: String) throws(PipelineError) -> PluginID {
        guard let plugin = PluginID(text) else {
            throw PipelineError(
                .usage, "\(text) is no plugin's id", remedy: "Write it as publisher.name.")
        }
        return plugin
    }

    static func change(_ text: String) throws(PipelineError) -> BillingNight.WhatIf {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, let plugin = PluginID(parts[0]) else {
            throw PipelineError(
                .usage, "\(text) is no change",
                remedy: "Write it as publisher.name=plan or publisher.name=plan:5.")
        }
        let plan = parts[1].split(separator: ":", maxSplits: 1).map(String.init)
        var seats: Int64?
        if plan.count == 2 {
            guard let number = Int64(plan[1]), number > 0 else {
                throw PipelineError(.usage, "\(plan[1]) is no number of seats")
            }
            seats = number
        }
        return BillingNight.WhatIf(plugin: plugin, plan: plan.first ?? "", seats: seats)
    }
}
