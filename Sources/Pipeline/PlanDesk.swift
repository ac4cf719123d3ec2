public import Billing
public import Marketplace
import Metering
import Registry

/// Plan changes made at the desk: the registry's installation, and the event that billing reads.
public struct PlanDesk: Sendable {
    private let context: RunContext

    public init(_ context: RunContext) {
        self.context = context
    }

    /// The node's name under which the desk writes segments.
    static let node = "billing-desk"

    public func change(_ tenant: TenantID, _ wish: BillingNight.WhatIf, id: String) throws(PipelineError) {
        let room = try BillingRoom(context)
        let event = try BillingRoom.translating { () throws(BillingError) in
            try room.night.planChange(wish, tenant, id: "desk-\(id)")
        }
        try BillingRoom.translating { () throws(BillingError) in try room.night.close() }
        let registry = context.registry
        let now = context.now
        if (try? registry.installation(of: wish.plugin, for: tenant)) != nil {
            _ = try PipelineError.translating { () throws(RegistryError) in
                try registry.setPlan(wish.plan, of: wish.plugin, for: tenant, now: now)
            }
        }
        do {
            let writer = try SegmentWriter(
                usage: "\(context.data.root)/usage", node: Self.node,
                options: .init(flushesEveryAppend: true))
            try writer.append(.subscription(event))
            try writer.close()
        } catch {
            throw PipelineError(.tryLater, "\(error.subject): \(error.cause)")
        }
    }
}
