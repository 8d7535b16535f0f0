"""``python -m ringside_desktop``."""

from .main import main

raise SystemExit(main())
