"""Whether LightGBM can be used here: it is in the extra `bench`, and needs the system's libgomp."""

import importlib
from typing import Final

LAST_WORDS: Final = 80


def lightgbm_lacks() -> str:
    """Return what LightGBM lacks to run here; nothing where it runs."""
    try:
        importlib.import_module("lightgbm")
    except ImportError:
        return "not installed; it is in the extra `bench`"
    except OSError as error:
        return f"cannot be loaded: {str(error)[:LAST_WORDS]}"
    return ""
