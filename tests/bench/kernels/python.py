# SPDX-License-Identifier: BSD-2-Clause
"""
Small kernels of the kinds that Python programs are made of. Prints "row", the name and the milliseconds of the best of
three rounds. Arguments: the beginnings of names (none: all).
"""
import asyncio
import json
import os
import pickle
import queue
import re
import sqlite3
import sys
import threading
import time

ROUNDS = 3
kernels = []


def kernel(name):
    def add(function):
        kernels.append(("python, " + name, function))
        return function
    return add


@kernel("n-body")
def n_body():
    bodies = [[float(i), 2.0 * i, 0.5 * i, 0.0, 0.1 * i, 0.0, 1.0 + i] for i in range(5)]
    pairs = [(a, b) for i, a in enumerate(bodies) for b in bodies[i + 1:]]
    for _ in range(400):
        for a, b in pairs:
            dx, dy, dz = a[0] - b[0], a[1] - b[1], a[2] - b[2]
            pull = 0.001 / ((dx * dx + dy * dy + dz * dz + 0.01) ** 1.5)
            for i, d in enumerate((dx, dy, dz)):
                a[3 + i] -= d * b[6] * pull
                b[3 + i] += d * a[6] * pull
        for body in bodies:
            for i in range(3):
                body[i] += 0.001 * body[3 + i]


@kernel("fannkuch")
def fannkuch(n=7):
    most = 0

    def permute(head, rest):
        nonlocal most
        if not rest:
            p, flips = list(head), 0
            while p[0]:
                p[:p[0] + 1] = p[p[0]::-1]
                flips += 1
            most = max(most, flips)
        for i, one in enumerate(rest):
            permute(head + (one,), rest[:i] + rest[i + 1:])
    permute((), tuple(range(n)))
    return most


records = [{"id": i, "name": "record %d" % i, "tags": ["a", "b", str(i)], "price": i * 1.25, "on": i % 2 == 0} for i in range(1000)]


@kernel("json")
def json_both_ways():
    for _ in range(4):
        json.loads(json.dumps(records))


@kernel("pickle")
def pickle_both_ways():
    for _ in range(10):
        pickle.loads(pickle.dumps(records))


text = " ".join("user%d@host%d.example key=%d;" % (i, i % 7, i * i) for i in range(2000))


@kernel("regular expressions")
def regular_expressions():
    for pattern in (r"(\w+)@(\w+)\.example", r"key=(\d+);", r"\bhost[3-5]\b", r"(?:user\d*5@).*?;"):
        len(re.findall(pattern, text))
    re.sub(r"\d+", lambda m: m.group()[::-1], text)


class Node:
    __slots__ = ("inputs", "value", "dirty")

    def __init__(self, inputs):
        self.inputs = inputs
        self.value = 1
        self.dirty = True

    def compute(self):
        return sum(i.get() for i in self.inputs) % 1000 if self.inputs else 1


class Doubled(Node):
    def compute(self):
        return super().compute() * 2 % 1000


class Memo(Node):
    __slots__ = ()

    def get(self):
        if self.dirty:
            self.value = self.compute()
            self.dirty = False
        return self.value


class DoubledMemo(Doubled, Memo):
    pass


@kernel("objects")
def objects():
    nodes = [Memo([]) for _ in range(3)]
    for i in range(2000):
        nodes.append((Memo if i % 2 else DoubledMemo)(nodes[-3:]))
    for _ in range(5):
        for node in nodes:
            node.dirty = True
        nodes[500].get(), nodes[1200].get(), nodes[-1].get()


@kernel("strings")
def strings():
    for _ in range(10):
        words = [str(i) + "-" + hex(i) for i in range(3000)]
        joined = ",".join(words).upper().replace("X", "y")
        len(joined.split(",")), joined.encode().decode(), sorted(words, key=str.swapcase)[0]


@kernel("lists and dicts")
def lists_and_dicts():
    for _ in range(5):
        table = {i: [i] * 8 for i in range(10000)}
        for i in range(0, 10000, 2):
            del table[i]
        kept = [tuple(v) for v in table.values()]
        kept.sort(reverse=True)


@kernel("allocation of buffers")
def buffers():
    held = []
    for i in range(200):
        held.append(bytearray(100000 + 1000 * (i % 50)))
        if len(held) > 20:
            held.pop(0)


@kernel("files")
def files():
    name = "/dev/shm/aril-bench-python"
    for i in range(60):
        with open(name, "w") as f:
            for line in range(100):
                f.write("line %d of round %d\n" % (line, i))
        with open(name) as f:
            assert sum(1 for _ in f) == 100
        os.stat(name)
        os.rename(name, name + ".new")
        os.unlink(name + ".new")


@kernel("threads and queues")
def threads_and_queues():
    to, fro = queue.Queue(), queue.Queue()

    def echo():
        while (item := to.get()) is not None:
            fro.put(item)
    thread = threading.Thread(target=echo)
    thread.start()
    for i in range(300):
        to.put(i)
        fro.get()
    to.put(None)
    thread.join()


@kernel("asyncio")
def asyncio_tasks():
    async def step(turns):
        for _ in range(turns):
            await asyncio.sleep(0)

    async def main():
        await asyncio.gather(*(step(50) for _ in range(20)))
        for _ in range(50):
            await asyncio.get_running_loop().run_in_executor(None, int)
    asyncio.run(main())


@kernel("sqlite in memory")
def sqlite_in_memory():
    base = sqlite3.connect(":memory:")
    base.execute("create table t(id integer primary key, name text, value real)")
    base.executemany("insert into t values(?, ?, ?)", ((i, "name %d" % (i * 7919 % 5000), i * 0.5) for i in range(5000)))
    base.execute("create index by_name on t(name)")
    for i in range(300):
        base.execute("select value from t where name = ?", ("name %d" % i,)).fetchone()
    base.execute("select count(*), avg(value) from t where name like '%9%'").fetchall()
    base.close()


def main():
    wanted = sys.argv[1:]
    for name, function in kernels:
        if wanted and not any(name.startswith(w) for w in wanted):
            continue
        best = None
        for _ in range(ROUNDS):
            start = time.perf_counter()
            function()
            took = time.perf_counter() - start
            best = took if best is None else min(best, took)
        print("row\t%s, ms\t%.4g" % (name, best * 1000), flush=True)


main()
