import Foundation
import Marketplace
import Provenance
import Publishing
import Registry
import Scanning

/// One version that stands, or is about to stand, in the catalogue, with everything that was written about it.
struct BookVersion: Sendable {
    let plugin: PluginID
    let version: Version
    let bundle: Digest
    let manifest: Manifest
    let listedAt: Instant
    let channel: Channel
    let deprecated: String?
    let yankReason: String?
    let yankedAt: Instant?
    let revocation: Revocation?
    let submittedAt: Instant?

    var path: String { "plugins/\(plugin.publisher)/\(plugin.name)/\(version)" }

    var status: ListingStatus {
        if revocation != nil { return .revoked }
        if yankedAt != nil { return .yanked }
        return deprecated == nil ? .listed : .deprecated
    }
    var statusReason: String? { revocation?.reason ?? yankReason ?? deprecated }
    var statusAt: Instant? { revocation?.at ?? yankedAt }
    /// When this version last changed for those who look at it.
    var changedAt: Instant { max(listedAt, statusAt ?? listedAt) }
}

/// The catalogue's content as of a run: what is listed, and what this run lists.
struct CatalogueBook: Sendable {
    /// By plugin, then newest first.
    let versions: [BookVersion]
    let publishers: [Publisher]

    /// The latest change of any version: the moment that the site speaks of, so that nothing new gives the same bytes.
    var asOf: Instant { versions.map(\.changedAt).max() ?? Instant(milliseconds: 0) }

    init(_ context: RunContext, approved: [Submission]) throws(PipelineError) {
        let registry = context.registry
        var versions: [BookVersion] = []
        let listed = try PipelineError.translating { () throws(RegistryError) in try registry.allVersions() }
        for row in listed {
            let title = "\(row.plugin)@\(row.version)"
            let submission = try? registry.submission(row.bundle)
            versions.append(
                BookVersion(
                    plugin: row.plugin, version: row.version, bundle: row.bundle,
                    manifest: try ManifestStore.manifest(row.manifest, of: title), listedAt: row.listedAt,
                    channel: row.channel, deprecated: row.deprecated, yankReason: row.yankReason,
                    yankedAt: row.yankedAt, revocation: row.revocation, submittedAt: submission?.receivedAt))
        }
        for item in approved {
            let manifest = try ManifestStore.manifest(of: item)
            versions.append(
                BookVersion(
                    plugin: manifest.id, version: manifest.version, bundle: item.id, manifest: manifest,
                    listedAt: context.now, channel: manifest.version.isPrerelease ? .beta : .stable,
                    deprecated: nil,
                    yankReason: nil, yankedAt: nil, revocation: nil, submittedAt: item.receivedAt))
        }
        self.versions = versions.sorted {
            $0.plugin == $1.plugin ? $0.version > $1.version : $0.plugin < $1.plugin
        }
        publishers = try PipelineError.translating { () throws(RegistryError) in try registry.publishers() }
    }

    /// Groups of versions of one plugin, newest first.
    var byPlugin: [[BookVersion]] {
        Dictionary(grouping: versions, by: \.plugin).values.sorted { $0[0].plugin < $1[0].plugin }
    }
}
