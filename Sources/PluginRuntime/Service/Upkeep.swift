import Logging
import Marketplace
import Metering
import Registry

/// What the service does beside its calls: takes up changes that others have made in the registry, ends idle runners,
/// turns the usage segment at a new day, samples storage, forgets old repetition keys.
final class Upkeep: Sendable {
    /// How long a change that was made elsewhere may take to be seen.
    static let pollSeconds = 30
    /// How long repetition keys are kept.
    private static let keyDays = 30
    /// Of keys in the registry that no caller has sent.
    private static let scope = "runtime"

    private let registry: Registry
    private let catalogue: CatalogueFollower
    private let removals: RemovalRecord
    private let hosts: Hosts
    private let recorder: UsageRecorder
    private let clock: RuntimeClock
    private let courier: NoticeCourier
    private let idle: Duration
    private let logger: Logger

    init(
        registry: Registry, catalogue: CatalogueFollower, removals: RemovalRecord, hosts: Hosts,
        recorder: UsageRecorder, clock: RuntimeClock, courier: NoticeCourier, idle: Duration,
        logger: Logger
    ) {
        self.registry = registry
        self.catalogue = catalogue
        self.removals = removals
        self.hosts = hosts
        self.recorder = recorder
        self.clock = clock
        self.courier = courier
        self.idle = idle
        self.logger = logger
    }

    /// Works until its task is cancelled.
    func run() async {
        var sampled: Day?
        while !Task.isCancelled {
            let now = clock.now()
            recorder.tick(now)
            if sampled != now.day {
                await sampleStorage(now)
                sampled = now.day
            }
            await look()
            await courier.work()
            do throws(MeteringError) { try recorder.checkpoint(now, keptDays: Self.keyDays) } catch {
                logger.error("the checkpoint of calls was not written: \(error)")
            }
            for (_, host) in hosts.all { _ = await host.evictIdle(since: .now - idle) }
            let registry = self.registry
            _ = try? await blocking { try registry.forgetAnswers(before: now.adding(days: -Self.keyDays)) }
            try? await Task.sleep(for: .seconds(Self.pollSeconds))
        }
    }

    func deliverNotices() async { await courier.work() }

    /// Looks at everything that others may have changed.
    func look() async {
        let now = clock.now()
        await followCatalogue(now)
        await reconcile()
        let removals = self.removals
        do throws(RuntimeError) {
            _ = try await blocking { try removals.follow(now: now) }
        } catch {
            logger.error("removals were not recorded: \(error)")
        }
    }

    /// Writes down what the next start needs to know.
    func finish() { try? recorder.checkpoint(clock.now(), keptDays: Self.keyDays) }

    /// Looks at the catalogue, and carries what it has revoked into the tenants' rows: a node that has a registry of its
    /// own hears of a revocation by the catalogue alone.
    func followCatalogue(_ now: Instant) async {
        guard await catalogue.refresh() else {
            let why = await catalogue.check()
            logger.error("the catalogue was not taken: \(why)")
            return
        }
        let registry = self.registry
        for revoked in await catalogue.revoked {
            do throws(RuntimeError) {
                try await blocking {
                    let known = try registry.version(revoked.plugin, revoked.version)
                    if let stage = known.revocation?.stage, stage >= revoked.stage { return }
                    try registry.revoke(
                        revoked.plugin, revoked.version, stage: revoked.stage, reason: revoked.reason,
                        evidence: revoked.evidence, actor: "catalogue", now: now)
                }
            } catch {
                // A version that nobody here has is nobody's to stop.
                if error.code != .notFound {
                    logger.error(
                        "\(revoked.plugin) \(revoked.version) is revoked, and was not stopped: \(error)")
                }
            }
        }
    }

    /// Brings every host in line with its row.
    func reconcile() async {
        let registry = self.registry
        for (key, host) in hosts.all {
            let row: Installation?
            do throws(RuntimeError) {
                row = try await blocking { try registry.installation(of: key.plugin, for: key.tenant) }
            } catch {
                guard error.code == .notFound else { continue }
                row = nil
            }
            guard let row else {
                logger.notice("\(key.plugin) was removed for \(key.tenant)")
                await hosts.remove(key)
                continue
            }
            if row.state == .suspended {
                if await host.state != .suspended {
                    logger.notice("\(key.plugin) is suspended for \(key.tenant): \(row.stateReason ?? "")")
                    await host.suspend()
                }
                continue
            }
            await host.resume()
            let held = await host.plugin
            let isCurrent =
                held.version == row.version && held.plan == row.plan && held.accepted == row.accepted
                && held.config == Hosts.filled(row.config, held.manifest.config)
            if !isCurrent, let next = try? await hosts.load(key) {
                do throws(RuntimeError) { try await host.replace(with: next) } catch {
                    logger.error("\(key.plugin) \(row.version) for \(key.tenant): \(error)")
                }
            }
        }
    }

    /// One event a day for every installation that stores something. The day is claimed first: a second look on the same
    /// day, after a restart or by another node, would find other bytes, and two bodies under one id are nobody's bill.
    func sampleStorage(_ now: Instant) async {
        let registry = self.registry
        let recorder = self.recorder
        do throws(RuntimeError) {
            try recorder.refuseUnlessOpen()
            try await blocking {
                for tenant in try registry.tenants() {
                    for row in try registry.installations(for: tenant.id) {
                        let bytes = try registry.storedBytes(of: row.plugin, for: tenant.id)
                        let id = "\(row.id)-storage-\(now.day)"
                        guard bytes > 0, try registry.claim(scope: Self.scope, key: id, now: now) else {
                            continue
                        }
                        let sample = StorageSample(
                            id: id, time: now, tenant: tenant.id, plugin: row.plugin,
                            version: row.version.description, plan: row.plan, storageBytes: bytes)
                        try recorder.record([.storage(sample)])
                    }
                }
            }
        } catch {
            logger.error("storage was not sampled: \(error)")
        }
    }
}
