import FoundationEssentials
import Marketplace
import Publishing
import Registry

/// The forms of the private pages: read, checked for where they come from, put to the API with the session's token,
/// and answered with a redirect to the page that shows what changed, or with a page that says why not.
struct FormDesk: Sendable {
    let face: WebFace

    func respond(to request: APIRequest, _ type: WebFace.FormType) async -> APIResponse {
        guard WebFace.isSameOrigin(request) else {
            let error = RuntimeError(.forbidden, "form", "it was not sent by a page of this marketplace")
            return page(error, back: "/", backWords: "Plugins")
        }
        let isSession = request.path == ["v1", "session"]
        let isOpen = isSession || request.path == ["v1", "publishers"]
        let token = WebFace.token(request)
        guard isOpen || token != nil else { return WebFace.redirect("/sign-in/") }
        do throws(RuntimeError) {
            let asked = try Self.apiRequest(request, type, token: isOpen ? nil : token)
            if isSession { return await session(asked, request) }
            let holder: TokenHolder? =
                if let token, !isOpen { try await face.api.holder(of: token) } else { nil }
            return await put(asked, holder)
        } catch {
            if error.code == .unauthorized { return WebFace.redirect("/sign-in/") }
            return page(error, back: "/", backWords: "Plugins")
        }
    }

    // MARK: Reading

    /// The request that a program would have sent.
    static func apiRequest(
        _ request: APIRequest, _ type: WebFace.FormType, token: String?
    ) throws(RuntimeError) -> APIRequest {
        var asked = request
        asked.headers["cookie"] = nil
        asked.headers["authorization"] = token.map { "Bearer \($0)" }
        switch type {
        case .fields:
            let form: FormRequest
            do { form = try FormRequest(form: request.body) } catch {
                throw RuntimeError(.badRequest, error.subject, error.cause)
            }
            asked.method = form.method
            asked.headers["content-type"] = "application/json"
            // A form of nothing but a button stands for a request without a document.
            asked.body = form.body == [:] && form.method == "DELETE" ? [] : form.body.serializedBytes()
        case .multipart:
            let form = try Multipart(request.body, type: request.headers["content-type"] ?? "")
            guard request.path == ["v1", "submissions"], let bundle = form.bytes("bundle"),
                let signature = form.bytes("signature")
            else { throw RuntimeError(.badRequest, "form", "brings no bundle and signature") }
            asked.headers["content-type"] = "application/zip"
            asked.headers["veroforge-signature"] = Data(signature).base64EncodedString()
            asked.body = bundle
        }
        return asked
    }

    // MARK: Sessions

    private func session(_ asked: APIRequest, _ request: APIRequest) async -> APIResponse {
        let answer = await face.api.respond(to: asked)
        guard asked.method == "POST" else {
            return WebFace.redirect("/", cookies: answer.headers["set-cookie"].map { [$0] } ?? [])
        }
        guard answer.status < 300, let cookie = answer.headers["set-cookie"],
            let token = (try? JSONValue.parse(asked.body))?["token"]?.stringValue,
            let holder = try? await face.api.holder(of: token)
        else {
            let problem =
                answer.status == 429
                ? "Too many tokens are being tried. Wait a second."
                : "The token is unknown, has ended or was revoked."
            guard let bytes = try? face.live.signIn(problem: problem) else { return answer }
            return face.html(bytes, status: answer.status)
        }
        let home = WebFace.home(holder).path
        let wanted = WebFace.cookie(WebFace.nextCookie, in: request).flatMap { PercentEncoding.decode($0) }
        let next = wanted.flatMap { $0.hasPrefix(home) && !$0.hasPrefix("//") ? $0 : nil } ?? home
        return WebFace.redirect(next, cookies: [cookie])
    }

    // MARK: Everything else

