"""paramiko through the gateway: a command, its status and errors, a shell with a terminal, SFTP both ways, a forward.

Arguments: port, user, password, folder on this machine, folder on the server, port of a server beyond the target.
"""

import hashlib
import os
import sys

import paramiko

port, user, password, here, there, beyond = sys.argv[1:7]
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect("127.0.0.1", int(port), user, password, look_for_keys=False, allow_agent=False)

_, out, err = client.exec_command("echo out; echo err >&2; exit 7")
assert (out.read(), err.read(), out.channel.recv_exit_status()) == (b"out\n", b"err\n", 7)

shell = client.invoke_shell(width=100, height=30)
shell.send(b"stty size; exit 3\n")
seen = b""
while True:
    part = shell.recv(4096)
    if not part:
        break
    seen += part
assert b"30 100" in seen, seen
assert shell.recv_exit_status() == 3

data = os.urandom(8 << 20)
with open(f"{here}/up", "wb") as file:
    file.write(data)
sftp = client.open_sftp()
sftp.put(f"{here}/up", f"{there}/paramiko")
sftp.get(f"{there}/paramiko", f"{here}/down")
with open(f"{here}/down", "rb") as file:
    assert hashlib.sha256(file.read()).digest() == hashlib.sha256(data).digest()
sftp.remove(f"{there}/paramiko")

transport = client.get_transport()
channel = transport.open_channel("direct-tcpip", ("127.0.0.1", int(beyond)), ("127.0.0.1", 0))
assert channel.recv(4) == b"SSH-"
channel.close()

transport.renegotiate_keys()
_, out, _ = client.exec_command("echo again")
assert out.read() == b"again\n"
client.close()
print("done")
