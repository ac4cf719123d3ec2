import Marketplace
import Sandbox
import Synchronization

/// Everything that a call of an installed plugin needs to know, as it was when its runner was started.
struct InstalledPlugin: Sendable {
    let installation: String
    let tenant: TenantID
    let manifest: Manifest
    let plan: String
    /// What the customer has accepted; the proxy allows this and nothing else.
    let accepted: PermissionSet
    let config: JSONValue
    /// SHA-256 of the bundle.
    let bundle: Digest
    let application: ApplicationTarget
    let secrets: SecretVault
    /// The isolation back end that the customer chose, if any.
    let backEnd: String?
    var trust = PublisherTrust.unverified

    var plugin: PluginID { manifest.id }
    var version: Version { manifest.version }
    var limits: Limits { manifest.limits }
}

/// One call while it runs: who it is for, until when it may take, and what it has used.
final class CallContext: Sendable {
    struct Counters: Sendable {
        /// Operations that were carried out for the plugin.
        var apiCalls: Int64 = 0
        var egressBytes: Int64 = 0
        /// Operations begun, also refused ones: numbers the keys of writes.
        var begun: Int64 = 0
        /// Time in which the plugin waited for the host.
        var waiting: Duration = .zero
        var waitingSince: ContinuousClock.Instant?
        var waitingCount = 0
        var amounts: [Money] = []
    }

    /// Unique for ever; the usage event's id.
    let id: String
    let plugin: InstalledPlugin
    let action: String
    let deadline: ContinuousClock.Instant
    /// The call's turn at the processors; starts and clean-ups have none.
    let turn: Turn?
    private let counters = Mutex(Counters())

    init(
        id: String, plugin: InstalledPlugin, action: String, deadline: ContinuousClock.Instant,
        turn: Turn? = nil
    ) {
        self.turn = turn
        self.id = id
        self.plugin = plugin
        self.action = action
        self.deadline = deadline
    }

    var used: Counters { counters.withLock { $0 } }

    func count<Result: Sendable>(_ body: (inout Counters) -> Result) -> Result {
        counters.withLock { body(&$0) }
    }

    /// Marks the time in which the plugin waits for the host.
    func waits(_ begins: Bool) {
        counters.withLock { counters in
            counters.waitingCount += begins ? 1 : -1
            if begins, counters.waitingCount == 1 { counters.waitingSince = .now }
            if !begins, counters.waitingCount == 0, let since = counters.waitingSince {
                counters.waiting += since.duration(to: .now)
                counters.waitingSince = nil
            }
        }
    }
}
