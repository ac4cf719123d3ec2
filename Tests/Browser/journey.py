#!/usr/bin/env python3
"""A customer's whole way through the marketplace, in a real Chromium against the real runtime on loopback.

    journey.py [--programs FOLDER] [--keep FOLDER] [--screenshots FOLDER]

Makes a data directory with sample data (two publishers' plugins, submitted, scanned, tried, published by the real
pipelines), starts the sample application's stand-in and the runtime, and goes: browse, filter, search, plugin page, sign
in, consent, install, call, usage appears, approve an update, review it, remove. Twice: with the keyboard alone, and with
script off. Then a reviewer decides by form, and a publisher yanks by form. Prints `N passed, N failed`.
"""
import argparse
import base64
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHROMIUM = "/usr/bin/chromium-headless-shell"
PLUGIN = "northwind-samples.overdue-reminders"


class Application(http.server.BaseHTTPRequestHandler):
    """The customer's application: no invoices, so that a call has little to do."""

    def answer(self):
        body = b"[]"
        length = int(self.headers.get("content-length") or 0)
        self.rfile.read(length)
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


class Market:
    """The sample data and the programs over it."""

    def __init__(self, programs, folder):
        self.programs, self.folder = pathlib.Path(programs), pathlib.Path(folder)
        self.data = self.folder / "data"
        self.env = os.environ | {"VEROFORGE_DATA": str(self.data), "VEROFORGE_HOME": str(ROOT),
                                 "VEROFORGE_PROGRAMS": str(self.programs)}
        self.runtime = None
        self.minor, self.hosts = 0, []

    def run(self, *words, codes=(0,)):
        done = subprocess.run([self.programs / "veroforge", *map(str, words)], env=self.env, text=True,
                              capture_output=True, check=False)
        if done.returncode not in codes:
            raise SystemExit(f"veroforge {' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def make(self):
        self.run("init", "--data", self.data, "--demo")
        self.port = free_port()
        settings = self.data / "veroforge.yaml"
        text = re.sub(r"runtimeURL: .*", f"runtimeURL: http://127.0.0.1:{self.port}", settings.read_text())
        settings.write_text(re.sub(r"baseURL: .*", f"baseURL: http://127.0.0.1:{self.port}", text))
        self.key = self.folder / "publisher.key"
        self.run("publisher", "register", "northwind-samples", "--name", "Northwind Samples", "--email",
                 "dev@northwind.example", "--country", "US", "--currency", "USD", "--key", self.key)
        self.publisher_token = self.token("--publisher", "northwind-samples")
        self.submit(self.plugin_folder("1.0.0", []))
        self.application = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Application)
        threading.Thread(target=self.application.serve_forever, daemon=True).start()
        credential = self.folder / "credential"
        credential.write_text("sample-credential")
        self.run("tenant", "create", "north-depot", "--name", "North Depot (sample)", "--app",
                 f"http://127.0.0.1:{self.application.server_port}", "--credential-file", credential, "--country", "DE",
                 "--currency", "USD")
        self.tenant_token = self.token("--tenant", "north-depot")
        self.reviewer_token = self.token("--reviewer", "ada")

    def token(self, kind, name):
        return re.search(r"vft_\w+", self.run("token", "issue", kind, name)).group(0)

    def plugin_folder(self, version, more):
        """The sample plugin in a version that asks for `more` permissions, and really uses none of them."""
        folder = self.folder / "plugins" / f"plugin-{version}"
        shutil.copytree(ROOT / "plugins/overdue-reminders", folder)
        shutil.copytree(ROOT / "plugins/sdk", self.folder / "plugins/sdk", dirs_exist_ok=True)
        manifest = json.loads((folder / "plugin.json").read_text())
        manifest["version"] = version
        manifest["permissions"] += more
        manifest["apiSurface"] = sorted(set(manifest["apiSurface"]) | {one["operation"] for one in more})
        (folder / "plugin.json").write_text(json.dumps(manifest, indent=2))
        return folder

    def submit(self, folder):
        self.run("plugin", "pack", folder, "--output", self.folder / f"{folder.name}.vfp")
        self.run("plugin", "submit", self.folder / f"{folder.name}.vfp", "--key", self.key, codes=(0, 4))
        self.publish()

    def next(self):
        """Another version is listed that asks for one more host; returns its number and the host."""
        self.minor += 1
        version, host = f"1.{self.minor}.0", f"api-{self.minor}.northwind.example"
        self.hosts.append({"operation": "fetch", "host": host, "methods": ["POST"], "purpose": "hand the reminder on"})
        self.submit(self.plugin_folder(version, self.hosts))
        return version, host

    def publish(self):
        """The pipeline; whatever the policy holds, a reviewer approves."""
        self.run("run", "submission")
        queue = self.run("review", "list", codes=(0, 4))
        for held in re.findall(r"\b[0-9a-f]{12,64}\b", queue):
            self.run("review", "approve", held, "--reviewer", "ada", "--reason", "Read.", codes=(0, 1, 2, 3))
        self.run("run", "submission")

    def serve(self):
        self.log = open(self.folder / "runtime.log", "w")
        self.runtime = subprocess.Popen(
            [self.programs / "veroforge-runtime", "serve", "--data", self.data, "--port", str(self.port)],
            env=self.env, stdout=self.log, stderr=self.log)
        self.base = f"http://127.0.0.1:{self.port}/"
        for _ in range(300):
            try:
                urllib.request.urlopen(self.base + "healthz", timeout=1)
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("the runtime did not come up:\n" + (self.folder / "runtime.log").read_text()[-2000:])

    def stop(self):
        if self.runtime:
            self.runtime.send_signal(signal.SIGTERM)
            self.runtime.wait(40)
        self.application.shutdown()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Report:
    def __init__(self):
        self.passed, self.failed = 0, 0

    def check(self, ok, what):
        self.passed, self.failed = self.passed + bool(ok), self.failed + (not ok)
        if not ok:
            print(f"failed: {what}", flush=True)


