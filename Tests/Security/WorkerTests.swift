import Foundation
import Marketplace
import Sandbox
import TestSupport
import Testing

/// Jobs of the confined worker: each way to end has its name, and what is not `completed` is no result.
@Suite(.serialized) struct WorkerContract {
    static let list = Products.file("rules/seccomp/worker.list")

    private func client(_ executable: String = Products.path("veroforge-worker"), list: String = list)
        -> WorkerClient
    {
        WorkerClient(executable: executable, seccompList: list)
    }

    @Test func aJobIsCompletedFromBytesAndFromAFile() throws {
        let text = Array("# Hi\n".utf8)
        let path = try Scratch.folder("worker") + "/readme.md"
        try Data(text).write(to: URL(fileURLWithPath: path))
        for input in [WorkerClient.Input.bytes(text), .file(path)] {
            let result = client().run(job: "markdown", input: input)
            guard case .completed(let output) = result.exit else {
                Issue.record("\(result.exit) \(result.diagnostics)")
                continue
            }
            #expect(String(decoding: output, as: UTF8.self).contains("Hi"))
            #expect(result.diagnostics.hasPrefix("csandbox: confined pid="))
        }
    }

    /// It is started and confined, has said so, and still waits; what it is handed then is its one job.
    @Test func aWorkerThatWaitsTakesItsJobLater() throws {
        let worker = try #require(client().prepare(job: "markdown"))
        usleep(500_000)
        #expect(worker.isThere)
        let result = try #require(
            worker.finish(Array("# Hi\n".utf8), deadlineMs: 10_000, outputBytesMax: 1 << 20))
        guard case .completed(let output) = result.exit else {
            Issue.record("\(result.exit) \(result.diagnostics)")
            return
        }
        #expect(String(decoding: output, as: UTF8.self).contains("Hi"))
        #expect(!worker.isThere)
        #expect(worker.finish([], deadlineMs: 10_000, outputBytesMax: 1) == nil, "it has had its job")
        // One that cannot start is gone, and says so.
        let refused = try #require(client(list: "/dev/null").prepare(job: "markdown"))
        usleep(500_000)
        #expect(!refused.isThere)
    }

    @Test func anAnswerThatIsWholeDoesNotWaitForTheProcess() throws {
        let worker = try #require(client().prepare(job: "markdown"))
        let result = try #require(
            worker.finish(Array("# Hi\n".utf8), deadlineMs: 10_000, outputBytesMax: 1 << 20) { output in
                output.last == UInt8(ascii: "}")
            })
        guard case .completed(let output) = result.exit else {
            Issue.record("\(result.exit) \(result.diagnostics)")
            return
        }
        #expect(String(decoding: output, as: UTF8.self).contains("Hi"))
        // Whoever is done is waited for all the same: no process stays behind as a name.
        for _ in 0..<100 where deadChildren() > 0 { usleep(20_000) }
        #expect(deadChildren() == 0)
    }

    /// Children of this process that have ended and that nobody has asked.
    private func deadChildren() -> Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.count { name in
            guard let text = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8),
                let words = text.split(separator: ")").last?.split(separator: " "), words.count > 1
            else { return false }
            return words[0] == "Z" && words[1] == "\(getpid())"
        }
    }

    @Test func manyMegabytesGoInAndOutAtOnce() {
        let text = Array(String(repeating: "word ", count: 12_000).utf8)
        let result = client().run(job: "markdown", input: .bytes(text))
        guard case .completed(let output) = result.exit else {
            Issue.record("\(result.exit)")
            return
        }
        #expect(output.count > text.count)
    }

    @Test func anUnknownJobFailsWithItsCode() {
        let result = client().run(job: "nothing", input: .bytes([]))
        #expect(result.exit == .failed(code: 2, output: []))
        #expect(result.diagnostics.contains("unknown job nothing"))
    }

    @Test func whatIsMissingIsNamed() {
        guard case .missing(let what) = client("/nowhere/worker").run(job: "inspect", input: .bytes([])).exit
        else {
            Issue.record("a program that is not there")
            return
        }
        #expect(what.contains("/nowhere/worker"))
        guard case .missing = client().run(job: "inspect", input: .file("/nowhere/bundle")).exit else {
            Issue.record("an input that is not there")
            return
        }
        guard case .missing = client(list: "/nowhere/list").run(job: "inspect", input: .bytes([])).exit else {
            Issue.record("a list that is not there")
            return
        }
    }

    @Test(arguments: [
        "", "allow read", "permit read # why", "allow nosuchcall # why", "allow read arg9 == 1 # why",
    ])
    func aListThatIsNotUnderstoodRunsNothing(list: String) throws {
        let path = try Scratch.folder("list") + "/worker.list"
        try list.write(toFile: path, atomically: true, encoding: .utf8)
        guard case .refused(let why) = client(list: path).run(job: "inspect", input: .bytes([])).exit else {
            Issue.record("it ran")
            return
        }
        #expect(why.contains("list"))
    }

    static let attempts = [
        "fork", "execve", "socket", "ptrace", "bpf", "mount", "unshare", "keyctl", "io_uring_setup", "kill",
        "openat2", "memfd_create", "userfaultfd", "prctl", "dup", "perf_event_open",
    ]

    @Test(arguments: attempts) func aRefusedCallIsNamed(name: String) throws {
        let result = client(try HostileProgram.path.get()).run(job: "worker-\(name)", input: .bytes([]))
        #expect(
            result.exit == .refused("csandbox: syscall \(name) \(try number(of: name))"), "\(result.exit)")
    }

    private func number(of name: String) throws -> String {
        let result = client(try HostileProgram.path.get()).run(job: "worker-\(name)", input: .bytes([]))
        return result.diagnostics.split { $0 == " " || $0 == "\n" }.last.map(String.init) ?? ""
    }

    @Test func aFileOfTheHostIsNotThere() throws {
        let result = client(try HostileProgram.path.get()).run(job: "worker-openat", input: .bytes([]))
        #expect(result.exit == .completed(Array("-1 13".utf8)))
    }

    @Test func aCrashIsNamedByItsSignal() throws {
        let result = client(try HostileProgram.path.get()).run(job: "crash", input: .bytes([]))
        #expect(result.exit == .crashed(signal: SIGABRT))
    }

    @Test func whatTakesTooLongIsEnded() {
        let result = client("/bin/sleep").run(job: "100", arguments: 0, input: .bytes([]), deadlineMs: 200)
        #expect(result.exit == .timedOut)
        #expect(result.wallMs < 5_000)
    }

    @Test func whatWritesTooMuchIsEnded() {
        let result = client("/usr/bin/yes").run(job: "a", input: .bytes([]), outputBytesMax: 10_000)
        #expect(result.exit == .tooLong)
    }
}
