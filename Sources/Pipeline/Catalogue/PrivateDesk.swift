import Accounts
import Billing
import Marketplace
import Publishing
import Registry
import Scanning

/// The pages of one reader each: the reviewers' queue and reports, every customer's account, every publisher's
/// dashboard. The runtime serves reports from these files, and makes accounts and dashboards itself, by the same makers,
/// so that a form shows at once what it did; the files are what they were on the night.
struct PrivateDesk {
    let context: RunContext
    let book: CatalogueBook

    func write() async throws(PipelineError) {
        let review = try await queue()
        do {
            let templates = try Templates(folder: context.programs.templates)
            let pages = Publishing.PrivatePages(templates: templates, settings: settings)
            try Publishing.PrivatePages.publish(try pages.review(review), at: "review", in: context.data.site)
            try writeAccounts(pages)
            try writeDashboards(pages)
        } catch let error as AccountsError {
            throw PipelineError(.incomplete, "the private pages were not built: \(error)")
        } catch {
            throw PipelineError(.findings, "the private pages were not built: \(error)")
        }
    }

    private func writeAccounts(_ pages: PrivatePages) throws {
        let books = AccountBooks(data: context.data.root)
        let maker = TenantAccountMaker(registry: context.registry, books: books)
        for tenant in try context.registry.tenants() {
            var files = try pages.account(try maker.account(of: tenant.id, now: context.now)) + pages.assets()
            files += try books.invoices(of: tenant.id).compactMap { document in
                Self.printed("invoices/\(document.value.number).html", document.path)
            }
            try PrivatePages.publish(files, at: "tenants/\(tenant.id)", in: context.data.site)
        }
    }

    private func writeDashboards(_ pages: PrivatePages) throws {
        let books = AccountBooks(data: context.data.root)
        let maker = DashboardMaker(registry: context.registry, books: books)
        let period = context.now.day.period
        let counted = try CallCounts.of(
            usage: context.data.usage, from: period.firstDay, to: period.endDay.adding(days: -1))
        for publisher in try context.registry.publishers() {
            let dashboard = try maker.dashboard(of: publisher.id, now: context.now, counted: counted)
            var files = try pages.publisher(dashboard) + pages.assets()
            files += try books.statements(of: publisher.id).compactMap { document in
                let name = document.path.split(separator: "/").last.map(String.init) ?? ""
                return Self.printed("payouts/\(name).html", document.path)
            }
            try PrivatePages.publish(files, at: "publishers/\(publisher.id)", in: context.data.site)
        }
    }

    /// The page that prints a document, where the night wrote one.
    private static func printed(_ place: String, _ path: String) -> SiteFile? {
        guard Files.exists("\(path).html") else { return nil }
        return SiteFile(path: place, contents: .file(path: "\(path).html", sha256: nil))
    }

    private var settings: PrivateSettings {
        let configuration = context.data.configuration
        return PrivateSettings(
            site: SiteSettings(
                baseURL: SiteModelMaker.slashed(configuration.baseURL),
                runtimeURL: SiteModelMaker.slashed(configuration.runtimeURL),
                securityContact: "mailto:\(configuration.issuer.email)",
                developerSharePercent: SiteModelMaker.percent(configuration.share)))
    }

    /// Held submissions, and those that were decided: the queue speaks of the latest change, not of the clock.
    private func queue() async throws(PipelineError) -> ReviewQueue {
        var items: [ReviewItem] = []
        var latest = book.asOf
        for state in [SubmissionState.held, .approved, .listed, .rejected, .incomplete] {
            let rows = try PipelineError.translating { () throws(RegistryError) in
                try context.registry.submissions(in: state, limit: 500)
            }
            for row in rows {
                latest = max(latest, row.updatedAt)
                items.append(try await item(row))
            }
        }
        return ReviewQueue(asOf: latest.description, items: items.sorted { $0.submission < $1.submission })
    }

    private func item(_ row: Submission) async throws(PipelineError) -> ReviewItem {
        let manifest = try row.manifest.map { value throws(PipelineError) in
            try ManifestStore.manifest(value, of: row.title)
        }
        let scan =
            Files.exists(context.data.report(row.id, "scan.json"))
            ? try Reports.scan(row.id, context.data) : nil
        let trial =
            Files.exists(context.data.report(row.id, "trial.json"))
            ? try Reports.trial(row.id, context.data) : nil
        let publisher = try PipelineError.translating { () throws(RegistryError) in
            try context.registry.publisher(row.publisher)
        }
        let decisions = try PipelineError.translating { () throws(RegistryError) in
            try context.registry.decisions(of: row.id)
        }
        let earlier = book.versions.filter { $0.plugin == row.plugin && $0.bundle != row.id }
        let before = earlier.filter { older in row.version.map { older.version < $0 } ?? false }.first
        var permissions: [ShownPermission] = []
        if let manifest, let scan, let trial {
            permissions = Shown.permissions(manifest, scan, trial, before: before?.manifest.permissions)
        }
        let isHeld = row.state == .held
        // Reviewers see the words; pictures stand on the public site only once they are listed.
        var pictures: [String: SiteFile] = [:]
        return ReviewItem(
            submission: row.id.hex, plugin: row.plugin?.text ?? "unknown", title: manifest?.name ?? row.title,
            version: row.version?.description ?? "", summary: manifest?.description ?? row.reason.text,
            publisher: row.publisher.text, publisherName: publisher.name,
            publisherVerified: publisher.verifiedAt != nil,
            publisherHistory:
                "\(book.versions.filter { $0.plugin.publisher == row.publisher }.count) versions listed since \(publisher.registeredAt.day)",
            state: row.state.rawValue, submittedAt: row.receivedAt.description,
            dueAt: isHeld ? (row.dueAt ?? row.updatedAt).description : nil, sha256: row.id.hex,
            bytes: row.byteCount,
            verdict: scan.map { Shown.verdict($0.verdict) } ?? .incomplete,
            recommendation: recommendation(row), recommendationWhy: row.reason.text,
            previousVersion: before?.version.description, permissions: permissions,
            findings: ((scan?.findings ?? []) + (trial?.findings ?? [])).map(Shown.finding),
            checks: (scan?.checks ?? []).map(Shown.check), trial: trial.map(Shown.trial),
            dependencies: (manifest?.dependencies ?? []).map {
                DependencyRow(name: $0.id.text, version: $0.range.description, kind: "plugin")
            }, files: scan.map(Shown.files) ?? [],
            readme: scan == nil || row.state == .rejected
                ? nil
                : try await RenderedTexts(bundle: row.id, context: context).text("README.md", &pictures),
            decisions: decisions.map {
                DecisionRow(
                    at: $0.at.description, by: $0.decision.decidedBy, decision: $0.decision.verdict.rawValue,
                    reason: $0.decision.reason)
            })
    }

    private func recommendation(_ row: Submission) -> String {
        switch row.state {
        case .rejected: "reject"
        case .held, .incomplete: "hold"
        default: "approve"
        }
    }
}
