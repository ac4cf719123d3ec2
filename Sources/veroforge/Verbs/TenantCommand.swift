import ArgumentParser
import Foundation
import Marketplace
import Pipeline
import Provenance
import Registry

/// `veroforge tenant …`
struct TenantCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tenant", abstract: "Customers and their applications.",
        subcommands: [Create.self, Show.self, SetPolicy.self, EraseTenant.self])

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create", abstract: "Add a customer with its application.")
        @OptionGroup var options: DataOptions
        @Argument(help: "The tenant's id.") var id: String
        @Option(help: "The name that stands on invoices.") var name: String?
        @Option(help: "The application's base URL.") var app: String
        @Option(
            name: .customLong("credential-file"),
            help: "File with the token that the proxy presents to the application.")
        var credentialFile: String
        @Option(help: "ISO 3166 country code: decides the tax.") var country: String
        @Option(help: "The currency of its invoices.") var currency: String
        @Option(name: .customLong("tax-id"), help: "VAT id, for invoices.") var taxID: String?
        @Option(help: "Where invoices are sent.") var email: String?

        func run() throws {
            let context = try options.context()
            guard let tenant = TenantID(id) else {
                throw PipelineError(
                    .usage, "\(id) is no tenant id", remedy: "Use lower-case letters, digits and hyphens.")
            }
            guard let money = Currency(currency), context.data.configuration.currencies.contains(money) else {
                let known = context.data.configuration.currencies.map(\.code).joined(separator: ", ")
                throw PipelineError(
                    .usage, "\(currency) is not one of the marketplace's currencies (\(known))")
            }
            let text = String(decoding: try Files.read(credentialFile), as: UTF8.self)
            let credential = text.trimmingCharacters(in: .whitespacesAndNewlines)
            guard !credential.isEmpty else { throw PipelineError(.usage, "\(credentialFile) is empty") }
            do {
                try context.registry.createTenant(
                    tenant, name: name ?? id, appURL: app, credential: Array(credential.utf8),
                    country: country,
                    currency: money, taxID: taxID, email: email, sealedBy: try context.keys.sealedStore(),
                    now: context.now)
            } catch let error as RegistryError {
                throw PipelineError(error)
            } catch let error as ProvenanceError {
                throw PipelineError(error)
            }
            print("\(tenant) is a customer. Its credential is sealed; the file is not needed any more.")
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "A customer and what it has installed.")
        @OptionGroup var options: DataOptions
        @Argument(help: "The tenant's id.") var id: String

        func run() throws {
            let context = try options.context()
            guard let id = TenantID(id) else { throw PipelineError(.usage, "\(self.id) is no tenant id") }
            do {
                let tenant = try context.registry.tenant(id)
                print(
                    "\(tenant.id)  \(tenant.name)  \(tenant.country)  \(tenant.currency)  updates \(tenant.updatePolicy.rawValue)"
                )
                for item in try context.registry.installations(for: id) {
                    print("  \(item.plugin)@\(item.version)  plan \(item.plan)  \(item.state.rawValue)")
                }
            } catch {
                throw PipelineError(error)
            }
        }
    }

    struct SetPolicy: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "policy", abstract: "How updates reach a customer.")
        @OptionGroup var options: DataOptions
        @Argument(help: "The tenant's id.") var id: String
        @Option(help: "automatic, security-only or manual.") var updates: String
        @Option(
            name: .customLong("minimum-release-age-hours"),
            help: "Hours that a version must be out before it is taken.")
        var ageHours: Int64 = 0

        func run() throws {
            let context = try options.context()
            guard let tenant = TenantID(id) else { throw PipelineError(.usage, "\(id) is no tenant id") }
            guard let policy = UpdatePolicy(rawValue: updates) else {
                throw PipelineError(.usage, "\(updates) is none of automatic, security-only, manual")
            }
            do {
                try context.registry.setPolicy(
                    of: tenant, updates: policy, minimumReleaseAgeMs: ageHours * 3_600_000, channel: .stable)
            } catch {
                throw PipelineError(error)
            }
            print("\(tenant): updates \(policy.rawValue), after \(ageHours) hours.")
        }
    }
}

/// `veroforge token …`
struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Access tokens for the runtime's API.",
        subcommands: [Issue.self, Revoke.self])

    struct Issue: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "issue", abstract: "Print a new token, once: only its hash is kept.")
        @OptionGroup var options: DataOptions
        @Option(help: "A tenant's id.") var tenant: String?
        @Option(help: "A publisher's id.") var publisher: String?
        @Option(help: "A reviewer's name.") var reviewer: String?

        func run() throws {
            let context = try options.context()
            let holders: [TokenHolder?] = [
                tenant.flatMap(TenantID.init).map(TokenHolder.tenant),
                publisher.flatMap(PublisherID.init).map(TokenHolder.publisher),
                reviewer.map(TokenHolder.reviewer),
            ]
            let given = [tenant, publisher, reviewer].compactMap { $0 }
            guard given.count == 1, let holder = holders.compactMap({ $0 }).first else {
                throw PipelineError(
                    .usage, "name one holder", remedy: "Give --tenant, --publisher or --reviewer with an id.")
            }
            do {
                print(try context.registry.issueToken(for: holder, now: context.now).token)
            } catch {
                throw PipelineError(error)
            }
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "revoke", abstract: "End a token.")
        @OptionGroup var options: DataOptions
        @Argument(help: "The token's public id.") var id: String

        func run() throws {
            let context = try options.context()
            do {
                try context.registry.revokeToken(id, now: context.now)
            } catch {
                throw PipelineError(error)
            }
            print("\(id) is revoked.")
        }
    }
}
