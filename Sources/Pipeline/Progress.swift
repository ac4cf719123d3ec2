import Foundation

/// Our own process id, for lock files and lease owners.
let processID = ProcessInfo.processInfo.processIdentifier

/// A bar on a terminal, nothing otherwise: cron reads the one JSON line at the end.
public struct Progress: Sendable {
    private let visible: Bool

    public init(visible: Bool) { self.visible = visible }

    /// Visible if standard error is a terminal.
    public static func onTerminal() -> Progress { Progress(visible: isatty(2) == 1) }

    func show(_ stage: String, _ done: Int, _ total: Int) {
        guard visible, total > 0 else { return }
        let width = 24
        let filled = done * width / total
        let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: width - filled)
        let name = stage + String(repeating: " ", count: max(0, 10 - stage.count))
        let line = "\r\(name) \(bar) \(done)/\(total)" + (done == total ? "\n" : "")
        FileHandle.standardError.write(Data(line.utf8))
    }
}
