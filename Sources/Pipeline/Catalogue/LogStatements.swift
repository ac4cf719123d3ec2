import Marketplace
import Provenance
import Registry

/// The signed statements behind the log's entries that are no listings: a version yanked, restored or revoked, a
/// publisher's key revoked. Each is published at `log/statements/<digest>.json`, and the entry names its digest.
struct LogStatements: Sendable {
    /// In the order in which things happened.
    private(set) var entries: [LogEntry] = []
    private(set) var files: [GeneratedFile] = []

    init(_ context: RunContext, attest: SigningKey) throws(PipelineError) {
        let (events, keys) = try PipelineError.translating { () throws(RegistryError) in
            (try context.registry.versionEvents(), try context.registry.revokedKeys())
        }
        var made: [(at: Instant, entry: LogEntry, file: GeneratedFile)] = []
        for event in events {
            let kind: LogEntry.Kind =
                switch event.kind {
                case .yanked: .yanked
                case .restored: .restored
                case .revoked: .revoked
                }
            let statement = LogStatement(
                kind: kind, plugin: event.plugin, version: event.version, publisher: nil,
                subject: event.bundle, stage: event.stage?.rawValue, reason: event.reason,
                evidence: event.evidence, actor: event.actor, at: event.at)
            made.append((event.at, statement.entry, statement.file(signedBy: attest)))
        }
        for key in keys {
            let at = key.revokedAt ?? key.addedAt
            let statement = LogStatement(
                kind: .keyRevoked, plugin: nil, version: nil, publisher: key.publisher,
                subject: .sha256(of: key.key.hex), stage: nil, reason: key.revokedReason ?? "",
                evidence: key.key.hex, actor: key.publisher.text, at: at)
            made.append((at, statement.entry, statement.file(signedBy: attest)))
        }
        for item in made.sorted(by: { ($0.at, $0.file.path) < ($1.at, $1.file.path) }) {
            entries.append(item.entry)
            files.append(item.file)
        }
    }
}
