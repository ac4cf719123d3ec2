import FoundationEssentials
import Marketplace
import Metering
import Provenance
import Registry

/// Installs, changes and removes plugins: registry row, running host, subscription event and audit line together. An
/// installation whose plugin does not start is taken back.
final class InstallationDesk: Sendable {
    private let registry: Registry
    private let sealed: SealedStore
    private let hosts: Hosts
    private let recorder: UsageRecorder
    private let audit: AuditLog
    private let clock: RuntimeClock
    private let removals: RemovalRecord

    init(
        registry: Registry, sealed: SealedStore, hosts: Hosts, recorder: UsageRecorder, audit: AuditLog,
        clock: RuntimeClock, removals: RemovalRecord
    ) {
        self.removals = removals
        self.registry = registry
        self.sealed = sealed
        self.hosts = hosts
        self.recorder = recorder
        self.audit = audit
        self.clock = clock
    }

    // MARK: Looking

    func list(_ tenant: TenantID) async throws(RuntimeError) -> [JSONValue] {
        let registry = self.registry
        let rows = try await blocking {
            try registry.installations(for: tenant).map { row in
                (row, try registry.secretNames(of: row.plugin, for: tenant))
            }
        }
        var documents: [JSONValue] = []
        for (row, secrets) in rows { documents.append(await document(row, secrets)) }
        return documents
    }

    func show(_ key: Hosts.Key) async throws(RuntimeError) -> JSONValue {
        let registry = self.registry
        let (row, secrets) = try await blocking {
            (
                try registry.installation(of: key.plugin, for: key.tenant),
                try registry.secretNames(of: key.plugin, for: key.tenant)
            )
        }
        return await document(row, secrets)
    }

    private func document(_ row: Installation, _ secrets: [String]) async -> JSONValue {
        let host = hosts.present(Hosts.Key(tenant: row.tenant, plugin: row.plugin))
        var members: [String: JSONValue] = [
            "id": .string(row.id), "plugin": .string(row.plugin.text),
            "version": .string(row.version.description),
            "plan": .string(row.plan), "permissions": InstallationWish.document(row.accepted.permissions),
            "config": row.config,
            "secrets": .array(secrets.filter { !$0.hasPrefix(".") }.map(JSONValue.string)),
            "state": .string(row.state.rawValue), "installedAt": .string(row.installedAt.description),
            "updatedAt": .string(row.updatedAt.description), "hook": .string("/v1/hooks/\(row.id)/{action}"),
            "stateReason": row.stateReason.map(JSONValue.string) ?? .null,
            "backEnd": row.backEnd.map(JSONValue.string) ?? .null,
            "lock": .object(
                Dictionary(
                    uniqueKeysWithValues: row.lock.map { ($0.key.text, .string($0.value.description)) })),
        ]
        if let host {
            members["host"] = .string(await host.state.rawValue)
            if let isolation = await host.isolation { members["backEnd"] = .string(isolation) }
        }
        if let cap = row.spendCapMinor, let version = try? await listed(row.plugin, row.version),
            let manifest = try? Hosts.manifest(version)
        {
            members["spendCap"] = .string(Money(minor: cap, manifest.pricing.currency).amount)
        }
        return .object(members)
    }

    // MARK: Installing

    func install(
        _ key: Hosts.Key, _ wish: InstallationWish
    ) async throws(RuntimeError) -> (document: JSONValue, isNew: Bool) {
        try recorder.refuseUnlessOpen()
        let registry = self.registry
        let present = try await blocking { () -> Installation? in
            do throws(RegistryError) {
                return try registry.installation(of: key.plugin, for: key.tenant)
            } catch {
                guard error.code == .notFound else { throw error }
                return nil
            }
        }
        let version = try await listed(key.plugin, wish.version)
        let manifest = try Hosts.manifest(version)
        try Self.checkConsent(wish.accepted, manifest)
        guard manifest.pricing.plan(wish.plan) != nil else {
            let plans = manifest.pricing.plans.map(\.id).joined(separator: ", ")
            throw RuntimeError(
                .invalid, "plan", "\(wish.plan) is no plan of \(key.plugin) \(wish.version) (\(plans))")
        }
        try Self.checkSecrets(wish.secrets, manifest)
        if let present { return (try await change(key, present, to: wish, version), false) }
        let lock = try await lock(key, wish.version)
        let request = InstallationRequest(
            version: wish.version, plan: wish.plan, accepted: wish.accepted, config: wish.config, lock: lock,
            backEnd: wish.backEnd)
        let now = clock.now()
        let row = try await blocking { try registry.install(key.plugin, for: key.tenant, request, now: now) }
        do throws(RuntimeError) {
            try await keepSecrets(key, wish.secrets)
            try await hosts.host(key).warmUp()
            try await record(.install, row, version, seats: wish.seats)
        } catch {
            await hosts.remove(key)
            let removals = self.removals
            _ = try? await blocking {
                // Nobody has been told that it was installed, so nobody is told that it is gone.
                try removals.disclaim(row, now: now)
                try registry.setState(
                    .removed, of: key.plugin, for: key.tenant,
                    reason: "did not start: \(error.code.rawValue)", now: now)
            }
            try note("install", key, row, outcome: error.code.rawValue)
            throw error
        }
        try note("install", key, row)
        return (try await show(key), true)
    }

