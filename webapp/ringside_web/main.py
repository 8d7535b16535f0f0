"""The page's user interface starts here (MicroPython, main thread)."""

from pyscript import document

from ringside_web.app import App

app = App(document.documentElement.dataset.backend)
await app.start()
