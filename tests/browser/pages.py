"""Each status page in a real browser; ends with 1 if anything is not as it must be."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Browser, Page, sync_playwright

from night import TOKEN, Night

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
WIDTHS = [360, 1440]
SCHEMES = ["light", "dark"]
# Pictures of the documents: page, width, scheme.
PICTURES = {("overview", 1440, "light"): "status-overview", ("overview", 360, "dark"): "status-narrow",
            ("failed", 1440, "dark"): "status-load", ("queue", 1440, "light"): "status-queue"}


class Checks:
    """What was found, page by page."""

    def __init__(self, screenshots: Path, docs: Path | None):
        self.screenshots, self.docs = screenshots, docs
        self.faults: list[str] = []
        self.looked = 0

    def fault(self, where: str, what: str) -> None:
        self.faults.append(f"{where}: {what}")
        print(f"✖ {where}: {what}", file=sys.stderr)

    def expect(self, where: str, what: str, is_so: bool) -> None:
        if not is_so:
            self.fault(where, what)


def watched(checks: Checks, page: Page, where: str, origin: str) -> None:
    """Whatever the console says, and whatever is asked of elsewhere, is a fault."""
    page.on("console", lambda said: said.type in ("error", "warning") and checks.fault(where, f"console: {said.text}"))
    page.on("pageerror", lambda error: checks.fault(where, f"script: {error}"))
    page.on("request", lambda asked: asked.url.startswith(origin + "/") or checks.fault(where, f"asks {asked.url}"))
    page.on("response", lambda answer: answer.status >= 400 and checks.fault(where, f"{answer.status} {answer.url}"))


def look(checks: Checks, browser: Browser, origin: str, paths: dict[str, str], cookie: dict | None) -> None:
    for scripts in (True, False):
        for width in WIDTHS:
            for scheme in SCHEMES:
                context = browser.new_context(java_script_enabled=scripts, color_scheme=scheme,
                                              viewport={"width": width, "height": 900})
                if cookie:
                    context.add_cookies([cookie])
                # Without scripts axe-core cannot run either: it sees the page without ours instead.
                bare = None if scripts else browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
                if bare:
                    bare.route("**/assets/status.js", lambda route: route.fulfill(content_type="text/javascript", body=""))
                    if cookie:
                        bare.add_cookies([cookie])
                for name, path in paths.items():
                    where = f"{name} {width} {scheme} {'scripts' if scripts else 'plain'}{' token' if cookie else ''}"
                    one(checks, context.new_page(), where, origin, name, path, width, scheme, scripts)
                    accessible(checks, (bare or context).new_page(), where, origin + path)
                context.close()
                if bare:
                    bare.close()


def one(checks: Checks, page: Page, where: str, origin: str, name: str, path: str, width: int, scheme: str,
        scripts: bool) -> None:
    watched(checks, page, where, origin)
    page.goto(origin + path, wait_until="load")
    checks.expect(where, "has no heading", page.locator("h1").count() == 1)
    wide = page.evaluate("document.documentElement.scrollWidth")
    checks.expect(where, f"is {wide} wide", wide <= width)
    buttons = "[...document.querySelectorAll('button')]"
    small = page.evaluate(f"{buttons}.filter(button => button.getBoundingClientRect().height < 24).length")
    checks.expect(where, f"{small} buttons are too small to press", small == 0)
    page.screenshot(path=checks.screenshots / f"{where.replace(' ', '-')}.png", full_page=True)
    picture = PICTURES.get((name, width, scheme))
    if checks.docs and picture and scripts:
        page.screenshot(path=checks.docs / f"{picture}.png", scale="css")
    checks.looked += 1
    page.close()


def accessible(checks: Checks, page: Page, where: str, address: str) -> None:
    """What axe-core says of the page."""
    page.goto(address, wait_until="load")
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    for violation in found["violations"]:
        places = "; ".join(" ".join(node["target"]) for node in violation["nodes"][:3])
        checks.fault(where, f"axe {violation['id']}: {violation['help']} ({places})")
    checks.expect(where, "axe looked at nothing", len(found["passes"]) > 5)
    page.close()


def keyboard(checks: Checks, browser: Browser, origin: str) -> None:
    page = browser.new_page()
    watched(checks, page, "keyboard", origin)
    page.goto(origin)
    page.keyboard.press("Tab")
    checks.expect("keyboard", "the first stop is not the skip link",
                  page.evaluate("document.activeElement.className") == "skip")
    page.keyboard.press("Enter")
    checks.expect("keyboard", "the skip link leads nowhere", page.evaluate("document.activeElement.id") == "main")
    stops = set()
    for _ in range(400):
        page.keyboard.press("Tab")
        stop = page.evaluate("(document.activeElement.outerHTML || '').slice(0, 200)")
        if stop.startswith("<body"):
            break
        stops.add(stop)
    wanted = page.evaluate("[...document.querySelectorAll('main a, main button, main [tabindex=\"0\"]')].filter(e => e.offsetParent).map(e => e.outerHTML.slice(0, 200))")
    for one in set(wanted) - stops:
        checks.fault("keyboard", f"never reached: {one}")
    page.close()


def logged_in(checks: Checks, browser: Browser, origin: str, scripts: bool):
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    page.goto(origin)
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(origin + "/")
    cookie = next(cookie for cookie in context.cookies() if cookie["name"] == "csl_status")
    checks.expect("login", f"the cookie is open: {cookie}", cookie["httpOnly"] and cookie["sameSite"] == "Strict")
    return context, page, cookie


def buttons(checks: Checks, browser: Browser, origin: str, scripts: bool) -> dict:
    """Presses each button, with scripts and without, and gives the cookie of the session."""
    where = f"buttons {'scripts' if scripts else 'plain'}"
    context, page, cookie = logged_in(checks, browser, origin, scripts)
    watched(checks, page, where, origin)
    page.on("dialog", lambda dialog: dialog.accept())

    def dead() -> int:
        return int(page.locator("dt:text-is('Dead letters') + dd").inner_text())

    page.goto(origin + "/queue")
    before = dead()
    page.get_by_role("button", name="Put back").first.click()
    for _ in range(50):
        page.wait_for_timeout(100)
        if dead() == before - 1:
            break
    checks.expect(where, f"{before} dead letters are {dead()} after one was put back", dead() == before - 1)
    page.goto(origin + "/settings")
    page.get_by_role("button", name="Check everything").click()
    for _ in range(100):
        page.wait_for_timeout(300)
        if not scripts:
            page.goto(origin + "/settings")
        if page.get_by_text("Checked at").count():
            break
    checks.expect(where, "the check never ends", page.get_by_text("Checked at").count() == 1)
    context.close()
    return cookie


def live(checks: Checks, browser: Browser, night: Night, origin: str) -> None:
    """A load that begins and ends while somebody looks, who loads nothing anew."""
    page = browser.new_page()
    watched(checks, page, "live", origin)
    page.goto(origin)
    page.evaluate("window.here = true")
    load = night.start("backfill", "--table", "partners", "--kind", "full", "--export", "-", "--again", "--quiet")
    load.stdin.write("id,born,email\n")
    for row in range(300_000):
        load.stdin.write(f"{row},1971-02-03,x\n")
    load.stdin.flush()
    line = page.locator("[data-load]")
    line.wait_for(timeout=30_000)
    first = line.inner_text()
    time.sleep(3)
    checks.expect("live", f"the progress does not move: {first}", line.inner_text() != first)
    page.screenshot(path=checks.screenshots / "live.png")
    load.communicate()
    page.locator("[data-load]").wait_for(state="detached", timeout=30_000)
    checks.expect("live", "the page was loaded anew", page.evaluate("window.here === true"))
    page.close()


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--program", required=True)
    options.add_argument("--browser", required=True)
    options.add_argument("--screenshots", type=Path, required=True)
    options.add_argument("--docs", default="")
    options = options.parse_args()
    docs = Path(options.docs) if options.docs else None
    if docs:
        docs.mkdir(parents=True, exist_ok=True)
    checks = Checks(options.screenshots, docs)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        night = Night(options.program, Path(folder))
        night.play()
        loads = night.loads()
        ids = {load["status"]: load["load_id"] for load in reversed(loads)}
        rejected = next(load["load_id"] for load in loads if load["rows"]["rejected"] and load["status"] == "succeeded")
        paths = {"overview": "/", "table": "/tables/events", "failed": f"/loads/{ids['failed']}",
                 "rejected": f"/loads/{rejected}", "queue": "/queue", "settings": "/settings"}
        # As root the browser has no sandbox of its own; it sees nothing but our pages.
        browser = playwright.chromium.launch(executable_path=options.browser, args=["--no-sandbox"])
        server, origin = night.serve(with_token=False)
        look(checks, browser, origin, paths, None)
        keyboard(checks, browser, origin)
        live(checks, browser, night, origin)
        server.terminate()
        server, origin = night.serve(with_token=True)
        look(checks, browser, origin, {"login": "/login"}, None)
        for scripts in (True, False):
            cookie = buttons(checks, browser, origin, scripts)
        look(checks, browser, origin, {"queue": "/queue", "settings": "/settings"}, cookie)
        server.terminate()
        browser.close()
    print(f"{checks.looked} pages looked at, {len(checks.faults)} faults; screenshots in {options.screenshots}")
    return 1 if checks.faults else 0


if __name__ == "__main__":
    sys.exit(main())
