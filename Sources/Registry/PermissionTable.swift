// The three-way permission table that reviewer and customer read: what the manifest declares, what the scanner found
// in the code, what the trial saw, and how that differs from the version before.
public import Marketplace

/// One row of the table.
public struct PermissionRow: Hashable, Sendable {
    public enum Change: String, Sendable {
        case added, removed, unchanged
        /// There is no version before.
        case first
    }

    public let permission: Permission
    public let declared: Bool
    /// `file:line` of each place where the scanner found it used.
    public let detected: [String]
    /// How often the trial saw it.
    public let observed: Int
    public let change: Change

    /// What it means, and what is odd about it, in plain words.
    public var words: String {
        var text = permission.plainWords
        if declared, !permission.purpose.isEmpty { text += " to \(permission.purpose)" }
        if !declared, change == .removed { return text + ". No longer asked for." }
        if !declared { return text + ". Not declared: the sandbox refuses it." }
        if detected.isEmpty, observed == 0 {
            text += ". Declared, but neither found in the code nor seen in the trial"
        }
        if change == .added { text += ". New in this version" }
        return text + "."
    }
}

public enum PermissionTable {
    /// The rows, declared ones first, each group in the permissions' order.
    public static func rows(
        declared: PermissionSet, previous: PermissionSet?,
        detected: [(permission: Permission, places: [String])] = [],
        observed: [(permission: Permission, count: Int)] = []
    ) -> [PermissionRow] {
        func places(_ match: (Permission) -> Bool) -> [String] {
            Array(Set(detected.filter { match($0.permission) }.flatMap(\.places))).sorted()
        }
        func count(_ match: (Permission) -> Bool) -> Int {
            observed.filter { match($0.permission) }.reduce(0) { $0 + $1.count }
        }
        var rows = declared.permissions.map { permission in
            PermissionRow(
                permission: permission, declared: true, detected: places(permission.covers),
                observed: count(permission.covers),
                change: previous.map { $0.covers(permission) ? .unchanged : .added } ?? .first)
        }
        let used = PermissionSet(detected.map(\.permission) + observed.map(\.permission))
        for permission in used.permissions where !declared.covers(permission) {
            rows.append(
                PermissionRow(
                    permission: permission, declared: false, detected: places { $0 == permission },
                    observed: count { $0 == permission }, change: previous == nil ? .first : .unchanged))
        }
        for permission in previous?.exceeding(declared) ?? [] {
            rows.append(
                PermissionRow(
                    permission: permission, declared: false, detected: [], observed: 0, change: .removed))
        }
        return rows
    }
}
