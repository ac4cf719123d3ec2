import Accounts
import AsyncHTTPClient
import Billing
import FoundationEssentials
import Hummingbird
import HummingbirdCore
public import Logging
import Marketplace
import Metering
import NIOCore
import Provenance
import Registry
import Sandbox
import ServiceLifecycle
import Synchronization
import UnixSignals

/// The always-on service: opens a data directory, hosts its installations, answers the HTTP API, and leaves
/// everything sealed when it is stopped.
public final class RuntimeService: Sendable {
    /// The API, which tests and benches may ask without a socket.
    public let api: RuntimeAPI
    public let configuration: RuntimeConfiguration
    let registry: Registry
    let hosts: Hosts
    let recorder: UsageRecorder
    let desk: CallDesk

    let upkeep: Upkeep
    private let clients: [HTTPClient]
    private let pinned: PinnedClients
    private let pools: SandboxPools
    private let web: WebFace?
    private let logger: Logger
    private let group = Mutex<ServiceGroup?>(nil)

    /// Opens the data directory and makes everything ready but the socket.
    ///
    /// - Parameters:
    ///   - environment: the process's variables: where the programs and the rules are.
    ///   - resolver: how `fetch` finds addresses; tests give a table.
    /// - Throws: `configuration`, `newer-data`, `unavailable`.
    public static func open(
        _ configuration: RuntimeConfiguration, environment: [String: String], logger: Logger
    ) async throws(RuntimeError) -> RuntimeService {
        let programs = try RuntimePrograms(folder: configuration.programs, environment: environment)
        let pools = SandboxPools(
            Isolations.of(executable: programs.runner, seccompList: programs.runnerList),
            policy: configuration.isolation, spares: configuration.spareRunners)
        let unpacker = WorkerUnpacker(
            client: WorkerClient(executable: programs.worker, seccompList: programs.workerList),
            spares: configuration.spareRunners)
        let parts = try RuntimeParts(configuration, resolver: .system(), logger: logger) { catalogue in
            SandboxStarter(pools: pools, bundles: BundleStore(catalogue: catalogue, unpacker: unpacker))
        }
        let web = try await WebFace.open(configuration, parts, programs: programs, environment: environment)
        if web == nil { logger.notice("no site-templates were found: pages and forms are not served") }
        let service = RuntimeService(configuration, parts, pools: pools, web: web, logger: logger)
        await unpacker.warm()
        for problem in await pools.warm() { logger.error("no plugin can be started there: \(problem)") }
        return service
    }

    init(
        _ configuration: RuntimeConfiguration, _ parts: RuntimeParts, pools: SandboxPools,
        web: WebFace? = nil, logger: Logger
    ) {
        self.configuration = configuration
        self.logger = logger
        self.pools = pools
        self.web = web
        registry = parts.registry
        hosts = parts.hosts
        recorder = parts.recorder
        desk = parts.desk
        api = parts.api
        clients = [parts.applicationClient, parts.loopbackClient, parts.catalogueClient]
        pinned = parts.pinned
        upkeep = Upkeep(
            registry: parts.registry, catalogue: parts.catalogue, removals: parts.removals,
            hosts: parts.hosts, recorder: parts.recorder, clock: parts.clock,
            courier: parts.courier, idle: .seconds(configuration.idleSeconds), logger: logger)
    }

