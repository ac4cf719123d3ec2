/// What changes for a customer between two versions.
struct VersionDifference {
    let older: String
    /// Permissions that are not the same in both, with their change set.
    let rows: [PermissionRow]
    let needsApproval: Bool

    init(from old: ListedVersion, to new: ListedVersion) {
        older = old.version
        func declared(_ version: ListedVersion) -> [String: PermissionRow] {
            Dictionary(
                version.permissions.filter { $0.declared && $0.change != .removed }.map {
                    ("\($0.operation) \($0.target)", $0)
                }, uniquingKeysWith: { first, _ in first })
        }
        let (before, after) = (declared(old), declared(new))
        var rows: [PermissionRow] = []
        var grows = false
        for key in Set(before.keys).union(after.keys).sorted() {
            switch (before[key], after[key]) {
            case (nil, var row?):
                row.change = .added
                row.consequence = "needs the customer's consent"
                rows.append(row)
                grows = true
            case (var row?, nil):
                row.change = .removed
                row.consequence = "no longer asked for"
                rows.append(row)
            case (let was?, var row?) where was.methods != row.methods:
                row.change = .changed
                let more = !Set(row.methods).isSubset(of: was.methods)
                row.consequence =
                    more ? "more methods: needs the customer's consent" : "fewer methods than before"
                grows = grows || more
                rows.append(row)
            default: continue
            }
        }
        self.rows = rows
        needsApproval = grows
    }
}
