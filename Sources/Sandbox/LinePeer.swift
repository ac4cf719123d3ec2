import Glibc

/// A program that answers each line it reads with a line: what a bench puts beside a back end. It is spoken to without
/// a task or a lock, so whatever is measured is the program's own.
public struct LinePeer {
    private let process: pid_t
    private let socket: Int32

    /// Starts `command` with an empty environment; its input and output are one socket.
    public init(_ command: [String]) throws(SandboxError) {
        let pair = try Spawn.socketPair()
        let nothing = open("/dev/null", O_WRONLY | O_CLOEXEC)
        defer {
            close(pair.theirs)
            close(nothing)
        }
        process = try Spawn.start(
            command[0], Array(command.dropFirst()), descriptors: [pair.theirs, pair.theirs, nothing])
        socket = pair.ours
    }

    /// Sends a line and waits for the answer; `nil` when the program is gone.
    public func ask(_ line: String) -> String? {
        let text = line + "\n"
        guard write(socket, text, text.utf8.count) == text.utf8.count else { return nil }
        var answer: [UInt8] = []
        return withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: 16) { buffer in
            while true {
                let got = read(socket, buffer.baseAddress!, buffer.count)
                guard got > 0 else { return nil }
                answer += UnsafeRawBufferPointer(rebasing: buffer[..<got])
                if answer.last == 10 { return String(decoding: answer.dropLast(), as: UTF8.self) }
            }
        }
    }

    /// Ends the program and waits until it is gone.
    public func end() {
        let tree = ProcessTree.members(of: [process])
        for member in tree { kill(member, SIGKILL) }
        close(socket)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
    }

    /// The same figures as a back end's: start to first answer, round trips over `live` of them, memory of each.
    public static func measure(
        _ command: [String], starts: Int, live: Int, calls: Int
    ) throws(SandboxError) -> (starts: SandboxBench.Spread, trips: SandboxBench.Spread, memoryKiB: Int) {
        var startTimes: [Double] = []
        for _ in 0..<starts {
            let from = Clock.monotonic()
            let peer = try LinePeer(command)
            guard peer.ask("1") != nil else {
                throw SandboxError(.startFailed, command[0], cause: "no answer")
            }
            startTimes.append(SandboxBench.milliseconds(since: from))
            peer.end()
        }
        var peers: [LinePeer] = []
        defer { for peer in peers { peer.end() } }
        for _ in 0..<live {
            let peer = try LinePeer(command)
            peers.append(peer)
            _ = peer.ask("1")
        }
        var trips: [Double] = []
        for index in 0..<calls {
            let from = Clock.monotonic()
            _ = peers[index % live].ask("1")
            trips.append(SandboxBench.milliseconds(since: from))
        }
        let memory = ProcessTree.proportionalKiB(of: Set(peers.map(\.process)))
        return (SandboxBench.Spread(startTimes), SandboxBench.Spread(trips), memory / max(1, live))
    }
}
