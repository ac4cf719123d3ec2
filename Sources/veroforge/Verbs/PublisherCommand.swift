import ArgumentParser
import Foundation
import Marketplace
import Pipeline
import Provenance
import Registry

/// `veroforge publisher …`
struct PublisherCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publisher", abstract: "Publishers and their keys.",
        subcommands: [
            Register.self, Show.self, Verify.self, AddKey.self, RotateKey.self, RevokeKey.self,
            RecoverKey.self, Quarantine.self,
        ])

    struct Register: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "register", abstract: "Register a publisher with its first key.",
            discussion:
                "Makes the key if the file does not exist. The file never leaves the publisher's machine.")

        @OptionGroup var options: DataOptions
        @Argument(help: "The publisher's id: the first half of its plugins' ids.") var id: String
        @Option(help: "The name that customers see.") var name: String
        @Option(help: "Where the marketplace writes to.") var email: String
        @Option(help: "ISO 3166 country code.") var country: String
        @Option(help: "The currency that payouts are made in.") var currency = "USD"
        @Option(help: "The private key's file, made with mode 0600 if it is missing.") var key: String

        func run() throws {
            let context = try options.context()
            guard let publisher = PublisherID(id) else {
                throw PipelineError(
                    .usage, "\(id) is no publisher id",
                    remedy: "Use 2 to 40 lower-case letters, digits and single hyphens, a letter first.")
            }
            guard let currency = Currency(currency) else {
                throw PipelineError(.usage, "\(currency) is no ISO 4217 currency")
            }
            let signing = try KeyFile.readOrCreate(key)
            do {
                try context.registry.registerPublisher(
                    publisher, name: name, email: email, country: country, currency: currency,
                    key: signing.verifyingKey, now: context.now)
            } catch {
                throw PipelineError(error)
            }
            print("\(publisher) is registered with the key \(signing.keyID.prefix(16)).")
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "A publisher, its keys and submissions.")
        @OptionGroup var options: DataOptions
        @Argument(help: "The publisher's id.") var id: String

        func run() throws {
            let context = try options.context()
            guard let id = PublisherID(id) else {
                throw PipelineError(.usage, "\(self.id) is no publisher id")
            }
            do {
                let publisher = try context.registry.publisher(id)
                print(
                    "\(publisher.id)  \(publisher.name)  \(publisher.state.rawValue)  since \(publisher.registeredAt)"
                )
                let proof =
                    publisher.verifiedDomain.map {
                        "verified: owns \($0), since \(publisher.verifiedAt?.description ?? "")"
                    } ?? "not verified"
                print("  \(proof)")
                for key in try context.registry.keys(of: id, includingRevoked: true) {
                    let end = key.revokedAt.map { ", revoked \($0)" } ?? ""
                    print(
                        "  key \(key.key.keyID.prefix(16))  \(key.role.rawValue) since \(key.addedAt)\(end)")
                }
                for item in try context.registry.submissions(of: id) {
                    print("  \(item.title)  \(item.state.rawValue)  \(item.reason.text)")
                    print("    \(item.reason.nextStep ?? item.state.defaultNextStep)")
                }
            } catch {
                throw PipelineError(error)
            }
        }
    }

    struct Quarantine: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "quarantine", abstract: "Stop taking submissions of a publisher, or lift it.")
        @OptionGroup var options: DataOptions
        @Argument(help: "The publisher's id.") var id: String
        @Option(help: "Why.") var reason: String?
        @Flag(help: "Lift the quarantine.") var lift = false

        mutating func validate() throws {
            if (reason == nil) == !lift { throw ValidationError("Give --reason, or --lift.") }
        }

        func run() throws {
            let context = try options.context()
            guard let publisher = PublisherID(id) else {
                throw PipelineError(.usage, "\(id) is no publisher id")
            }
            do {
                try context.registry.setQuarantine(publisher, reason: reason)
            } catch {
                throw PipelineError(error)
            }
            print(lift ? "\(publisher) is active." : "\(publisher) is quarantined.")
        }
    }
}

/// A publisher's private key on its own machine.
enum KeyFile {
    static func readOrCreate(_ path: String) throws(PipelineError) -> SigningKey {
        if Files.exists(path) { return try read(path) }
        let key = SigningKey()
        do {
            if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
                try FileManager.default.createDirectory(
                    atPath: String(path[..<slash]), withIntermediateDirectories: true)
            }
        } catch {
            throw PipelineError(
                .notFound, "the folder of \(path) cannot be made: \(error.localizedDescription)")
        }
        do {
            try key.write(toFile: path)
        } catch {
            throw PipelineError(.notFound, "the key \(path) cannot be written: \(error.cause)")
        }
        return key
    }

    static func read(_ path: String) throws(PipelineError) -> SigningKey {
        do {
            return try SigningKey(contentsOfFile: path)
        } catch {
            throw PipelineError(
                .notFound, "the key \(path) cannot be read: \(error.cause)",
                remedy: "Make one with `veroforge publisher register … --key \(path)`.")
        }
    }
}
