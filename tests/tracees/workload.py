# SPDX-License-Identifier: LGPL-2.1-or-later
"""A bit of everything that an interpreter does, the same each time, between a write to -1 and one to -2. With an argument: less of
it, for a machine on which a step takes a millisecond."""
import os
import sys


def mark(fd):
    try:
        os.write(fd, b"")
    except OSError:
        pass


def f(n):
    return n if n < 2 else f(n - 1) + f(n - 2)


class C:
    def __init__(self, v): self.v = v
    def __eq__(self, o): return self.v == o.v
    def __hash__(self): return hash(self.v)
    def __repr__(self): return f"C<{self.v!r:>10}>"
less = len(sys.argv) > 1
mark(-1)
if less:
    print(sum(C(i).v for i in range(3)) + f(3), "%d|%s" % (7, "x"), {str(i): i / 2 for i in range(3)}, [i ** 2 for i in range(3)])
    mark(-2)
    sys.exit()
d = {str(i): i * 1.5 for i in range(20)}
s = sorted(d, key=lambda k: -d[k])
try: s[99]
except IndexError as e: s.append(str(e))
r = (f(8), "".join(s)[::-1].upper(), sum(d.values()), [i ** 3 % 7 for i in range(20)])
g = (x * y for x in range(5) for y in range(3) if x != y)
u = {C(i % 4) for i in range(9)}
b = bytes(range(200)).decode("latin1").encode("utf-8")
big = 3 ** 300 // 7 ** 50, hex(2 ** 200), float("1e-7"), round(2.675, 2), divmod(-7, 3), complex(1, 2) * 3
t = compile("a = [1, 2, {'x': (3,)}]\nfor i in a:\n  print(i) if i == 99 else None\n", "<t>", "exec")
exec(t, {})
m = memoryview(bytearray(b"abc" * 10))[3:9].tobytes()
z = "%s %5d %-8x %r" % ("a", 3, 255, None), "{:,.2f}|{:^9}".format(12345.678, "mid"), " a,b , c ".strip().split(","), b.hex()[:20]
x = [list(map(str, range(5))), list(zip("ab", (1, 2))), any(d), min(s), set("abc") ^ set("bcd"), frozenset(u) & u, list(g)]
mark(-2)
print(hash(str((r, sorted(map(repr, u)), big, m, z, str(x[:4])))) & 0xffffff)
