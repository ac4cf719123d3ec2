import Foundation
import Marketplace
import Pipeline

/// A program started for the demo, ended by the id that it was started with.
final class DemoProcess {
    private let process = Process()

    init(
        _ executable: String, _ arguments: [String], environment: [String: String], log: String
    ) throws(PipelineError) {
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        guard let file = FileHandle(forWritingAtPath: log) else {
            throw PipelineError(.tryLater, "\(log) cannot be written")
        }
        process.standardOutput = file
        process.standardError = file
        process.standardInput = FileHandle.nullDevice
        // A task's thread has every signal blocked, and a child is born with the mask of the thread that starts it.
        var (none, before) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        do { try process.run() } catch {
            throw PipelineError(.notFound, "\(executable) cannot be started: \(error.localizedDescription)")
        }
    }

    var isRunning: Bool { process.isRunning }
    var processID: Int32 { process.processIdentifier }

    /// Asks it to finish what it does, and waits until it has.
    func stop() {
        guard process.isRunning else { return }
        kill(process.processIdentifier, SIGTERM)
        process.waitUntilExit()
    }
}
