"""A client that breaks the rules of channels (RFC 4254), one after the other, each on a connection of its own.

Arguments: port, user, password, folder on this machine, folder on the server, port of a server beyond the target. Whatever the gateway
answers is good, as long as it answers or closes; the caller looks whether it still works.
"""

import struct
import sys

import paramiko
from paramiko.common import cMSG_CHANNEL_CLOSE, cMSG_CHANNEL_DATA, cMSG_CHANNEL_EOF, cMSG_CHANNEL_REQUEST
from paramiko.common import cMSG_CHANNEL_WINDOW_ADJUST

port, user, password = int(sys.argv[1]), sys.argv[2], sys.argv[3]


def message(kind, channel, *parts):
    built = paramiko.Message()
    built.add_byte(kind)
    built.add_int(channel.remote_chanid if channel else 4711)
    for part in parts:
        built.add_int(part) if isinstance(part, int) else built.add_string(part)
    return built


def adjusts_beyond_all_windows(transport, channel):
    for _ in range(4):
        transport._send_message(message(cMSG_CHANNEL_WINDOW_ADJUST, channel, 0xFFFFFFFF))


def sends_beyond_the_window(transport, channel):
    for _ in range(2000):
        transport._send_message(message(cMSG_CHANNEL_DATA, channel, b"x" * 32768))


def sends_beyond_the_packet(transport, channel):
    transport._send_message(message(cMSG_CHANNEL_DATA, channel, b"x" * 200000))


def sends_nothing_many_times(transport, channel):
    for _ in range(20000):
        transport._send_message(message(cMSG_CHANNEL_DATA, channel, b""))


def speaks_on_channels_that_are_not_there(transport, channel):
    transport._send_message(message(cMSG_CHANNEL_DATA, None, b"hello"))
    transport._send_message(message(cMSG_CHANNEL_EOF, None))
    transport._send_message(message(cMSG_CHANNEL_CLOSE, None))


def speaks_after_the_end(transport, channel):
    transport._send_message(message(cMSG_CHANNEL_EOF, channel))
    transport._send_message(message(cMSG_CHANNEL_DATA, channel, b"still here"))
    transport._send_message(message(cMSG_CHANNEL_CLOSE, channel))
    transport._send_message(message(cMSG_CHANNEL_CLOSE, channel))
    transport._send_message(message(cMSG_CHANNEL_DATA, channel, b"and here"))


def asks_what_nobody_knows(transport, channel):
    for number in range(3000):
        built = paramiko.Message()
        built.add_byte(cMSG_CHANNEL_REQUEST)
        built.add_int(channel.remote_chanid)
        built.add_string("no-such-request-%d@example.com" % number)
        built.add_boolean(True)
        built.add_bytes(b"\xff" * 40)
        transport._send_message(built)


def says_a_length_that_is_not_there(transport, channel):
    built = paramiko.Message()
    built.add_byte(cMSG_CHANNEL_DATA)
    built.add_int(channel.remote_chanid)
    built.add_bytes(struct.pack(">I", 0xFFFFFFF0) + b"short")
    transport._send_message(built)


RULES = [
    adjusts_beyond_all_windows,
    sends_beyond_the_window,
    sends_beyond_the_packet,
    sends_nothing_many_times,
    speaks_on_channels_that_are_not_there,
    speaks_after_the_end,
    asks_what_nobody_knows,
    says_a_length_that_is_not_there,
]

for broken in RULES:
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect("127.0.0.1", port, user, password, look_for_keys=False, allow_agent=False)
    transport = client.get_transport()
    channel = transport.open_session()
    channel.settimeout(20)
    # It reads nothing: what is sent to it stays where it is.
    channel.exec_command("exec sleep 60")
    try:
        broken(transport, channel)
        transport.send_ignore(8)
    except (OSError, EOFError, paramiko.SSHException):
        pass  # The gateway has closed.
    client.close()
print("done")
