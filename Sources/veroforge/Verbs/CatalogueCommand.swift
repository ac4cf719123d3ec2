import ArgumentParser
import Foundation
import Marketplace
import Pipeline
import Provenance
import Registry

/// `veroforge catalogue …`
struct CatalogueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalogue", abstract: "Search, show and verify what is listed.",
        subcommands: [Search.self, Show.self, Revoke.self, Mark.self, Verify.self, Mirror.self])

    struct Search: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "search", abstract: "Find listed plugins.")
        @OptionGroup var options: DataOptions
        @Argument(help: "Words; none lists all.") var words: [String] = []
        @Option(help: "Only this category.") var category: String?
        @Option(help: "Only this publisher.") var publisher: String?
        @Option(help: "Only plugins with this operation among their permissions.") var permission: String?
        @Option(help: "payPerUse, subscription, oneTime or freemium.") var pricing: String?

        func run() throws {
            let context = try options.context()
            let query = SearchQuery(
                text: words.joined(separator: " "), category: category, permission: permission,
                pricingModel: pricing.flatMap(Pricing.Model.init),
                publisher: publisher.flatMap(PublisherID.init))
            do {
                let hits = try context.registry.search(query)
                for hit in hits {
                    print(
                        "\(hit.listing.plugin)@\(hit.listing.latest)  \(hit.listing.category)  \(hit.listing.description)"
                    )
                }
                if hits.isEmpty { throw PipelineError(.notFound, "nothing that is listed fits") }
            } catch let error as RegistryError {
                throw PipelineError(error)
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "A listed plugin and its versions.")
        @OptionGroup var options: DataOptions
        @Argument(help: "publisher.name") var id: String

        func run() throws {
            let context = try options.context()
            guard let id = PluginID(id) else { throw PipelineError(.usage, "\(self.id) is no plugin id") }
            do {
                let listing = try context.registry.listing(id)
                print("\(id)  \(listing.name)\n  \(listing.description)")
                print(
                    "  category \(listing.category), \(listing.pricingModel.rawValue), licence \(listing.license)"
                )
                for version in try context.registry.versions(of: id) {
                    let state =
                        version.revocation.map { "revoked: \($0.reason)" }
                        ?? version.yankReason.map { "yanked: \($0)" }
                        ?? version.deprecated.map { "deprecated: \($0)" }
                    print(
                        "  \(version.version)  \(version.channel.rawValue)  listed \(version.listedAt)  \(version.bundle)"
                    )
                    if let state { print("    \(state)") }
                }
            } catch {
                throw PipelineError(error)
            }
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke", abstract: "The kill switch: runtimes stop the version within one poll.")
        @OptionGroup var options: DataOptions
        @Argument(help: "publisher.name@version") var version: String
        @Option(help: "Why.") var reason: String
        @Option(help: "Address or digest of the evidence.") var evidence: String
        @Option(help: "no-new-installs, suspended or removed.") var stage = "suspended"

        func run() throws {
            let context = try options.context()
            let (plugin, version) = try PluginFolder.split(version)
            guard let stage = RevocationStage(rawValue: stage) else {
                throw PipelineError(.usage, "\(self.stage) is none of no-new-installs, suspended, removed")
            }
            do {
                try context.registry.revoke(
                    plugin, version, stage: stage, reason: reason, evidence: evidence, actor: "operator",
                    now: context.now)
            } catch {
                throw PipelineError(error)
            }
            print(
                "\(plugin)@\(version) is revoked (\(stage.rawValue)); publish it with `veroforge run submission --stage publish`."
            )
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Check a site directory whole, offline: signatures, digests, proofs, log.")
        @Argument(help: "The site's directory.") var directory: String = "data/site/public"
        @Option(help: "A pinned root.json or the root's public key; without it the site's own is used.")
        var root: String?
        @Option(name: .customLong("as-of"), help: "The moment at which nothing may have expired.") var asOf:
            String?
        @Option(help: "text or json.") var format: OutputFormat = .text

        func run() throws {
            let moment = asOf.flatMap { Instant($0) ?? Day($0)?.start }
            if asOf != nil, moment == nil { throw PipelineError(.usage, "--as-of \(asOf ?? "") is no time") }
            let outcome = try CatalogueCheck.verify(
                directory, root: root, asOf: moment ?? Clock.wall())
            print(format == .json ? outcome.json : outcome.text)
            throw Outcome(outcome.isSound ? .done : .findings)
        }
    }
}
