import Glibc
import Metering

/// Where the runner, the worker and their lists of system calls are.
struct RuntimePrograms: Sendable {
    let runner: String
    let worker: String
    let runnerList: String
    let workerList: String
    /// The folder that holds `rules/` and `site-templates/`.
    let home: String

    /// The programs beside this one (or in `folder`), the lists in `rules/seccomp` of `VEROFORGE_HOME` or of the
    /// nearest folder above the program that has them.
    init(folder: String, environment: [String: String]) throws(RuntimeError) {
        let own = Self.ownPath()
        let programs = folder.isEmpty ? environment["VEROFORGE_PROGRAMS"] ?? Self.parent(own) : folder
        runner = "\(programs)/veroforge-runner"
        worker = "\(programs)/veroforge-worker"
        let disk = Disk()
        func holds(_ home: String) -> Bool { disk.exists("\(home)/rules/seccomp/runner.list") }
        var home = environment["VEROFORGE_HOME"] ?? ""
        if home.isEmpty {
            var above = programs
            while !above.isEmpty, home.isEmpty {
                above = Self.parent(above)
                home = [above, above + "/share/veroforge"].first(where: holds) ?? ""
            }
        }
        guard holds(home) else {
            throw RuntimeError(
                .configuration, "rules/seccomp/runner.list",
                "was not found above \(programs); set VEROFORGE_HOME to the folder that holds rules/")
        }
        runnerList = "\(home)/rules/seccomp/runner.list"
        workerList = "\(home)/rules/seccomp/worker.list"
        self.home = home
    }

    private static func ownPath() -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { raw in
            readlink("/proc/self/exe", raw.baseAddress!.assumingMemoryBound(to: CChar.self), raw.count)
        }
        return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : CommandLine.arguments[0]
    }

    private static func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }
}
