// Updates: what a tenant is offered, and whether it may simply happen. An update is silent if and only if everything
// that it would be granted is covered by what the customer has accepted, and its price is the same.
import GRDB
public import Marketplace
import Provenance

/// Why an update waits, or that it does not.
public enum UpdateDecision: Hashable, Sendable {
    /// It happens by itself.
    case silent
    /// It needs a person: new permissions, or another price.
    case needsApproval(newPermissions: [Permission], priceChanges: Bool)
    /// The tenant's policy leaves it to a person although nothing grows.
    case leftToCustomer
    /// It is younger than the tenant's minimum release age.
    case tooYoung(until: Instant)
}

/// A newer version for a tenant's installation.
public struct UpdateOffer: Hashable, Sendable {
    public let installation: Installation
    public let to: Version
    public let listedAt: Instant
    public let securityFix: Bool
    public let decision: UpdateDecision
    /// Permissions that the new version no longer asks for.
    public let dropped: [Permission]
}

/// The rule itself, apart from any table.
public enum UpdateRule {
    /// Whether a version may replace another without asking.
    public static func decide(
        accepted: PermissionSet, plan: String, from old: Manifest, to new: Manifest, securityFix: Bool,
        listedAt: Instant, policy: UpdatePolicy, minimumReleaseAgeMs: Int64, now: Instant
    ) -> UpdateDecision {
        let grown = new.permissions.exceeding(accepted)
        let priceChanges =
            old.pricing.currency != new.pricing.currency || old.pricing.plan(plan) != new.pricing.plan(plan)
        // A fix of a security hole does not wait for its age.
        let ripe = listedAt.adding(milliseconds: minimumReleaseAgeMs)
        if !securityFix, now < ripe { return .tooYoung(until: ripe) }
        if !grown.isEmpty || priceChanges {
            return .needsApproval(newPermissions: grown, priceChanges: priceChanges)
        }
        switch policy {
        case .automatic: return .silent
        case .securityOnly: return securityFix ? .silent : .leftToCustomer
        case .manual: return .leftToCustomer
        }
    }

    /// Whether a tenant is among the share that a version is rolled out to. The share only ever grows: a tenant inside
    /// ten percent is inside twenty.
    public static func isInRollOut(tenant: TenantID, plugin: PluginID, version: Version, percent: Int) -> Bool
    {
        let bytes = Marketplace.Digest.sha256(of: "\(tenant) \(plugin) \(version)").bytes
        let place = (Int(bytes[0]) << 16 | Int(bytes[1]) << 8 | Int(bytes[2])) % 100
        return place < percent
    }
}

extension Registry {
    /// The newest version that each installation of a tenant could go to, with what stands in the way.
    public func updates(for tenant: TenantID, now: Instant) throws(RegistryError) -> [UpdateOffer] {
        try read { database in
            let owner = try Registry.tenant(tenant, database)
            let rows = try Row.fetchAll(
                database,
                sql: "SELECT * FROM installations WHERE tenant = ? AND state <> 'removed' ORDER BY plugin",
                arguments: [tenant.text])
            return try rows.compactMap { try Registry.offer(for: Installation($0), owner, now, database) }
        }
    }

    /// The updates that may happen by themselves now, over all tenants.
    public func silentUpdates(now: Instant) throws(RegistryError) -> [UpdateOffer] {
        var offers: [UpdateOffer] = []
        for tenant in try tenants() {
            offers += try updates(for: tenant.id, now: now).filter { $0.decision == .silent }
        }
        return offers
    }

    static func offer(
        for installation: Installation, _ tenant: Tenant, _ now: Instant, _ database: Database
    ) throws -> UpdateOffer? {
        let all = try versions(of: installation.plugin, database)
        let newer = all.first { candidate in
            candidate.version > installation.version && candidate.isInstallable
                && candidate.isOffered(in: tenant.channel)
                // A beta is offered to those who run the beta channel; to nobody by accident.
                && (!candidate.version.isPrerelease || tenant.channel == .beta)
                && UpdateRule.isInRollOut(
                    tenant: tenant.id, plugin: candidate.plugin, version: candidate.version,
                    percent: candidate.rolloutPercent)
        }
        guard let newer, let present = all.first(where: { $0.version == installation.version }) else {
            return nil
        }
        let (old, new) = (
            try parse(present.manifest, present.bundle), try parse(newer.manifest, newer.bundle)
        )
        let decision = UpdateRule.decide(
            accepted: installation.accepted, plan: installation.plan, from: old, to: new,
            securityFix: newer.securityFix, listedAt: newer.listedAt, policy: tenant.updatePolicy,
            minimumReleaseAgeMs: tenant.minimumReleaseAgeMs, now: now)
        return UpdateOffer(
            installation: installation, to: newer.version, listedAt: newer.listedAt,
            securityFix: newer.securityFix,
            decision: decision, dropped: old.permissions.exceeding(new.permissions))
    }
}