class Way:
    """One browser on its way; `press` is how it activates what it has found."""

    def __init__(self, page, market, report, name, keyboard):
        self.page, self.market, self.report, self.name, self.keyboard = page, market, report, name, keyboard
        self.problems = []
        # A wrong token is answered with 401, and the browser says so of the page.
        page.on("console", lambda message: self.problems.append(message.text)
                if message.type == "error" and "401 (Unauthorized)" not in message.text else None)
        page.on("request", lambda request: None if request.url.startswith((market.base, "data:"))
                else self.problems.append("request to " + request.url))

    def check(self, ok, what):
        self.report.check(ok, f"{self.name}: {what} (at {self.page.url})")

    def press(self, target, stays=False):
        """Activates a link, button, option or summary: by the keyboard alone, Tab by Tab, or with a click; and waits for the
        page that a link or button leads to."""
        target = target.first
        target.wait_for(state="attached")
        tag = target.evaluate("e => e.tagName.toLowerCase() + ' ' + (e.type || '')")
        leads = not stays and tag.split()[0] in ("a", "button")
        with self.page.expect_navigation(wait_until="load") if leads else contextlib.nullcontext():
            if not self.keyboard:
                target.click()
            else:
                self.reach(target)
                self.page.keyboard.press("Space" if "checkbox" in tag else "Enter")

    def reach(self, target):
        """Tabs from where the focus is until the element has it: what cannot be reached that way is a failure."""
        self.page.evaluate("document.activeElement && document.activeElement.blur()")
        for _ in range(250):
            if target.evaluate("e => e === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {target}")

    def type(self, target, text):
        if self.keyboard:
            self.reach(target.first)
            self.page.keyboard.press("Control+A")
            self.page.keyboard.type(text)
        else:
            target.first.fill(text)

    def open_details(self, summary):
        self.press(summary)

    def go(self):
        page, base = self.page, self.market.base
        page.goto(base)
        self.press(page.get_by_role("link", name="Plugins", exact=True))
        self.press(page.get_by_role("link", name=re.compile("^Pay per use")))
        self.check(page.locator(".card a").first.inner_text() == "Overdue Reminders", "the filter by price")
        self.search()
        self.press(page.get_by_role("link", name="Overdue Reminders", exact=True))
        self.check("What it may touch" in page.inner_text("main"), "the plugin page")
        plugin = page.url
        self.press(page.get_by_role("link", name="signatures and log", exact=True))
        if not self.keyboard:
            self.check_yourself()
        page.goto(plugin)
        self.press(page.get_by_role("link", name="Install in your account"))
        self.check("/sign-in/" in page.url, "an unknown reader signs in first")
        self.type(page.locator("#token"), "vft_t_wrong")
        self.press(page.get_by_role("button", name="Sign in"))
        self.check("unknown, has ended or was revoked" in page.inner_text("main"), "a wrong token is told")
        self.type(page.locator("#token"), self.market.tenant_token)
        self.press(page.get_by_role("button", name="Sign in"))
        self.check("install=" + PLUGIN in page.url, "back to where the reader wanted to go")
        cookie = next(one for one in page.context.cookies() if one["name"] == "veroforge_session")
        self.check(cookie["secure"] and cookie["httpOnly"] and cookie["sameSite"] == "Strict", "the cookie's marks")
        boxes = page.locator("#offers ~ article input[type=checkbox], section[aria-labelledby=offers] input[type=checkbox]")
        self.check(boxes.count() > 2, "each permission asks for consent")
        self.press(page.get_by_role("button", name="Install Overdue Reminders"), stays=True)
        self.check("install=" in page.url, "without consent the form is not sent")
        for index in range(boxes.count()):
            self.press(boxes.nth(index))
        self.press(page.get_by_role("button", name="Install Overdue Reminders"))
        self.check("Installed." in page.inner_text("main"), "the page says that it is installed")
        self.call()
        self.update()
        self.review()
        self.remove()
        self.press(page.get_by_role("button", name="Sign out"))
        page.goto(base + "account/")
        self.check(page.url.endswith("/sign-in/"), "signed out")
        self.check(not self.problems, f"console and requests: {self.problems[:3]}")

    def check_yourself(self):
        """The commands of the proof page, as they stand there, in an empty folder."""
        commands = "\n".join(self.page.locator("main pre code").all_inner_texts())
        with tempfile.TemporaryDirectory() as folder:
            path = f"{self.market.programs.resolve()}:{os.environ['PATH']}"
            done = subprocess.run(["bash", "-e", "-c", commands], cwd=folder, env=os.environ | {"PATH": path}, text=True,
                                  capture_output=True, check=False)
        self.check(done.returncode == 0, f"the proof page's commands: {done.stdout}{done.stderr}")
        self.check(done.stdout.count(": OK") == 2 and "first use" in done.stdout, f"what they print: {done.stdout}")

    def search(self):
        page = self.page
        if self.keyboard:
            page.keyboard.press("/")
            page.keyboard.type("overdu")
            page.keyboard.press("Enter")
            page.wait_for_selector("#results a")
            page.keyboard.press("Tab")
            page.focus("#q")
            page.keyboard.press("ArrowDown")
            self.check(page.evaluate("document.activeElement.textContent") == "Overdue Reminders", "search by arrow keys")
        else:
            page.fill("#find", "overdue")
            page.press("#find", "Enter")
            page.wait_for_load_state("load")
            self.check("without" in page.inner_text("main"), "search says what to do without script")
            self.press(page.get_by_role("link", name="Plugins", exact=True))

    def call(self):
        page = self.page
        before = self.calls()
        page.goto(self.market.base + "account/")
        self.press(page.get_by_text("Call it once"))
        box = page.locator("form[action$='/actions/overview'] textarea")
        self.type(box, '{"asOf": "2026-01-31"}')
        self.press(page.get_by_role("button", name="Call overview"))
        self.check("The call succeeded." in page.inner_text("main"), "a call is answered: " + page.inner_text("main")[:300])
        self.press(page.get_by_role("link", name="Your account").last)
        self.check(self.calls() == before + 1, f"usage appears: {before} and then {self.calls()} calls")

    def calls(self):
        self.page.goto(self.market.base + "account/")
        rows = self.page.request.get(self.market.base + "account/usage.csv")
        lines = rows.text().splitlines() if rows.ok else []
        return sum(int(line.split(",")[3]) for line in lines if ",calls," in line)

    def update(self):
        page = self.page
        version, host = self.market.next()
        page.goto(self.market.base + "account/")
        self.check(host in page.inner_text("main"), "an update says what it asks for beyond")
        self.press(page.get_by_role("button", name=f"Approve Overdue Reminders {version}"))
        self.check("The update was approved" in page.inner_text("main"), "the update is approved: " + page.inner_text("main")[:300])
        self.check(page.locator("article h3", has_text=version).count() == 1, "the new version is shown")

    def review(self):
        page = self.page
        self.press(page.get_by_text("Plan, settings, review, removal"))
        self.type(page.locator("textarea[name=text]"), f"Works, says {self.name}.")
        self.press(page.get_by_role("button", name="Save the review"))
        self.check("Your review was saved." in page.inner_text("main"), "the review is saved")

    def remove(self):
        page = self.page
        self.press(page.get_by_text("Plan, settings, review, removal"))
        self.press(page.get_by_role("button", name="Remove Overdue Reminders"))
        self.check("Nothing is installed." in page.inner_text("main"), "it is removed")


