import Accounts
import Marketplace
import Metering
import Publishing
import Registry
import Yams

extension WebFace {
    /// The pages of a data directory; nil where the templates are not installed.
    static func open(
        _ configuration: RuntimeConfiguration, _ parts: RuntimeParts, programs: RuntimePrograms,
        environment: [String: String]
    ) async throws(RuntimeError) -> WebFace? {
        let folder = environment["VEROFORGE_TEMPLATES"] ?? "\(programs.home)/site-templates"
        guard Disk().exists("\(folder)/layouts") else { return nil }
        let templates: Templates
        do { templates = try Templates(folder: folder) } catch {
            throw RuntimeError(.configuration, error.subject, error.cause)
        }
        return WebFace(
            configuration, api: parts.api, registry: parts.registry, clock: parts.clock, templates: templates,
            site: try settings(of: configuration.data))
    }

    init(
        _ configuration: RuntimeConfiguration, api: RuntimeAPI, registry: Registry, clock: RuntimeClock,
        templates: Templates, site: SiteSettings = SiteSettings()
    ) {
        let settings = PrivateSettings(site: site)
        self.api = api
        self.clock = clock
        // A node that follows a catalogue elsewhere shows what stands in its own directory, if anything does.
        let isFolder = !configuration.catalogue.contains("://")
        self.site = PublicFiles(
            folder: isFolder ? configuration.catalogue : "\(configuration.data)/site/public")
        live = LivePages(templates: templates, settings: settings)
        desk = PrivateRoom(
            registry: registry, books: AccountBooks(data: configuration.data),
            folder: "\(configuration.data)/site/private",
            pages: PrivatePages(templates: templates, settings: settings), clock: clock)
    }

    /// The addresses of `veroforge.yaml` that pages show.
    private static func settings(of data: String) throws(RuntimeError) -> SiteSettings {
        let bytes: [UInt8]?
        do { bytes = try Disk().readIfPresent("\(data)/veroforge.yaml") } catch {
            throw RuntimeError(.configuration, error.subject, error.cause)
        }
        let node = bytes.flatMap { try? Yams.compose(yaml: String(decoding: $0, as: UTF8.self)) }
        func address(_ key: String, _ fallback: String) -> String {
            guard let text = node?.mapping?[key]?.string, !text.isEmpty else { return fallback }
            return text.hasSuffix("/") ? text : text + "/"
        }
        let standard = SiteSettings()
        return SiteSettings(
            baseURL: address("baseURL", standard.baseURL),
            runtimeURL: address("runtimeURL", standard.runtimeURL))
    }
}
