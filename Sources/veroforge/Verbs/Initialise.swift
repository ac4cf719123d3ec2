import ArgumentParser
import Marketplace
import Pipeline

/// `veroforge init`
struct Initialise: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make a data directory: configuration, keys, an empty registry.")

    @OptionGroup var options: DataOptions

    @Flag(name: .long, help: "Mark it as a demo's: only there the clock may be set.")
    var demo = false

    func run() throws {
        let data = try DataDirectory.create(options.path, configuration: Configuration.template(demo: demo))
        try DataSetUp.keys(data, now: Clock.wall())
        _ = try RunContext.open(data: data, programs: try Programs.located(), now: Clock.wall())
        print("\(data.root) is ready.")
        print(
            "Next: edit \(data.configurationFile), then move \(data.keys)/root to a safe place: it is needed only to"
        )
        print("change the other keys.")
    }
}

/// `veroforge config check`
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "The configuration.", subcommands: [Check.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check", abstract: "Say whether veroforge.yaml is right.")
        @OptionGroup var options: DataOptions

        func run() throws {
            let data = try options.open()
            print("\(data.configurationFile) is right.")
        }
    }
}