def desks(browser, market, report, shots):
    """A reviewer and a publisher with their own pages."""
    page = browser.new_page()
    page.goto(market.base + "sign-in/")
    page.fill("#token", market.publisher_token)
    page.click("button:has-text('Sign in')")
    report.check("Versions of Overdue Reminders" in page.inner_text("main"), "the publisher's page")
    shoot(page, shots, "publisher")
    page.click("summary:has-text('Versions of')")
    page.locator("form[action$='/versions'] input[name=reason]").first.fill("Replaced.")
    page.locator("button[value=deprecate]").first.click()
    report.check("Changed." in page.inner_text("main"), "a version is deprecated by form")
    upload = market.folder / "upload.vfp"
    market.run("plugin", "pack", market.plugin_folder("1.9.0", []), "--output", upload, "--key", market.key)
    page.goto(market.base + "publisher/")
    page.set_input_files("#bundle", upload)
    page.set_input_files("#signature", f"{upload}.sig.json")
    page.click("button:has-text('Submit')")
    said = page.inner_text("main")
    page.goto(market.base + "publisher/")
    report.check("overdue-reminders 1.9.0" in page.inner_text("main") or "received" in said.lower(),
                 f"a bundle is submitted by form: {said[:200]}")
    page.goto(market.base + "account/")
    report.check(page.url.endswith("/publisher/"), "a publisher sees no customer's account")
    page.close()
    page = browser.new_page()
    page.goto(market.base + "sign-in/")
    page.fill("#token", market.reviewer_token)
    page.click("button:has-text('Sign in')")
    report.check("Review queue" in page.inner_text("h1"), "the reviewer's queue")
    shoot(page, shots, "queue")
    if page.locator("main a").count():
        page.locator("main td a, main th a, main li a").first.click()
        report.check("Permissions: declared, found, seen" in page.inner_text("main"), "a reviewer's report")
        shoot(page, shots, "report")
    page.close()


