import ArgumentParser
import Foundation
import Marketplace
import Pipeline
import Provenance
import Registry

/// `veroforge plugin …`
struct PluginCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin", abstract: "Write, check, pack and submit a plugin.",
        subcommands: [
            New.self, Typegen.self, Build.self, Check.self, Test.self, Dev.self, Replay.self, Pack.self,
            Logs.self, Submit.self, SubmissionStatus.self, Yank.self, Restore.self, Deprecate.self,
            SetChannel.self,
        ])

    struct Build: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "build", abstract: "Build src/index.ts into dist/index.js with esbuild.")
        @Argument(help: "The plugin's folder.") var folder = "."

        func run() async throws { try await PluginFolder(folder).build() }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "The marketplace's own static scan and trial, all findings in one pass.")
        @Argument(help: "The plugin's folder or bundle.") var path = "."
        @Option(name: .customLong("fail-on"), help: "info, low, medium, high or critical.") var failOn =
            "high"

        func run() async throws {
            let outcome = try await PluginCheck(programs: try Programs.located(), failOn: failOn).run(
                path, asOf: Clock.wall())
            print(outcome.text, terminator: "")
            throw Outcome(outcome.code)
        }
    }

    struct Pack: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pack",
            abstract: "Pack a folder into <id>-<version>.vfp, the same bytes every time.",
            discussion:
                "With --key the signature is written beside it, as <bundle>.sig.json: what the portal takes.")
        @Argument(help: "The plugin's folder.") var folder = "."
        @Option(help: "The file or folder to write to.") var output: String?
        @Option(help: "The publisher's private key, to sign the bundle with.") var key: String?

        func run() async throws {
            let packed = try await PluginFolder(folder).pack()
            let path = PluginFolder.place(packed.name, output)
            try Files.write(packed.bytes, to: path)
            let digest = Digest.sha256(of: packed.bytes)
            print("\(path)  \(packed.bytes.count) bytes  sha256 \(digest)")
            guard let key else { return }
            let envelope = SubmissionSignature.sign(
                bundle: digest, plugin: packed.manifest.id, version: packed.manifest.version,
                with: try KeyFile.read(key))
            try Files.write(envelope.serializedBytes, to: "\(path).sig.json")
            print("\(path).sig.json")
        }
    }

    struct Submit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "submit", abstract: "Sign a bundle and hand it in.",
            discussion:
                "With --wait: 0 when listed, 4 when held, 6 when rejected, 5 when a check did not complete.")
        @OptionGroup var options: DataOptions
        @Argument(help: "A bundle, or the plugin's folder.") var path = "."
        @Option(help: "The publisher's private key.") var key: String
        @Flag(help: "Run the submission pipeline to its end and follow it.") var wait = false

        func run() async throws {
            let context = try options.context()
            let packed = try await PluginFolder.bundle(at: path, programs: context.programs)
            let signing = try KeyFile.read(key)
            let envelope = SubmissionSignature.sign(
                bundle: Digest.sha256(of: packed.bytes), plugin: packed.manifest.id,
                version: packed.manifest.version,
                with: signing)
            let received = try SubmissionDesk(context).receive(
                packed.bytes, signature: envelope.serializedBytes, publisher: packed.manifest.id.publisher)
            let id = received.submission.id
            print(
                "\(packed.manifest.id)@\(packed.manifest.version)  \(received.isNew ? "received" : "was here already")  \(id)"
            )
            guard wait else { return }
            try await SubmissionDesk(context).follow(id, progress: .onTerminal())
            throw Outcome(try SubmissionText.show(id, context))
        }
    }

    struct SubmissionStatus: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status", abstract: "Where a submission stands, and what to do next.")
        @OptionGroup var options: DataOptions
        @Argument(help: "The submission's digest, or its first digits.") var id: String

        func run() throws {
            let context = try options.context()
            throw Outcome(try SubmissionText.show(try Submissions.find(id, context).id, context))
        }
    }
}

/// A submission's state for its publisher.
enum SubmissionText {
    static func show(_ id: Digest, _ context: RunContext) throws(PipelineError) -> Marketplace.ExitCode {
        let item: Submission
        do {
            item = try context.registry.submission(id)
        } catch {
            throw PipelineError(error)
        }
        print("\(item.title) is \(item.state.rawValue): \(item.reason.text)")
        let steps: [Transition]
        do {
            steps = try context.registry.transitions(of: id)
        } catch {
            throw PipelineError(error)
        }
        for step in steps { print("  \(step.at)  \(step.to.rawValue)  [\(step.reason.code)]") }
        for line in FindingLines.ofSubmission(id, context.data) { print("  \(line)") }
        print("  \(item.reason.nextStep ?? item.state.defaultNextStep)")
        return SubmissionDesk.exitCode(of: item.state)
    }
}
