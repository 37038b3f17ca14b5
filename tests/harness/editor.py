"""The Editor's debugger: the Node process of clients/editor.mjs, each method one of its operations."""

import itertools
import json
import queue
import subprocess
import threading
from pathlib import Path

CLIENT = Path(__file__).resolve().parents[1] / "clients" / "editor.mjs"


class EditorProcess:
    """One Node process; each session in it is an Editor of its own."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["node", CLIENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.identities = itertools.count(1)
        self.answers = {}
        self.lock = threading.Lock()
        threading.Thread(target=self.receive, daemon=True).start()

    def receive(self):
        for line in self.process.stdout:
            answer = json.loads(line)
            self.answer_queue(answer["id"]).put(answer)

    def answer_queue(self, identity):
        with self.lock:
            return self.answers.setdefault(identity, queue.Queue())

    def begin(self, **request):
        identity = next(self.identities)
        with self.lock:
            self.process.stdin.write(json.dumps({"id": identity, **request}) + "\n")
            self.process.stdin.flush()
        return identity

    def finish(self, identity, timeout):
        answer = self.answer_queue(identity).get(timeout=timeout)
        if "error" in answer:
            raise ConnectionError(answer["error"])
        return answer["result"]

    def call(self, timeout=15.0, **request):
        return self.finish(self.begin(**request), timeout)

    def connect(self, url, token):
        session = f"session{next(self.identities)}"
        self.greeting = self.call(op="connect", session=session, url=f"{url}/api/debug", token=token)
        assert self.greeting == {"status": "ok"}, self.greeting
        return EditorSession(self, session)

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class EditorSession:
    def __init__(self, editor, session):
        self.editor, self.session = editor, session

    def command(self, text):
        return self.editor.call(op="command", session=self.session, command=text)

    def begin_command(self, text):
        """Sends a command without waiting; `finish` gets its answer."""
        return self.editor.begin(op="command", session=self.session, command=text)

    def finish(self, identity, timeout=15.0):
        return self.editor.finish(identity, timeout)

    def burst(self, commands):
        return self.editor.call(op="burst", session=self.session, commands=commands)

    def poll(self, command, count, timeout=300.0):
        return self.editor.call(op="poll", session=self.session, command=command, count=count, timeout=timeout)

    def reauth(self, token):
        body = {"token": token}
        return self.editor.call(op="emit", session=self.session, event="reauth", reply="reauth_result", body=body)

    def received(self):
        return self.editor.call(op="received", session=self.session)["received"]

    def closed(self):
        return self.editor.call(op="received", session=self.session)["closed"]

    def disconnect(self):
        self.editor.call(op="disconnect", session=self.session)
