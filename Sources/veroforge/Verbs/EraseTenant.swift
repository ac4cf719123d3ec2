import ArgumentParser
import Foundation
import Marketplace
import Pipeline
import Registry

/// `veroforge tenant erase`
struct EraseTenant: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase",
        abstract:
            "Erase what is held of a customer: names, addresses, credentials, settings, secrets, storage, reviews, logs.",
        discussion: """
            The id stays, and with it usage segments, invoices and the ledger: the books must be kept. Backups that were \
            taken before hold what they hold. Exit code 3 while something is installed.
            """)
    @OptionGroup var options: DataOptions
    @Argument(help: "The tenant's id.") var id: String
    @Flag(help: "Really do it.") var yes = false

    func run() throws {
        guard yes else { throw PipelineError(.usage, "erasing cannot be undone", remedy: "Say --yes.") }
        let context = try options.context()
        guard let tenant = TenantID(id) else { throw PipelineError(.usage, "\(id) is no tenant id") }
        let erased: ErasedTenant
        do { erased = try context.registry.erase(tenant) } catch {
            throw error.code == .conflict
                ? PipelineError(.notFound, "\(error.subject): \(error.cause)") : PipelineError(error)
        }
        // The customer's own pages are made from the books and name the customer.
        try? FileManager.default.removeItem(atPath: "\(context.data.site)/private/tenants/\(tenant)")
        let traces = try TenantTraces(of: tenant, in: context.data).erase()
        if traces.lines > 0 { print("log lines  \(traces.lines)") }
        if traces.recordings > 0 { print("recordings  \(traces.recordings)") }
        for (name, count) in erased.rows.sorted(by: { $0.key < $1.key }) { print("\(name)  \(count)") }
        print("\(tenant) is erased; usage, invoices and the ledger keep its id.")
    }
}
