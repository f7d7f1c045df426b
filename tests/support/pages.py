"""Airflow's pages as a person sees them, in headless Chromium; every look leaves a screenshot behind."""

from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
CHROMIUM = "/usr/bin/chromium"
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WITHIN = 60_000
"""Milliseconds that a page may take on a busy machine."""


@contextmanager
def logged_in(address, user, password):
    """A page after the log-in form was filled in as a person would."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = browser.new_page(viewport={"width": 1600, "height": 1000}, base_url=address)
        page.set_default_timeout(WITHIN)
        page.goto("/")
        page.locator("input[name=username]").fill(user)
        page.locator("input[name=password]").fill(password)
        page.locator("button[type=submit]").click()
        page.wait_for_url(lambda url: "login" not in url)
        yield page
        browser.close()


def dags(page, dag_id):
    """The text of the list of Dags, moved to where this one is."""
    page.goto("/dags?limit=50")
    page.get_by_text(dag_id).first.scroll_into_view_if_needed()
    return _seen(page, "dags")


def asset_graph(page, api, name):
    """The text of an asset's page with its graph."""
    asset = next(one for one in api.every("assets", "assets") if one["name"] == name)
    page.goto(f"/assets/{asset['id']}")
    page.locator(".react-flow__node").first.wait_for()
    page.wait_for_timeout(2000)  # the layout is animated
    return _seen(page, "asset-graph")


def finished_run(page, api, dag_id):
    """The text of the page of a Dag's newest finished run."""
    run = [one for one in api.runs(dag_id) if one["state"] == "success"][-1]
    page.goto(f"/dags/{dag_id}/runs/{run['dag_run_id']}")
    page.get_by_text("find_files").first.wait_for()
    return _seen(page, "dag-run")


def required_action(page, api):
    """The text of the page where a person answers the oldest required action."""
    question = api.questions()[0]
    page.goto(f"/dags/{question.dag_id}/runs/{question.run_id}/tasks/{question.task_id}/required_actions")
    page.get_by_role("button", name="Approve").first.wait_for()
    return _seen(page, "required-action")


def _seen(page, name):
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
    return page.locator("body").inner_text()
