"""`equibook lab` as a user runs it: started by its command in a terminal, asked over HTTP, stopped by Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

TOKEN = "secret"
PATIENCE = 300  # seconds: a machine may have much else to do
OPENER = build_opener(ProxyHandler({}))


class Server:
    """A running JupyterLab, with the line that `equibook lab` printed first."""

    def __init__(self, process, port, log, terminal):
        self.process, self.port, self.log, self.terminal = process, port, log, terminal
        self.said = ""

    def page(self, path, data=None):
        """Return the status and the body of a page; with `data`, put them there first."""
        headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
        body, method = (None, "GET") if data is None else (json.dumps(data).encode(), "PUT")
        request = Request(f"http://127.0.0.1:{self.port}/{path}", body, headers, method=method)
        try:
            with OPENER.open(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, ""

    def notebook(self, name):
        """Return the stored notebook of that name."""
        status, body = self.page(f"api/contents/{name}")
        assert status == 200, (name, status)
        return json.loads(body)["content"]

    def save(self, name, notebook):
        """Save a notebook as JupyterLab does."""
        status, _ = self.page(f"api/contents/{name}", {"type": "notebook", "format": "json", "content": notebook})
        assert status == 200, (name, status)

    def answers(self):
        try:
            return self.page("api/status")[0] == 200
        except OSError:
            return False

    def wait(self):
        """Wait until it answers, and note what was said."""
        end = time.monotonic() + PATIENCE
        while not self.answers():
            told = self.log.read_text(encoding="utf-8")
            assert self.process.poll() is None, f"JupyterLab has ended:\n{told}"
            assert time.monotonic() < end, f"JupyterLab does not answer:\n{told}"
            time.sleep(0.2)
        self.said = self.log.read_text(encoding="utf-8").partition("\n")[0]

    def stop(self):
        """Press Ctrl-C and say yes; return the exit status."""
        self.process.send_signal(signal.SIGINT)
        os.write(self.terminal, b"y\n")
        return self.process.wait(timeout=PATIENCE)


@contextmanager
def running(command, folder, environment, log):
    """Run `equibook lab` in `folder` on a free port, and yield it as soon as it answers; nothing is left running."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    call = [command, "lab", "--no-browser", "--allow-root", f"--port={port}"]
    told = environment | {"JUPYTER_TOKEN": TOKEN}
    terminal, its_end = os.openpty()  # only in a terminal JupyterLab asks before it stops
    try:
        with log.open("wb") as file:
            process = subprocess.Popen(call, cwd=folder, env=told, stdin=its_end, stdout=file, stderr=subprocess.STDOUT)
        with process:
            try:
                server = Server(process, port, log, terminal)
                server.wait()
                yield server
            finally:
                process.kill()
    finally:
        os.close(terminal)
        os.close(its_end)
