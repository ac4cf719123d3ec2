import Foundation
import Marketplace
import TestSupport
import Testing

@testable import Pipeline

@Suite struct AuthoringTests {
    @Test(arguments: ["docusign", "quickbooks-sync", "slack", "stripe-billing", "twilio"])
    func typesOfALaunchPluginAreWhatItsManifestDeclares(_ plugin: String) throws {
        let path = Products.file("plugins/\(plugin)/src/declared.d.ts")
        let text = TypeGenerator.declarations(try ScenarioTests.manifest(plugin))
        if ProcessInfo.processInfo.environment["VEROFORGE_RECORD"] != nil {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    }

    @Test func wildcardsAndEmptyDeclarationsBecomeTypes() throws {
        let manifest = try Manifest.parse(
            Array(
                """
                {"id": "some-samples.wild", "name": "n", "version": "1.0.0", "description": "d", "author": "a", "category": "utilities",
                 "license": "MIT", "main": "dist/index.js", "apiSurface": ["readData", "fetch", "triggerWorkflow"],
                 "permissions": [
                  {"operation": "readData", "entity": "*", "purpose": "everything"},
                  {"operation": "triggerWorkflow", "workflow": "*", "purpose": "everything"},
                  {"operation": "fetch", "host": "*.example.com", "purpose": "somewhere"}],
                 "actions": [{"name": "x", "description": "x", "input": {"type": "object"}}],
                 "pricing": {"model": "subscription", "currency": "USD", "plans": [{"id": "p", "amount": "1.00", "interval": "month"}]}}
                """.utf8))
        let text = TypeGenerator.declarations(manifest)
        #expect(text.contains("read: { [entity: string]: Data };"))
        #expect(text.contains("write: {};"))
        #expect(text.contains("workflows: string;"))
        #expect(text.contains("hosts: `${string}.example.com`;"))
        #expect(text.contains("secrets: never;"))
        #expect(text.contains("config: {};"))
    }

    @Test(arguments: PluginTemplate.Language.allCases)
    func aNewPluginHasAValidManifestAndNothingLeftToFillIn(_ language: PluginTemplate.Language) throws {
        let files = PluginTemplate.files(
            id: try #require(PluginID("hello-samples.late-notices")), author: #"Hello "Samples" & Sons"#,
            language: language,
            template: PluginTemplate.texts(in: Products.file("plugins/templates/\(language.rawValue)")),
            sdk: PluginTemplate.texts(in: Products.file("plugins/sdk")))
        let manifest = try Manifest.parse(Array(try #require(files["plugin.json"]).utf8))
        #expect(manifest.id.description == "hello-samples.late-notices")
        #expect(manifest.name == "Late Notices")
        #expect(manifest.author == #"Hello "Samples" & Sons"#)
        for (path, text) in files where !path.hasPrefix("sdk/") {
            #expect(!text.contains("{{"), "\(path)")
        }
        for path in ["README.md", "CHANGELOG.md", "LICENSE", "icon.svg", "scenarios/greets.json"] {
            #expect(files[path] != nil, "\(path)")
        }
        #expect((files["sdk/src/index.ts"] != nil) == (language == .typescript))
        if language == .typescript {
            #expect(files["src/declared.d.ts"] == TypeGenerator.declarations(manifest))
        }
    }
}
