#!/usr/bin/env python3
"""Draws `screenshots/flow.png` of each launch plugin: who asks whom for what, from top to bottom.

Needs chromium-headless-shell (Debian) and playwright (`.venv-browser`, which Tests/Browser/run.sh makes). The same flows
give the same drawing; what stands in a README's picture is changed here.
"""
import html
import pathlib

from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium-headless-shell"
HERE = pathlib.Path(__file__).resolve().parent
WIDTH, STEP, TOP = 720, 46, 64

# For each plugin: its columns from left to right, and its messages (from, to, words).
FLOWS = {
    "stripe-billing": (["Your application", "Plugin", "Stripe", "Your customer"], [
        (0, 1, "send-invoice"), (1, 2, "draft, lines, finalize"), (2, 3, "a page to pay on"), (3, 2, "pays"),
        (2, 1, "invoice.paid, signed"), (1, 0, "payment; invoice is paid")]),
    "quickbooks-sync": (["Your application", "Plugin", "QuickBooks Online"], [
        (0, 1, "push-customer, push-invoice"), (1, 2, "find by name, else create"),
        (2, 1, "something has changed, signed"), (1, 2, "what changed since last time"),
        (1, 0, "customers, payments, paid invoices")]),
    "slack": (["Your application", "Plugin", "Slack"], [
        (0, 1, "notify-order"), (1, 2, "the facts, to the right channel"), (2, 1, "/dispatch ord-00042, signed"),
        (1, 0, "workflow dispatch-technician"), (1, 2, "who is on the way")]),
    "twilio": (["Your application", "Plugin", "Twilio", "Your customer"], [
        (0, 1, "notify-customer"), (1, 2, "text about the order"), (2, 3, "SMS"), (2, 1, "not delivered, signed"),
        (1, 0, "workflow notify-team"), (0, 1, "send-code, check-code"), (1, 2, "Verify: at most five tries"),
        (1, 0, "approved, or not")]),
    "docusign": (["Your application", "Plugin", "DocuSign", "Your customer"], [
        (0, 1, "send-contract"), (1, 2, "envelope from a template"), (2, 3, "asks to sign"), (3, 2, "signs"),
        (2, 1, "Connect event, signed"), (1, 2, "asks what is true now"), (1, 0, "the signed document")]),
}


def drawing(columns, messages):
    gap = WIDTH / len(columns)
    at = [gap * (index + 0.5) for index in range(len(columns))]
    height = TOP + STEP * len(messages) + 22
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">',
           '<defs><marker id="end" markerUnits="userSpaceOnUse" markerWidth="9" markerHeight="9" refX="8" refY="4.5" orient="auto">'
           '<path d="M0 0L9 4.5L0 9z" fill="#1f5f8b"/></marker></defs>',
           f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>']
    for x, name in zip(at, columns):
        own = name == "Plugin"
        out.append(f'<line x1="{x}" y1="46" x2="{x}" y2="{height - 8}" stroke="#d5d9de" stroke-width="2"/>')
        out.append(f'<rect x="{x - 74}" y="10" width="148" height="36" rx="6" fill="{"#1f5f8b" if own else "#f6f7f9"}" '
                   f'stroke="{"#1f5f8b" if own else "#8a929b"}"/>')
        out.append(f'<text x="{x}" y="33" text-anchor="middle" font-weight="600" fill="{"#fff" if own else "#1a1d21"}">'
                   f'{html.escape(name)}</text>')
    for index, (source, target, words) in enumerate(messages):
        y = TOP + STEP * index + 26
        toward = 1 if at[target] > at[source] else -1
        middle = (at[source] + at[target]) / 2
        out.append(f'<line x1="{at[source] + 4 * toward}" y1="{y}" x2="{at[target] - 4 * toward}" y2="{y}" '
                   'stroke="#1f5f8b" stroke-width="1.6" marker-end="url(#end)"/>')
        out.append(f'<text x="{middle}" y="{y - 8}" text-anchor="middle" paint-order="stroke" stroke="#fff" stroke-width="3">'
                   f'{html.escape(words)}</text>')
    return "".join(out) + "</svg>", height


def main():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for plugin, (columns, messages) in FLOWS.items():
            picture, height = drawing(columns, messages)
            page = browser.new_page(viewport={"width": WIDTH, "height": height}, device_scale_factor=2)
            page.set_content(f"<style>body{{margin:0;font:12px 'DejaVu Sans',sans-serif}}svg{{display:block}}</style>{picture}")
            folder = HERE / plugin / "screenshots"
            folder.mkdir(exist_ok=True)
            page.screenshot(path=folder / "flow.png")
            print(f"{plugin}: {(folder / 'flow.png').stat().st_size} bytes")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
