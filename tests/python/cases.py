# SPDX-License-Identifier: BSD-2-Clause
"""cases.py MODULE [SKIPPED-CASE...]: runs Python's own test module and prints a line "RESULT CASE" when a case has ended.

RESULT is pass, fail or skip; the last line is "end". What the tests print goes to standard error.
A case that takes five minutes ends the run.
"""
import faulthandler
import importlib
import os
import sys
import unittest
from test import support

LIMIT = 300  # seconds


class Result(unittest.TestResult):
    def __init__(self, out):
        super().__init__()
        self.out = out
        self.bad = False

    def say(self, result, test):
        # A class or module that could not be set up is a "case" too.
        self.out.write(f'{result} {test.id()}\n'.encode())

    def startTest(self, test):
        super().startTest(test)
        self.bad = False
        faulthandler.dump_traceback_later(LIMIT, exit=True)
        print('---', test.id(), file=sys.stderr, flush=True)

    def stopTest(self, test):
        faulthandler.cancel_dump_traceback_later()
        super().stopTest(test)

    def addSuccess(self, test):
        self.say('pass', test)

    def addExpectedFailure(self, test, err):
        self.say('pass', test)

    def addUnexpectedSuccess(self, test):
        self.say('fail', test)

    def addSkip(self, test, reason):
        self.say('skip', test)

    def addError(self, test, err):
        super().addError(test, err)
        self.say('fail', test)
        print(self.errors[-1][1], file=sys.stderr, flush=True)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.say('fail', test)
        print(self.failures[-1][1], file=sys.stderr, flush=True)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.addFailure(test, err)


def without(suite, skipped):
    kept = unittest.TestSuite()
    for part in suite:
        if isinstance(part, unittest.TestSuite):
            kept.addTest(without(part, skipped))
        elif part.id() not in skipped:
            kept.addTest(part)
    return kept


def main():
    out = os.fdopen(os.dup(1), 'wb', buffering=0)
    os.dup2(2, 1)
    name, skipped = 'test.' + sys.argv[1], set(sys.argv[2:])
    # Beyond this machine's own addresses nothing can be reached; this one asks for no more.
    support.use_resources = ['network'] if name == 'test.test_socketserver' else []
    support.verbose = False
    module = importlib.import_module(name)
    loader = unittest.defaultTestLoader
    if not hasattr(module, 'load_tests') and hasattr(module, '__path__'):
        suite = loader.discover(os.path.dirname(module.__file__), top_level_dir=os.path.dirname(os.path.dirname(support.__path__[0])))
    else:
        suite = loader.loadTestsFromModule(module)
    without(suite, skipped).run(Result(out))
    out.write(b'end\n')
    sys.stderr.flush()
    os._exit(0)  # threads that a test left behind are its own affair


main()
