#!/usr/bin/env python3
"""The SDK's two elements in a real Chromium: a plugin's page in its frame, and the form of a configuration.

A page of an application embeds a plugin's page as the runtime serves it (sandboxed by its policy), which asks for actions
and tries what it must not reach. The form is drawn from the schema of a launch plugin's manifest, filled by the keyboard
alone, refused with the reasons beside its fields, saved, and looked at with axe. Prints `N passed, N failed`.
"""
import http.server
import json
import sys
import threading

from check import CHROMIUM, ROOT, Report

# The runtime's, of `InterfaceEndpoints`.
RUNTIME_POLICY = ("sandbox allow-scripts allow-forms; default-src 'none'; script-src 'self'; style-src 'self'; "
                  "img-src 'self' data:; font-src 'self'; connect-src 'none'; form-action 'none'; base-uri 'none'")
FILES = {f"/veroforge/{name}": (ROOT / "plugins/sdk/ui" / name).read_text() for name in ["elements.js", "form.js", "page.js"]}
APPLICATION = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Depot</title>
<script type="module" src="/veroforge/elements.js"></script></head><body><main><h1>Depot</h1>
<veroforge-plugin src="/ui/board.html" title="Service board"></veroforge-plugin>
<veroforge-config save-label="Keep"></veroforge-config></main></body></html>"""
BOARD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Board</title>
<script type="module" src="board.js"></script></head><body><p id="answer">…</p><p id="failed">…</p><p id="reach">…</p></body></html>"""
BOARD_SCRIPT = """import { call } from "./page.js";
const show = (id, value) => { document.getElementById(id).textContent = typeof value === "string" ? value : JSON.stringify(value); };
show("answer", await call("list-board", { week: 12 }));
show("failed", await call("refuse"));
const reached = [];
try { if (parent.document) reached.push("parent"); } catch {}
try { document.cookie = "a=1"; reached.push("cookie"); } catch {}
try { localStorage.setItem("a", "1"); reached.push("storage"); } catch {}
try { await fetch("/secret"); reached.push("network"); } catch {}
show("reach", reached.join(" ") || "nothing");
"""


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.split("?")[0]
        pages = FILES | {"/": APPLICATION, "/ui/board.html": BOARD, "/ui/board.js": BOARD_SCRIPT,
                         "/ui/page.js": FILES["/veroforge/page.js"], "/secret": "secret"}
        body = pages.get(path)
        self.send_response(200 if body is not None else 404)
        kind = "text/javascript" if path.endswith(".js") else "text/html"
        self.send_header("content-type", f"{kind}; charset=utf-8")
        if path.startswith("/ui/"):
            self.send_header("content-security-policy", RUNTIME_POLICY)
            # A frame without an origin asks for its own modules as a stranger.
            self.send_header("access-control-allow-origin", "*")
        self.end_headers()
        self.wfile.write((body or "").encode())

    def log_message(self, *_):
        pass


def frame(page, report):
    page.evaluate("""() => { document.querySelector("veroforge-plugin").call = async (action, data) => {
        if (action === "refuse") throw new Error("not here");
        return { success: true, data: { action, week: data.week } };
    }; }""")
    page.evaluate("() => { const e = document.querySelector('veroforge-plugin'); e.setAttribute('src', '/ui/board.html?again'); }")
    inside = page.frame_locator("veroforge-plugin iframe")
    inside.locator("#reach", has_not_text="…").wait_for()
    answer = json.loads(inside.locator("#answer").inner_text())
    report.check(answer == {"success": True, "data": {"action": "list-board", "week": 12}}, f"frame: a call is answered: {answer}")
    failed = json.loads(inside.locator("#failed").inner_text())
    report.check(failed == {"success": False, "error": "unavailable: not here"}, f"frame: a failure is answered: {failed}")
    reached = inside.locator("#reach").inner_text()
    report.check(reached == "nothing", f"frame: a plugin's page reaches {reached}")
    report.check(page.get_attribute("veroforge-plugin iframe", "title") == "Service board", "frame: it has no title")
    # A message that does not come from the frame's own window is no call.
    strangers = page.evaluate("""() => new Promise((done) => {
        const element = document.querySelector("veroforge-plugin");
        let calls = 0;
        element.call = async () => { calls++; return {}; };
        postMessage({ veroforge: "call", id: 1, action: "x" }, "*");
        setTimeout(() => done(calls), 200);
    })""")
    report.check(strangers == 0, "frame: a stranger's message is answered")
    page.evaluate("() => document.querySelector('veroforge-plugin').setAttribute('src', 'javascript:document.title=1')")
    report.check("board.html" in page.get_attribute("veroforge-plugin iframe", "src"), "frame: an address that runs script is taken")


def form(page, axe, report):
    schema = {"required": ["name"], "properties": {
        "name": {"type": "string", "title": "Name", "description": "As customers see it.", "minLength": 2},
        "days": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3},
        "rule": {"enum": ["ask", "here"], "default": "ask"}, "loud": {"type": "boolean", "default": True},
        "note": {"type": "string", "maxLength": 400}, "routes": {"type": "array", "default": []}}}
    page.evaluate("""(schema) => { const element = document.querySelector("veroforge-config");
        element.schema = schema; element.values = {};
        window.saved = []; element.addEventListener("save", (event) => window.saved.push(event.detail)); }""", schema)
    page.focus("veroforge-config [name=name]")
    page.keyboard.type("A")
    page.keyboard.press("Enter")
    problem = page.inner_text("veroforge-config strong[role=alert]:not(:empty)")
    report.check(problem == "is shorter than 2 characters", f"form: the reason beside its field: {problem}")
    report.check(page.evaluate("document.activeElement.name") == "name", "form: the first wrong field has the focus")
    report.check(page.evaluate("window.saved.length") == 0, "form: what is wrong is not saved")
    page.keyboard.press("End")
    page.keyboard.type("da")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type("7")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    report.check(page.evaluate("document.activeElement.textContent") == "Keep", "form: the keyboard reaches the button")
    page.keyboard.press("Enter")
    saved = page.evaluate("window.saved")
    expected = [{"name": "Ada", "days": 7, "rule": "here", "loud": False, "routes": []}]
    report.check([{k: v for k, v in one.items() if k != "note"} for one in saved] == expected, f"form: what was saved: {saved}")
    result = axe.run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
    for violation in result.response["violations"]:
        report.check(False, f"form: axe {violation['id']}: {violation['nodes'][0]['html'][:160]}")
    report.check(not result.response["violations"], "form: axe")


def launch_forms(page, report):
    """Every launch plugin's form is drawn whole, and what it shows can be saved once what is needed is there."""
    for manifest in sorted(ROOT.glob("plugins/*/plugin.json")):
        config = json.loads(manifest.read_text()).get("config")
        if not config:
            continue
        fields = page.evaluate("""(schema) => { const element = document.querySelector("veroforge-config");
            element.schema = schema; element.values = {}; return element.querySelectorAll("[name]").length; }""", config)
        report.check(fields == len(config.get("properties", {})), f"form: {manifest.parent.name} shows {fields} fields")


def main():
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright
    report = Report()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/", wait_until="load")
        frame(page, report)
        form(page, Axe(), report)
        launch_forms(page, report)
        browser.close()
    server.shutdown()
    print(f"elements: {report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
