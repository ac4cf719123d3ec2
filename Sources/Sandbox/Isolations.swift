import Glibc
import Synchronization

/// The back ends of this machine, each prepared once in a process and only when it is asked for: laying out a
/// container or booting a machine takes longer than starting a runner.
public actor Isolations {
    private let executable: String
    private let seccompList: String
    private var prepared: [BackEnd: Task<any Isolation, any Error>] = [:]

    private struct Key: Hashable {
        let executable: String
        let seccompList: String
    }
    private static let known = Mutex<[Key: Isolations]>([:])

    private init(executable: String, seccompList: String) {
        self.executable = executable
        self.seccompList = seccompList
    }

    /// The back ends that start `executable` (`veroforge-runner`) under `seccompList` (`rules/seccomp/runner.list`).
    /// The same files give the same back ends for as long as the process lives.
    public static func of(executable: String, seccompList: String) -> Isolations {
        known.withLock { known in
            let key = Key(executable: executable, seccompList: seccompList)
            if let present = known[key] { return present }
            let made = Isolations(executable: executable, seccompList: seccompList)
            known[key] = made
            return made
        }
    }

    /// The back end asked for, or why it does not work here. Another one is never given in its place.
    ///
    /// - Throws: `missing`, `notPermitted` or `unavailable`.
    public func isolation(_ backEnd: BackEnd) async throws(SandboxError) -> any Isolation {
        let task: Task<any Isolation, any Error>
        if let present = prepared[backEnd] {
            task = present
        } else {
            let (executable, seccompList) = (executable, seccompList)
            task = Task { try await Self.prepare(backEnd, executable, seccompList) }
            prepared[backEnd] = task
        }
        do {
            return try await task.value
        } catch {
            // What is installed meanwhile shall be found.
            prepared[backEnd] = nil
            throw error as? SandboxError
                ?? SandboxError(.unavailable, backEnd.rawValue, cause: "\(error)")
        }
    }

    /// Each back end, started once: whether it works, how, and what it lacks.
    public func reports() async -> [BackEndReport] {
        var reports: [BackEndReport] = []
        for backEnd in BackEnd.allCases {
            do {
                reports.append(try await isolation(backEnd).report())
            } catch {
                reports.append(
                    BackEndReport(backEnd: backEnd, works: false, problems: [error.description]))
            }
        }
        return reports
    }

    private static func prepare(
        _ backEnd: BackEnd, _ executable: String, _ seccompList: String
    ) async throws(SandboxError) -> any Isolation {
        switch backEnd {
        case .native:
            return try NativeIsolation(executable: executable, seccompList: seccompList)
        case .gvisor:
            return try await GVisorIsolation.prepare(
                executable: executable, seccompList: seccompList, folder: try WorkFolder.make("gvisor"))
        case .microvm:
            let kernel = GuestKernel.folder(beside: seccompList)
            let kept = MachineSnapshot.folder(in: kernel)
            let folder = if let kept { kept } else { try WorkFolder.make("microvm") }
            return try await MicroVMIsolation.prepare(
                executable: executable, seccompList: seccompList, kernelFolder: kernel, folder: folder)
        }
    }
}

/// Folders that a back end needs while the process lives: removed when it ends in order, and those of a process that
/// did not are removed by the next one.
enum WorkFolder {
    private static let made = Mutex<(folders: [String], isWatched: Bool)>(([], false))

    /// A new folder that only this user can enter.
    static func make(_ purpose: String) throws(SandboxError) -> String {
        let root = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        removeLeftovers(in: root)
        var template = Array("\(root)/\(prefix)\(getpid())-\(purpose)-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw SandboxError(.startFailed, "a folder in \(root)", cause: Spawn.message(errno))
        }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let watch = made.withLock { made in
            made.folders.append(folder)
            defer { made.isWatched = true }
            return !made.isWatched
        }
        if watch { atexit { WorkFolder.removeAll() } }
        return folder
    }

    static let prefix = "veroforge-isolation-"

    private static func removeAll() {
        for folder in made.withLock({ $0.folders }) { remove(folder) }
    }

    /// Removes what processes left that are gone.
    static func removeLeftovers(in root: String) {
        for name in Folder.names(in: root) where name.hasPrefix(prefix) {
            let owner = name.dropFirst(prefix.count).prefix { $0 != "-" }
            guard let process = pid_t(owner), kill(process, 0) != 0, errno == ESRCH else { continue }
            var status = stat()
            guard lstat("\(root)/\(name)", &status) == 0, status.st_uid == geteuid() else { continue }
            remove("\(root)/\(name)")
        }
    }

    /// Removes a folder with all that it holds, following no link.
    static func remove(_ folder: String) {
        for name in Folder.names(in: folder) {
            let path = "\(folder)/\(name)"
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR { remove(path) } else { unlink(path) }
        }
        rmdir(folder)
    }
}

/// What a folder holds.
enum Folder {
    static func names(in folder: String) -> [String] {
        guard let open = opendir(folder) else { return [] }
        defer { closedir(open) }
        var names: [String] = []
        while let entry = readdir(open) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
