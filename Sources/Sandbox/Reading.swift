import Frames
import Glibc
import Marketplace
import Synchronization

/// A number that several tasks add to.
final class Counter: Sendable {
    private let sum = Atomic<Int>(0)
    var value: Int { sum.load(ordering: .relaxed) }
    func add(_ more: Int) { sum.add(more, ordering: .relaxed) }
}

/// What frames and exits mean to the caller.
enum Reading {
    static let jsonLimits = JSONLimits(bytes: 16 << 20, depth: 64)

    /// What the runner's result says.
    static func outcome(_ status: ResultStatus, _ payload: [UInt8]) -> ExecutionOutcome {
        switch status {
        case .success:
            do { return .success(try JSONValue.parse(payload, limits: jsonLimits)) } catch {
                return .failure(
                    PluginFailure(
                        code: "notSerializable", message: "the answer is not acceptable JSON: \(error)"))
            }
        case .limit:
            let name = String(decoding: payload, as: UTF8.self)
            return LimitName(rawValue: name).map { .ended($0) }
                ?? .failure(PluginFailure(code: "protocol", message: "an unknown limit"))
        case .failure:
            let value = (try? JSONValue.parse(payload, limits: jsonLimits)) ?? .null
            return .failure(
                PluginFailure(
                    code: value["code"]?.stringValue ?? "threw", name: value["name"]?.stringValue ?? "Error",
                    message: value["message"]?.stringValue ?? "", stack: value["stack"]?.stringValue,
                    file: value["file"]?.stringValue,
                    line: value["line"]?.integerValue.map(Int.init(clamping:)),
                    column: value["column"]?.integerValue.map(Int.init(clamping:)),
                    operationCode: value["operationCode"]?.stringValue))
        }
    }

    /// What the end of the process means: the limit that ended it, or a failure.
    static func outcome(_ exit: RunnerExit, cancelled: Bool) -> (ExecutionOutcome, String?) {
        if let limit = exit.endedBy { return (.ended(limit), nil) }
        if exit.ranOutOfMemory { return (.ended(.memory), "ended by the kernel") }
        if let limit = exit.endedByKernel { return (.ended(limit), "refused by the control group") }
        let code = exit.status >> 8 & 0xff
        let line = exit.lastReport.split(separator: "\n").last.map(String.init) ?? ""
        let signal = exit.status & 0x7f
        if signal == 0, code == exitSyscall {
            let name = line.split(separator: " ").dropFirst(2).first.map(String.init) ?? "unknown"
            return (.ended(limit(ofSyscall: name)), name)
        }
        if signal == 0, code == 128 + SIGSYS {
            return (.ended(.syscall), "refused by the list of system calls")
        }
        if let violation = exit.violation {
            return (
                .failure(
                    PluginFailure(
                        code: "protocol",
                        message: "the runner broke the protocol: \(violation.code) \(violation.subject)")),
                nil
            )
        }
        if cancelled {
            return (.failure(PluginFailure(code: "cancelled", message: "the call was cancelled")), nil)
        }
        if signal != 0 || code == 128 + SIGKILL || code == 128 + SIGTERM {
            return (
                .failure(PluginFailure(code: "killed", message: "the runner was ended from outside")), nil
            )
        }
        return (
            .failure(
                PluginFailure(
                    code: "crashed",
                    message: "the runner ended with code \(code)\(line.isEmpty ? "" : ": \(line)")")),
            nil
        )
    }

    /// `CSANDBOX_EXIT_SYSCALL`.
    static let exitSyscall: Int32 = 73

    /// A refused system call by what it was for.
    static func limit(ofSyscall name: String) -> LimitName {
        switch name {
        case "clone", "clone3", "fork", "vfork", "execve", "execveat": .processes
        case "open", "openat", "openat2", "creat", "open_by_handle_at", "memfd_create", "dup", "dup2", "dup3",
            "pipe", "pipe2":
            .files
        default: .syscall
        }
    }

    /// Sends an operation's answer; gives its size. A limit that the handler names ends the runner.
    static func answer(_ outcome: OperationOutcome, to id: UInt32, _ channel: Channel) -> Int {
        let json: [UInt8]
        var succeeded = true
        switch outcome {
        case .success(let value): json = value.serializedBytes()
        case .failure(let error):
            if error.code == "limit", let name = error.message.split(separator: ":").first,
                let limit = LimitName(rawValue: String(name))
            {
                channel.end(by: limit)
                return 0
            }
            succeeded = false
            json = JSONValue.object(["code": .string(error.code), "message": .string(error.message)])
                .serializedBytes()
        }
        do {
            try channel.send(.apiResponse(id: id, succeeded: succeeded, json: json))
        } catch {
            guard error.code == .tooLong else { return 0 }
            let refusal: JSONValue = ["code": "limit", "message": "the answer is too large for a plugin"]
            try? channel.send(.apiResponse(id: id, succeeded: false, json: refusal.serializedBytes()))
        }
        return json.count
    }
}
