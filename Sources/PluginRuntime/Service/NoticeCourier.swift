import FoundationEssentials
import Logging
import Marketplace
import Provenance
import Registry
import Synchronization

/// Carries out the updates that need nobody, writes the notices that are due, and delivers them by webhook.
final class NoticeCourier: Sendable {
    /// A version that did not start is not tried again before so long.
    private static let retrySeconds: Int64 = 3_600
    private static let deadline = Duration.seconds(15)

    private let registry: Registry
    private let sealed: SealedStore
    private let desk: InstallationDesk
    private let fetcher: FetchClient
    private let clock: RuntimeClock
    private let logger: Logger
    private let failed = Mutex<[String: Instant]>([:])

    init(
        registry: Registry, sealed: SealedStore, desk: InstallationDesk, fetcher: FetchClient,
        clock: RuntimeClock, logger: Logger
    ) {
        self.registry = registry
        self.sealed = sealed
        self.desk = desk
        self.fetcher = fetcher
        self.clock = clock
        self.logger = logger
    }

    /// One round. What fails is tried again in a later one.
    func work() async {
        do throws(RuntimeError) {
            try await update()
            let registry = self.registry
            let now = clock.now()
            _ = try await blocking { try registry.writeNotices(now: now) }
            try await deliver()
        } catch {
            logger.error("notices: \(error)")
        }
    }

    /// An update is silent only where its grants are a subset of what was accepted and its price is the same; the
    /// rule stands in `UpdateRule`. The old version runs on where the new one does not start.
    private func update() async throws(RuntimeError) {
        let registry = self.registry
        let now = clock.now()
        for offer in try await blocking({ try registry.silentUpdates(now: now) }) {
            let row = offer.installation
            guard row.state == .active else { continue }
            let name = "\(row.id) \(offer.to)"
            let last = failed.withLock { $0[name] }
            if let last, now < last.adding(seconds: Self.retrySeconds) { continue }
            do throws(RuntimeError) {
                _ = try await desk.approve(
                    Hosts.Key(tenant: row.tenant, plugin: row.plugin), offer.to, accepted: nil)
                try await blocking { try registry.noteUpdate(of: row, to: offer.to, now: now) }
                logger.notice("\(row.plugin) was updated to \(offer.to) for \(row.tenant)")
            } catch {
                failed.withLock { $0[name] = now }
                logger.error("\(row.plugin) \(offer.to) for \(row.tenant): \(error)")
            }
        }
    }

    private func deliver() async throws(RuntimeError) {
        let registry = self.registry
        let sealed = self.sealed
        let now = clock.now()
        for notice in try await blocking({ try registry.dueNotices(now: now) }) {
            let (tenant, secret) = try await blocking {
                (
                    try registry.tenant(notice.tenant),
                    try registry.webhookSecret(of: notice.tenant, openedBy: sealed)
                )
            }
            guard let url = tenant.webhookURL, let secret else { continue }
            let problem = await send(notice, to: url, secret: secret, now: now)
            try await blocking { try registry.noteDelivery(of: notice, error: problem, now: now) }
            if let problem {
                logger.notice("the notice \(notice.deliveryID) was not delivered: \(problem)")
            }
        }
    }

    /// `nil` once the receiver has answered with success; the address is checked like any that a plugin fetches.
    private func send(_ notice: Notice, to url: String, secret: [UInt8], now: Instant) async -> String? {
        let webhook: StandardWebhook
        do throws(ProvenanceError) { webhook = try StandardWebhook(key: secret) } catch { return error.cause }
        var headers: [String: JSONValue] = ["content-type": "application/json"]
        for header in notice.headers(webhook, now: now) { headers[header.name] = .string(header.value) }
        do throws(OperationError) {
            let request = try PreparedFetch(
                [
                    "url": .string(url), "method": "POST", "headers": .object(headers),
                    "body": .string(String(decoding: notice.payload, as: UTF8.self)),
                ], secrets: SecretVault([:]), authorization: nil)
            let answer = try await fetcher.send(request, deadline: .now + Self.deadline)
            return (200..<300).contains(answer.status) ? nil : "the receiver answered \(answer.status)"
        } catch {
            return error.message
        }
    }
}
