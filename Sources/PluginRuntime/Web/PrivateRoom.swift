import Accounts
import Billing
import Marketplace
import Metering
import Publishing
import Registry

/// Private pages, each for the holder of its token. Account and dashboard are made when they are asked for, so that a
/// form's effect shows at once; reviewers' reports are the files that the publish stage wrote.
struct PrivateRoom: Sendable {
    let registry: Registry
    let books: AccountBooks
    /// `site/private`
    let folder: String
    let pages: PrivatePages
    let clock: RuntimeClock

    func answer(_ request: APIRequest, face: WebFace) async -> APIResponse {
        guard let token = WebFace.token(request) else { return face.signInFirst(request) }
        let holder: TokenHolder
        do throws(RuntimeError) { holder = try await face.api.holder(of: token) } catch {
            return error.code == .unauthorized ? face.signInFirst(request) : .problem(error)
        }
        let area = request.path[0]
        let home = WebFace.home(holder).path
        guard home == "/\(area)/" else { return WebFace.redirect(home) }
        if request.path.dropFirst().first == "assets" { return asset(request) ?? face.site.missing() }
        do throws(RuntimeError) {
            guard let page = try await page(request, holder, face) else { return face.site.missing() }
            return page
        } catch {
            return .problem(error)
        }
    }

    /// Style and script are not private; they only stand beside the pages.
    private func asset(_ request: APIRequest) -> APIResponse? {
        let name = request.path.dropFirst().joined(separator: "/")
        return pages.assets().first { $0.path == name }.map {
            PublicFiles.file($0.content, named: name, for: request)
        }
    }

    private func page(
        _ request: APIRequest, _ holder: TokenHolder, _ face: WebFace
    ) async throws(RuntimeError) -> APIResponse? {
        let rest = Array(request.path.dropFirst())
        switch holder {
        case .tenant(let id): return try await account(id, rest, request, face)
        case .publisher(let id): return try await dashboard(id, rest, request, face)
        case .reviewer:
            if rest == ["decided"] { return try decided(request, face) }
            guard rest.allSatisfy(PublicFiles.isPlain) else { return nil }
            let place = folder + "/review/" + (rest + ["index.html"]).joined(separator: "/")
            guard let bytes = try await Self.read(place) else { return nil }
            return PublicFiles.file(bytes, named: "index.html", for: request, isPrivate: true)
        }
    }

    // MARK: Customers

    private func account(
        _ id: TenantID, _ rest: [String], _ request: APIRequest, _ face: WebFace
    ) async throws(RuntimeError) -> APIResponse? {
        if rest.first == "invoices", rest.count == 2 {
            let books = self.books
            let number = rest[1].hasSuffix(".html") ? String(rest[1].dropLast(5)) : rest[1]
            let path = try await Self.work {
                try books.invoices(of: id).first { $0.value.number == number }?.path
            }
            guard let path, let bytes = try await Self.read(path + ".html") else { return nil }
            return PublicFiles.file(bytes, named: "invoice.html", for: request, isPrivate: true)
        }
        guard rest.isEmpty || rest == ["usage.csv"] else { return nil }
        let maker = TenantAccountMaker(registry: registry, books: books)
        let now = clock.now()
        let offering = request.parameter("install").flatMap { PluginID($0) }
        var account = try await Self.work { try maker.account(of: id, now: now, offering: offering) }
        account.notice = Notices.words(request)
        let files = try Self.rendering { () throws(PublishingError) in try pages.account(account) }
        guard let file = files.first(where: { $0.path == (rest.first ?? "index.html") }) else { return nil }
        if rest.first == "usage.csv" {
            return PublicFiles.file(file.content, named: "usage.csv", for: request, isPrivate: true)
        }
        return noticeSeen(face.html(file.content), account.notice)
    }

    // MARK: Publishers

    private func dashboard(
        _ id: PublisherID, _ rest: [String], _ request: APIRequest, _ face: WebFace
    ) async throws(RuntimeError) -> APIResponse? {
        if rest.first == "payouts", rest.count == 2 {
            let books = self.books
            let path = try await Self.work {
                try books.statements(of: id).first { "\($0.path).html".hasSuffix("/\(rest[1])") }?.path
            }
            guard let path, let bytes = try await Self.read(path + ".html") else { return nil }
            return PublicFiles.file(bytes, named: "statement.html", for: request, isPrivate: true)
        }
        guard rest.isEmpty else { return nil }
        let maker = DashboardMaker(registry: registry, books: books)
        let now = clock.now()
        var dashboard = try await Self.work { try maker.dashboard(of: id, now: now) }
        dashboard.notice = Notices.words(request)
        let files = try Self.rendering { () throws(PublishingError) in try pages.publisher(dashboard) }
        guard let file = files.first(where: { $0.path == "index.html" }) else { return nil }
        return noticeSeen(face.html(file.content), dashboard.notice)
    }

    // MARK: Reviewers

    private func decided(_ request: APIRequest, _ face: WebFace) throws(RuntimeError) -> APIResponse {
        let answer = LivePages.Answer(
            heading: "Decision",
            words:
                "Your decision was taken down under your name. The next run of the submission pipeline signs it and moves the submission.",
            isGood: true, back: "/review/", backWords: "Review queue", asOf: clock.now().description)
        let bytes = try Self.rendering { () throws(PublishingError) in try face.live.answer(answer) }
        return noticeSeen(face.html(bytes), Notices.words(request))
    }

    // MARK: Helpers

    /// A notice is shown once.
    private func noticeSeen(_ response: APIResponse, _ notice: String?) -> APIResponse {
        var response = response
        if notice != nil {
            response.headers["set-cookie"] = WebFace.cookie(WebFace.noticeCookie, "", seconds: 0)
        }
        return response
    }

    private static func read(_ path: String) async throws(RuntimeError) -> [UInt8]? {
        try await blocking { try Disk().readIfPresent(path) }
    }

    private static func work<T: Sendable>(
        _ body: @escaping @Sendable () throws -> T
    ) async throws(RuntimeError) -> T {
        do { return try await BlockingWork.run(body) } catch let error as AccountsError {
            throw RuntimeError(error.isMissing ? .notFound : .unavailable, error.subject, error.cause)
        } catch {
            throw RuntimeError(.internalError, "pages", "\(error)")
        }
    }

    private static func rendering<T>(_ body: () throws(PublishingError) -> T) throws(RuntimeError) -> T {
        do { return try body() } catch {
            throw RuntimeError(.internalError, error.subject, error.cause)
        }
    }
}
