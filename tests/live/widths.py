# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs that are built for 64 bits and for 32."""
import os


def runs(folder, narrow):
    """Is it there, and does this kernel run it? Where not, that build's tests are in lane x86-6.1."""
    return os.path.exists(f"{folder}/{narrow}") and not os.environ.get("ONLY_64")


def both(folder, name):
    return [name] + [f"{name}_32"] * runs(folder, f"{name}_32")