def register(browser, market, report):
    """A stranger becomes a publisher by the page alone, with a key that the page's own commands make."""
    page = browser.new_page()
    page.goto(market.base + "register/")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["bash", "-e", "-c", page.inner_text("main pre")], cwd=folder, text=True, capture_output=True,
                              check=False)
    report.check("BEGIN PUBLIC KEY" in done.stdout, f"register: the page's commands: {done.stdout}{done.stderr}")
    for field, value in [("id", "harbour-samples"), ("name", "Harbour Samples"), ("email", "dev@harbour.example"),
                         ("country", "DE"), ("key", done.stdout)]:
        page.fill(f"#{field}", value)
    page.click("button:has-text('Register')")
    report.check(re.search(r"vft_\w+", page.inner_text("main")), "register: a token is shown: " + page.inner_text("main")[:300])
    page.close()


def sdk(browser, market, report):
    """The SDK as anyone gets it: from its page, checked by the page's command and the marketplace's signature, used by tsc."""
    page = browser.new_page()
    page.goto(market.base + "docs/reference/sdk/")
    archive = urllib.request.urlopen(page.get_by_role("link", name=re.compile("^Download the SDK")).evaluate("e => e.href")).read()
    link = page.get_by_role("link", name="Signature", exact=True).evaluate("e => e.href")
    envelope = json.load(urllib.request.urlopen(link))
    keys = json.load(urllib.request.urlopen(market.base + "trust/keys.json"))
    payload = base64.b64decode(envelope["payload"])
    statement = json.loads(payload)
    digest = hashlib.sha256(archive).hexdigest()
    report.check((statement["sha256"], statement["bytes"]) == (digest, len(archive)), f"sdk: what is signed: {statement}")
    command = page.locator("section.box pre").inner_text().splitlines()[0]
    page.close()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        (folder / statement["file"].split("/")[-1]).write_bytes(archive)
        done = subprocess.run(["bash", "-c", command], cwd=folder, text=True, capture_output=True, check=False)
        report.check(done.returncode == 0 and ": OK" in done.stdout, f"sdk: {command}: {done.stdout}{done.stderr}")
        kind = envelope["payloadType"]
        (folder / "signed").write_bytes(f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload)
        (folder / "signature").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
        holds = []
        for key in keys["attest"]:
            # The DER of an Ed25519 public key is its 32 bytes behind a fixed beginning.
            raw = bytes.fromhex(key) if isinstance(key, str) else bytes.fromhex(key["key"])
            (folder / "key").write_bytes(bytes.fromhex("302a300506032b6570032100") + raw)
            holds.append(subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key", "-rawin",
                                         "-in", "signed", "-sigfile", "signature"], cwd=folder, capture_output=True,
                                        check=False).returncode == 0)
        report.check(any(holds), "sdk: its signature does not hold by openssl")
        package = folder / "node_modules/@veroforge/sdk"
        package.mkdir(parents=True)
        subprocess.run(["tar", "-xzf", folder / statement["file"].split("/")[-1], "--strip-components=1", "-C", package], check=True)
        (folder / "index.ts").write_text(
            'import type { Plugin, PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";\n'
            "export default class Sample implements Plugin {\n"
            '  readonly name = "sample"; readonly version = "1.0.0"; #context!: PluginContext;\n'
            "  async initialize(context: PluginContext) { this.#context = context; }\n"
            "  async execute(request: PluginRequest): Promise<PluginResponse> {\n"
            '    await this.#context.api.readData("invoices", []); return { success: true, data: request.action };\n  }\n}\n')
        done = subprocess.run(["tsc", "--noEmit", "--strict", "--target", "ES2022", "--lib", "ES2022", "--module", "ES2022",
                               "--moduleResolution", "node", "index.ts", "node_modules/@veroforge/sdk/src/globals.d.ts"], cwd=folder,
                              text=True, capture_output=True, check=False)
        report.check(done.returncode == 0, f"sdk: tsc says {done.stdout}")


def shoot(page, folder, name):
    if folder:
        page.screenshot(path=folder / f"journey-{name}.png", full_page=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--programs", default=ROOT / ".build/release")
    arguments.add_argument("--keep", type=pathlib.Path)
    arguments.add_argument("--screenshots", type=pathlib.Path)
    given = arguments.parse_args()
    from playwright.sync_api import sync_playwright
    report = Report()
    if given.screenshots:
        given.screenshots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        market = Market(given.programs, folder)
        market.make()
        market.serve()
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                for name, keyboard in [("keyboard alone", True), ("script off", False)]:
                    context = browser.new_context(java_script_enabled=keyboard, viewport={"width": 1280, "height": 900})
                    context.set_default_timeout(20_000)
                    page = context.new_page()
                    try:
                        Way(page, market, report, name, keyboard).go()
                    except Exception as error:
                        report.check(False, f"{name}: {error} at {page.url}\n{page.inner_text('body')[:800]}")
                    shoot(page, given.screenshots, name.replace(" ", "-"))
                    context.close()
                desks(browser, market, report, given.screenshots)
                register(browser, market, report)
                sdk(browser, market, report)
                browser.close()
        finally:
            market.stop()
    print(f"journey: {report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
