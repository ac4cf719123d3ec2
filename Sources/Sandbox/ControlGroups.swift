import Glibc
import Marketplace
import Synchronization

/// What a group holds its members to.
struct GroupBounds: Hashable, Sendable {
    var memoryBytes: Int
    /// Processes and threads.
    var processes: Int
    /// Of one processor, in percent. A little over a hundred never slows a single thread down.
    var processorPercent = 110
}

/// The kernel's control groups, as far as this process may make some: version 2 with the controllers `memory`, `cpu`
/// and `pids`, or the version 1 hierarchies of those names.
struct ControlGroups: Sendable {
    enum Kind: Hashable, Sendable {
        /// By controller, the folder that groups are made in.
        case version1([String: String])
        case version2(folder: String, controllers: [String])
        case none(String)
    }

    let kind: Kind

    /// What this process can use. Looked for once; groups of hosts that are gone are removed on the way.
    static let own: ControlGroups = {
        let groups = ControlGroups(
            mounts: (try? Spawn.read("/proc/self/mountinfo")) ?? [],
            membership: (try? Spawn.read("/proc/self/cgroup")) ?? [])
        groups.removeLeftovers()
        return groups.works() ? groups : ControlGroups(kind: .none(groups.refusal))
    }()

    init(kind: Kind) { self.kind = kind }

    /// From the text of `/proc/self/mountinfo` and `/proc/self/cgroup`.
    init(mounts: [UInt8], membership: [UInt8]) {
        var folders: [String: String] = [:]
        var unified: String?
        for line in String(decoding: membership, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            for name in parts[1].isEmpty ? ["" as Substring] : parts[1].split(separator: ",") {
                guard let folder = Self.folder(of: String(name), at: String(parts[2]), mounts) else {
                    continue
                }
                if name.isEmpty { unified = folder } else { folders[String(name)] = folder }
            }
        }
        if let unified, let text = try? Spawn.read("\(unified)/cgroup.controllers") {
            let present = String(decoding: text, as: UTF8.self).split { $0 == " " || $0 == "\n" }.map(
                String.init)
            let controllers = ["cpu", "memory", "pids"].filter(present.contains)
            if controllers.contains("memory") {
                kind = .version2(folder: unified, controllers: controllers)
                return
            }
        }
        let needed = folders.filter { ["memory", "cpu", "cpuacct", "pids"].contains($0.key) }
        kind = needed["memory"] == nil ? .none("no memory controller is mounted") : .version1(needed)
    }

    /// The folder of a hierarchy that this process's group is, through the mount that shows it.
    private static func folder(of controller: String, at path: String, _ mounts: [UInt8]) -> String? {
        for line in String(decoding: mounts, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard let dash = words.firstIndex(of: "-"), words.count > dash + 3, words.count > 4 else {
                continue
            }
            let (root, place, type) = (words[3], words[4], words[dash + 1])
            let options = words[dash + 3].split(separator: ",").map(String.init)
            guard controller.isEmpty ? type == "cgroup2" : type == "cgroup" && options.contains(controller)
            else {
                continue
            }
            let inside = root == "/" ? path : path.hasPrefix(root) ? String(path.dropFirst(root.count)) : "/"
            let folder = inside == "/" ? place : place + inside
            return access(folder, X_OK) == 0 ? folder : place
        }
        return nil
    }

    /// What reports say.
    var words: String {
        switch kind {
        case .version1(let folders):
            "control groups (version 1: \(folders.keys.filter { $0 != "cpuacct" }.sorted().joined(separator: ", ")))"
        case .version2(_, let controllers):
            "control groups (version 2: \(controllers.joined(separator: ", ")))"
        case .none(let why): "no control groups (\(why))"
        }
    }
    var isUsable: Bool { if case .none = kind { false } else { true } }

    private var parents: [String] {
        switch kind {
        case .version1(let folders): folders.sorted { $0.key < $1.key }.map(\.value)
        case .version2(let folder, _): [folder]
        case .none: []
        }
    }

    private var refusal: String {
        let denied = parents.first { access($0, W_OK) != 0 }
        return denied.map { "\($0) cannot be written by this user" }
            ?? "groups cannot be made below \(parents.first ?? "")"
    }

    private func works() -> Bool {
        guard isUsable, let group = make(GroupBounds(memoryBytes: 64 << 20, processes: 8)) else {
            return false
        }
        group.remove()
        return true
    }

    // MARK: Groups

    private static let last = Atomic<UInt64>(0)

    /// A new group, or `nil` where none can be made.
    func make(_ bounds: GroupBounds) -> ControlGroup? {
        let name = "veroforge-\(getpid())-\(Self.last.add(1, ordering: .relaxed).newValue)"
        let group: ControlGroup
        switch kind {
        case .none: return nil
        case .version1(let folders): group = ControlGroup(version1: folders.mapValues { "\($0)/\(name)" })
        case .version2(let folder, let controllers):
            if !controllers.isEmpty {
                let wanted = controllers.map { "+\($0)" }.joined(separator: " ")
                // Refused while processes live in this very group; then the controllers must be on already.
                _ = ControlGroup.put(wanted, "\(folder)/cgroup.subtree_control")
            }
            group = ControlGroup(version2: "\(folder)/\(name)", controllers: controllers)
        }
        guard group.create(), group.hold(to: bounds) else {
            group.remove()
            return nil
        }
        return group
    }

    /// Removes the groups of hosts that are gone, with whatever still lives in them.
    func removeLeftovers() {
        for parent in parents {
            for name in Folder.names(in: parent) where name.hasPrefix("veroforge-") {
                let owner = name.dropFirst("veroforge-".count).prefix { $0 != "-" }
                guard let process = pid_t(owner), kill(process, 0) != 0, errno == ESRCH else { continue }
                ControlGroup(version1: ["": "\(parent)/\(name)"]).remove()
            }
        }
    }
}

