import Accounts
import Marketplace
import Publishing
import Registry

/// What people's browsers see: the public site, the private pages of the token's holder, and the pages' forms, which
/// become requests to the API. Everything works without script.
///
/// A form cannot be sent by another site: the cookie is `SameSite=Strict`, and the browser's own word on where the
/// request comes from (`Sec-Fetch-Site`, else `Origin`) has to be this origin.
struct WebFace: Sendable {
    let api: RuntimeAPI
    let site: PublicFiles
    let desk: PrivateRoom
    let live: LivePages
    let clock: RuntimeClock

    /// First steps of paths that are the API's.
    private static let apiRoots: Set<String> = ["v1", "healthz", "readyz", "metrics", "openapi.json"]
    static let nextCookie = "veroforge_next"
    static let noticeCookie = "veroforge_notice"
    static let uploadBytesMax = PlatformLimits.BundleBytes.packedMax + 65_536

    /// How many bytes of a form are read; nil where the request is the API's.
    func formBytesMax(_ request: APIRequest) -> Int? {
        guard let type = Self.formType(request) else { return nil }
        return type == .multipart ? Self.uploadBytesMax : 256 << 10
    }

    enum FormType { case fields, multipart }

    /// Webhooks of vendors are forms too, and are the plugin's.
    static func formType(_ request: APIRequest) -> FormType? {
        guard request.method == "POST", request.path.first == "v1", request.path.dropFirst().first != "hooks",
            request.headers["authorization"] == nil
        else { return nil }
        switch request.headers["content-type"]?.prefix(while: { $0 != ";" }).trimmingSpaces.lowercased() {
        case "application/x-www-form-urlencoded": return .fields
        case "multipart/form-data": return .multipart
        default: return nil
        }
    }

    /// Answers a request that is a browser's; nil where it is the API's.
    func respond(to request: APIRequest, target: String) async -> APIResponse? {
        if let type = Self.formType(request) { return await FormDesk(face: self).respond(to: request, type) }
        guard !Self.apiRoots.contains(request.path.first ?? "") else { return nil }
        var response: APIResponse
        if request.method == "GET" || request.method == "HEAD" {
            response = await page(request, isFolder: target.prefix { $0 != "?" }.hasSuffix("/"))
        } else {
            response = .problem(
                RuntimeError(.methodNotAllowed, request.method, "is not answered at this path"))
            response.headers["allow"] = "GET, HEAD"
        }
        if request.method == "HEAD" { response.body = [] }
        return response
    }

    private func page(_ request: APIRequest, isFolder: Bool) async -> APIResponse {
        let first = request.path.first ?? ""
        do {
            switch first {
            case "sign-in" where request.path.count == 1 && isFolder: return html(try live.signIn())
            case "register" where request.path.count == 1 && isFolder: return html(try live.register())
            case "account", "publisher", "review":
                guard isFolder || request.path.count > 1 else {
                    return APIResponse(status: 308, headers: ["location": "/\(first)/" + Self.query(request)])
                }
                return await desk.answer(request, face: self)
            default: break
            }
        } catch {
            return .problem(RuntimeError(.internalError, "templates", "\(error)"))
        }
        let site = self.site
        let answer = try? await BlockingWork.run {
            site.answer(request, path: request.path, isFolder: isFolder)
        }
        return (answer ?? nil) ?? site.missing()
    }

    static func query(_ request: APIRequest) -> String {
        guard !request.query.isEmpty else { return "" }
        return "?"
            + request.query.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }
            .joined(separator: "&")
    }

    func html(_ bytes: [UInt8], status: Int = 200) -> APIResponse {
        var headers = PublicFiles.headers
        headers["content-type"] = "text/html; charset=utf-8"
        headers["cache-control"] = "no-store"
        return APIResponse(status: status, headers: headers, body: bytes)
    }

    /// Sends the browser elsewhere with GET.
    static func redirect(_ address: String, cookies: [String] = []) -> APIResponse {
        var headers = ["location": address, "cache-control": "no-store"]
        // One header a cookie would need a list; a page sets at most one beside the session.
        if let cookie = cookies.first { headers["set-cookie"] = cookie }
        return APIResponse(status: 303, headers: headers)
    }

    /// To the sign-in form, with the way back remembered.
    func signInFirst(_ request: APIRequest) -> APIResponse {
        let address =
            "/" + request.path.map(PercentEncoding.encode).joined(separator: "/") + "/" + Self.query(request)
        return Self.redirect(
            "/sign-in/",
            cookies: [Self.cookie(Self.nextCookie, PercentEncoding.encode(address), seconds: 600)])
    }

    static func cookie(_ name: String, _ value: String, seconds: Int) -> String {
        "\(name)=\(value); Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=\(seconds)"
    }

    static func cookie(_ name: String, in request: APIRequest) -> String? {
        request.headers["cookie"]?.split(separator: ";").map(\.trimmingSpaces)
            .first { $0.hasPrefix(name + "=") }
            .map { String($0.dropFirst(name.count + 1)) }
    }

    /// The session's token, whatever the method.
    static func token(_ request: APIRequest) -> String? {
        cookie(RuntimeAPI.sessionCookie, in: request).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Whether the browser says that the request was made by a page of this origin.
    static func isSameOrigin(_ request: APIRequest) -> Bool {
        if let site = request.headers["sec-fetch-site"] { return site == "same-origin" }
        guard let origin = request.headers["origin"], let host = request.headers["host"] else { return false }
        return origin.hasSuffix("://" + host)
    }

    /// Where the holder of a token is at home.
    static func home(_ holder: TokenHolder) -> (path: String, name: String) {
        switch holder {
        case .tenant: ("/account/", "Your account")
        case .publisher: ("/publisher/", "Your plugins")
        case .reviewer: ("/review/", "Review queue")
        }
    }
}
