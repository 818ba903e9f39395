"""typist.py COMMAND…: plays a script, from standard input, with a program on a pseudo-terminal.

    see TEXT     waits until the program shows it, after what was seen before; fails if it never does
    type KEYS    types; \\t is the tab key, \\r the return key
    end          waits until the program ends by itself, and ends with its exit code

Standard output is all that was shown, without what moves the cursor and colours the text. The exit code is 100 if a
text was not seen, or the end did not come. Without `end` the terminal hangs up, and the exit code is 0.
"""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

SEEN_SECONDS_MAX = 60
UNSEEN = 100
ROWS = 50
# CSI and OSC sequences, other escapes, and controls but for line ends.
CONTROLS = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]|\x1b.|[\x00-\x08\x0b-\x1f\x7f]"
)
# What fish asks of its terminal before it listens: what it can (primary device attributes, ECMA-48's DA).
QUESTION, ANSWER = re.compile(rb"\x1b\[0?c"), b"\x1b[?62c"


class Session:
    """A program on a terminal of its own."""

    def __init__(self, command, columns):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
            os.execvp(command[0], command)
        self.shown, self.seen = b"", 0

    def read(self, seconds):
        """Takes what comes within this time; false if nothing came, or never will."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            part = os.read(self.master, 65536)
        except OSError:
            return False
        if QUESTION.search(part):
            os.write(self.master, ANSWER)
        self.shown += part
        return bool(part)

    def text(self):
        return CONTROLS.sub(b"", self.shown).decode("utf-8", "replace")

    def see(self, wanted):
        deadline = time.monotonic() + SEEN_SECONDS_MAX
        while (at := self.text().find(wanted, self.seen)) < 0:
            if not self.read(deadline - time.monotonic()):
                return False
        self.seen = at + len(wanted)
        return True

    def type(self, keys):
        os.write(self.master, codecs.decode(keys, "unicode_escape").encode("latin-1"))

    def end(self):
        """The exit code of a program that ends by itself."""
        deadline = time.monotonic() + SEEN_SECONDS_MAX
        while self.read(deadline - time.monotonic()):
            pass
        pid, status = os.waitpid(self.pid, 0 if time.monotonic() < deadline else os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else UNSEEN

    def hang_up(self):
        os.kill(self.pid, signal.SIGHUP)
        os.close(self.master)
        os.waitpid(self.pid, 0)


def play(session, script):
    """The exit code, and what was not seen."""
    for line in script.splitlines():
        verb, _, rest = line.partition(" ")
        if verb == "end":
            return session.end(), ""
        if verb == "type":
            session.type(rest)
        elif not session.see(rest):
            return UNSEEN, f"\nnever shown: {rest!r}"
    session.hang_up()
    return 0, ""


def main():
    session = Session(sys.argv[1:], int(os.environ.get("COLUMNS", "100")))
    code, fault = play(session, sys.stdin.read())
    print(session.text() + fault)
    # A program that was killed ends with the number of the signal, below 0.
    sys.exit(code & 0xFF)


main()