    /// Answers until it is told to stop: by SIGTERM or SIGINT where `handlesSignals`, or by `stop`.
    ///
    /// - Parameter onReady: called with the port once the socket listens.
    /// - Throws: `port-in-use`, `configuration` for a wrong certificate.
    public func serve(
        handlesSignals: Bool = true, onReady: @escaping @Sendable (Int) async -> Void = { _ in }
    ) async throws(RuntimeError) {
        let configuration = self.configuration
        let watch = ConnectionWatch()
        let application = Application(
            responder: HTTPFace(
                api: api, watch: watch, requestSeconds: configuration.requestSeconds, web: web),
            server: try TLSFace.builder(configuration, watch: watch, logger: logger),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                serverName: "veroforge-runtime",
                backlog: 1_024,
                availableConnectionsDelegate: MaximumAvailableConnections(configuration.connectionsMax)),
            onServerRunning: { channel in await onReady(channel.localAddress?.port ?? configuration.port) },
            logger: logger)
        var settings = ServiceGroupConfiguration(
            services: [application], gracefulShutdownSignals: handlesSignals ? [.sigterm, .sigint] : [],
            logger: logger)
        settings.maximumGracefulShutdownDuration = Duration.seconds(configuration.drainSeconds)
        let group = ServiceGroup(configuration: settings)
        self.group.withLock { $0 = group }
        let upkeepTask = Task { await upkeep.run() }
        let failure: RuntimeError?
        do {
            try await group.run()
            failure = nil
        } catch let error as IOError where error.errnoCode == 98 {
            failure = RuntimeError(
                .portInUse, "\(configuration.host):\(configuration.port)",
                "another program listens there; stop it or choose another port with --port")
        } catch let error as RuntimeError {
            failure = error
        } catch is CancellationError {
            failure = nil
        } catch {
            failure = RuntimeError(.unavailable, "\(configuration.host):\(configuration.port)", "\(error)")
        }
        upkeepTask.cancel()
        await close()
        if let failure { throw failure }
    }

    /// Finishes the running calls and ends `serve`.
    public func stop() async {
        await group.withLock { $0 }?.triggerGracefulShutdown()
    }

    /// Brings hosts to rest and seals the segment. `serve` does it by itself.
    public func close() async {
        for (_, host) in hosts.all { await host.drain() }
        await pools.close()
        upkeep.finish()
        await recorder.close()
        await pinned.shutdown()
        for client in clients { try? await client.shutdown() }
        try? registry.close()
    }

    /// Looks at the catalogue and for what others have changed in the registry, now instead of at the next poll.
    public func reconcile() async { await upkeep.look() }

    /// Makes silent updates, writes and delivers notices, now instead of at the next poll.
    public func deliverNotices() async { await upkeep.deliverNotices() }
}

/// The parts of the service, put together.
struct RuntimeParts: Sendable {
    let registry: Registry
    let hosts: Hosts
    let recorder: UsageRecorder
    let clock: RuntimeClock
    let desk: CallDesk
    let api: RuntimeAPI
    let applicationClient: HTTPClient
    let loopbackClient: HTTPClient
    let catalogueClient: HTTPClient
    let pinned: PinnedClients
    let catalogue: CatalogueFollower
    let removals: RemovalRecord
    let courier: NoticeCourier