    private func listed(_ plugin: PluginID, _ version: Version) async throws(RuntimeError) -> ListedVersion {
        let registry = self.registry
        return try await blocking { try registry.version(plugin, version) }
    }

    /// The versions of everything that a version needs, beside what the tenant has; a conflict says who needs what.
    private func lock(_ key: Hosts.Key, _ version: Version) async throws(RuntimeError) -> [PluginID: Version]
    {
        let registry = self.registry
        return try await blocking { try registry.lock(for: key.plugin, version, tenant: key.tenant) }
    }

    /// The accepted permissions must cover what the version asks for; what is missing is named.
    static func checkConsent(_ accepted: PermissionSet, _ manifest: Manifest) throws(RuntimeError) {
        let missing = manifest.permissions.exceeding(accepted)
        guard missing.isEmpty else {
            throw RuntimeError(
                .consentNeeded, manifest.id.text,
                "asks for more than was accepted: " + missing.map(\.description).joined(separator: ", "),
                details: [
                    "missing": InstallationWish.document(missing),
                    "permissions": InstallationWish.document(manifest.permissions.permissions),
                ])
        }
    }

    private static func checkSecrets(_ secrets: [String: String], _ manifest: Manifest) throws(RuntimeError) {
        let declared = Set(manifest.secrets.map(\.name))
        for name in secrets.keys.sorted() where !declared.contains(name) {
            throw RuntimeError(.invalid, "secrets", "\(name) is no secret that \(manifest.id) declares")
        }
    }

    // MARK: Changing

    /// Brings an installation to what is asked for, step by step; asking for what is there changes nothing.
    private func change(
        _ key: Hosts.Key, _ present: Installation, to wish: InstallationWish, _ version: ListedVersion
    ) async throws(RuntimeError) -> JSONValue {
        if present.version != wish.version || present.accepted != wish.accepted {
            _ = try await approve(key, wish.version, accepted: wish.accepted)
        }
        if present.plan != wish.plan { _ = try await setPlan(key, wish.plan, seats: wish.seats) }
        if present.config != wish.config { _ = try await setConfig(key, wish.config) }
        if !wish.secrets.isEmpty { try await setSecrets(key, wish.secrets) }
        return try await show(key)
    }

    /// Moves to a version. The new one is started beside the old; when it does not start, nothing has changed.
    func approve(
        _ key: Hosts.Key, _ version: Version, accepted: PermissionSet?
    ) async throws(RuntimeError) -> JSONValue {
        try recorder.refuseUnlessOpen()
        let registry = self.registry
        let present = try await blocking { try registry.installation(of: key.plugin, for: key.tenant) }
        let listed = try await listed(key.plugin, version)
        let accepted = accepted ?? present.accepted
        try Self.checkConsent(accepted, try Hosts.manifest(listed))
        let lock = try await lock(key, version)
        let host = try await hosts.host(key)
        let now = clock.now()
        let row = try await blocking {
            try registry.update(
                key.plugin, for: key.tenant, to: version, accepted: accepted, lock: lock, now: now)
        }
        do throws(RuntimeError) {
            try await host.replace(with: try await hosts.load(key))
        } catch {
            _ = try await blocking {
                try registry.update(
                    key.plugin, for: key.tenant, to: present.version, accepted: present.accepted,
                    lock: present.lock, now: now)
            }
            try note("update", key, row, outcome: error.code.rawValue)
            throw error
        }
        try await record(.consent, row, listed)
        try note("update", key, row)
        return try await show(key)
    }

    func setPlan(_ key: Hosts.Key, _ plan: String, seats: Int64) async throws(RuntimeError) -> JSONValue {
        try recorder.refuseUnlessOpen()
        let registry = self.registry
        let now = clock.now()
        let row = try await blocking { try registry.setPlan(plan, of: key.plugin, for: key.tenant, now: now) }
        try await record(.plan, row, try await listed(row.plugin, row.version), seats: seats)
        try note("plan", key, row)
        try await reload(key)
        return try await show(key)
    }

    func setCap(_ key: Hosts.Key, _ amount: String?) async throws(RuntimeError) -> JSONValue {
        try recorder.refuseUnlessOpen()
        let registry = self.registry
        let present = try await blocking { try registry.installation(of: key.plugin, for: key.tenant) }
        let version = try await listed(key.plugin, present.version)
        let currency = try Hosts.manifest(version).pricing.currency
        var cap: Money?
        if let amount {
            guard let money = Money(amount, currency), money.minor >= 0 else {
                throw RuntimeError(.invalid, "amount", "is no amount in \(currency)")
            }
            cap = money
        }
        let minor = cap?.minor
        let now = clock.now()
        let row = try await blocking {
            try registry.setSpendCap(minor: minor, of: key.plugin, for: key.tenant, now: now)
        }
        try await record(.cap, row, version, cap: cap)
        try note("spend-cap", key, row)
        return try await show(key)
    }

