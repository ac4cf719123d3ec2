import Glibc

/// Starting programs. Only `posix_spawn`: in a process with threads nothing else between fork and exec is safe.
enum Spawn {
    /// Two connected sockets that do not travel into programs started by others.
    static func socketPair() throws(SandboxError) -> (ours: Int32, theirs: Int32) {
        var pair: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &pair) == 0 else {
            throw SandboxError(.startFailed, "a pair of sockets", cause: message(errno))
        }
        return (pair[0], pair[1])
    }

    /// Starts a program with an empty environment in a session of its own. `descriptors[n]` becomes its
    /// descriptor n; it inherits no other.
    static func start(
        _ executable: String, _ arguments: [String], descriptors: [Int32], environment: [String] = []
    ) throws(SandboxError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Sources below the targets would be overwritten by the first dup2s: move them out of the way.
        var moved: [Int32] = []
        defer { for fd in moved { close(fd) } }
        for (target, source) in descriptors.enumerated() {
            var from = source
            if source < descriptors.count, source != target {
                from = fcntl(source, F_DUPFD_CLOEXEC, Int32(descriptors.count))
                moved.append(from)
            }
            posix_spawn_file_actions_adddup2(&actions, from, Int32(target))
        }
        _ = addCloseFrom(&actions, Int32(descriptors.count))

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A session of its own (an interrupt at the terminal is the host's to handle), no blocked signal, and
        // every signal's default action.
        let setSession: Int32 = 0x80
        posix_spawnattr_setflags(
            &attributes, Int16(setSession | Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)))
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)

        var process: pid_t = 0
        let result = withCStrings([executable] + arguments) { argv in
            withCStrings(environment) { posix_spawn(&process, executable, &actions, &attributes, argv, $0) }
        }
        guard result == 0 else {
            throw SandboxError(result == ENOENT ? .missing : .startFailed, executable, cause: message(result))
        }
        return process
    }

    static func setNonBlocking(_ fd: Int32) {
        _ = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK)
    }

    static func message(_ error: Int32) -> String { String(cString: strerror(error)) }

    private static func withCStrings<R>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R
    ) -> R {
        let copies = strings.map { strdup($0) } + [nil]
        defer { for copy in copies { free(copy) } }
        return body(copies)
    }

    /// The whole of a small file.
    static func read(_ path: String, bytesMax: Int = 1 << 20) throws(SandboxError) -> [UInt8] {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { throw SandboxError(.missing, path, cause: message(errno)) }
        defer { close(fd) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= bytesMax {
            let got = Glibc.read(fd, &buffer, buffer.count)
            if got == 0 { return bytes }
            guard got > 0 else { throw SandboxError(.missing, path, cause: message(errno)) }
            bytes += buffer[..<got]
        }
        throw SandboxError(.tooLarge, path)
    }
}
