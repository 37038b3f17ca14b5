"""The debugger's channel with python-socketio, as scripts and orchestrators use it: websocket or long-polling."""

import queue

import requests
import socketio

NAMESPACE = "/api/debug"


class PythonClient:
    def __init__(self, url, token, transports):
        self.greetings, self.answers = queue.Queue(), queue.Queue()
        # An environment's certificate bundle would override the verification that is switched off here.
        session = requests.Session()
        session.trust_env = False
        session.verify = False
        self.client = socketio.Client(reconnection=False, ssl_verify=False, http_session=session)
        self.client.on("connected", self.greetings.put, namespace=NAMESPACE)
        self.client.on("debug_response", self.answers.put, namespace=NAMESPACE)
        self.client.connect(url, auth={"token": token}, namespaces=[NAMESPACE], transports=transports, wait_timeout=5)
        assert self.greetings.get(timeout=5) == {"status": "ok"}

    def command(self, text):
        self.send(text)
        return self.answers.get(timeout=5)

    def send(self, text):
        self.client.emit("debug_command", {"command": text}, namespace=NAMESPACE)

    def disconnect(self):
        self.client.disconnect()
