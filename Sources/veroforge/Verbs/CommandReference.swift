import ArgumentParser
import Pipeline

/// Every command with its `--help`, for the docs: from the commands themselves, so that the page cannot lag behind.
enum CommandReference {
    static func all() -> [CommandHelp] {
        var rows: [CommandHelp] = []
        collect(Veroforge.self, [], into: &rows)
        return rows
    }

    private static func collect(
        _ command: any ParsableCommand.Type, _ above: [String], into rows: inout [CommandHelp]
    ) {
        let configuration = command.configuration
        guard configuration.shouldDisplay else { return }
        let own = configuration.commandName ?? command._commandName
        let name = above + [own]
        rows.append(
            CommandHelp(
                name: name.joined(separator: " "), abstract: configuration.abstract,
                help: Veroforge.helpMessage(for: command, columns: 100)))
        for inner in configuration.subcommands { collect(inner, name, into: &rows) }
    }
}
