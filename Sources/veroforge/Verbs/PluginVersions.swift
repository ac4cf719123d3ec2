import ArgumentParser
import Marketplace
import Pipeline
import Registry

// What a publisher does with a version that is listed: `veroforge plugin yank | restore | deprecate | channel`, and
// what the operator says of it: `veroforge catalogue mark`.

extension PluginCommand {
    struct Yank: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "yank",
            abstract: "Withdraw a version: installed copies run on, new installs are refused.",
            discussion: """
                Shows which listed plugins depend on it. Where some would be left without a version that fits, \
                nothing is done (exit 3) until --yes says that it is meant.
                """)
        @OptionGroup var options: DataOptions
        @Argument(help: "publisher.name@version") var version: String
        @Option(help: "Why; stands on the tombstone page.") var reason: String
        @Flag(help: "Withdraw it even where others are left without a version that fits.") var yes = false

        func run() throws {
            let context = try options.context()
            let (plugin, version) = try PluginFolder.split(version)
            do {
                for dependent in try context.registry.dependents(of: plugin)
                where dependent.range.contains(version) {
                    print("note: \(dependent.plugin)@\(dependent.version) needs \(plugin)@\(dependent.range)")
                }
                let stranded = try context.registry.stranded(byYanking: plugin, version)
                if !stranded.isEmpty, !yes {
                    let names = stranded.map { "\($0.plugin)@\($0.version)" }.joined(separator: ", ")
                    throw PipelineError(
                        .notFound, "\(names) would be left without a version of \(plugin) that fits",
                        remedy: "Nothing was changed. Say --yes to withdraw it all the same.")
                }
                try context.registry.yank(
                    plugin, version, reason: reason, actor: plugin.publisher.text, now: context.now)
            } catch let error as RegistryError {
                throw PipelineError(error)
            }
            print("\(plugin)@\(version) is yanked; the next publish shows it.")
        }
    }

    struct Restore: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "restore", abstract: "Put a withdrawn version back.")
        @OptionGroup var options: DataOptions
        @Argument(help: "publisher.name@version") var version: String
        @Option(help: "Why.") var reason: String

        func run() throws {
            let context = try options.context()
            let (plugin, version) = try PluginFolder.split(version)
            do {
                try context.registry.restore(
                    plugin, version, reason: reason, actor: plugin.publisher.text, now: context.now)
            } catch {
                throw PipelineError(error)
            }
            print("\(plugin)@\(version) can be installed again; the next publish shows it.")
        }
    }

    struct Deprecate: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "deprecate", abstract: "Tell the customers of a version to move on; nothing stops.")
        @OptionGroup var options: DataOptions
        @Argument(help: "publisher.name@version") var version: String
        @Option(help: "What they are told, such as which version to take.") var message: String?
        @Flag(help: "Take the message back.") var clear = false

        mutating func validate() throws {
            if (message == nil) != clear { throw ValidationError("Give --message, or --clear.") }
        }

        func run() throws {
            let context = try options.context()
            let (plugin, version) = try PluginFolder.split(version)
            do {
                try context.registry.deprecate(plugin, version, message: message)
            } catch {
                throw PipelineError(error)
            }
            print(
                "\(plugin)@\(version) is \(clear ? "no longer " : "")deprecated; the next publish shows it.")
        }
    }

    struct SetChannel: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "channel",
            abstract: "Offer a version to a channel, and to a share of its tenants.",
            discussion:
                "The share is by tenant and version: a tenant that is inside 10 percent is inside 20.")
        @OptionGroup var options: DataOptions
        @Argument(help: "publisher.name@version") var version: String
        @Option(help: "stable or beta.") var channel: String
        @Option(help: "Percent of the tenants that are offered the update.") var rollout = 100

        func run() throws {
            let context = try options.context()
            let (plugin, version) = try PluginFolder.split(version)
            guard let channel = Channel(rawValue: channel) else {
                throw PipelineError(.usage, "\(self.channel) is neither stable nor beta")
            }
            do {
                try context.registry.setChannel(
                    plugin, version, channel: channel, rolloutPercent: rollout, now: context.now)
            } catch {
                throw PipelineError(error)
            }
            print("\(plugin)@\(version) is offered to \(rollout) % of the \(channel.rawValue) channel.")
        }
    }
}

extension CatalogueCommand {
    struct Mark: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "mark", abstract: "Say that a version mends a security hole, or that it does not.",
            discussion: """
                Such a version goes to tenants of the policy security-only by itself, and waits for no \
                minimum release age.
                """)
        @OptionGroup var options: DataOptions
        @Argument(help: "publisher.name@version") var version: String
        @Flag(inversion: .prefixedNo, help: "Whether it mends a hole.") var securityFix = true

        func run() throws {
            let context = try options.context()
            let (plugin, version) = try PluginFolder.split(version)
            do {
                try context.registry.setSecurityFix(plugin, version, securityFix)
            } catch {
                throw PipelineError(error)
            }
            print("\(plugin)@\(version) is \(securityFix ? "a security fix" : "no security fix").")
        }
    }
}
