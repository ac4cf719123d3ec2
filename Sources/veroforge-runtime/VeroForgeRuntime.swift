import ArgumentParser
import FoundationEssentials
import Glibc
import Logging
import Marketplace
import PluginRuntime

/// The always-on service of a marketplace: hosts installed plugins and answers the HTTP API.
@main
struct VeroForgeRuntime: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "veroforge-runtime",
        abstract: "Hosts installed plugins and answers the marketplace's HTTP API.",
        subcommands: [Serve.self])
}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves a data directory until SIGTERM or SIGINT, finishing the calls that run.",
        discussion: """
            Settings come from veroforge.yaml in the data directory, over it from VEROFORGE_RUNTIME_… variables, over \
            them from these flags. Exit codes: 0 stopped in order, 2 wrong settings or a data directory of a newer \
            version, 75 the port is in use or the usage segments are held by another process.
            """)

    @Option(help: "The data directory (VEROFORGE_DATA, else ./data).")
    var data: String?

    @Option(help: "The port to listen on; 0 takes a free one and reports it.")
    var port: Int?

    @Option(help: "The address to listen on.")
    var host: String?

    @Option(help: "A file that holds the time of events; in demonstration directories only.")
    var clock: String?

    @Option(help: "The name of this node in usage segments.")
    var node: String?

    @Flag(help: "Print the settings in force and end.")
    var printConfig = false

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        do throws(RuntimeError) {
            let configuration = try settings(environment)
            if printConfig {
                print(configuration.printed, terminator: "")
                return
            }
            signal(SIGPIPE, SIG_IGN)
            LoggingSystem.bootstrap { JSONLineLogHandler(label: $0) }
            let logger = Logger(label: "veroforge-runtime")
            let service = try await RuntimeService.open(
                configuration, environment: environment, logger: logger)
            try await service.serve { port in
                let scheme = configuration.certificate == nil ? "http" : "https"
                print("veroforge-runtime listens on \(scheme)://\(configuration.host):\(port)")
                fflush(nil)
            }
            LogSink.shared.flush()
        } catch {
            LogSink.shared.flush()
            let line = Array("veroforge-runtime: \(error.subject): \(error.cause)\n".utf8)
            _ = write(STDERR_FILENO, line, line.count)
            throw ArgumentParser.ExitCode(error.code.exitCode.rawValue)
        }
    }

    private func settings(_ environment: [String: String]) throws(RuntimeError) -> RuntimeConfiguration {
        let folder = data ?? environment["VEROFORGE_DATA"] ?? "./data"
        var configuration = try RuntimeConfiguration.read(data: folder, environment: environment)
        if let port { try configuration.set("port", "\(port)", at: "--port") }
        if let host { try configuration.set("host", host, at: "--host") }
        if let node { try configuration.set("node", node, at: "--node") }
        if let clock { try configuration.set("clock", clock, at: "--clock") }
        try configuration.check()
        return configuration
    }
}