    private func put(_ asked: APIRequest, _ holder: TokenHolder?) async -> APIResponse {
        let answer = await face.api.respond(to: asked)
        let (home, name) = holder.map(WebFace.home) ?? ("/sign-in/", "Sign in")
        guard answer.status < 300 else { return problem(answer, back: home, backWords: name) }
        let document = answer.json
        let isCall = asked.path.dropLast().last == "actions"
        if isCall || document["token"] != nil {
            return shown(document, isCall: isCall, back: home, backWords: name)
        }
        let notice = Notices.code(asked)
        var address = home
        if case .tenant = holder, asked.path.count > 4, asked.path[3] == "plugins" {
            address += asked.method == "DELETE" ? "#installed" : "#plugin-\(asked.path[4])"
        }
        if case .reviewer = holder { address += "decided/" }
        return WebFace.redirect(address, cookies: [WebFace.cookie(WebFace.noticeCookie, notice, seconds: 30)])
    }

    private func shown(_ document: JSONValue, isCall: Bool, back: String, backWords: String) -> APIResponse {
        let success = document["success"]?.boolValue ?? true
        var answer = LivePages.Answer(
            heading: isCall ? "The plugin's answer" : "A new token",
            words: isCall
                ? success ? "The call succeeded." : document["error"]?.stringValue ?? "The plugin refused."
                : "It was made. Nobody can read it again.",
            isGood: success, back: back, backWords: backWords, asOf: face.clock.now().description)
        if isCall {
            answer.document = String(decoding: document.serializedBytes(pretty: true), as: UTF8.self)
        } else {
            answer.secret = document["token"]?.stringValue
        }
        guard let bytes = try? face.live.answer(answer) else { return .json(document) }
        return face.html(bytes)
    }

    /// A problem document as a page with the same status.
    private func problem(_ response: APIResponse, back: String, backWords: String) -> APIResponse {
        let document = response.json
        var answer = LivePages.Answer(
            heading: document["title"]?.stringValue ?? "That was not taken",
            words: document["detail"]?.stringValue ?? "Nothing was changed.", isGood: false, back: back,
            backWords: backWords, asOf: face.clock.now().description)
        answer.points = (document["violations"]?.arrayValue ?? []).map {
            ($0["pointer"]?.stringValue ?? "", $0["message"]?.stringValue ?? "")
        }
        guard let bytes = try? face.live.answer(answer) else { return response }
        var page = face.html(bytes, status: response.status)
        page.headers["retry-after"] = response.headers["retry-after"]
        return page
    }

    private func page(_ error: RuntimeError, back: String, backWords: String) -> APIResponse {
        problem(.problem(error), back: back, backWords: backWords)
    }
}

/// What a page says after a form: codes travel in a cookie, words stay here.
enum Notices {
    private static let words = [
        "installed": "Installed. What it may touch is listed with it.",
        "removed": "Removed, with its secrets and storage.",
        "approved": "The update was approved and runs.", "plan": "The plan was changed.",
        "spend-cap": "The spend cap was set.", "review": "Your review was saved.",
        "config": "The settings were saved.",
        "secret": "The secret was sealed.", "policy": "The policy was saved.",
        "revoked": "The token was revoked.",
        "submitted": "The bundle is in the inbox. Its next step stands below.",
        "versions": "Changed. The catalogue follows with the next publishing.",
        "decided": "Your decision was taken down.", "done": "Done.",
    ]

    static func code(_ request: APIRequest) -> String {
        let path = request.path
        switch (request.method, path.count > 1 ? path[1] : "", path.last ?? "") {
        case ("DELETE", "tenants", _) where path.contains("tokens"): return "revoked"
        case ("DELETE", "tenants", _): return "removed"
        case (_, "tenants", "approve"): return "approved"
        case (_, "tenants", let last)
        where ["plan", "spend-cap", "review", "config", "policy"].contains(last):
            return last
        case (_, "tenants", _) where path.contains("secrets"): return "secret"
        case ("PUT", "tenants", _) where path.count == 5: return "installed"
        case (_, "submissions", _): return "submitted"
        case (_, "publishers", "versions"): return "versions"
        case (_, "reviews", _): return "decided"
        default: return "done"
        }
    }

    static func words(_ request: APIRequest) -> String? {
        WebFace.cookie(WebFace.noticeCookie, in: request).flatMap { words[$0] }
    }
}
