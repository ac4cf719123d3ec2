import Marketplace

/// The workflows of the sample business and what each does to its records.
enum Workflows {
    /// Names in sorted order; what a workflow without an effect does is being recorded as a run.
    static let names = [
        "close-order", "collect-payment", "create-order", "dispatch-technician", "notify-team", "send-email",
        "send-invoice", "send-reminder", "send-sms",
    ]

    /// Applies the workflow to the tables. `data` names its record by `order` or `invoice`.
    static func apply(
        _ workflow: String, data: [String: JSONValue], tables: inout [String: [[String: JSONValue]]]
    ) throws(SimulationError) {
        switch workflow {
        case "close-order": try set("status", to: "completed", in: "orders", data["order"], &tables)
        case "dispatch-technician": try set("status", to: "scheduled", in: "orders", data["order"], &tables)
        case "send-invoice": try set("status", to: "open", in: "invoices", data["invoice"], &tables)
        case "collect-payment":
            try set("status", to: "paid", in: "invoices", data["invoice"], &tables)
            try set("balance", to: "0.00", in: "invoices", data["invoice"], &tables)
        default: break
        }
    }

    private static func set(
        _ field: String, to value: String, in entity: String, _ id: JSONValue?,
        _ tables: inout [String: [[String: JSONValue]]]
    ) throws(SimulationError) {
        guard let id, id != .null else {
            throw SimulationError(.invalid, "the workflow needs the id of one of the \(entity)")
        }
        guard let index = tables[entity]?.firstIndex(where: { $0["id"] == id }) else {
            throw SimulationError(.notFound, "no record with that id in \(entity)")
        }
        tables[entity]?[index][field] = .string(value)
    }
}
