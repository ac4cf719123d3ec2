import Glibc

/// Where tests find the programs they start and the files they read.
public enum Products {
    /// The path of a built program that lies beside the test bundle, such as `veroforge-worker`.
    public static func path(_ name: String) -> String {
        "\(directory)/\(name)"
    }

    /// The path of a file of the repository, named from its root: `Products.file("rules/seccomp/runner.list")`.
    public static func file(_ relative: String) -> String {
        "\(repositoryRoot)/\(relative)"
    }

    /// The folder the running test bundle lies in.
    public static let directory: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &buffer, buffer.count)
        let own = length > 0 ? text(buffer.prefix(length)) : ""
        // A bundle that a helper program loads is named among the arguments instead.
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? own
        return parent(own.hasSuffix(".xctest") ? own : bundle)
    }()

    /// The repository's root, known from this file's own place in it.
    public static let repositoryRoot: String = parent(parent(parent(#filePath)))

    private static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return String(path[..<slash])
    }

    private static func text(_ characters: ArraySlice<CChar>) -> String {
        String(decoding: characters.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
