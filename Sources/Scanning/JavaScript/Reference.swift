/// A way to something global, imported or local: where it begins, and the steps from there. There is one object for
/// each way of a file, so that its name is put together, and what it is called is looked up, once.
final class Reference {
    enum Root: Hashable {
        case global(String)
        case module(String)
        /// A parameter, or a local value that nothing is known of.
        case local(Int32)
        case this
        /// What a call gives back, by the canonical name of what was called.
        case result(String)
    }

    /// A step whose name is computed and not known.
    static let unknownStep = "[?]"

    let root: Root
    /// The way without its last step; nil where it has none.
    ///
    /// SAFETY: the way before holds this one, and a file's `References` hold them all.
    unowned(unsafe) let parent: Reference?
    /// The last step.
    let last: String?
    /// How many steps there are.
    let depth: Int
    private var next: [String: Reference] = [:]

    /// `process.env.HOME`, `fs.readFile` with its module in angle brackets, `*.api.readData` for anything local.
    private(set) lazy var name: String =
        if let parent, let last {
            parent.name + "." + last
        } else {
            switch root {
            case .global(let name): name
            case .module(let name): "<\(name)>"
            case .local: "*"
            case .this: "this"
            case .result(let name): "\(name)()"
            }
        }

    /// The fact that a call of it is.
    private(set) lazy var fact: String? = FactName.ofCall(name)

    /// The function whose value can be worked out.
    private(set) lazy var function: Builtins.Function? =
        switch root {
        case .local, .this: nil
        case .global, .module, .result: Builtins.Function(rawValue: name)
        }

    /// It gives the module whose name it is called with.
    private(set) lazy var isRequire: Bool =
        switch root {
        case .global(let name): last.map { $0 == "require" } ?? (name == "require")
        case .result(let name): depth == 0 ? name == "<module>.createRequire" : last == "require"
        case .this: depth > 1 && last == "require"
        case .local, .module: last == "require"
        }

    fileprivate init(root: Root, parent: Reference? = nil, last: String? = nil) {
        self.root = root
        self.parent = parent
        self.last = last
        depth = parent.map { $0.depth + 1 } ?? 0
    }

    /// The way one step further.
    func step(_ name: String) -> Reference {
        if let known = next[name] { return known }
        let further = Reference(root: root, parent: self, last: name)
        next[name] = further
        return further
    }
}

/// All ways that one file goes.
struct References {
    private var roots: [Reference.Root: Reference] = [:]

    mutating func root(_ root: Reference.Root) -> Reference {
        if let known = roots[root] { return known }
        let reference = Reference(root: root)
        roots[root] = reference
        return reference
    }
}
