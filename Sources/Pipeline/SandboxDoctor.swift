import Marketplace
public import Sandbox

/// What works here, by starting it.
public enum SandboxDoctor {
    public static func reports(_ programs: ProgramFiles) async -> [BackEndReport] {
        await Isolations.of(executable: programs.runner, seccompList: programs.seccompRunner).reports()
    }

    public static func text(_ reports: [BackEndReport]) -> String {
        reports.map { report in
            let head =
                "\(report.backEnd.rawValue): \(report.works ? "works" : "does NOT work")"
                + (report.mode.map { " (\($0))" } ?? "")
            return ([head] + report.problems.map { "  lacks: \($0)" } + report.enforcement.map { "  \($0)" })
                .joined(separator: "\n")
        }.joined(separator: "\n")
    }

    public static func json(_ reports: [BackEndReport]) -> String {
        let document: JSONValue = [
            "schema": "veroforge.sandbox-doctor/1",
            "backEnds": .array(
                reports.map {
                    [
                        "backEnd": .string($0.backEnd.rawValue), "works": .bool($0.works),
                        "mode": $0.mode.map { .string($0) } ?? .null,
                        "problems": .array($0.problems.map(JSONValue.string)),
                        "enforcement": .array($0.enforcement.map(JSONValue.string)),
                    ]
                }),
        ]
        return document.serialized()
    }
}