/// One group, for one runner.
final class ControlGroup: Sendable {
    /// By controller; version 2 has one folder for all, under the empty name.
    private let folders: [String: String]
    private let controllers: Set<String>
    private let isVersion2: Bool

    init(version1 folders: [String: String]) {
        self.folders = folders
        controllers = Set(folders.keys)
        isVersion2 = false
    }

    init(version2 folder: String, controllers: [String]) {
        folders = ["": folder]
        self.controllers = Set(controllers)
        isVersion2 = true
    }

    private var places: [String] { folders.sorted { $0.key < $1.key }.map(\.value) }
    private func folder(_ controller: String) -> String { folders[isVersion2 ? "" : controller] ?? "" }

    fileprivate func create() -> Bool { places.allSatisfy { mkdir($0, 0o755) == 0 } }

    /// Sets the bounds; whether the one of memory holds.
    @discardableResult
    func hold(to bounds: GroupBounds) -> Bool {
        if controllers.contains("pids") { _ = Self.put("\(bounds.processes)", "\(folder("pids"))/pids.max") }
        if controllers.contains("cpu") {
            let quota = bounds.processorPercent * 1_000
            _ =
                isVersion2
                ? Self.put("\(quota) 100000", "\(folder("cpu"))/cpu.max")
                : Self.put("\(quota)", "\(folder("cpu"))/cpu.cfs_quota_us")
        }
        guard controllers.contains("memory") else { return isVersion2 }
        let memory = folder("memory")
        if isVersion2 {
            _ = Self.put("0", "\(memory)/memory.swap.max")
            return Self.put("\(bounds.memoryBytes)", "\(memory)/memory.max")
        }
        // The sum with swap is never below the memory alone: which of the two comes first depends on the direction.
        let sum = "\(memory)/memory.memsw.limit_in_bytes"
        let first = Self.put("\(bounds.memoryBytes)", "\(memory)/memory.limit_in_bytes")
        _ = Self.put("\(bounds.memoryBytes)", sum)
        return first || Self.put("\(bounds.memoryBytes)", "\(memory)/memory.limit_in_bytes")
    }

    /// Sets the bound of memory alone: what the plugin's own limit asks for.
    func hold(memoryBytes: Int) {
        guard controllers.contains("memory") else { return }
        let memory = folder("memory")
        guard !isVersion2 else {
            _ = Self.put("\(memoryBytes)", "\(memory)/memory.max")
            return
        }
        _ = Self.put("\(memoryBytes)", "\(memory)/memory.limit_in_bytes")
        _ = Self.put("\(memoryBytes)", "\(memory)/memory.memsw.limit_in_bytes")
        _ = Self.put("\(memoryBytes)", "\(memory)/memory.limit_in_bytes")
    }

    /// What a starting process is handed so that it can join: version 1's `tasks` files, or version 2's folder.
    func descriptors() -> [Int32] {
        places.map {
            isVersion2
                ? open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : open("\($0)/tasks", O_WRONLY | O_CLOEXEC)
        }.filter { $0 >= 0 }
    }

    /// The limit by which the kernel has ended or refused something in it.
    var ending: LimitName? {
        if controllers.contains("memory"),
            count("oom_kill ", "\(folder("memory"))/\(isVersion2 ? "memory.events" : "memory.oom_control")")
                > 0
        {
            return .memory
        }
        if controllers.contains("pids"), count("max ", "\(folder("pids"))/pids.events") > 0 {
            return .processes
        }
        return nil
    }

    /// The processor time of all that ever ran in it, in nanoseconds.
    var processorTime: UInt64? {
        if isVersion2 {
            return controllers.contains("cpu")
                ? UInt64(count("usage_usec ", "\(folder("cpu"))/cpu.stat")) * 1_000 : nil
        }
        guard controllers.contains("cpuacct"),
            let text = try? Spawn.read("\(folder("cpuacct"))/cpuacct.usage")
        else {
            return nil
        }
        return UInt64(String(decoding: text, as: UTF8.self).prefix { $0.isNumber })
    }

    /// Ends whatever is in it and removes it. What the kernel has not let go of yet is tried again in a while.
    func remove() {
        guard !removeNow() else { return }
        let again = self
        Task.detached {
            for pause: UInt64 in [2, 10, 50, 200, 1_000, 5_000] {
                try? await Task.sleep(nanoseconds: pause * 1_000_000)
                if again.removeNow() { return }
            }
        }
    }

    private func removeNow() -> Bool {
        var isGone = true
        for place in places where rmdir(place) != 0 && errno != ENOENT {
            if !Self.put("1", "\(place)/cgroup.kill") {
                let members = (try? Spawn.read("\(place)/cgroup.procs")) ?? []
                for member in members.split(separator: 10) {
                    if let process = pid_t(String(decoding: member, as: UTF8.self)) { kill(process, SIGKILL) }
                }
            }
            if rmdir(place) != 0, errno != ENOENT { isGone = false }
        }
        return isGone
    }

    private func count(_ key: String, _ path: String) -> Int {
        guard let text = try? Spawn.read(path) else { return 0 }
        let line = String(decoding: text, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix(key) }
        return line.flatMap { Int($0.dropFirst(key.count)) } ?? 0
    }

    fileprivate static func put(_ text: String, _ path: String) -> Bool {
        let fd = open(path, O_WRONLY | O_CLOEXEC)
        guard fd >= 0 else { return false }
        defer { close(fd) }
        return write(fd, text, text.utf8.count) == text.utf8.count
    }
}
