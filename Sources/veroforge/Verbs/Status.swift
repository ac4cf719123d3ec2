import ArgumentParser
import Foundation
import Marketplace
import Pipeline
import Registry

/// `veroforge status`
struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "What is waiting, how old the oldest item is, and how the last runs went.")

    @OptionGroup var options: DataOptions
    @Option(help: "text or json.") var format: OutputFormat = .text
    @Option(help: "Minutes after which a waiting item is an alarm.") var alarmMinutes: Int64 = 60

    func run() throws {
        let context = try options.context()
        let status = try StatusReport.make(context, alarmMinutes: alarmMinutes)
        print(format == .json ? status.json() : status.text())
        throw Outcome(status.alarms.isEmpty ? .done : .findings)
    }
}