    init(
        _ configuration: RuntimeConfiguration, resolver: HostResolver, clock given: RuntimeClock? = nil,
        logger: Logger, makeStarter: (CatalogueFollower) -> any PluginStarter
    ) throws(RuntimeError) {
        let data = configuration.data
        let clock: RuntimeClock
        if let given {
            clock = given
        } else if let path = configuration.clockFile {
            clock = try .file(path)
        } else {
            clock = .system
        }
        self.clock = clock
        let sealed: SealedStore
        do {
            registry = try Registry.open(path: "\(data)/registry.sqlite")
            sealed = try KeyStore(folder: "\(data)/keys").sealedStore()
        } catch let error as RegistryError {
            throw RuntimeError(error)
        } catch {
            throw RuntimeError(.configuration, "\(data)/keys", "\(error)")
        }
        let metrics = RuntimeMetrics()
        let audit = try AuditLog(folder: "\(data)/audit", node: configuration.node)
        let unanswered = UnansweredCalls(
            path: "\(data)/runtime/\(configuration.node)/unanswered.json", usage: "\(data)/usage",
            node: configuration.node)
        let writer: SegmentWriter
        do { writer = try SegmentWriter(usage: "\(data)/usage", node: configuration.node) } catch {
            throw RuntimeError(.unavailable, "\(data)/usage", error.description)
        }
        recorder = UsageRecorder(
            writer: writer, unanswered: unanswered, audit: audit, metrics: metrics)
        for recovery in recorder.recovered {
            logger.notice(
                "completed \(recovery.path): \(recovery.events) events, \(recovery.tornBytes) bytes cut")
        }
        applicationClient = try Upstream.client(trusting: configuration.applicationRoots)
        catalogueClient = Upstream.client()
        catalogue = CatalogueFollower(
            source: CatalogueSource(configuration.catalogue, client: catalogueClient),
            statePath: "\(data)/runtime/\(configuration.node)/catalogue.json",
            rootPath: configuration.catalogueRoot, clock: clock)
        let starter = makeStarter(catalogue)
        loopbackClient = Upstream.client()
        pinned = PinnedClients()
        let store = RegistryStore(registry: registry, sealed: sealed, clock: clock)
        let perSecond = Double(configuration.operationsPerSecond)
        let fetcher = FetchClient(
            resolver: resolver, loopbackHosts: configuration.loopbackHosts, loopbackClient: loopbackClient,
            pinned: pinned, answerBytesMax: configuration.answerBytesMax)
        let proxy = APIProxy(
            settings: APIProxy.Settings(
                tenantRate: TokenBucket.Rate(perSecond: perSecond, burst: perSecond * 2)),
            applications: ApplicationClient(
                client: applicationClient, answerBytesMax: configuration.answerBytesMax),
            fetcher: fetcher,
            credentials: OAuthCredentials(store: store, clock: clock), storage: store, audit: audit,
            clock: clock,
            node: configuration.node, metrics: metrics)
        var limits = PluginHost.Limits()
        limits.runnersMax = configuration.runnersPerInstallationMax
        let hostLimits = limits
        let turns = ProcessorTurns()
        hosts = Hosts(registry: registry, sealed: sealed) { plugin in
            PluginHost(
                plugin, limits: hostLimits, starter: starter, proxy: proxy, turns: turns, metrics: metrics)
        }
        var gateLimits = FairGate.Limits()
        gateLimits.runningMax = configuration.runningCallsMax
        let gate = FairGate(gateLimits)
        let shelf = RecordingShelf(data: data)
        let book = PluginLogBook(data: data)
        desk = CallDesk(
            hosts: hosts, gate: gate, recorder: recorder, clock: clock, metrics: metrics, logger: logger,
            callsPerSecond: configuration.callsPerSecond, shelf: shelf, book: book)
        removals = RemovalRecord(
            registry: registry, recorder: recorder,
            cursorPath: "\(data)/runtime/\(configuration.node)/events.json")
        let installations = InstallationDesk(
            registry: registry, sealed: sealed, hosts: hosts, recorder: recorder, audit: audit, clock: clock,
            removals: removals)
        courier = NoticeCourier(
            registry: registry, sealed: sealed, desk: installations, fetcher: fetcher, clock: clock,
            logger: logger)
        let state = NodeState(
            registry: registry, hosts: hosts, gate: gate, recorder: recorder, metrics: metrics,
            catalogue: catalogue)
        var endpoints = InstallationEndpoints(desk: installations, calls: desk, shelf: shelf).all
        endpoints += RecordingEndpoints(shelf: shelf, book: book, registry: registry).all
        endpoints += PolicyEndpoints(registry: registry).all
        endpoints += NoticeEndpoints(registry: registry, sealed: sealed).all
        endpoints += CatalogueEndpoints(registry: registry, clock: clock).all
        endpoints += VersionEndpoints(registry: registry, clock: clock).all
        endpoints += UsageEndpoints(usage: "\(data)/usage", clock: clock).all
        endpoints +=
            SubmissionEndpoints(
                registry: registry, inbox: "\(data)/inbox", clock: clock, audit: audit,
                node: configuration.node
            ).all
        let books = AccountBooks(data: data)
        endpoints += AccountEndpoints(registry: registry, books: books, clock: clock).all
        endpoints +=
            PublisherEndpoints(
                registry: registry, books: books, clock: clock, audit: audit, node: configuration.node
            ).all
        endpoints +=
            ReviewEndpoints(
                registry: registry, folder: "\(data)/reviews", clock: clock, audit: audit,
                node: configuration.node
            ).all
        endpoints += ServiceEndpoints(service: state, calls: desk, registry: registry, clock: clock).all
        endpoints += InterfaceEndpoints(registry: registry, starter: starter).all
        state.describe(OpenAPIDocument.make(endpoints))
        api = RuntimeAPI(
            endpoints: endpoints, registry: registry, clock: clock, metrics: metrics,
            jsonBytesMax: configuration.requestBytesMax, answered: { [recorder] in recorder.answered($0) })
    }
}
