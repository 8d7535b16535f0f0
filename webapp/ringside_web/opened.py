"""The worker's session, with the usual run open. The site's build keeps Pyodide's memory after this
was imported, so in the page it costs nothing; without that memory it is simply done at the start.
"""

from __future__ import annotations

from ringside.labs import LABS
from ringside.session import Session

session = Session()
session.handle({"op": "load", "lab": LABS[0].id})