    func setConfig(_ key: Hosts.Key, _ config: JSONValue) async throws(RuntimeError) -> JSONValue {
        let registry = self.registry
        let now = clock.now()
        let row = try await blocking {
            try registry.setConfig(config, of: key.plugin, for: key.tenant, now: now)
        }
        try note("config", key, row)
        try await reload(key)
        return try await show(key)
    }

    func setSecrets(_ key: Hosts.Key, _ secrets: [String: String]) async throws(RuntimeError) {
        let registry = self.registry
        let row = try await blocking { try registry.installation(of: key.plugin, for: key.tenant) }
        try Self.checkSecrets(secrets, try Hosts.manifest(try await listed(row.plugin, row.version)))
        try await keepSecrets(key, secrets)
        try note("secrets", key, row, subject: secrets.keys.sorted().joined(separator: " "))
        try await reload(key)
    }

    private func keepSecrets(_ key: Hosts.Key, _ secrets: [String: String]) async throws(RuntimeError) {
        guard !secrets.isEmpty else { return }
        let registry = self.registry
        let sealed = self.sealed
        let now = clock.now()
        try await blocking {
            for (name, value) in secrets {
                try registry.setSecret(
                    name, Array(value.utf8), of: key.plugin, for: key.tenant, sealedBy: sealed, now: now)
            }
        }
    }

    /// Puts the present settings under a running host.
    private func reload(_ key: Hosts.Key) async throws(RuntimeError) {
        guard let host = hosts.present(key) else { return }
        try await host.replace(with: try await hosts.load(key))
    }

    func remove(_ key: Hosts.Key) async throws(RuntimeError) {
        try recorder.refuseUnlessOpen()
        let registry = self.registry
        _ = try await blocking { try registry.installation(of: key.plugin, for: key.tenant) }
        await hosts.remove(key)
        let now = clock.now()
        let removed = try await blocking {
            try registry.setState(
                .removed, of: key.plugin, for: key.tenant, reason: "removed by the tenant", now: now)
        }
        let removals = self.removals
        try await blocking { try removals.record(removed, at: now, now: now) }
        try note("remove", key, removed)
    }

    // MARK: Updates

    /// Versions above the installed one that the tenant's channel, roll-out and release age let through.
    func updates(_ key: Hosts.Key) async throws(RuntimeError) -> [JSONValue] {
        let registry = self.registry
        let (tenant, row, versions) = try await blocking {
            (
                try registry.tenant(key.tenant), try registry.installation(of: key.plugin, for: key.tenant),
                try registry.versions(of: key.plugin)
            )
        }
        guard let present = versions.first(where: { $0.version == row.version }) else { return [] }
        let old = try Hosts.manifest(present)
        let now = clock.now()
        var offers: [JSONValue] = []
        for version in versions where version.version > row.version && version.isInstallable {
            guard version.isOffered(in: tenant.channel),
                !version.version.isPrerelease || tenant.channel == .beta,
                UpdateRule.isInRollOut(
                    tenant: key.tenant, plugin: key.plugin, version: version.version,
                    percent: version.rolloutPercent)
            else { continue }
            let new = try Hosts.manifest(version)
            let decision = UpdateRule.decide(
                accepted: row.accepted, plan: row.plan, from: old, to: new, securityFix: version.securityFix,
                listedAt: version.listedAt, policy: tenant.updatePolicy,
                minimumReleaseAgeMs: tenant.minimumReleaseAgeMs, now: now)
            var (added, priceChanges, needsConsent): ([Permission], Bool, Bool) = ([], false, false)
            switch decision {
            case .tooYoung: continue
            case .silent, .leftToCustomer: break
            case .needsApproval(let permissions, let price):
                (added, priceChanges, needsConsent) = (permissions, price, true)
            }
            offers.append([
                "version": .string(version.version.description),
                "listedAt": .string(version.listedAt.description), "needsConsent": .bool(needsConsent),
                "addedPermissions": InstallationWish.document(added), "priceChanges": .bool(priceChanges),
                "securityFix": .bool(version.securityFix),
            ])
        }
        return offers
    }

    // MARK: Recording

    /// The subscription's event carries what billing needs, so that billing needs nothing else.
    private func record(
        _ change: SubscriptionEvent.Change, _ row: Installation, _ version: ListedVersion, seats: Int64 = 1,
        cap: Money? = nil
    ) async throws(RuntimeError) {
        let registry = self.registry
        let tenant = try await blocking { try registry.tenant(row.tenant) }
        let event = SubscriptionEvent(
            change, id: "\(row.id)-\(UUID().uuidString.lowercased())", time: clock.now(), row, version,
            tenant,
            seats: seats, cap: cap)
        try recorder.record([.subscription(event)])
    }

    private func note(
        _ act: String, _ key: Hosts.Key, _ row: Installation, subject: String? = nil, outcome: String = "ok"
    ) throws(RuntimeError) {
        try audit.append(
            AuditLine(
                time: clock.now(), node: recorder.node, actor: "tenant", tenant: key.tenant,
                installation: row.id,
                plugin: key.plugin, version: row.version, act: act, subject: subject ?? row.plan,
                outcome: outcome))
        recorder.wake()
    }
}
