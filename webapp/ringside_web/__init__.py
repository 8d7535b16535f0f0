"""The page's own Python: a MicroPython user interface, and a Pyodide worker around the session."""
