"""The debugger's channel with python-socketio, as scripts and orchestrators use it: websocket or long-polling."""

import errno
import queue
import socket
import ssl

import requests
import socketio

NAMESPACE = "/api/debug"


class SharedSocket(ssl.SSLSocket):
    """A TLS socket that one thread reads while another writes, as python-socketio does.

    Python 3.11 asks OpenSSL for the reason of an interrupted read after another thread's write may have changed it,
    and reports the end of a connection that is open still: one in about 2,000 connections was lost so.
    """

    def recv(self, *arguments):
        received = super().recv(*arguments)
        while not received and self.is_open():
            received = super().recv(*arguments)
        return received

    def is_open(self):
        try:
            return socket.socket.recv_into(self, bytearray(1), 1, socket.MSG_PEEK | socket.MSG_DONTWAIT) > 0
        except OSError as error:
            return error.errno == errno.EAGAIN


def context():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.sslsocket_class = SharedSocket
    return context


class PythonClient:
    def __init__(self, url, token, transports):
        self.greetings, self.answers = queue.Queue(), queue.Queue()
        # An environment's certificate bundle would override the verification that is switched off here.
        session = requests.Session()
        session.trust_env = False
        session.verify = False
        self.client = socketio.Client(reconnection=False, ssl_verify=False, http_session=session,
                                      websocket_extra_options={"sslopt": {"context": context()}})
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
