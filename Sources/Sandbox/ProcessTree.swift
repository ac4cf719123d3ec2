import Glibc

/// What a process and everything it started hold in memory.
enum ProcessTree {
    /// What a process and everything it started hold in memory now, shared pages counted for each.
    static func residentBytes(of root: Int32) -> Int {
        members(of: [root]).reduce(0) { sum, process in
            let words = (try? Spawn.read("/proc/\(process)/statm"))?.split(separator: 32) ?? []
            let pages = words.count > 1 ? Int(String(decoding: words[1], as: UTF8.self)) ?? 0 : 0
            return sum + pages * Int(sysconf(Int32(_SC_PAGESIZE)))
        }
    }

    /// The processor time of a process and everything that it started and that still lives, in nanoseconds.
    static func processorTime(of root: Int32) -> UInt64 {
        members(of: [root]).reduce(0) { $0 + (Clock.processorTime(of: $1) ?? 0) }
    }

    /// What all of them hold, shared pages by their share.
    static func proportionalKiB(of roots: Set<Int32>) -> Int {
        members(of: roots).reduce(0) { $0 + proportionalKiB(of: $1) }
    }

    /// The processes and everything they started.
    static func members(of roots: Set<Int32>) -> Set<Int32> {
        var members = roots
        let parents = allParents()
        var grew = true
        while grew {
            grew = false
            for (process, parent) in parents
            where members.contains(parent) && members.insert(process).inserted {
                grew = true
            }
        }
        return members
    }

    private static func proportionalKiB(of process: Int32) -> Int {
        guard let bytes = try? Spawn.read("/proc/\(process)/smaps_rollup") else { return 0 }
        let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first {
            $0.hasPrefix("Pss:")
        }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    }

    private static func allParents() -> [(process: Int32, parent: Int32)] {
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var found: [(Int32, Int32)] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let process = Int32(name), let bytes = try? Spawn.read("/proc/\(name)/stat") else {
                continue
            }
            // The name in parentheses may hold anything; the fields follow the last one.
            let text = String(decoding: bytes, as: UTF8.self)
            guard let end = text.lastIndex(of: ")") else { continue }
            let fields = text[end...].split(separator: " ")
            if fields.count > 2, let parent = Int32(fields[2]) { found.append((process, parent)) }
        }
        return found
    }
}
