import ArgumentParser
import Foundation
import Marketplace
import Pipeline

/// `veroforge backup`
struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy a data directory into a new folder, while everything runs.",
        discussion: """
            The copy is what one moment could have left behind: databases by their own snapshot, segments and audit lines \
            whole. It holds the keys and the sealed credentials unless --without-keys is given: keep it as they are kept.
            """)
    @OptionGroup var options: DataOptions
    @Argument(help: "The folder to make.") var folder: String
    @Flag(help: "Leave the keys out: secrets in the copy open only with keys that are kept elsewhere.")
    var withoutKeys = false

    func run() throws {
        let done = try DataBackup.take(
            of: try options.open(), into: folder, withKeys: !withoutKeys, now: Clock.wall())
        print("\(folder) holds \(done.files) files, \(done.bytes) bytes.")
    }
}

/// `veroforge restore`
struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Put a backup into a new data directory, after checking all of it.",
        discussion:
            "Exit codes: 0 restored, 1 the backup was changed or is damaged, 2 wrong use or newer form, 3 no backup."
    )
    @Argument(help: "The backup's folder.") var folder: String
    @Option(help: "The data directory to make (else VEROFORGE_DATA, else ./data).") var data: String?

    func run() throws {
        let root = data ?? ProcessInfo.processInfo.environment["VEROFORGE_DATA"] ?? "data"
        let done = try DataBackup.restore(folder, into: root)
        print("\(root) holds \(done.files) files, \(done.bytes) bytes.")
    }
}
