#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tables of docs/step.md as C. Usage: gen_steps.py docs/step.md"""
import sys


def rows(text, first):
    """The table whose header begins with this, cell by cell."""
    found, inside = [], False
    for line in text.splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if line.startswith("|") and cells[0] == first:
            inside = True
            found.append(cells)
        elif inside and not line.startswith("|"):
            break
        elif inside and not cells[0].startswith("---"):
            found.append(cells)
    return found


def main():
    text = open(sys.argv[1]).read()
    head, *table = rows(text, "stop")
    print("static const struct cell cells[] = {")
    for stop, written, *nexts in table:
        for how, then in zip(head[2:], nexts, strict=True):
            print(f'\t{{ "{stop}", "{written}", "{how}", "{then}" }},')
    print("};\n\nstatic const struct cell walks[] = {")
    for walk, how, stops in rows(text, "walk")[1:]:
        print(f'\t{{ "{walk}", "nothing", "{how}", "{stops}" }},')
    print("};\n\nstatic const struct exception exceptions[] = {")
    for machine, stop, written, how, then, why in rows(text, "machine")[1:]:
        print(f'\t{{ "{machine}", {{ "{stop}", "{written}", "{how}", "{then}" }} }},')
    print("};")


if __name__ == "__main__":
    main()
