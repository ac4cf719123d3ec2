import ArgumentParser
import Foundation
import Marketplace
import Pipeline
import Provenance
import Registry

// What a publisher proves, and its keys: `veroforge publisher verify | add-key | rotate-key | revoke-key | recover-key`.

extension PublisherCommand {
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Prove a publisher's key and domain.",
            discussion: """
                Three steps, alone or together: --domain asks for a challenge, --key answers it with the \
                publisher's key, --check fetches the file from the domain. The file stands at \
                https://DOMAIN/.well-known/veroforge-publisher.txt and holds the line that --domain prints.
                """)
        @OptionGroup var options: DataOptions
        @Argument(help: "The publisher's id.") var id: String
        @Option(help: "The domain to be proven: a new challenge is made.") var domain: String?
        @Option(help: "The publisher's private key: signs the challenge.") var key: String?
        @Flag(help: "Fetch the file from the domain.") var check = false
        @Option(help: "An address that stands in for https://DOMAIN (only in a demo's data directory).")
        var via: String?

        mutating func validate() throws {
            if domain == nil, key == nil, !check {
                throw ValidationError("Give --domain, --key, --check or several of them.")
            }
        }

        func run() async throws {
            let context = try options.context()
            let id = try PublisherKeyFiles.publisher(id)
            do {
                if let domain {
                    let challenge = try context.registry.challengePublisher(
                        id, domain: domain, now: context.now)
                    print("Put this line into \(challenge.url) before \(challenge.until):")
                    print(challenge.line)
                }
                if let key {
                    let challenge = try PublisherKeyFiles.challenge(id, context)
                    try context.registry.provePublisherKey(
                        id, signed: challenge.signed(by: try KeyFile.read(key)), now: context.now)
                    print("\(id) holds its key.")
                }
                if check {
                    let challenge = try PublisherKeyFiles.challenge(id, context)
                    let file = try await WellKnownFile.fetch(challenge.domain, via: via, context)
                    try context.registry.provePublisherDomain(id, file: file, now: context.now)
                    print("\(id) owns \(challenge.domain) and is verified.")
                }
            } catch let error as RegistryError {
                throw PipelineError(error)
            }
        }
    }

    struct AddKey: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add-key", abstract: "Give an account another key.")
        @OptionGroup var options: DataOptions
        @Argument(help: "The publisher's id.") var id: String
        @Option(help: "An owner's private key: signs the request.") var key: String
        @Option(help: "The new private key's file, made with mode 0600 if it is missing.") var new: String
        @Option(help: "owner (may change keys) or submit (may hand in only).") var role = "submit"

        func run() throws {
            let context = try options.context()
            let id = try PublisherKeyFiles.publisher(id)
            guard let role = PublisherKey.Role(rawValue: role) else {
                throw PipelineError(.usage, "\(self.role) is neither owner nor submit")
            }
            let owner = try KeyFile.read(key)
            let added = try KeyFile.readOrCreate(new).verifyingKey
            do {
                try context.registry.addKey(
                    added, of: id, role: role,
                    authorisedBy: PublisherKeyChange.add(added, role).signed(by: owner, for: id),
                    now: context.now)
            } catch {
                throw PipelineError(error)
            }
            print("\(id) has the \(role.rawValue) key \(added.keyID.prefix(16)).")
        }
    }

    struct RotateKey: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate-key",
            abstract: "Put a new key in the place of an owner's key, which is revoked in the same step.")
        @OptionGroup var options: DataOptions
        @Argument(help: "The publisher's id.") var id: String
        @Option(help: "The old private key: signs the request.") var key: String
        @Option(help: "The new private key's file, made with mode 0600 if it is missing.") var new: String

        func run() throws {
            let context = try options.context()
            let id = try PublisherKeyFiles.publisher(id)
            let old = try KeyFile.read(key)
            let next = try KeyFile.readOrCreate(new).verifyingKey
            do {
                try context.registry.rotateKey(
                    of: id, from: old.verifyingKey, to: next,
                    authorisedBy: PublisherKeyChange.rotate(from: old.verifyingKey, to: next).signed(
                        by: old, for: id), now: context.now)
            } catch {
                throw PipelineError(error)
            }
            print(
                "\(id) has the key \(next.keyID.prefix(16)) in the place of \(old.keyID.prefix(16)), which is revoked."
            )
        }
    }

    struct RevokeKey: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke-key",
            abstract: "Revoke a key: nothing that it signs is taken any more.")
        @OptionGroup var options: DataOptions
        @Argument(help: "The publisher's id.") var id: String
        @Argument(help: "The key's id, or its first digits; `publisher show` names it.") var keyID: String
        @Option(help: "Why.") var reason: String
        @Flag(
            name: .customLong("last-one"),
            help: "Even the last owner's key: the operator's way to stop a stolen one.")
        var lastOne = false

        func run() throws {
            let context = try options.context()
            let id = try PublisherKeyFiles.publisher(id)
            do {
                let found = try context.registry.keys(of: id).filter { $0.key.keyID.hasPrefix(keyID) }
                guard keyID.utf8.count >= 8, found.count == 1 else {
                    throw PipelineError(
                        .notFound, "\(keyID) is no valid key of \(id)",
                        remedy: "Give at least 8 digits; `veroforge publisher show \(id)` names the keys.")
                }
                try context.registry.revokeKey(
                    found[0].key, of: id, reason: reason, byOperator: lastOne, now: context.now)
                print(
                    "The key \(found[0].key.keyID.prefix(16)) of \(id) is revoked; the next publish logs it.")
            } catch let error as RegistryError {
                throw PipelineError(error)
            }
        }
    }

    struct RecoverKey: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "recover-key",
            abstract: "Give an account without an owner's key a new one, after proof of its verified domain.",
            discussion: """
                The publisher puts a line with the new public key into \
                https://DOMAIN/.well-known/veroforge-publisher.txt; without --check the line is printed.
                """)
        @OptionGroup var options: DataOptions
        @Argument(help: "The publisher's id.") var id: String
        @Option(help: "The new private key's file, made with mode 0600 if it is missing.") var new: String
        @Flag(help: "Fetch the file from the verified domain and put the key in.") var check = false
        @Option(help: "An address that stands in for https://DOMAIN (only in a demo's data directory).")
        var via: String?

        func run() async throws {
            let context = try options.context()
            let id = try PublisherKeyFiles.publisher(id)
            let key = try KeyFile.readOrCreate(new).verifyingKey
            do {
                guard check else { return print(Registry.recoveryLine(id, key)) }
                guard let domain = try context.registry.publisher(id).verifiedDomain else {
                    throw PipelineError(.notFound, "\(id) has no verified domain to prove a new key with")
                }
                let file = try await WellKnownFile.fetch(domain, via: via, context)
                try context.registry.recover(id, with: key, file: file, now: context.now)
                print("\(id) has the owner's key \(key.keyID.prefix(16)).")
            } catch let error as RegistryError {
                throw PipelineError(error)
            }
        }
    }
}

enum PublisherKeyFiles {
    static func publisher(_ text: String) throws(PipelineError) -> PublisherID {
        guard let id = PublisherID(text) else {
            throw PipelineError(.usage, "\(text) is no publisher id")
        }
        return id
    }

    static func challenge(_ id: PublisherID, _ context: RunContext) throws -> PublisherChallenge {
        guard let open = try context.registry.openChallenge(of: id, now: context.now) else {
            throw PipelineError(
                .notFound, "\(id) has no open challenge", remedy: "Ask for one with --domain DOMAIN.")
        }
        return open
    }
}
