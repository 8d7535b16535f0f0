"""Builds the complete static site into build/site: ``python webapp/build/site.py``.

Any static host can serve the folder: no special headers, nothing fetched from elsewhere.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

import core_snapshot
import first_page
import recordings
import reference_page
import runtimes
from stages import MODULES, ROOT, esbuild, stage

STATIC = ROOT / "static"
WEB = ROOT / "webapp" / "ringside_web"
HERE = Path(__file__).parent
SITE = ROOT / "build" / "site"
TARGET = "--target=chrome123,firefox120,safari17.5"  # the first with light-dark() colours
APART = ("worker.py", "main.py")  # loaded by the page itself, not as part of the package
UNUSED = ("deprecations-manager", "donkey", "py-editor", "py-game", "py-terminal")  # of PyScript
CORE_SIDE = ("opened.py",)  # goes with the core


def scripts(folder: Path) -> None:
    """The page's JavaScript, bundled; the editor stays apart until it is opened."""
    options = ["--bundle", "--format=esm", "--minify", TARGET, f"--outdir={folder}"]
    js = STATIC / "js"
    esbuild(js / "page.js", js / "embed.js", "--external:./editor.js", *options)
    esbuild(js / "editor.js", *options)
    esbuild(js / "pyodide.js", js / "pyscript.js", "--external:../vendor/*", *options)
    esbuild(js / "boot.js", "--minify", TARGET, f"--outdir={folder}")


def python(folder: Path) -> None:
    """The user interface's modules, the worker, and the two configurations."""
    files = {}
    for file in sorted(WEB.glob("*.py")):
        if file.name in CORE_SIDE:
            continue
        place = folder if file.name in APART else folder / WEB.name
        place.mkdir(exist_ok=True)
        shutil.copy(file, place)
        if place != folder:
            files[f"{WEB.name}/{file.name}"] = f"{WEB.name}/{file.name}"
    page = {
        "plugins": [f"!{name}" for name in UNUSED],
        "interpreter": "./vendor/micropython/micropython.mjs",
        "files": files,
        "js_modules": {"main": {"../js/page.js": "ringside_page"}},
    }
    worker = {
        "interpreter": "../js/pyodide.js",
        "packages_cache": "passthrough",
        "sync_main_only": True,
    }
    for name, config in (("page", page), ("worker", worker)):
        (folder / f"{name}.json").write_text(json.dumps(config, indent=1), encoding="utf-8")


def build(core: Path) -> None:
    """Bring every stage up to date and lay them together."""
    package = core / "ringside"
    sys.path[:0] = [str(core), str(WEB.parent)]
    vendor = stage("vendor", runtimes.inputs(), runtimes.vendor)
    numpy = stage("numpy", runtimes.inputs(), runtimes.numpy)
    tools = [HERE / name for name in ("core_snapshot.py", "snapshot.mjs", "warm_up.py")]
    archive = stage(
        "core", [package, WEB / "opened.py", *tools, STATIC / "js/snapshot.js", *runtimes.inputs()],
        lambda folder: core_snapshot.core(package, vendor / "pyodide", folder))
    recorded = stage("recordings", [package, HERE / "recordings.py"], recordings.write)
    js = stage("js", [STATIC / "js", HERE / "site.py", ROOT / "package-lock.json"], scripts)

    fresh = SITE.with_name("site.new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(vendor, fresh / "vendor", copy_function=_link)
    shutil.copytree(numpy, fresh / "vendor/pyodide", copy_function=_link, dirs_exist_ok=True)
    shutil.copytree(archive, fresh / "core", copy_function=_link)
    shutil.copytree(recorded, fresh / "recordings", copy_function=_link)
    shutil.copytree(js, fresh / "js", copy_function=_link)
    shutil.copytree(STATIC / "css", fresh / "css")
    for sheet in sorted((package / "scenes").glob("*.css")):  # the figures' own, also in exports
        shutil.copy(sheet, fresh / "css")
    shutil.copy(STATIC / "icon.svg", fresh)
    (fresh / "python").mkdir()
    python(fresh / "python")
    template = (STATIC / "index.html").read_text(encoding="utf-8")
    template = template.replace("<!--preload-->", _preloads(fresh))
    (fresh / "index.html").write_text(first_page.fill(template, recorded), encoding="utf-8")
    embed = (STATIC / "embed.html").read_text(encoding="utf-8")
    catalogue = json.loads((recorded / "catalogue.en.json").read_text(encoding="utf-8"))
    (fresh / "embed.html").write_text(first_page.name_labs(embed, catalogue), encoding="utf-8")
    (fresh / "reference.html").write_text(reference_page.page(), encoding="utf-8")
    _licences(fresh / "vendor")
    shutil.rmtree(SITE, ignore_errors=True)
    fresh.rename(SITE)


def _preloads(site: Path) -> str:
    """Links to what the page will ask for one after the other, so that it comes all at once."""
    modules = [file for file in sorted((site / "vendor/pyscript").glob("*.js"))
               if not file.name.startswith(UNUSED)]
    modules.append(site / "vendor/micropython/micropython.mjs")
    files = [*sorted((site / "python").rglob("*.py")), site / "python/page.json",
             site / "vendor/micropython/micropython.wasm"]
    files.remove(site / "python/worker.py")  # not asked for where a server answers
    links = [f'<link rel="modulepreload" href="{m.relative_to(site)}">' for m in modules]
    links += [f'<link rel="preload" as="fetch" crossorigin href="{f.relative_to(site)}">'
              for f in files]
    return "\n".join(links)


def _licences(folder: Path) -> None:
    """The licence texts of what is delivered with the site."""
    for name in ("@pyscript/core", "polyscript", "@codemirror/view"):
        text = MODULES / name / "LICENSE"
        if text.is_file():
            shutil.copy(text, folder / f"LICENSE.{name.strip('@').replace('/', '-')}")


def _link(source: str, target: str) -> None:
    """The same file under a second name, as stages are never changed in place."""
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--core", type=Path, default=ROOT / "core", help="folder with the core")
    build(parser.parse_args().core.resolve())
    print(f"site: {SITE}", file=sys.stderr)


if __name__ == "__main__":
    main()
