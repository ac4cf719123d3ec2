import ArgumentParser
import Foundation
import Marketplace
import Pipeline
import Sandbox
import SimulatedApp
import SimulatedServers

/// `plugin dev`
extension PluginCommand {
    struct Dev: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "dev",
            abstract:
                "Run the plugin against a simulated application, with a local page that lists operations.",
            discussion: """
                Listens on loopback only, until it is interrupted. A change of the folder is built and loaded at \
                once. The simulated application answers over HTTP too, as plugins/sdk/application.openapi.json says.
                """)
        @Argument(help: "The plugin's folder.") var folder = "."
        @Option(help: "The page's port; a free one unless it is given.") var port = 0
        @Option(help: "The port of the simulated application; a free one unless it is given.")
        var applicationPort = 0
        @Option(help: "What the application presents; printed where it is not given.")
        var credential = "sample-credential"
        @Option(help: "A JSON file with what the plugin is set to.") var config: String?
        @Option(help: "native or gvisor.") var isolation = "native"
        @Option(
            help:
                "What goes wrong: KIND[=OPERATION], KIND one of slow, slow:MS, 500, 429, 429:SECONDS, malformed."
        )
        var fault: [String] = []

        func run() async throws {
            let programs = try Programs.located()
            let backEnd = try IsolationOption.backEnd(isolation)
            var given: JSONValue?
            if let config {
                guard let value = try? JSONValue.parse(try Files.read(config)) else {
                    throw PipelineError(.usage, "\(config) is no JSON")
                }
                given = value
            }
            let session = try await DevSession(
                PluginFolder(folder), isolation: try await TrialRoom.isolation(programs, backEnd),
                config: given, now: Clock.wall())
            for words in fault {
                let parts = words.split(separator: "=", maxSplits: 1).map(String.init)
                guard await addFault(session, parts) else {
                    throw PipelineError(
                        .usage, "--fault \(words) is no fault",
                        remedy: "For example --fault '500=readData invoices' or --fault slow:1500.")
                }
            }
            let (page, application) = try await serve(session, programs)
            print("\(page.url)  the page, with every operation as it happens")
            print("\(application.url)  the application, for `Authorization: Bearer \(credential)`")
            print("Interrupt to end.")
            fflush(nil)
            await Interruption.wait { await watch(session) }
            await session.end()
            await page.stop()
            await application.stop()
        }

        private func addFault(_ session: DevSession, _ parts: [String]) async -> Bool {
            session.addFault(parts.first ?? "", operation: parts.count > 1 ? parts[1] : "", times: 1)
        }

        private func serve(
            _ session: DevSession, _ programs: ProgramFiles
        ) async throws -> (page: LoopbackServer, application: LoopbackServer) {
            var files: [String: String] = [:]
            for name in ["index.html", "dev.js", "dev.css"] {
                files[name] = String(
                    decoding: try Files.read("\(programs.plugins)/sdk/dev/\(name)"), as: UTF8.self)
            }
            let face = DevelopmentFace(
                files: files, describe: { await session.description },
                events: { await session.events(after: $0) }, call: { await session.call($0, $1) },
                fault: { session.addFault($0, operation: $1, times: $2) },
                records: { .array(session.app.records(of: $0)) })
            do {
                let page = try await face.serve(port: port)
                let application = try await SimulatedServers.application(
                    session.app, credential: credential, port: applicationPort)
                return (page, application)
            } catch {
                throw PipelineError(
                    .tryLater, "a port cannot be had: \(error)", remedy: "Name another with --port.")
            }
        }

        /// Loads the folder anew whenever it changes; what does not build is said and waited for.
        private func watch(_ session: DevSession) async {
            var watch = FolderWatch(folder)
            while !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(300))
                let changes = watch.changes()
                guard !changes.isEmpty else { continue }
                do {
                    try await session.reload()
                    print("loaded anew: \(changes.joined(separator: ", "))")
                } catch {
                    Program.complain("veroforge: \(error)")
                }
                fflush(nil)
            }
        }
    }
}

/// `--isolation`
enum IsolationOption {
    static func backEnd(_ name: String) throws(PipelineError) -> BackEnd {
        guard let backEnd = BackEnd(rawValue: name) else {
            let names = BackEnd.allCases.map(\.rawValue).joined(separator: ", ")
            throw PipelineError(.usage, "--isolation \(name) is none of \(names)")
        }
        return backEnd
    }
}

/// Waits for SIGINT or SIGTERM.
enum Interruption {
    /// Runs the work until the process is asked to end.
    static func wait(during work: @escaping @Sendable () async -> Void) async {
        let (signals, continuation) = AsyncStream<Void>.makeStream()
        let sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield() }
            source.resume()
            return source
        }
        let task = Task { await work() }
        for await _ in signals { break }
        task.cancel()
        for source in sources { source.cancel() }
    }
}
