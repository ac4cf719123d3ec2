// The plugin's process. It confines itself before anything else, builds the engine, greets the host, and then
// answers calls until the host lets go. It opens no file and knows nobody but the host.

import CSandbox
import Glibc

@main
enum Runner {
    static func main() {
        let arguments = CommandLine.arguments
        let inside = arguments.contains("--inside")
        // `--groups N`: the host hands over N control groups.
        let groups = arguments.firstIndex(of: "--groups").flatMap { index in
            arguments.indices.contains(index + 1) ? Int32(arguments[index + 1]) : nil
        }
        guard csandbox_confine_runner(inside ? CSANDBOX_INSIDE : CSANDBOX_ON_HOST, groups ?? 0) == 0 else {
            exit(1)
        }
        program = Program()
        program.run()
    }
}

// SAFETY: the process has one thread for its whole life (RLIMIT_NPROC and the system call list see to it), and the
// engine's C callbacks, which carry no context, run on it.
nonisolated(unsafe) var program: Program!
